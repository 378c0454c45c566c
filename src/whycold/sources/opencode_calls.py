"""Turns of opencode sessions to calls: the prompt as far as it is recorded, usage, origin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from whycold.core.call import Call, Reply, Usage
from whycold.core.content import JsonMap, as_map, as_text, digest
from whycold.core.prompt import Links, Prompt, Section, Setting
from whycold.core.rules import CacheRules
from whycold.providers.base import Dialect
from whycold.providers.counts import as_count, total
from whycold.providers.registry import DIALECTS, guess
from whycold.sources.claude_code_calls import project_of
from whycold.sources.opencode_prompts import Turn
from whycold.sources.opencode_storage import Session

__all__ = ["CallWriter", "Reported"]

_UNSEEN = frozenset({Section.settings, Section.tools, Section.system})
_NAMES: Mapping[str, str] = {
    "alibaba": "qwen",
    "alibaba-cn": "qwen",
    "amazon-bedrock": "bedrock",
    "google": "gemini",
    "google-vertex": "vertex",
    "google-vertex-anthropic": "vertex-anthropic",
    "llama": "llama.cpp",
    "minimax-cn": "minimax",
    "moonshotai": "moonshot",
    "moonshotai-cn": "moonshot",
    "zai-coding-plan": "zai",
    "zhipuai": "zai",
    "zhipuai-coding-plan": "zai",
}
"""Providers whose names in opencode (models.dev) are others than here."""
_CHAT = "openai.chat"
"""The format of providers that users add."""
_WIRES: Mapping[str, str] = {"openai": "openai.responses", "azure": "openai.responses"}
"""Formats that opencode speaks with providers that have more than one."""


class _Provider(NamedTuple):
    dialect: Dialect
    wire: str
    named: bool


class Reported:
    """Which providers have been seen to report reads and writes, in the sessions read so far."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()


class CallWriter:
    """Makes calls of the turns of one session."""

    def __init__(self, session: Session, reported: Reported) -> None:
        self._session, self._reported = session, reported
        self._project = project_of(session.folder)
        self._last: Prompt | None = None
        self._follows: str | None = None

    def call(self, turn: Turn) -> Call:
        """The call of a turn that has a time."""
        assert turn.at is not None
        info, session = turn.info, self._session
        name, model = as_text(info.get("providerID")), as_text(info.get("modelID"))
        provider = _provider(name, model)
        rules = provider.dialect.rules(provider.wire, model)
        kind = as_text(info.get("agent")) or as_text(info.get("mode"))
        aside = session.parent is not None or turn.prompt is None
        id, prompt = digest(b"opencode", _identity(turn)).hex(), self._prompt(turn, model)
        if prompt.blocks:
            self._follows = id
        return Call(
            id=id,
            at=datetime.fromtimestamp(turn.at / 1000, UTC),
            provider=provider.dialect.name,
            api=provider.wire,
            model=model,
            prompt=prompt,
            reply=Reply(
                model=model,
                usage=self._usage(turn.tokens, rules if provider.named else None, name or ""),
                blocks=tuple(turn.reply),
                stop=turn.stop,
            ),
            project=self._project,
            session=session.id,
            agent=(kind or "subagent") if aside else None,
            release=f"opencode {session.version}" if session.version else None,
        )

    def _prompt(self, turn: Turn, model: str | None) -> Prompt:
        hidden = _UNSEEN if turn.prompt is not None else _UNSEEN | {Section.messages}
        prompt = Prompt(
            turn.prompt or (),
            settings=(Setting("model", model),) if model is not None else (),
            links=Links(follows=self._follows, begins=turn.first and turn.prompt is not None),
            unseen=hidden,
        )
        if turn.prompt is not None:
            if self._last is not None:
                prompt.going_on(self._last)
            self._last = prompt
        return prompt

    def _usage(self, tokens: JsonMap, rules: CacheRules | None, provider: str) -> Usage:
        """The counts. opencode writes 0 where a provider reports nothing, so a 0 counts where the
        provider is known to report, or has been seen to; only zeros are no report.
        """
        cache = as_map(tokens.get("cache")) or {}
        read, written = as_count(cache.get("read")), as_count(cache.get("write"))
        rest, output = as_count(tokens.get("input")), _output(tokens)
        if not any((read, written, rest, output)):
            return Usage()
        counted = total(rest, read, written) if rest is not None else None
        if _is_reported(
            read, rules.reports_read if rules else None, self._reported.reads, provider
        ):
            uncached = rest
        else:
            read = uncached = None
        if not _is_reported(
            written, rules.reports_write if rules else None, self._reported.writes, provider
        ):
            written = None
        return Usage(
            input=counted,
            cache_read=read,
            cache_write=written,
            uncached=uncached,
            output=output,
        )


def _is_reported(count: int | None, reports: bool | None, seen: set[str], provider: str) -> bool:
    if count:
        seen.add(provider)
    return count is not None and (count > 0 or reports is True or provider in seen)


def _output(tokens: JsonMap) -> int | None:
    """What was generated, reasoning too, which later versions count apart; their sum tells which
    it is.
    """
    cache = as_map(tokens.get("cache")) or {}
    said, thought = as_count(tokens.get("output")), as_count(tokens.get("reasoning"))
    whole = as_count(tokens.get("total"))
    if not thought or said is None or whole is None:
        return said
    rest = (tokens.get("input"), cache.get("read"), cache.get("write"))
    apart = sum(as_count(part) or 0 for part in rest) + said + thought == whole
    return said + thought if apart else said


def _identity(turn: Turn) -> bytes:
    """What names a call in every copy of its message: a fork has other ids and the same times."""
    info = turn.info
    named = (info.get("time"), info.get("providerID"), info.get("modelID"), info.get("tokens"))
    return json.dumps((named, turn.number), sort_keys=True).encode("ascii")


@lru_cache(maxsize=256)
def _provider(name: str | None, model: str | None) -> _Provider:
    """Who answered: by opencode's name for it, which users may choose, else by the model."""
    known = DIALECTS.get(_NAMES.get(name or "", name or ""))
    named = known is not None
    dialect = known or guess({"model": model, "messages": []})[1]
    wire = _WIRES.get(dialect.name, dialect.wires[0]) if named else _CHAT
    return _Provider(dialect, wire if wire in dialect.wires else dialect.wires[0], named)
