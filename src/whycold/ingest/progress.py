"""How far the recorder is, and what it could not make a call of; kept in the store's state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from whycold.sources.spool import Position, SpoolFolder
from whycold.sources.spool_frame import SEGMENT_MARK

__all__ = ["Progress", "behind", "position_text"]

_POSITION = "spool.position"
_COUNTS = "spool.counts"
_MOST_REASONS = 100


class _Counts(msgspec.Struct):
    skipped: dict[str, int] = {}
    lacking: dict[str, int] = {}
    failed: dict[str, int] = {}
    damaged: dict[str, int] = {}
    providers: dict[str, dict[str, str]] = {}


@dataclass(slots=True)
class Progress:
    """``position`` in the spool up to which all is in the store; None at the very first start.

    Counts by reason, for ever: ``skipped`` exchanges that are no call, ``lacking`` calls without
    their prompt, ``failed`` exchanges that whycold itself could not read, bytes of the spool that
    were ``damaged``. ``providers``: by upstream, who answered and how that is known.
    """

    position: Position | None = None
    skipped: Counter[str] = field(default_factory=Counter[str])
    lacking: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])
    damaged: Counter[str] = field(default_factory=Counter[str])
    providers: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @classmethod
    def read(cls, state: Mapping[str, str]) -> Progress:
        """From the state of a store; what cannot be read counts as nothing."""
        segment, _, offset = state.get(_POSITION, "").partition(":")
        known = segment.isdecimal() and offset.isdecimal()
        try:
            counts = msgspec.json.decode(state.get(_COUNTS, "{}"), type=_Counts)
        except msgspec.MsgspecError:
            counts = _Counts()
        return cls(
            Position(int(segment), int(offset)) if known else None,
            Counter(counts.skipped),
            Counter(counts.lacking),
            Counter(counts.failed),
            Counter(counts.damaged),
            counts.providers,
        )

    def state(self) -> dict[str, str]:
        """What to keep in the store, in one transaction with the calls."""
        counts = _Counts(
            dict(self.skipped.most_common(_MOST_REASONS)),
            dict(self.lacking.most_common(_MOST_REASONS)),
            dict(self.failed.most_common(_MOST_REASONS)),
            dict(self.damaged),
            self.providers,
        )
        out = {_COUNTS: msgspec.json.encode(counts).decode()}
        if self.position is not None:
            out[_POSITION] = position_text(self.position)
        return out


def position_text(position: Position) -> str:
    """``SEGMENT:OFFSET``."""
    return f"{position.segment}:{position.offset}"


def behind(folder: Path, position: Position | None) -> int:
    """Bytes on the spool that are not in the store yet."""
    spool, left = SpoolFolder(folder), 0
    for number in spool.segments():
        done = 0 if position is None or number > position.segment else position.offset
        if position is not None and number < position.segment:
            continue
        try:
            left += max(0, spool.segment(number).stat().st_size - max(done, len(SEGMENT_MARK)))
        except FileNotFoundError:
            # The recorder has just removed it.
            continue
    return left
