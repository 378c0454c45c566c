"""The words that changed, as rows: what was there, what is there, and how much around it is the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from whycold.core.diagnosis import Found
from whycold.core.edit import CONTEXT, Edit, find_edits
from whycold.core.numbers import exact
from whycold.core.wording import shortened
from whycold.frontends.palette import BAD, FAINT, GOOD
from whycold.frontends.printable import printable

__all__ = ["Row", "hunks"]

_MOST_LINES = 8
_WORTH_A_ROW = 10
"""Fewer characters than this are left out without being counted."""
_CUT = 400
"""The length at which a text in a diagnosis was cut in its middle or at its end."""
_STYLES = {"-": BAD, "+": GOOD}


@dataclass(frozen=True)
class Row:
    """One row: ``sign`` is "-", "+" or blank; ``marks`` stand below the changed words where there
    are no colours.
    """

    sign: str
    text: Text
    marks: str = ""


class _Piece(NamedTuple):
    """A part of a text, and whether it differs."""

    text: str
    changed: bool


@dataclass(frozen=True)
class _Hunk:
    """One edit in its line, or several.

    The shown part goes from ``start`` to ``end`` in the earlier value; None: not known.
    """

    old: tuple[_Piece, ...]
    new: tuple[_Piece, ...]
    start: int
    end: int | None


class _View:
    """What is shown of both values around an edit, or around several that stand close together.

    ``base`` is where it begins in the earlier value, ``spans`` are the edits in it; ``ends`` says
    that the value ends where the texts do, ``whole`` that nothing was cut out of them.
    """

    def __init__(self, found: Found) -> None:
        self.before, self.after = found.before, found.after
        self.spans = list(find_edits(self.before, self.after)) or [Edit(0, 0, 0, 0)]
        self.base = max(0, found.offset - self.spans[0].before_start)
        self.ends, self.whole = not found.rest, len(found.before) < _CUT

    def joined(self, found: Found) -> bool:
        """Take in the next edit, if it stands in what is shown behind the last one."""
        at = found.offset - self.base
        lead = min(CONTEXT, found.offset)
        start = self._known_end(at, lead)
        if start is None or not self.whole:
            return False
        last, gap = self.spans[start], at - self.spans[start].before_end
        same = self.before[last.before_end : at]
        beside = found.before[lead - gap : lead], found.after[lead - gap : lead]
        if len(same) != gap or beside != (same, same):
            return False
        more = find_edits(found.before[lead:], found.after[lead:])
        to = last.after_end + gap
        self.before = self.before[:at] + found.before[lead:]
        self.after = self.after[:to] + found.after[lead:]
        self.spans = self.spans[: start + 1] + [_shifted(e, at, to) for e in more]
        self.ends, self.whole = not found.rest, len(found.before) < _CUT
        return True

    def _known_end(self, at: int, lead: int) -> int | None:
        """The last edit that ends in front of a position close by."""
        ends = [i for i, e in enumerate(self.spans) if e.before_end <= at]
        if not ends or at >= len(self.before) or at - self.spans[ends[-1]].before_end > lead:
            return None
        return ends[-1]


def _shifted(edit: Edit, old: int, new: int) -> Edit:
    return Edit(
        edit.before_start + old, edit.before_end + old, edit.after_start + new, edit.after_end + new
    )


def hunks(
    edits: Sequence[Found], *, colour: bool, more: bool = False, longest: int = _CUT
) -> Iterator[Row]:
    """The edits of one value in their order, with what is folded between them.

    ``more`` says that others follow; ``longest`` is how many characters of a side are shown.
    """
    done: int | None = 0
    views: list[_View] = []
    for found in edits:
        if not views or not views[-1].joined(found):
            views.append(_View(found))
    for view in views:
        if view.before == view.after:
            yield Row(" ", Text(printable(view.before), style=FAINT))
            continue
        hunk = _hunk(view, done or 0)
        if done is not None:
            yield from _folded(hunk.start - done)
        yield from _rows("-", _cut(hunk.old, longest), colour=colour)
        yield from _rows("+", _cut(hunk.new, longest), colour=colour)
        done = hunk.end
    if not more and done is not None and (rest := edits[-1].rest) is not None:
        yield from _folded(views[-1].base + len(views[-1].before) + rest - done)


def _folded(characters: int) -> Iterator[Row]:
    if characters >= _WORTH_A_ROW:
        yield Row(" ", Text(f"… {exact(characters)} characters unchanged", style=FAINT))


def _hunk(view: _View, done: int) -> _Hunk:
    """One edit with the rest of its line; ``done`` is how far the value was shown before."""
    before, after, spans, base = view.before, view.after, view.spans, view.base
    if len(spans) == 1 and (lines := _as_lines(view, spans[0])):
        at, old, new = lines
        shown = (_pieces(old, [(0, len(old))]), _pieces(new, [(0, len(new))]))
        return _Hunk(*shown, base + at, base + at + len(old) if view.whole else None)
    left = max(before.rfind("\n", 0, spans[0].before_start) + 1, done - base)
    tail = len(before) - spans[-1].before_end
    line_end = before.find("\n", len(before) - tail)
    kept = tail if line_end < 0 else line_end - (len(before) - tail)
    opening = "…" if base + left > 0 and before[left - 1 : left] != "\n" else ""
    closing = "…" if kept == tail and not view.ends else ""
    old = before[left : len(before) - tail + kept]
    new = after[left : len(after) - tail + kept]
    was = [(s.before_start - left, s.before_end - left) for s in spans]
    now = [(s.after_start - left, s.after_end - left) for s in spans]
    return _Hunk(
        _pieces(old, was, opening, closing),
        _pieces(new, now, opening, closing),
        base + left,
        base + left + len(old) if view.whole else None,
    )


def _as_lines(view: _View, edit: Edit) -> tuple[int, str, str] | None:
    """Where whole lines came or went: where they stand, the old and the new ones.

    A run of lines can often be taken out in several places to the same effect; the one that begins
    with a line is what people see.
    """
    gone = edit.after_start == edit.after_end
    if not gone and edit.before_start != edit.before_end:
        return None
    text = view.before if gone else view.after
    start, end = (
        (edit.before_start, edit.before_end) if gone else (edit.after_start, edit.after_end)
    )
    if end <= start:
        return None
    while not (
        text[end - 1] == "\n" and (text[start - 1 : start] == "\n" or start + view.base == 0)
    ):
        closed = text[end : end + 1] == "\n" or (end == len(text) and view.ends)
        if text[start] == "\n" and closed:
            start += 1
            break
        if start == 0 or text[start - 1] != text[end - 1]:
            return None
        start, end = start - 1, end - 1
    lines = text[start:end].removesuffix("\n")
    return (start, lines, "") if gone else (start, "", lines)


def _pieces(
    text: str, spans: Sequence[tuple[int, int]], opening: str = "", closing: str = ""
) -> tuple[_Piece, ...]:
    if not text:
        return ()
    out = [_Piece(opening, changed=False)]
    done = 0
    for start, end in spans:
        out += [_Piece(text[done:start], changed=False), _Piece(text[start:end], changed=True)]
        done = end
    out += [_Piece(text[done:], changed=False), _Piece(closing, changed=False)]
    return tuple(piece for piece in out if piece.text)


def _cut(pieces: Sequence[_Piece], longest: int) -> Iterator[_Piece]:
    """The pieces, long ones without their middle."""
    over = sum(len(piece.text) for piece in pieces) - longest
    for piece in pieces:
        spare = len(piece.text) - longest // 2
        if over <= 0 or spare <= 0:
            yield piece
            continue
        over -= spare
        yield _Piece(shortened(piece.text, longest // 2), piece.changed)


def _rows(sign: str, pieces: Iterable[_Piece], *, colour: bool) -> Iterator[Row]:
    """The pieces line by line, at most eight lines."""
    lines: list[list[_Piece]] = [[]]
    for piece in pieces:
        first, *more = piece.text.split("\n")
        lines[-1].append(_Piece(first, piece.changed))
        lines += [[_Piece(line, piece.changed)] for line in more]
    if lines == [[]]:
        return
    for line in lines[:_MOST_LINES]:
        yield _row(sign, line, colour=colour)
    if (more := len(lines) - _MOST_LINES) > 0:
        yield Row(sign, Text(f"… {exact(more)} more lines", style=FAINT))


def _row(sign: str, line: Sequence[_Piece], *, colour: bool) -> Row:
    text, marks = Text(), ""
    for piece in line:
        shown = printable(piece.text)
        blank = not shown.strip()
        strong = f"{'reverse' if blank else 'bold'} {_STYLES[sign]}"
        text.append(shown, style=strong if piece.changed else "")
        marks += ("~" if piece.changed else " ") * cell_len(shown)
    all_of_it = not any(piece.text and not piece.changed for piece in line)
    return Row(sign, text, "" if colour or all_of_it else marks.rstrip())
