"""The panel as JSON, with the field names that others rely on."""

from __future__ import annotations

from whycold.core.content import Json
from whycold.core.diagnosis import Reason
from whycold.frontends.diagnosis_json import decimal_text, time_text
from whycold.query import Report, known_cost
from whycold.store.answers import Totals

__all__ = ["report_json"]


def report_json(report: Report) -> dict[str, Json]:
    """The report as plain values, its previous period under ``previous``."""
    out = _period(report)
    if report.previous is not None:
        out["previous"] = _period(report.previous)
    return out


def _period(report: Report) -> dict[str, Json]:
    totals = report.totals
    return {
        "since": time_text(report.period.since),
        "until": time_text(report.period.until),
        "calls": totals.calls,
        "reporting_calls": totals.reporting,
        "read_ratio": totals.read_ratio,
        "input_tokens": totals.input,
        "reporting_input_tokens": totals.reporting_input,
        "cache_read_tokens": totals.cache_read,
        "cache_write_tokens": totals.cache_write,
        "cache_write_5m_tokens": totals.cache_write_5m,
        "cache_write_1h_tokens": totals.cache_write_1h,
        "uncached_tokens": totals.uncached,
        "output_tokens": totals.output,
        "misses": totals.misses,
        "missed_tokens": totals.missed_tokens,
        "missed_cost_usd": decimal_text(known_cost(totals)),
        "unpriced_misses": totals.unpriced,
        "at_stake_tokens": totals.at_stake_tokens,
        "by_reason": {reason: _missed(t) for reason, t in report.by_reason.items()},
        "by_model": {model or "": _model(t) for model, t in report.by_model.items()},
        "series": _series(report),
    }


def _missed(totals: Totals) -> dict[str, Json]:
    return {
        "misses": totals.misses,
        "missed_tokens": totals.missed_tokens,
        "missed_cost_usd": decimal_text(known_cost(totals)),
    }


def _model(totals: Totals) -> dict[str, Json]:
    return {
        "calls": totals.calls,
        "read_ratio": totals.read_ratio,
        "input_tokens": totals.input,
        "cache_read_tokens": totals.cache_read,
        **_missed(totals),
    }


def _series(report: Report) -> list[Json]:
    """One item per step of time that has calls: sums, and missed tokens by reason."""
    steps: dict[str, dict[str, Json]] = {}
    for point in report.series:
        at = time_text(point.start)
        step = steps.setdefault(
            at,
            {
                "at": at,
                "hours": report.steps,
                "calls": 0,
                "input_tokens": 0,
                "cache_read_tokens": 0,
                "misses": 0,
                "missed_tokens": 0,
                "by_reason": {},
            },
        )
        _add(step, point.totals, point.value)
    return list(steps.values())


def _add(step: dict[str, Json], totals: Totals, reason: Reason | str | None) -> None:
    sums = {
        "calls": totals.calls,
        "input_tokens": totals.reporting_input,
        "cache_read_tokens": totals.cache_read or 0,
        "misses": totals.misses,
        "missed_tokens": totals.missed_tokens,
    }
    for name, value in sums.items():
        old = step[name]
        step[name] = (old if isinstance(old, int) else 0) + value
    if reason and totals.misses:
        by_reason = step["by_reason"]
        if isinstance(by_reason, dict):
            by_reason[str(reason)] = totals.missed_tokens
