"""Two weeks of an organisation whose sums are known to the token: 54,100 misses, 80 billion reads.

The figures of the later week are 68.7 %, 42.18B, 31.7k, 1.46B and $6,716; those of the earlier one
71.9 %, 37.60B, 22.4k, 1.06B and $4,876.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.traffic import END
from whycold.core.call import Call, Reply, Usage
from whycold.core.diagnosis import Diagnosis, Found, Reason, Verdict
from whycold.core.prompt import Prompt, Section
from whycold.store.answers import CulpritState, Mark
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record

__all__ = ["NOW", "THEN", "Week", "week_before_and_after"]

PRICE = Decimal("0.0000046")


@dataclass(frozen=True)
class Week:
    """What goes in, and so must come out."""

    since: datetime
    read: int
    input: int
    misses: int
    missed: int


NOW = Week(END - timedelta(days=7), 42_180_000_000, 61_397_379_913, 31_700, 1_460_000_000)
THEN = Week(END - timedelta(days=14), 37_600_000_000, 52_294_853_963, 22_400, 1_060_000_000)


@dataclass(frozen=True)
class Culprit:
    """``weeks``: its part of the misses of the earlier and of the later week."""

    reason: Reason
    cause: str
    path: str
    before: str
    after: str
    weeks: tuple[float, float]
    size: float = 1.0
    title: str = ""
    expected: bool = False


CULPRITS = (
    Culprit(
        Reason.messages_changed,
        "date-in-message",
        "messages[0].content[0].text",
        "Today is 2026-11-21. The user works in",
        "Today is 2026-11-22. The user works in",
        (0.22, 0.19),
    ),
    Culprit(
        Reason.tools_changed,
        "tool-edited",
        "tools[search_docs].description",
        "Search the docs. Results are ranked by",
        "Search the handbook and docs. Results are ranked by",
        (0.0, 0.16),
        1.3,
    ),
    Culprit(
        Reason.system_changed,
        "git-state",
        "system[1].text",
        "gitStatus: main · 3 files changed",
        "gitStatus: main · 4 files changed",
        (0.25, 0.13),
        1.1,
    ),
    Culprit(
        Reason.messages_changed,
        "results-cleared",
        "messages[6].content[0].content",
        "…212 lines of a test run",
        "[Old tool result content cleared]",
        (0.14, 0.11),
        1.4,
        expected=True,
    ),
    Culprit(
        Reason.tools_changed,
        "tools-reordered",
        "tools",
        "",
        "",
        (0.06, 0.07),
        1.2,
        "the order of 14 tools of mcp:github changes between calls",
    ),
    Culprit(
        Reason.expired,
        "expired",
        "",
        "",
        "",
        (0.12, 0.11),
        0.8,
        "the entry ran out before the call came (5 min lifetime, pauses of 6 to 58 min)",
    ),
    Culprit(
        Reason.system_changed,
        "time-in-system",
        "system[2].text",
        "Current time: 09:41:12 (Europe/Zurich)",
        "Current time: 09:42:55 (Europe/Zurich)",
        (0.08, 0.08),
        0.7,
    ),
    Culprit(
        Reason.model_changed,
        "model-changed",
        "settings.model",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        (0.05, 0.04),
        0.6,
        expected=True,
    ),
    Culprit(
        Reason.settings_changed,
        "tool-choice",
        "settings.tool_choice",
        '{"type":"auto"}',
        '{"type":"any"}',
        (0.03, 0.03),
        0.6,
    ),
    Culprit(
        Reason.provider,
        "not-read",
        "",
        "",
        "",
        (0.03, 0.02),
        0.8,
        "equal bytes within the lifetime were not read",
    ),
    Culprit(
        Reason.unseen,
        "unseen",
        "",
        "",
        "",
        (0.01, 0.03),
        0.9,
        "the part that changed is not in what was recorded",
    ),
    Culprit(Reason.unexplained, "unexplained", "", "", "", (0.01, 0.03), 0.9, "nothing accounts"),
)
PLACES: Mapping[str, tuple[str, ...]] = {
    "project": ("storefront", "storefront", "billing", "search", "handbook"),
    "model": ("claude-opus-5-5", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
    "agent": ("main", "main", "explore", "review"),
}
RELEASES = (
    (END - timedelta(days=30), "agent 4.11"),
    (END - timedelta(days=3, hours=15), "agent 4.12"),
    (END - timedelta(days=1, hours=12), "agent 4.12.1"),
)


def week_before_and_after(folder: Path) -> str:
    """A new store with both weeks; its URL."""
    url = f"sqlite:///{folder / 'weeks.db'}"
    store = open_store(url, write=True)
    for place, week in enumerate((THEN, NOW)):
        store.write(f"week {place}", list(_calls(week, place)))
    store.mark(_id(CULPRITS[2]), Mark(CulpritState.resolved, END - timedelta(hours=1)))
    store.close()
    return url


def _calls(week: Week, place: int) -> Iterator[Record]:
    chance = random.Random(place)
    parts = [culprit.weeks[place] for culprit in CULPRITS]
    chosen = chance.choices(CULPRITS, parts, k=week.misses)
    rows = sorted(((_moment(week, chance, c), c) for c in chosen), key=lambda row: row[0])
    sizes = _exactly(week.missed, [c.size * chance.uniform(0.6, 1.4) for _, c in rows])
    last = {culprit: number for number, (_, culprit) in enumerate(rows)}
    for number, ((at, culprit), size) in enumerate(zip(rows, sizes, strict=True)):
        usage = Usage(input=size, cache_read=0, cache_write=size, cache_write_5m=size, uncached=0)
        full = last[culprit] == number
        yield _record(number, at, usage, chance, culprit, full=full)
    hits = 1_600
    rest = week.input - week.read - week.missed
    written = _exactly(rest, [chance.uniform(0.5, 1.5) for _ in range(hits)])
    for number, (read, new) in enumerate(zip(_exactly(week.read, written), written, strict=True)):
        fresh = new // 3
        usage = Usage(
            input=read + new,
            cache_read=read,
            cache_write=new - fresh,
            cache_write_5m=(new - fresh) // 2,
            cache_write_1h=new - fresh - (new - fresh) // 2,
            uncached=fresh,
        )
        yield _record(week.misses + number, _moment(week, chance), usage, chance, None)


def _exactly(whole: int, weights: list[float] | list[int]) -> list[int]:
    """Whole numbers in proportion to the weights that sum to ``whole``."""
    ends = [math.floor(whole * done / sum(weights)) for done in accumulate(weights)]
    ends[-1] = whole
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _moment(week: Week, chance: random.Random, culprit: Culprit | None = None) -> datetime:
    """Most of it in working hours, less at the weekend; what a release brought not before it."""
    while True:
        at = week.since + timedelta(seconds=chance.uniform(0, 7 * 86_400 - 1))
        hour = at.hour + at.minute / 60
        busy = (
            0.25 + 0.75 * max(0.0, math.sin((hour - 6) / 14 * math.pi)) if 6 < hour < 20 else 0.25
        )
        if culprit is CULPRITS[1] and not RELEASES[1][0] <= at < RELEASES[2][0]:
            continue
        if chance.random() < busy * (0.55 if at.weekday() > 4 else 1):
            return at


def _record(
    number: int,
    at: datetime,
    usage: Usage,
    chance: random.Random,
    culprit: Culprit | None,
    *,
    full: bool = False,
) -> Record:
    origin: dict[str, Any] = {name: chance.choice(values) for name, values in PLACES.items()}
    release = [name for since, name in RELEASES if since <= at][-1]
    lost = usage.input or 0
    call = Call(
        id=format((int(at.timestamp() * 1000) << 22) + number, "016x"),
        at=at,
        provider="anthropic",
        api="anthropic.messages",
        prompt=Prompt(()),
        reply=Reply(usage=usage),
        release=release,
        session=f"{origin['project']}-{at:%d-%H}",
        **origin,
    )
    told = Diagnosis(
        call=call.id,
        at=at,
        api=call.api,
        provider=call.provider,
        verdict=Verdict.miss if culprit else Verdict.hit,
        summary="",
        usage=usage,
        release=release,
        session=call.session,
        **origin,
        **(_lost(culprit, lost) if culprit else {}),
    )
    return Record(call, told, Capture.full if full else Capture.usage)


def _id(culprit: Culprit) -> str:
    return f"{CULPRITS.index(culprit) + 0xC0FFEE00:016x}"


def _lost(culprit: Culprit, missed: int) -> dict[str, Any]:
    section = culprit.path.partition("[")[0].partition(".")[0]
    found = (
        Found(
            Section(section or "tools"),
            culprit.path,
            10,
            culprit.before,
            culprit.after,
            culprit.cause,
            culprit.expected,
            culprit.title,
        ),
    )
    return {
        "reason": culprit.reason,
        "cause": culprit.cause,
        "title": culprit.title or "an edit",
        "expected": culprit.expected,
        "missed_tokens": missed,
        "missed_cost_usd": missed * PRICE,
        "divergences": found if culprit.path else (),
        "fingerprint": _id(culprit),
    }
