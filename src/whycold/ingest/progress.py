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
    ``programs``: the same for the folder of each program that records its own calls, by name.

    Counts by reason, for ever: ``skipped`` exchanges that are no call, ``lacking`` calls without
    their prompt, ``failed`` exchanges that whycold itself could not read, bytes of the spool that
    were ``damaged``. ``providers``: by upstream, who answered and how that is known.
    """

    position: Position | None = None
    programs: dict[str, Position] = field(default_factory=dict[str, Position])
    skipped: Counter[str] = field(default_factory=Counter[str])
    lacking: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])
    damaged: Counter[str] = field(default_factory=Counter[str])
    providers: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @classmethod
    def read(cls, state: Mapping[str, str]) -> Progress:
        """From the state of a store; what cannot be read counts as nothing."""
        known: dict[str, Position] = {}
        for key, text in state.items():
            if key.startswith(_POSITION) and (at := _position(text)) is not None:
                known[key.removeprefix(f"{_POSITION}.")] = at
        try:
            counts = msgspec.json.decode(state.get(_COUNTS, "{}"), type=_Counts)
        except msgspec.MsgspecError:
            counts = _Counts()
        return cls(
            known.pop(_POSITION, None),
            known,
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
        for name, position in self.programs.items():
            out[f"{_POSITION}.{name}"] = position_text(position)
        return out

    def reached(self, program: str, position: Position) -> None:
        """All up to there is in the store; ``program`` is "" for the proxy's folder."""
        if program:
            self.programs[program] = position
        else:
            self.position = position


def _position(text: str) -> Position | None:
    segment, _, offset = text.partition(":")
    known = segment.isdecimal() and offset.isdecimal()
    return Position(int(segment), int(offset)) if known else None


def position_text(position: Position) -> str:
    """``SEGMENT:OFFSET``."""
    return f"{position.segment}:{position.offset}"


def behind(folder: Path, progress: Progress | None) -> int:
    """Bytes on the spool, those of programs included, that are not in the store yet."""
    spool, progress = SpoolFolder(folder), progress or Progress()
    left = _behind(spool, progress.position)
    return left + sum(
        _behind(program, progress.programs.get(program.path.name)) for program in spool.programs()
    )


def _behind(spool: SpoolFolder, position: Position | None) -> int:
    left = 0
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
