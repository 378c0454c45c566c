"""Diagnosing calls again among all that the store holds of their time, so that it does not matter
which source was imported first.

A call whose source itself names what it goes on from (a transcript) keeps the diagnosis that it got
among the calls of its source. Every other one is diagnosed among all calls of the day before it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import PriceList
from whycold.ingest.memory import REMEMBERED, Known, Memory
from whycold.store.base import Store
from whycold.store.records import Capture, Record

__all__ = ["Relinker", "Waiting", "links_itself", "may_change"]

_KEY: Final = "relink"
_BATCH: Final = 64
_NEAR: Final = 2 * REMEMBERED
_Steps: TypeAlias = Generator[int, None, int]


def links_itself(record: Record) -> bool:
    """Whether the source of a call says what it goes on from, or among which calls that is."""
    links = record.call.prompt.links
    return links.follows is not None or links.begins or links.apart is not None


def may_change(record: Record) -> bool:
    """Whether a call is there as it was diagnosed, and is diagnosed among those of all sources."""
    if record.capture in (Capture.usage, Capture.none):
        return False
    return bool(record.also) or not links_itself(record)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has to be diagnosed again, as the store's state keeps it: spans of time in which calls
    came in. ``number`` grows with every change.
    """

    number: int = 0
    spans: tuple[tuple[datetime, datetime], ...] = ()

    @classmethod
    def read(cls, state: Mapping[str, str]) -> Waiting:
        """From the state of a store; nothing waits when it cannot be read."""
        try:
            told: dict[str, Any] = json.loads(state.get(_KEY, "{}"))
            times = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in told["at"]]
            return cls(int(told["number"]), tuple(times))
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def with_times(self, times: Iterable[datetime]) -> Waiting:
        """With calls of these times; spans that are less than two days apart become one."""
        spans: list[tuple[datetime, datetime]] = []
        for begins, ends in sorted([*self.spans, *((at, at) for at in times)]):
            if spans and begins - spans[-1][1] <= _NEAR:
                spans[-1] = spans[-1][0], max(spans[-1][1], ends)
            else:
                spans.append((begins, ends))
        return Waiting(self.number + 1, tuple(spans))

    def state(self) -> dict[str, str]:
        """To be written with the calls."""
        spans = [[a.isoformat(), b.isoformat()] for a, b in self.spans]
        return {_KEY: json.dumps({"number": self.number, "at": spans})}


class Relinker:
    """Diagnoses again what waits for it in a store."""

    def __init__(self, store: Store, prices: PriceList | None = None) -> None:
        self._store, self._prices = store, prices

    def steps(self) -> _Steps:
        """Bit by bit; gives the calls looked at, returns how many diagnoses came out otherwise.

        Ended at any step, it is begun anew next time.
        """
        looked = changed = 0
        while (waiting := Waiting.read(self._store.state())).spans:
            for begins, ends in waiting.spans:
                for step in self._span(begins, ends):
                    looked += step[0]
                    changed += step[1]
                    yield looked
            self.settle(waiting.number)
        return changed

    def settle(self, number: int) -> None:
        """What waited is done, unless more has come in since that ``number``."""
        if Waiting.read(self._store.state()).number == number:
            self._store.write(f"relinked {secrets.token_hex(8)}", [], Waiting(number).state())

    def _span(self, begins: datetime, ends: datetime) -> Generator[tuple[int, int], None, None]:
        memory, batch, looked = Memory(self._prices), list[tuple[Record, Diagnosis]](), 0
        for record in self._store.history(begins - REMEMBERED):
            at = record.call.at
            if at > ends + REMEMBERED:
                break
            known = Known.of(replace(record, call=memory.shared(record.call)))
            if record.also and links_itself(record):
                self._recall(record, memory)
            told = memory.take(known)
            looked += 1
            if at >= begins and may_change(record) and _bare(told) != _bare(record.told):
                batch.append((record, told))
            if looked >= _BATCH:
                memory.forget()
                yield looked, self._write(batch)
                looked, batch = 0, []
        yield looked, self._write(batch)

    def _recall(self, record: Record, memory: Memory) -> None:
        """What the source names as the call before may be from longer ago."""
        before = record.told.predecessor
        older = self._store.record(before) if before is not None else None
        if older is not None and not memory.holds(older.call.id):
            memory.take(Known.of(older))

    def _write(self, batch: list[tuple[Record, Diagnosis]]) -> int:
        """Keep what came out otherwise; of what was changed meanwhile by another, nothing."""
        records: list[Record] = []
        for was, told in batch:
            now = self._store.find(was.call.id)
            if now is not None and _bare(now.told) == _bare(was.told):
                records.append(replace(was, told=told, amends=True))
        if records:
            self._store.write(f"relink {secrets.token_hex(8)}", records)
        return len(records)


def _bare(told: Diagnosis) -> Diagnosis:
    return replace(told, blocks=())
