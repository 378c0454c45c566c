"""Two requests in a row on an empty engine, and everything that is known about them afterwards."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from tests.llama.bodies import Body
from tests.llama.edits import Edit
from tests.llama.engine.answer import Api, Counts, counts, reply
from tests.llama.engine.server import Engine, EngineFailed, Exchange

__all__ = ["Pair", "run_pair"]

_TURN = "<|im_start|>"


@dataclass(frozen=True)
class Pair:
    """Both requests, first and second: what was sent, what came back, and the engine's own counts.

    - ``prompts``: both as the chat template rendered them; ``generated``: what the first was
      answered, untrimmed
    - ``sizes``: tokens of both rendered prompts; ``held``: tokens in the engine's cache when the
      second came
    - ``shared``: tokens, from the start, that what was held has in common with the second prompt
    """

    edit: Edit
    api: Api
    bodies: tuple[Body, Body]
    answers: tuple[Exchange, Exchange]
    counts: tuple[Counts, Counts]
    prompts: tuple[str, str]
    generated: str
    sizes: tuple[int, int]
    held: int
    shared: int

    @property
    def cached(self) -> int:
        """The engine's own report: tokens of the second prompt that it took from its cache."""
        return self.counts[1].cached

    @property
    def reusable(self) -> int:
        """What the cache can give at most; the last token of any prompt is computed anew."""
        return min(self.shared, self.sizes[1] - 1)

    @property
    def parted(self) -> bool:
        """Whether the second prompt leaves what the engine held, before either ends."""
        return self.shared < min(self.held, self.sizes[1])

    @property
    def where(self) -> str:
        """Where the rendered prompts part: ``tools[NAME]``, ``system``, ``messages[N]``, ``none``.

        N counts turns as the neutral prompt does.
        """
        if not self.parted:
            return "none"
        known = self.prompts[0] + self.generated
        return _place(self.prompts[1], _in_common(known, self.prompts[1]))


def run_pair(engine: Engine, edit: Edit, api: Api, *, stream: bool = False) -> Pair:
    """Empty the engine, then send both requests of the edit over this API, streamed or not."""
    engine.fresh()
    first_body = _asking(edit.first(api), api, stream)
    first = _answered(engine, api, first_body)
    first_prompt, generated = engine.rendered()
    second_body = _asking(edit.second(api, reply(api, first)), api, stream)
    second = _answered(engine, api, second_body)
    second_prompt, _ = engine.rendered()
    # The last token of a reply is sampled and never computed on, so it is not held.
    held = engine.tokens(first_prompt + generated)[:-1]
    wanted = engine.tokens(second_prompt)
    return Pair(
        edit,
        api,
        (first_body, second_body),
        (first, second),
        (counts(api, first), counts(api, second)),
        (first_prompt, second_prompt),
        generated,
        (len(engine.tokens(first_prompt)), len(wanted)),
        len(held),
        _in_common(held, wanted),
    )


def _asking(body: Body, api: Api, stream: bool) -> Body:
    if not stream:
        return body
    # Without this option a chat stream has no usage.
    usage = {"stream_options": {"include_usage": True}} if api is Api.chat else {}
    return body | {"stream": True} | usage


def _answered(engine: Engine, api: Api, body: Body) -> Exchange:
    answer = engine.post(api.value, body)
    if answer.status != 200:
        raise EngineFailed(f"{api.value} gave {answer.status}: {answer.body.decode()[:300]}")
    return answer


def _in_common(one: Sequence[object], other: Sequence[object]) -> int:
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _place(prompt: str, offset: int) -> str:
    """The block of a rendered prompt in which a character stands."""
    heads = [turn.partition("\n")[0] for turn in prompt.split(_TURN)[1:]]
    turn = prompt.count(_TURN, 0, offset + 1) - 1
    match heads[turn]:
        case "tools":
            line = prompt[prompt.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
            return f"tools[{json.loads(line)['function']['name']}]"
        case "system":
            return "system"
        case _:
            return f"messages[{turn - heads.index('system') - 1}]"
