"""The overview: how much was read, what was missed, why, when, where, and what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from markupsafe import Markup

from whycold.core.content import Json
from whycold.core.numbers import exact, percent, usd
from whycold.frontends.csv_tables import Cell, report_rows
from whycold.frontends.report_json import report_json
from whycold.frontends.reporting_chart import Columns, columns
from whycold.frontends.reporting_words import reason_word, stamp
from whycold.frontends.shifts import Shift, change, points
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.charts.lines import ratios
from whycold.frontends.web.charts.stacks import Stacks, stacks
from whycold.frontends.web.charts.strip import Part, strip
from whycold.frontends.web.pages.page import Page
from whycold.frontends.web.pages.tops import top_culprits
from whycold.frontends.web.phrases import colour, money, number, ratio
from whycold.query import Report, known_cost
from whycold.store.answers import Dimension, Group, Totals

__all__ = ["PAGE"]

_WIDEST = 130
_CULPRITS, _ROWS = 6, 8
_TABLES = (Dimension.model, Dimension.project, Dimension.agent, Dimension.release)


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number, how it moved, and what it was; both exact on hover."""

    name: str
    value: Markup | str
    moved: Shift | None
    was: Markup | str


@dataclass(frozen=True, slots=True)
class Numbers:
    """A chart's values as a table: the first cell of a row names it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _show(ask: Ask) -> Mapping[str, object]:
    report = ask.query.report(ask.period, ask.asked.filters, drawn=False, by=_TABLES[1:])
    if not report.totals.calls:
        return {"report": None, "last": ask.query.last_seen()}
    moments, shown = _moments(ask, report), columns(report, _WIDEST)
    order, address = list(report.by_reason), ask.address
    reads = _reads(report, shown)
    compared = bool(report.previous and report.previous.totals.calls)
    return {
        "report": report,
        "compared": compared,
        "targets": {reason: address.having("reason", reason) for reason in order},
        "figures": _figures(report),
        "bars": _bars(shown, order, moments),
        "bar_numbers": _bar_numbers(shown, order),
        "step": _step(shown.hours),
        "line": ratios(reads, shown.hours, moments),
        "line_numbers": _line_numbers(reads),
        "parts": _parts(report.totals),
        "culprits": top_culprits(ask, _CULPRITS, compared=compared),
        "silent": (report.totals.input or 0) - report.totals.reporting_input,
        "tables": {by.value: _table(report, by) for by in _TABLES},
        "most_rows": _ROWS,
        "words": _words(report),
    }


def _figures(report: Report) -> Sequence[Figure]:
    now, then = report.totals, report.previous.totals if report.previous else Totals()
    cost, cost_then = known_cost(now), known_cost(then)

    def figure(name: str, new: int | None, old: int | None, *, good: bool) -> Figure:
        return Figure(name, number(new), change(new, old, good=good), number(old))

    return (
        Figure(
            "Cache read ratio",
            ratio(now.cache_read, now.reporting_input),
            points(now.read_ratio, then.read_ratio),
            ratio(then.cache_read, then.reporting_input),
        ),
        figure("Cache read tokens", now.cache_read, then.cache_read, good=True),
        figure("Cache misses", now.misses, then.misses, good=False),
        figure("Missed tokens", now.missed_tokens, then.missed_tokens, good=False),
        Figure("Cost of misses", money(cost), _dearer(cost, cost_then), money(cost_then)),
    )


def _dearer(now: Decimal | None, then: Decimal | None) -> Shift | None:
    """By how many dollars."""
    moved = change(now, then, good=False)
    if moved is None or moved.good is None or now is None or then is None:
        return moved
    return moved._replace(size=usd(abs(now - then)))


def _moments(ask: Ask, report: Report) -> Sequence[tuple[datetime, str]]:
    """First sights of releases; not of the one that all began with."""
    began = not (report.previous and report.previous.totals.calls)
    earliest = min((point.start for point in report.series), default=ask.now)
    first = earliest + timedelta(hours=report.steps)
    rows = ask.query.releases(ask.period, ask.asked.filters)
    seen: dict[str, datetime] = {}
    for row in rows:
        seen[row.release] = min(row.first_seen, seen.get(row.release, row.first_seen))
    return [
        (at, release)
        for release, at in seen.items()
        if at >= ask.period.since and not (began and at < first)
    ]


def _bars(shown: Columns, order: Sequence[str], moments: Sequence[tuple[datetime, str]]) -> Stacks:
    steps = [(column.start, column.missed) for column in shown.items]
    return stacks(steps, shown.hours, order, _named, moments)


def _named(reason: str) -> tuple[str, str]:
    return colour(reason), reason_word(reason)


def _bar_numbers(shown: Columns, order: Sequence[str]) -> Numbers:
    rows = tuple(
        (stamp(c.start), *(exact(c.missed.get(reason, 0)) for reason in order), exact(c.total))
        for c in shown.items
        if c.missed
    )
    return Numbers(("From (UTC)", *map(reason_word, order), "In all"), rows)


def _step(hours: int) -> str:
    if hours % 24:
        return "hour" if hours == 1 else f"{hours} hours"
    return "day" if hours == 24 else f"{hours // 24} days"


def _reads(report: Report, shown: Columns) -> Sequence[tuple[datetime, int | None, int]]:
    """Reads and input per step; None where no call of it reports reads."""
    length = timedelta(hours=shown.hours)
    sums = [[0, 0, 0] for _ in shown.items]
    for point in report.series:
        at, totals = (point.start - shown.items[0].start) // length, point.totals
        if 0 <= at < len(sums):
            more = (totals.cache_read or 0, totals.reporting_input, totals.reporting)
            sums[at] = [old + new for old, new in zip(sums[at], more, strict=True)]
    return [
        (column.start, read if told else None, whole)
        for column, (read, whole, told) in zip(shown.items, sums, strict=True)
    ]


def _line_numbers(reads: Sequence[tuple[datetime, int | None, int]]) -> Numbers:
    rows = tuple(
        (stamp(start), percent(read, whole), exact(read), exact(whole))
        for start, read, whole in reads
        if whole
    )
    return Numbers(("From (UTC)", "Read ratio", "Read", "Input"), rows)


def _parts(totals: Totals) -> Sequence[Part]:
    """The input by what became of it, as far as that is reported; ``written`` where the lifetime is
    not said.
    """
    lived = (
        totals.cache_write_5m,
        totals.cache_write_1h,
        totals.cache_write_30m,
        totals.cache_write_12h,
    )
    rest = (totals.cache_write or 0) - sum(part or 0 for part in lived)
    return strip(
        (
            ("read", "c-read", totals.cache_read),
            ("written 5m", "c-w5m", totals.cache_write_5m),
            ("written 30m", "c-written", totals.cache_write_30m),
            ("written 1h", "c-w1h", totals.cache_write_1h),
            ("written 12h", "c-w1h", totals.cache_write_12h),
            ("written", "c-written", max(rest, 0)),
            ("uncached", "c-uncached", totals.uncached),
        )
    )


def _table(report: Report, by: Dimension) -> Sequence[Group]:
    if by is Dimension.model:
        return [Group(value, totals) for value, totals in report.by_model.items()]
    return report.groups[by]


def _words(report: Report) -> str:
    """The chart of missed tokens in a sentence."""
    most = ", ".join(
        f"{reason_word(reason)} {exact(totals.missed_tokens)}"
        for reason, totals in list(report.by_reason.items())[:4]
    )
    return f"Missed tokens over time by reason; in all {most or 'none'}"


def _data(ask: Ask) -> Json:
    """The report of the API, and the tables of the page beside it."""
    report = ask.query.report(ask.period, ask.asked.filters, by=_TABLES[1:])
    out = report_json(report)
    for by, groups in report.groups.items():
        out[f"by_{by.value}"] = {group.value or "": _sums(group.totals) for group in groups}
    return out


def _sums(totals: Totals) -> dict[str, Json]:
    cost = known_cost(totals)
    return {
        "calls": totals.calls,
        "read_ratio": totals.read_ratio,
        "input_tokens": totals.input,
        "cache_read_tokens": totals.cache_read,
        "misses": totals.misses,
        "missed_tokens": totals.missed_tokens,
        "missed_cost_usd": None if cost is None else f"{cost.normalize():f}",
    }


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return report_rows(ask.query.report(ask.period, ask.asked.filters))


PAGE = Page("overview", "/", "Overview", _show, data=_data, rows=_rows, key="o")
