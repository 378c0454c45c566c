"""How sure a diagnosis is: held against the provider's own words and counts."""

from __future__ import annotations

from whycold.core.call import Call, ProviderVerdict, Said
from whycold.core.diagnosis import Grade, Reason, Verdict
from whycold.core.divergence import Divergence
from whycold.core.prompt import Section

__all__ = ["asked_elsewhere", "attested", "grade", "section_reason", "spoken"]

_WORDS: dict[str, frozenset[Reason]] = {
    "model_changed": frozenset({Reason.model_changed}),
    "system_changed": frozenset({Reason.system_changed}),
    "tools_changed": frozenset({Reason.tools_changed}),
    "messages_changed": frozenset({Reason.messages_changed}),
    "input_changed": frozenset({Reason.messages_changed, Reason.system_changed}),
    "context_compacted": frozenset({Reason.messages_changed}),
    "prompt_cache_key_changed": frozenset({Reason.settings_changed}),
    "service_tier_changed": frozenset({Reason.settings_changed}),
    "text_format_changed": frozenset({Reason.settings_changed}),
    "reasoning_effort_changed": frozenset({Reason.settings_changed}),
    "verbosity_changed": frozenset({Reason.settings_changed}),
}
"""What the providers' words mean in ours (Anthropic cache diagnostics, OpenAI prompt caching
diagnostics, 2026-11-23).
"""

_NO_WORD = "cache_miss"
"""The type of OpenAI's diagnosis, kept where it gives no reason."""

_CONTENT = frozenset(
    {
        Reason.model_changed,
        Reason.system_changed,
        Reason.tools_changed,
        Reason.messages_changed,
        Reason.settings_changed,
    }
)


_NO_CONTENT = frozenset({Reason.expired, Reason.breakpoint, Reason.too_short, Reason.concurrent})
"""Reasons that hold whatever the texts are. The providers compare texts and do not ask what the
cache did (Anthropic, Cache diagnostics, 2026-11-23)."""


def spoken(call: Call) -> ProviderVerdict | None:
    """What the provider said of the call; a null answer counts only where a comparison was asked
    for.
    """
    verdict = call.reply.verdict
    if (
        verdict is not None
        and verdict.said is Said.unchanged
        and call.prompt.links.compares is None
    ):
        return None
    return verdict


def asked_elsewhere(call: Call, earlier: Call | None) -> bool:
    """Whether the provider was asked to compare with another call than ``earlier``."""
    known = earlier.reply.message_id if earlier is not None else None
    asked = call.prompt.links.compares
    return asked is not None and known is not None and asked != known


def attested(call: Call, earlier: Call, divergences: tuple[Divergence, ...]) -> str | None:
    """The provider's word for a change since ``earlier`` that no recorded divergence can be; None
    without one.
    """
    said = spoken(call)
    if said is None or said.said is not Said.changed or asked_elsewhere(call, earlier):
        return None
    if said.reason is None or said.reason == _NO_WORD:
        return None
    means = _WORDS.get(said.reason, _CONTENT)
    return None if means & {section_reason(d) for d in divergences} else said.reason


def section_reason(divergence: Divergence) -> Reason:
    """The reason that a change of that section is counted under."""
    if divergence.setting == "model":
        return Reason.model_changed
    return {
        Section.settings: Reason.settings_changed,
        Section.tools: Reason.tools_changed,
        Section.system: Reason.system_changed,
        Section.messages: Reason.messages_changed,
    }[divergence.section]


def grade(
    call: Call,
    verdict: Verdict,
    reason: Reason | None,
    divergences: tuple[Divergence, ...],
    *,
    predicted: bool,
    elsewhere: bool = False,
    told: bool = False,
) -> Grade | None:
    """The grade of a verdict and its reason; None where nothing was found that could be graded.

    ``elsewhere``: the provider compared with another call, so that only what it says of the cache
    counts. ``told``: the cause is what the response itself says.
    """
    if told:
        return Grade.confirmed
    said = spoken(call)
    if said is not None and elsewhere and said.said is not Said.hit:
        said = None
    if said is None or said.said is Said.inconclusive:
        return _by_numbers(verdict, reason, predicted=predicted)
    if said.said is Said.hit:
        return Grade.confirmed if verdict is Verdict.hit else Grade.contradicted
    if said.said is Said.unchanged:
        if reason in _CONTENT and verdict is not Verdict.hit:
            return Grade.contradicted
        return Grade.consistent if verdict is not Verdict.unknown else None
    means = _WORDS.get(said.reason or "")
    if reason is None or means is None:
        return _by_numbers(verdict, reason, predicted=predicted)
    if reason in means:
        return Grade.confirmed
    if means & {section_reason(d) for d in divergences}:
        return Grade.consistent
    # there was another change, which is not recorded: the counts alone cannot tell the two apart
    return Grade.inferred if reason in _NO_CONTENT else Grade.contradicted


def _by_numbers(verdict: Verdict, reason: Reason | None, *, predicted: bool) -> Grade | None:
    if verdict in (Verdict.first, Verdict.unknown) and reason is None:
        return None
    return Grade.consistent if predicted else Grade.inferred
