"""The attribution header that Claude Code puts in front of the system prompt, and its version."""

from __future__ import annotations

from dataclasses import replace

from whycold.causes.examples import TASK, agent, asks, said, system_pair, text
from whycold.causes.texts.attribution import header
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import sides
from whycold.causes.texts.words import quote, value_at, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.volatile import Volatile

__all__ = ["CAUSES"]

_ENGINE = "sglang"


def _header(version: str, cch: str) -> JsonMap:
    fields = f"cc_version={version}; cc_entrypoint=cli; cch={cch};"
    return text(f"x-anthropic-billing-header: {fields}")


def _pair(
    name: str, before: JsonMap, after: JsonMap, *, first: str = TASK, release: str = "2.1.101"
) -> Example:
    """Two requests of Claude Code to an engine that takes the header for text."""
    role = text("You are Claude Code, Anthropic's official CLI for Claude.", mark=True)
    return Example(
        name,
        agent(system=[before, role]),
        agent(said("Both pass now."), asks("Good."), system=[after, role], first=first),
        provider=_ENGINE,
        call={"release": release},
    )


class AttributionHeader(TextCause):
    """Row 1: ``cch`` changes with every request."""

    code = "attribution-header"
    reason = Reason.system_changed
    title = "Claude Code's attribution header changes with every request"
    what = (
        "Claude Code begins the system prompt with a line x-anthropic-billing-header whose cch "
        "value is new in every request. Anthropic's own API takes the line out; every other server "
        "and engine reads it as prompt, so nothing behind it can be reused."
    )
    advice = (
        "Set CLAUDE_CODE_ATTRIBUTION_HEADER to 0 under env in ~/.claude/settings.json, or update "
        "Claude Code to 2.1.181 or later, which keeps the line the same within a conversation."
    )
    rows = (1,)
    examples = (
        _pair("cch is new", _header("2.1.101.e51", "a5145"), _header("2.1.101.e51", "07bd2")),
        Example(
            "the header was not there before",
            agent(system=[text("You are Claude Code.", mark=True)]),
            agent(
                system=[_header("2.1.101.e51", "07bd2"), text("You are Claude Code.", mark=True)]
            ),
            provider=_ENGINE,
        ),
    )
    near_misses = (
        replace(
            _pair(
                "Anthropic takes it out", _header("2.1.101.e51", "a5"), _header("2.1.101.e51", "b6")
            ),
            provider="anthropic",
        ),
        _pair(
            "the client is newer",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.102.e51", "07"),
            release="2.1.102",
        ),
        system_pair("a time", "It is 09:00:12 now.", "It is 09:03:55 now."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Added, taken out, or with other values."""
        if d.change is Change.added:
            return Evidence("an attribution header now stands in front of the system prompt")
        if d.change is Change.removed:
            return Evidence("the attribution header is no longer in front of the system prompt")
        return Evidence(
            "the attribution header in front of the system prompt has another cch value"
        )


class AttributionSuffix(TextCause):
    """Row 2: the suffix of ``cc_version`` comes from the first user message."""

    code = "attribution-suffix"
    reason = Reason.system_changed
    title = "Each conversation and subagent has an attribution header of its own"
    what = (
        "The letters behind the version in Claude Code's attribution header are made from the "
        "first user message. Another conversation or subagent has other letters, so it cannot "
        "reuse the tools and system prompt that an earlier one left in the cache."
    )
    advice = (
        "Set CLAUDE_CODE_ATTRIBUTION_HEADER to 0 under env in ~/.claude/settings.json, or let the "
        "gateway take the line out before the request reaches the engine."
    )
    rows = (2,)
    examples = (
        _pair(
            "another conversation",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.101.9c2", "a5145"),
            first="Write the release notes for the next version, please.",
        ),
        _pair(
            "a subagent",
            _header("2.1.181.e51", "00000"),
            _header("2.1.181.77d", "31ab7"),
            first="Search the repository for callers of total().",
        ),
    )
    near_misses = (
        _pair("only cch", _header("2.1.101.e51", "a5145"), _header("2.1.101.e51", "07bd2")),
        _pair(
            "the first message is the same, so the letters are made up",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.101.9c2", "07bd2"),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The two suffixes."""
        texts = sides(d)
        old, new = header(texts.old), header(texts.new)
        letters = [(found.suffix or "") if found else "" for found in (old, new)]
        return Evidence(
            f"the attribution header carries the letters of another conversation, "
            f"{quote(letters[1])} instead of {quote(letters[0])}"
        )


class AttributionRelayed(TextCause):
    """Row 3: something between client and engine makes the header up."""

    code = "attribution-relayed"
    reason = Reason.system_changed
    title = "A relay makes up the attribution header"
    what = (
        "The version in the attribution header changes although the client and its first message "
        "are the same: a gateway or relay on the way writes a header of its own into each request."
    )
    advice = (
        "Find the gateway between the client and this server and switch its header or client "
        "imitation off, or let it send one fixed line."
    )
    rows = (3,)
    examples = (
        _pair(
            "letters are made up", _header("2.1.101.e51", "a5145"), _header("2.1.101.9c2", "07bd2")
        ),
        _pair(
            "an older version follows a newer one",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.38.e51", "07bd2"),
        ),
    )
    near_misses = (
        _pair("only cch", _header("2.1.101.e51", "a5145"), _header("2.1.101.e51", "07bd2")),
        _pair(
            "the client is newer",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.102.e51", "07"),
            release="2.1.102",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """The versions, when they differ."""
        texts = sides(d)
        old, new = header(texts.old), header(texts.new)
        if old is not None and new is not None and old.release != new.release:
            return Evidence(
                f"the attribution header says version {new.release} after {old.release}, which the "
                "client itself did not send"
            )
        return Evidence("the attribution header changes although its first message is the same")


class ClientUpdated(TextCause):
    """Row 67: the version of a program stands in the prompt."""

    code = "client-updated"
    reason = Reason.system_changed
    title = "A version number in the prompt changed"
    what = (
        "The prompt names the version of the client or of another program, and an update changed "
        "it: everything behind the number had to be processed again."
    )
    advice = (
        "Expect one such miss per update; keep version numbers out of the prompt, or behind its "
        "last cache marker, and update between sessions."
    )
    rows = (67,)
    examples = (
        system_pair(
            "the system prompt names the client's version",
            "Environment: acme-cli version 4.2.0 on linux.",
            "Environment: acme-cli version 4.2.1 on linux.",
        ),
        _pair(
            "Claude Code's header after an update",
            _header("2.1.101.e51", "a5145"),
            _header("2.1.102.e51", "07bd2"),
            release="2.1.102",
        ),
    )
    near_misses = (
        _pair("a relay's version", _header("2.1.101.e51", "a5145"), _header("2.1.38.e51", "07bd2")),
        Example(
            "a question about a version",
            agent(),
            agent(said("Both pass."), asks("Does it also run under Python 3.14?")),
        ),
        system_pair("an edit", "Answer in short sentences.", "Answer in plain words."),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """Which version came after which."""
        texts = sides(d)
        if d.volatile is not Volatile.version and (new := header(texts.new)) is not None:
            old = header(texts.old)
            return Evidence(
                f"the client was updated from {old.release if old else '?'} to {new.release}"
            )
        before, after = (
            value_at(texts.old, texts.old_at, texts.gone),
            value_at(texts.new, texts.new_at, texts.come),
        )
        return Evidence(f"a version in {where(d)} changed from {quote(before)} to {quote(after)}")


CAUSES: tuple[Cause, ...] = (
    AttributionHeader(),
    AttributionSuffix(),
    AttributionRelayed(),
    ClientUpdated(),
)
