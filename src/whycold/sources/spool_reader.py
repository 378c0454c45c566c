"""Reads a spool from a remembered place onwards, while it grows, past whatever is damaged."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import FileIO
from pathlib import Path
from typing import Final

from whycold.sources.spool import CORRUPT, START, Position, SpoolFolder
from whycold.sources.spool_bases import Shared
from whycold.sources.spool_frame import HEADER_SIZE, MAGIC, SEGMENT_MARK, FrameHeader
from whycold.sources.spool_record import Exchange

__all__ = ["Damage", "Fault", "Item", "SpoolReader"]

_SEARCH_BYTES: Final = 1 << 20
# Damaged segments that are kept for a look; older ones are deleted, for they hold prompts too.
_CORRUPT_KEPT: Final = 2
_BASES_REMEMBERED: Final = 4


class Fault(StrEnum):
    """``cut``: the writer died in the middle of the last frame; ``corrupt``: bytes that are no
    frame, or not the ones that were written."""

    cut = "cut"
    corrupt = "corrupt"


@dataclass(frozen=True, slots=True)
class Damage:
    """``size`` bytes at ``at`` that could not be read."""

    fault: Fault
    at: Position
    size: int


@dataclass(frozen=True, slots=True)
class Item:
    """One record at ``position``, and the position ``after`` it to go on from once the record has
    been kept elsewhere. ``shared`` says what its request body has in common with that of an
    earlier record of the segment, where the writer noticed."""

    exchange: Exchange
    position: Position
    after: Position
    shared: Shared | None


class SpoolReader:
    """Gives each whole frame once, from a position on, in the order of writing.

    ``position`` is where reading goes on; ``damage`` what had to be left out since the last time it
    was taken. Nothing is removed until ``remove_before`` is called. ``sealed`` is a segment that
    nothing is appended to any more, although there is none behind it."""

    def __init__(self, folder: str | Path, position: Position = START) -> None:
        self.position = position
        self.damage: list[Damage] = []
        self.sealed: int | None = None
        self._folder = SpoolFolder(folder)
        self._doubted: tuple[Position, int] | None = None
        self._bases: OrderedDict[Position, bytes] = OrderedDict()

    def read(self) -> Iterator[Item]:
        """What is there and was not given yet; ends at the end of what has been written, and may
        be asked again. Raises OSError when a segment cannot be read."""
        while True:
            numbers = [n for n in self._folder.segments() if n >= self.position.segment]
            if not numbers:
                return
            number = numbers[0]
            if number > self.position.segment:
                self.position = Position(number, 0)
            sealed = len(numbers) > 1 or number == self.sealed
            try:
                file = FileIO(self._folder.segment(number))
            except FileNotFoundError:
                continue
            with file:
                yield from self._segment(file, sealed)
            if not sealed:
                return
            self.position = Position(number + 1, 0)

    def _segment(self, file: FileIO, sealed: bool) -> Iterator[Item]:
        """The frames from ``position`` to the end of this segment."""
        while True:
            at = self.position.offset
            size = os.fstat(file.fileno()).st_size
            if at == 0 and size >= len(SEGMENT_MARK):
                at = len(SEGMENT_MARK) if _read(file, len(SEGMENT_MARK), 0) == SEGMENT_MARK else 0
                self.position = Position(self.position.segment, at)
            if at >= size:
                return
            item = self._item(file, at, size)
            if item is not None:
                self.position = item.after
                yield item
            elif not (sealed or self._is_doubted(at, size)) or not self._skip(
                file, at, size, sealed
            ):
                return

    def _is_doubted(self, at: int, size: int) -> bool:
        """Whether what is here was no frame before: in a segment that still grows it may have been
        half written then, or taken back and replaced, so it is looked at twice."""
        now = Position(self.position.segment, at), size
        before, self._doubted = self._doubted, now
        return before is not None and before[0] == now[0] and before != now

    def _item(self, file: FileIO, at: int, size: int) -> Item | None:
        """The whole frame at ``at``; None when there is none, or not yet."""
        found = _frame(file, at, size)
        if found is None:
            return None
        header, payload = found
        base = b""
        if header.shared is not None:
            base = self._base(file, header.shared.offset, size)
            if base is None or len(base) < header.shared.prefix + header.shared.suffix:
                return None
        try:
            exchange = header.record(payload, base).exchange()
        except ValueError:
            return None
        here = Position(self.position.segment, at)
        after = Position(here.segment, at + HEADER_SIZE + header.payload)
        return Item(exchange, here, after, header.shared)

    def _base(self, file: FileIO, offset: int, size: int) -> bytes | None:
        """The request body of the whole frame at ``offset``; a few are remembered, for a
        conversation refers to the same one again and again."""
        where = Position(self.position.segment, offset)
        base = self._bases.get(where)
        if base is None:
            found = _frame(file, offset, size)
            if found is None or found[0].shared is not None:
                return None
            base = self._bases[where] = found[0].request_body(found[1])
            if len(self._bases) > _BASES_REMEMBERED:
                self._bases.popitem(last=False)
        self._bases.move_to_end(where)
        return base

    def _skip(self, file: FileIO, at: int, size: int, sealed: bool) -> bool:
        """Moves past bytes that are no whole frame; False when they may still become one."""
        end = self._next_frame(file, at + 1, size)
        if end is None and not sealed:
            return False
        here = Position(self.position.segment, at)
        # A frame that the end of the file cuts off is what a killed writer leaves.
        header = FrameHeader.read(_read(file, HEADER_SIZE, at))
        cut = end is None and (
            size - at < HEADER_SIZE
            or (header is not None and at + HEADER_SIZE + header.payload > size)
        )
        skipped = (size if end is None else end) - at
        self.damage.append(Damage(Fault.cut if cut else Fault.corrupt, here, skipped))
        if not cut:
            self._set_aside(here.segment)
        self.position = Position(here.segment, at + skipped)
        return True

    def _set_aside(self, number: int) -> None:
        """A second name for a damaged segment, which stays when the segment is removed."""
        path = self._folder.segment(number)
        with contextlib.suppress(OSError):
            path.with_suffix(CORRUPT).hardlink_to(path)
        for old in sorted(self._folder.path.glob(f"*{CORRUPT}"))[:-_CORRUPT_KEPT]:
            old.unlink(missing_ok=True)

    def _next_frame(self, file: FileIO, at: int, size: int) -> int | None:
        """Where the next whole frame begins."""
        while at < size:
            block = _read(file, _SEARCH_BYTES, at)
            found = block.find(MAGIC)
            while found >= 0:
                if _frame(file, at + found, size) is not None:
                    return at + found
                found = block.find(MAGIC, found + 1)
            if len(block) < len(MAGIC):
                return None
            at += len(block) - len(MAGIC) + 1
        return None

    def remove_before(self, position: Position) -> None:
        """Deletes the segments that end before ``position``."""
        for number in self._folder.segments():
            if number < position.segment:
                self._folder.segment(number).unlink(missing_ok=True)


def _frame(file: FileIO, at: int, size: int) -> tuple[FrameHeader, bytes] | None:
    header = FrameHeader.read(_read(file, HEADER_SIZE, at))
    if header is None or at + HEADER_SIZE + header.payload > size:
        return None
    payload = _read(file, header.payload, at + HEADER_SIZE)
    return (header, payload) if header.whole(payload) else None


def _read(file: FileIO, size: int, at: int) -> bytes:
    file.seek(at)
    data = file.read(size)
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data
