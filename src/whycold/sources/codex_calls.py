"""Turns of Codex threads to calls: the prompt as far as it is recorded, usage, origin."""

from __future__ import annotations

from functools import lru_cache

from whycold.core.call import Call, Reply, Usage
from whycold.core.content import digest
from whycold.core.prompt import Block, Links, Prompt, Section, Setting
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS, guess
from whycold.sources.claude_code_calls import project_of
from whycold.sources.codex_records import Meta
from whycold.sources.codex_threads import Counts, Turn

__all__ = ["CallWriter"]

_API = "openai.responses"
_UNSEEN = frozenset({Section.settings, Section.tools, Section.system})
_OPENAI = ("gpt-", "codex-", "o1", "o3", "o4")
"""Beginnings of names of models whose API always reports what was read."""


class CallWriter:
    """Makes calls of the turns of one thread."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._project = project_of(meta.cwd)
        self._reads = self._writes = False
        self._last: Prompt | None = None

    def call(self, turn: Turn, provider: str | None) -> Call:
        """The call of a turn that has a time; ``provider`` is Codex's name for who answered."""
        assert turn.at is not None
        meta, dialect = self._meta, _dialect_of(provider, turn.model)
        turn.id = digest(b"codex", *map(_bytes, _identity(turn, meta))).hex()
        return Call(
            id=turn.id,
            at=turn.at,
            provider=dialect.name,
            api=_API,
            model=turn.model,
            prompt=self._prompt(turn),
            reply=Reply(
                message_id=turn.response_id,
                model=turn.model,
                usage=self._usage(turn.counts, _reports(provider, turn.model)),
                blocks=_said(turn),
            ),
            project=self._project,
            session=meta.id,
            agent=meta.agent,
            release=meta.release,
        )

    def _prompt(self, turn: Turn) -> Prompt:
        names = ("model", turn.model), ("reasoning.effort", turn.effort)
        prompt = Prompt(
            tuple(turn.prompt),
            settings=tuple(Setting(name, value) for name, value in names if value is not None),
            links=Links(follows=_follows(turn), begins=turn.first and not turn.gap),
            unseen=_UNSEEN | {Section.messages} if turn.gap else _UNSEEN,
            opaque=turn.opaque,
        )
        if self._last is not None:
            prompt.going_on(self._last)
        self._last = prompt
        return prompt

    def _usage(self, counts: Counts, reports: bool) -> Usage:
        """The counts. Codex writes 0 where a provider reports nothing, so a 0 counts where the
        provider is known to report, or has been seen to.
        """
        self._reads = self._reads or reports or bool(counts.read)
        self._writes = self._writes or bool(counts.written)
        read = counts.read if self._reads else None
        written = counts.written if self._writes else None
        uncached = None
        if counts.input is not None and read is not None:
            rest = counts.input - read - (written or 0)
            uncached = rest if rest >= 0 else None
        return Usage(
            input=counts.input,
            cache_read=read,
            cache_write=written,
            uncached=uncached,
            output=counts.output,
        )


def _follows(turn: Turn) -> str | None:
    """The response before a request; versions without ids of responses have that of its call."""
    return (turn.before.response_id or turn.before.id) if turn.before is not None else None


def _said(turn: Turn) -> tuple[Block, ...]:
    return tuple(
        block.at(f"output[{i}]", -1, opens=block.opens) for i, block in enumerate(turn.reply)
    )


def _identity(turn: Turn, meta: Meta) -> tuple[str, ...]:
    """What names a call whenever its file is read."""
    if turn.response_id is not None:
        return (meta.id or "", turn.response_id)
    return (meta.id or "", repr(turn.sum and tuple(turn.sum)), repr(tuple(turn.counts)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _reports(provider: str | None, model: str | None) -> bool:
    """Whether who answered is known to always report what was read."""
    return provider == "openai" or (model or "").startswith(_OPENAI)


@lru_cache(maxsize=256)
def _dialect_of(provider: str | None, model: str | None) -> Dialect:
    """Who answered: by Codex's name for it, which users may choose, else by the model."""
    for name, known in DIALECTS.items():
        if provider is not None and provider.lower() == name and _API in known.wires:
            return known
    return guess({"model": model, "input": "", "instructions": ""})[1]
