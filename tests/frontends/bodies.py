"""Valid requests and responses of every API, and what can be made of them."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parents[1] / "providers" / "corpus"
APIS = ("anthropic", "openai", "openai-responses", "gemini", "bedrock")
WRONG: tuple[Any, ...] = (None, 5, "x", [], {}, [[]], True)

Steps = tuple[str | int, ...]


def requests(api: str) -> list[Any]:
    """The requests of one API in the corpus."""
    return [json.loads(path.read_bytes()) for path in sorted(CORPUS.glob(f"{api}/*/request.json"))]


def responses(api: str) -> list[tuple[Any, Any]]:
    """Requests with their responses."""
    return [
        (json.loads((path.parent / "request.json").read_bytes()), json.loads(path.read_bytes()))
        for path in sorted(CORPUS.glob(f"{api}/*/response.json"))
    ]


def streams(api: str) -> list[tuple[Any, bytes]]:
    """Requests with their streamed responses."""
    return [
        (json.loads((path.parent / "request.json").read_bytes()), path.read_bytes())
        for path in sorted(CORPUS.glob(f"{api}/*/stream.*"))
    ]


def places(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """The way to every value in a body, the body itself first."""
    yield steps
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*steps, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from places(item, (*steps, at))


def fields(bodies: list[Any]) -> list[tuple[Any, Steps]]:
    """Each known field once, however many bodies and list items hold it."""
    seen: dict[tuple[Any, ...], tuple[Any, Steps]] = {}
    for body in bodies:
        for steps in places(body):
            name = tuple("*" if isinstance(step, int) else step for step in steps)
            seen.setdefault(name, (body, steps))
    return list(seen.values())


def replaced(body: Any, steps: Steps, value: Any) -> Any:
    """The body with another value at one place."""
    if not steps:
        return value
    out = copy.copy(body)
    out[steps[0]] = replaced(body[steps[0]], steps[1:], value)
    return out


def at(body: Any, steps: Steps) -> Any:
    """The value at a place."""
    for step in steps:
        body = body[step]
    return body


def mangled(chance: random.Random, body: Any, strange: Any, times: int) -> Any:
    """A body after a few random changes: values swapped, dropped, doubled, renamed, replaced by
    ``strange``.
    """
    body, strange = copy.deepcopy(body), copy.deepcopy(strange)
    for _ in range(times):
        steps = chance.choice(list(places(body))[1:] or [()])
        if not steps:
            return strange
        parent, step = at(body, steps[:-1]), steps[-1]
        other = copy.deepcopy(at(body, chance.choice(list(places(body)))))
        match chance.randrange(6):
            case 0:
                parent[step] = other
            case 1:
                del parent[step]
            case 2 if isinstance(parent, list):
                parent.insert(chance.randint(0, len(parent)), other)
            case 3 if isinstance(parent, dict):
                parent[chance.choice([str(step).upper(), "type", "content", "text", "id"])] = other
            case 4 if isinstance(parent, dict):
                items = list(parent.items())
                chance.shuffle(items)
                parent.clear()
                parent.update(items)
            case _:
                parent[step] = copy.deepcopy(strange)
    return body
