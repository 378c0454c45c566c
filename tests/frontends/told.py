"""Diagnoses as values, for what is said and shown of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from whycold.core.call import Usage
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Grade, Reason, Verdict
from whycold.core.edit import excerpt, find_edits
from whycold.core.prompt import Section
from whycold.core.wording import summary

AT = datetime(2026, 11, 23, 9, 11, 15, tzinfo=UTC)


def found(path: str = "tools[Bash].description", **changes: Any) -> Found:
    """One change of a text, of a tool unless the path says otherwise."""
    section = Section(path.split("[")[0].split(".")[0])
    given = Found(
        section=section,
        path=path,
        offset=0,
        before="",
        after="",
        cause=f"{section.removesuffix('s')}-edited",
        expected=False,
        title=f"{path} changed",
    )
    return replace(given, **changes)


def edits(old: str, new: str, path: str = "tools[Bash].description") -> list[Found]:
    """Every edit from one text to another, as the engine tells them."""
    out: list[Found] = []
    for edit in find_edits(old, new):
        before, after = excerpt(old, new, edit)
        rest = max(0, len(old) - edit.before_end - 40)
        out.append(found(path, offset=edit.before_start, before=before, after=after, rest=rest))
    return out


def blocks(tools: int = 600, system: int = 200, messages: int = 200) -> tuple[BlockCount, ...]:
    """A prompt of three blocks with so many tokens each."""
    sizes = {Section.tools: tools, Section.system: system, Section.messages: messages}
    return tuple(
        BlockCount(section, f"{section}[0]", None, None, tokens, None, None)
        for section, tokens in sizes.items()
    )


def told(verdict: Verdict = Verdict.miss, **changes: Any) -> Diagnosis:
    """A call of 1,000 tokens that paid for all of them again, with its sentence."""
    divergences: Sequence[Found] = changes.pop("divergences", ())
    first = divergences[0] if divergences else None
    given = Diagnosis(
        call="after",
        at=AT,
        api="anthropic.messages",
        provider="anthropic",
        model="claude-opus-4-8",
        verdict=verdict,
        summary="",
        usage=Usage(input=1000, cache_read=0, cache_write=1000, uncached=0, output=20),
        reason=Reason.tools_changed if first else None,
        cause=first.cause if first else None,
        title=first.title if first else None,
        grade=Grade.consistent,
        predecessor="before",
        divergences=tuple(divergences),
        missed_tokens=900,
        missed_cost_usd=Decimal("0.0051"),
        reusable_tokens=900,
        broke_at=300 if first else None,
        gap=timedelta(minutes=2, seconds=13),
        blocks=blocks(),
    )
    if verdict in (Verdict.hit, Verdict.first, Verdict.uncacheable, Verdict.unknown):
        given = replace(given, missed_tokens=0, missed_cost_usd=None)
    given = replace(given, **changes)
    return replace(given, summary=changes.get("summary") or summary(given))
