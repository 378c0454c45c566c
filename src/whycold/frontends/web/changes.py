"""What changed in a call, as rows of pieces that a page can draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.text import Text

from whycold.core.diagnosis import Diagnosis
from whycold.core.wording import shortened
from whycold.frontends.explain_full import Value, full_rows
from whycold.frontends.hunks import hunks
from whycold.frontends.places import Place, places
from whycold.frontends.printable import printable
from whycold.frontends.reporting_look import Look

__all__ = ["Changed", "Line", "Piece", "changed", "whole"]

_COLOURED = Look(colour=True)
_LONGEST = 2000
_MOST_OF_A_RUN = 12
"""Blocks of one run; more are counted."""
_SIGNS = {"-": "went", "+": "came"}


class Piece(NamedTuple):
    """A part of a line; ``changed``: it differs from the other side."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """``kind`` is went, came, same or fold: a stretch that is left out, told in words."""

    kind: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One place with its lines; ``main``: it is the cause."""

    place: Place
    lines: tuple[Line, ...]
    main: bool


def changed(told: Diagnosis, most: int = 60) -> tuple[list[Changed], int]:
    """The first places of a diagnosis, and how many there are more."""
    found = places(told)
    out = [
        Changed(place, tuple(_lines(place)), any(f.cause == told.cause for f in place.edits))
        for place in found[:most]
    ]
    return out, len(found) - len(out)


def whole(value: Value) -> list[Line]:
    """A value on both sides, with what did not change folded; long stretches are cut."""
    return [_line(sign.plain.strip() or " ", text) for sign, text in full_rows(value, _COLOURED)]


def _lines(place: Place) -> Iterator[Line]:
    first = place.first
    if place.run or not (first.before and first.after):
        yield from _blocks(place)
        return
    for row in hunks(place.edits, colour=True, longest=_LONGEST):
        yield _line(row.sign, row.text)


def _blocks(place: Place) -> Iterator[Line]:
    """Blocks that came or went, each by its beginning."""
    for found in place.edits[:_MOST_OF_A_RUN]:
        kind, text = ("went", found.before) if found.before else ("came", found.after)
        named = f"{found.path}  " if place.run else ""
        words = printable(shortened(text, _LONGEST))
        yield Line(kind, (Piece(printable(named), False), Piece(words, True)))
    if (more := len(place.edits) - _MOST_OF_A_RUN) > 0:
        yield Line("fold", (Piece(f"… {more} more blocks", False),))


def _line(sign: str, text: Text) -> Line:
    pieces = tuple(_pieces(text))
    if sign in _SIGNS:
        return Line(_SIGNS[sign], pieces)
    fold = text.plain.startswith(("…", "⋯"))
    return Line("fold" if fold else "same", pieces)


def _pieces(text: Text) -> Iterable[Piece]:
    """The stretches of a text that is styled for a terminal: what is bold differs."""
    plain, done, out = text.plain, 0, list[Piece]()
    marked: Sequence[tuple[int, int]] = sorted(
        (s.start, s.end) for s in text.spans if {"bold", "reverse"} & set(str(s.style).split())
    )
    for start, end in marked:
        out.append(Piece(plain[done:start], False))
        out.append(Piece(plain[start:end], True))
        done = end
    out.append(Piece(plain[done:], False))
    return [piece for piece in out if piece.text]
