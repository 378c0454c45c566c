"""Which response belongs to which request, where Claude Code did not write that down.

A later request of the conversation shows it: its messages begin with those of the request, go on
with the response, and it may name the response's id. What no later request shows is told apart by
time, and only where a single request can be meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from whycold.core.content import Json, JsonMap, as_list, as_map, as_text, encode
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.sources.claude_code_bodies_calls import session_of
from whycold.sources.files import FoundFile
from whycold.sources.recorded_files import Told, read_whole

__all__ = ["paired"]

_PREVIOUS = re.compile(rb"cc_prev_req=(req_\w+)")
_MARK = "cache_control"
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})

Pair = tuple[FoundFile | None, FoundFile | None]


@dataclass(slots=True, eq=False)
class _Request:
    """A request: the ``chain`` names its messages up to each, ``answers`` what the model said in
    them, by place; ``previous`` is the id of the response before it.
    """

    file: FoundFile
    session: str | None
    chain: Sequence[int]
    answers: dict[int, int]
    previous: str | None


@dataclass(slots=True, eq=False)
class _Response:
    file: FoundFile
    said: int


def paired(requests: Iterable[FoundFile], responses: Iterable[FoundFile]) -> list[Pair]:
    """Every request and every response, together where they belong together, by time. Those that
    cannot be read are left alone.
    """
    asked = [read for file in requests if (read := _request(file)) is not None]
    came = {file.path.name: read for file in responses if (read := _response(file)) is not None}
    found: dict[int, _Response] = {}
    for request, response in _shown(asked, came):
        if id(request) not in found:
            found[id(request)] = response
    _by_time(asked, came, found)
    taken = {id(response) for response in found.values()}
    pairs: list[Pair] = [
        (request.file, found[id(request)].file if id(request) in found else None)
        for request in asked
    ]
    pairs += [(None, response.file) for response in came.values() if id(response) not in taken]
    return sorted(pairs, key=lambda pair: min(f.mtime for f in pair if f is not None))


def _shown(
    asked: Sequence[_Request], came: dict[str, _Response]
) -> Iterator[tuple[_Request, _Response]]:
    """Pairs that a later request shows."""
    by_chain: defaultdict[tuple[str | None, int], list[_Request]] = defaultdict(list)
    by_said: defaultdict[int, list[_Response]] = defaultdict(list)
    for request in asked:
        by_chain[request.session, request.chain[-1]].append(request)
    for response in came.values():
        by_said[response.said].append(response)
    taken: set[int] = set()
    for later in asked:
        for place, said in later.answers.items():
            if not place:
                continue
            earlier = by_chain.get((later.session, later.chain[place - 1]), ())
            named = came.get(f"{later.previous}.response.json")
            likely = [r for r in by_said.get(said, ()) if id(r) not in taken]
            if named is not None and named in likely and place == max(later.answers):
                likely = [named]
            for request in earlier:
                after = [r for r in likely if r.file.mtime >= request.file.mtime]
                if len(earlier) == 1 and after:
                    response = min(after, key=lambda r: r.file.mtime)
                    taken.add(id(response))
                    yield request, response
                    break


def _by_time(
    asked: Sequence[_Request], came: dict[str, _Response], found: dict[int, _Response]
) -> None:
    """Pairs that time shows: when the response came, one request alone was waiting."""
    taken = {id(response) for response in found.values()}
    for response in sorted(came.values(), key=lambda r: r.file.mtime):
        if id(response) in taken:
            continue
        waiting = [
            request
            for request in asked
            if request.file.mtime <= response.file.mtime
            and (id(request) not in found or found[id(request)].file.mtime > response.file.mtime)
        ]
        free = [request for request in waiting if id(request) not in found]
        if len(waiting) == 1 and len(free) == 1:
            found[id(free[0])] = response


def _whole(file: FoundFile) -> tuple[bytes, JsonMap] | None:
    try:
        raw = read_whole(file, Told(file, []))
        return (raw, decode_map(raw)) if raw is not None else None
    except UserError:
        return None


def _request(file: FoundFile) -> _Request | None:
    read = _whole(file)
    if read is None:
        return None
    raw, body = read
    chain, answers, link = list[int](), dict[int, int](), 0
    for place, item in enumerate(as_list(body.get("messages")) or ()):
        message = as_map(item) or {}
        said = _said(message.get("content"))
        link = hash((link, message.get("role") == "assistant", said))
        chain.append(link)
        if message.get("role") == "assistant":
            answers[place] = said
    previous = _PREVIOUS.search(raw)
    return _Request(
        file,
        session_of(body),
        chain or [0],
        answers,
        previous[1].decode("ascii") if previous is not None else None,
    )


def _response(file: FoundFile) -> _Response | None:
    read = _whole(file)
    if read is None:
        return None
    return _Response(file, _said(read[1].get("content")))


def _said(content: Json) -> int:
    """Names what a message says, however it is written: by texts, and by ids of tools' calls. What
    is taken out of thoughts differs, and where markers stand.
    """
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return hash(tuple(_named(as_map(item) or {}) for item in as_list(blocks) or ()))


def _named(block: JsonMap) -> bytes:
    kind = as_text(block.get("type"))
    if kind in _THOUGHTS:
        return b""
    name = block.get("text") if kind == "text" else block.get("id") or block.get("tool_use_id")
    if isinstance(name, str):
        return f"{kind} {name}".encode("utf-8", "surrogatepass")
    return encode({k: v for k, v in block.items() if k != _MARK}, sort_keys=True)
