"""``GET /metrics``: what Prometheus may read, out of the sums that the store keeps anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whycold import __version__
from whycold.errors import UserError
from whycold.frontends.alert_state import StateFile
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.exposition import (
    OPENMETRICS,
    TEXT,
    Family,
    Shape,
    exposed,
    wants_openmetrics,
)
from whycold.frontends.web.held import Held, Label
from whycold.frontends.web.store_access import StoreAccess
from whycold.ingest.progress import Progress, behind
from whycold.query import Query
from whycold.sources.spool import SpoolFolder
from whycold.sources.spool_counts import CountsFile
from whycold.store.answers import Cross, Dimension, Filters, Totals
from whycold.store.base import Store
from whycold.store.spreads import BOUNDS, PARTS, Spread, SpreadRow

__all__ = ["Metrics", "metrics_routes"]

_BY: Final = (Dimension.provider, Dimension.model, Dimension.project, Dimension.reason)

_COUNTED: Final[tuple[tuple[str, str, Callable[[Totals], int | None]], ...]] = (
    ("calls", "Calls.", lambda t: t.calls),
    ("input_tokens", "Input tokens, those read from a cache included.", lambda t: t.input),
    ("cache_read_tokens", "Input tokens read from a cache.", lambda t: t.cache_read),
    ("cache_write_tokens", "Input tokens written to a cache.", lambda t: t.cache_write),
    ("uncached_tokens", "Input tokens neither read nor written.", lambda t: t.uncached),
    ("output_tokens", "Output tokens.", lambda t: t.output),
    ("reporting_calls", "Calls that report what was read.", lambda t: t.reporting),
    (
        "reporting_input_tokens",
        "Input tokens of calls that report what was read: what a read ratio divides by.",
        lambda t: t.reporting_input if t.reporting else None,
    ),
)
_MISSED: Final[tuple[tuple[str, str, Callable[[Totals], int | Decimal | None]], ...]] = (
    ("misses", "Calls that missed, by reason.", lambda t: t.misses),
    ("missed_tokens", "Tokens that could have been read, by reason.", lambda t: t.missed_tokens),
    (
        "missed_cost_usd",
        "What misses cost above a read, in US dollars, where there is a price.",
        lambda t: None if t.unpriced and not t.missed_cost_usd else t.missed_cost_usd,
    ),
    ("unpriced_misses", "Misses that have no price.", lambda t: t.unpriced),
)
_SPREAD: Final = {
    Spread.miss_size: ("whycold_miss_size_tokens", "Missed tokens per miss.", 1),
    Spread.prompt_size: ("whycold_prompt_size_tokens", "Input tokens per call.", 1),
    Spread.read_ratio: ("whycold_call_read_ratio", "Part of the input that was read.", PARTS),
}


def metrics_routes(about: Dashboard, access: StoreAccess) -> list[Route]:
    """The route; it answers one at a time."""
    metrics, one = Metrics(about, access), anyio.CapacityLimiter(1)

    async def endpoint(request: Request) -> Response:
        openmetrics = wants_openmetrics(request.headers.get("accept", ""))
        text = await anyio.to_thread.run_sync(
            lambda: exposed(metrics.families(), openmetrics=openmetrics), limiter=one
        )
        return Response(
            text, headers={"content-type": OPENMETRICS if openmetrics else TEXT, "vary": "accept"}
        )

    return [Route("/metrics", endpoint)]


class Metrics:
    """Gathers all families anew each time it is asked."""

    def __init__(self, about: Dashboard, access: StoreAccess) -> None:
        self._access, self._spool = access, Path(about.spool)
        self._alerts = Path(about.alerts) if about.alerts is not None else None
        self._held = Held(Path(about.metrics) if about.metrics is not None else None)

    def families(self) -> list[Family]:
        """All of them. What the store cannot say now is left out, and that it cannot is said."""
        with self._held:
            try:
                found = self._access.ask(self._of_store)
                readable = 1
            except UserError:
                found, readable = self._of_spool(Progress()), 0
            out = [_info(), _gauge("whycold_store_readable", "Whether the store can be read.")]
            out[1].add(readable)
            return [*out, *found, *self._of_alerts()]

    def _of_store(self, query: Query, store: Store) -> list[Family]:
        with store.snapshot():
            progress = Progress.read(store.state())
            lines, spread, last = query.crossed(Filters(), _BY), query.spreads(), query.last_seen()
        calls: Counter[Label] = Counter()
        for line in lines:
            calls[_label(line)] += line.totals.calls
        # a size may outlive the sums of its label, never the other way round
        for row in spread:
            calls.setdefault(_label_of(row), 0)
        names = self._held.named(calls)
        out = [*self._counters(lines, names), *self._histograms(spread, names)]
        latest = _gauge(
            "whycold_last_call_timestamp_seconds", "When the latest call in the store was sent."
        )
        latest.add(last.timestamp() if last is not None else None)
        out += [latest, *self._of_spool(progress)]
        self._held.forget_others(calls)
        return out

    def _counters(self, lines: tuple[Cross, ...], names: dict[Label, Label]) -> Iterator[Family]:
        for name, help, read in _COUNTED:
            sums: dict[tuple[str, ...], int | Decimal] = {}
            for line in lines:
                _sum(sums, names[_label(line)], read(line.totals))
            yield self._counter(
                f"whycold_{name}_total", help, ("provider", "model", "project"), sums
            )
        for name, help, read in _MISSED:
            sums = {}
            for line in lines:
                if line.totals.misses:
                    key = (line.values[3] or "", *names[_label(line)])
                    _sum(sums, key, read(line.totals))
            labels = ("reason", "provider", "model", "project")
            yield self._counter(f"whycold_{name}_total", help, labels, sums)

    def _counter(
        self,
        name: str,
        help: str,
        labels: tuple[str, ...],
        sums: dict[tuple[str, ...], int | Decimal],
    ) -> Family:
        family = Family(name, Shape.counter, help)
        for key, value in sorted(sums.items()):
            shown = self._held.rising((name, *key), value)
            family.add(shown, **dict(zip(labels, key, strict=True)))
        return family

    def _histograms(
        self, rows: tuple[SpreadRow, ...], names: dict[Label, Label]
    ) -> Iterator[Family]:
        for spread, (name, help, unit) in _SPREAD.items():
            counts: dict[Label, list[int]] = {}
            totals: Counter[Label] = Counter()
            for row in rows:
                if row.spread is spread:
                    label = names[_label_of(row)]
                    old = counts.get(label, [0] * len(row.counts))
                    counts[label] = [a + b for a, b in zip(old, row.counts, strict=True)]
                    totals[label] += row.total
            family = Family(name, Shape.histogram, help)
            for label, found in sorted(counts.items()):
                self._buckets(family, spread, unit, label, found, totals[label])
            yield family

    def _buckets(
        self, family: Family, spread: Spread, unit: int, label: Label, counts: list[int], total: int
    ) -> None:
        labels = dict(zip(("provider", "model", "project"), label, strict=True))
        bounds = [*(_bound(bound, unit) for bound in BOUNDS[spread]), "+Inf"]
        so_far = 0
        for bound, count in zip(bounds, counts, strict=True):
            so_far += int(self._held.rising((family.name, bound, *label), count))
            family.add(so_far, "_bucket", **labels, le=bound)
        shown = self._held.rising((family.name, "sum", *label), total)
        family.add(Decimal(shown) / unit, "_sum", **labels)
        family.add(so_far, "_count", **labels)

    def _of_spool(self, progress: Progress) -> list[Family]:
        folder = SpoolFolder(self._spool)
        waiting = _gauge(
            "whycold_recorder_behind_bytes", "Bytes on the spool that are not in the store yet."
        )
        waiting.add(behind(self._spool, progress))
        taken = _gauge("whycold_spool_bytes", "Bytes that the spool takes on disk.")
        taken.add(folder.size())
        events = Family(
            "whycold_spool_events_total",
            Shape.counter,
            "What happened to exchanges before the recorder: recorded, left out and why, refused.",
        )
        for event, count in sorted(CountsFile(folder.counts).read().counts.items()):
            events.add(self._held.rising((events.name, event), count), event=event)
        outcomes = Family(
            "whycold_recorder_exchanges_total",
            Shape.counter,
            "Exchanges that became no call, became one without its prompt, or could not be read.",
        )
        kinds = {
            "skipped": progress.skipped,
            "lacking": progress.lacking,
            "failed": progress.failed,
        }
        for outcome, counts in kinds.items():
            shown = self._held.rising((outcomes.name, outcome), counts.total())
            outcomes.add(shown, outcome=outcome)
        damaged = Family(
            "whycold_spool_damaged_bytes_total",
            Shape.counter,
            "Bytes of the spool that could not be read.",
        )
        damaged.add(self._held.rising((damaged.name,), progress.damaged.total()))
        return [waiting, taken, events, outcomes, damaged]

    def _of_alerts(self) -> list[Family]:
        state = StateFile(self._alerts).read() if self._alerts is not None else None
        if state is None:
            return []
        firing = _gauge("whycold_alert_firing", "Whether an alert of whycold.toml fires.")
        for name, rule in sorted(state.rules.items()):
            firing.add(int(rule.firing), alert=name)
        waiting = _gauge("whycold_alert_messages_waiting", "Messages that wait for a receiver.")
        sent = Family(
            "whycold_alert_messages_total", Shape.counter, "Messages, by what became of it."
        )
        for name, box in sorted(state.outboxes.items()):
            waiting.add(len(box.waiting), receiver=name)
            sent.add(box.delivered, receiver=name, outcome="delivered")
            sent.add(box.dropped, receiver=name, outcome="given_up")
        return [firing, waiting, sent]


def _info() -> Family:
    family = _gauge("whycold_build_info", "The version that answers.")
    family.add(1, version=__version__)
    return family


def _gauge(name: str, help: str) -> Family:
    return Family(name, Shape.gauge, help)


def _label(line: Cross) -> Label:
    provider, model, project, _ = line.values
    return provider or "", model or "", project or ""


def _label_of(row: SpreadRow) -> Label:
    return row.provider or "", row.model or "", row.project or ""


def _sum(
    sums: dict[tuple[str, ...], int | Decimal], key: tuple[str, ...], value: int | Decimal | None
) -> None:
    if value is not None:
        sums[key] = sums.get(key, 0) + value


def _bound(bound: int, unit: int) -> str:
    return repr(bound / unit)
