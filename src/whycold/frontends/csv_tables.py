"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from whycold.core.diagnosis import Diagnosis
from whycold.frontends.diagnosis_json import decimal_text, time_text
from whycold.query import Period, Report, known_cost, main_edit
from whycold.store.answers import Totals

__all__ = ["Cell", "csv_text", "miss_rows", "report_rows"]

Cell = str | int | float | Decimal | None

_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take a cell for a formula by, at its beginning, in their wide forms too
(OWASP, CSV Injection)."""

_REPORT = (
    "period",
    "since",
    "until",
    "by",
    "value",
    "calls",
    "read_ratio",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "uncached_tokens",
    "misses",
    "missed_tokens",
    "missed_cost_usd",
)
_MISSES = (
    "at",
    "call",
    "message_id",
    "request_id",
    "provider",
    "model",
    "project",
    "session",
    "agent",
    "release",
    "verdict",
    "reason",
    "cause",
    "grade",
    "path",
    "offset",
    "before",
    "after",
    "input",
    "cache_read",
    "cache_write",
    "uncached",
    "output",
    "missed_tokens",
    "missed_cost_usd",
    "predecessor",
    "fingerprint",
    "summary",
)


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV (RFC 4180): empty where nothing is reported, texts never a formula."""
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def _plain(cell: Cell) -> str | int | float | None:
    if isinstance(cell, Decimal):
        return decimal_text(cell)
    if isinstance(cell, str):
        cell = cell.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        return f"'{cell}" if cell[:1] in _FORMULA else cell
    return cell


def miss_rows(items: Iterable[Diagnosis]) -> Iterator[Sequence[Cell]]:
    """The header, then one row per miss."""
    yield _MISSES
    for told in items:
        yield _miss(told)


def _miss(told: Diagnosis) -> Sequence[Cell]:
    edit, usage = main_edit(told), told.usage
    return (
        time_text(told.at),
        told.call,
        told.message_id,
        told.request_id,
        told.provider,
        told.model,
        told.project,
        told.session,
        told.agent,
        told.release,
        told.verdict,
        told.reason,
        told.cause,
        told.grade,
        edit.path if edit else None,
        edit.offset if edit else None,
        edit.before if edit else None,
        edit.after if edit else None,
        usage.input,
        usage.cache_read,
        usage.cache_write,
        usage.uncached,
        usage.output,
        told.missed_tokens,
        told.missed_cost_usd,
        told.predecessor,
        told.fingerprint,
        told.summary,
    )


def report_rows(report: Report) -> Iterator[Sequence[Cell]]:
    """The header, then this period and the one before: in all, by reason, by model, per step."""
    yield _REPORT
    yield from _period("this", report)
    if report.previous is not None:
        yield from _period("previous", report.previous)


def _period(name: str, report: Report) -> Iterator[Sequence[Cell]]:
    yield _sums(name, report.period, "total", None, report.totals)
    for reason, totals in report.by_reason.items():
        yield _sums(name, report.period, "reason", reason, totals)
    for model, totals in report.by_model.items():
        yield _sums(name, report.period, "model", model, totals)
    for point in report.series:
        step = Period(point.start, point.start + timedelta(hours=report.steps))
        yield _sums(name, step, "step", point.value, point.totals)


def _sums(name: str, period: Period, by: str, value: str | None, totals: Totals) -> Sequence[Cell]:
    return (
        name,
        time_text(period.since),
        time_text(period.until),
        by,
        value,
        totals.calls,
        totals.read_ratio,
        totals.input,
        totals.cache_read,
        totals.cache_write,
        totals.uncached,
        totals.misses,
        totals.missed_tokens,
        known_cost(totals),
    )
