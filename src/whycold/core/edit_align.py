"""Which parts of two texts correspond: long equal stretches first, then lines, then words.

Every step is bounded by :class:`Work`, counted in steps and not in time, so that the same two texts
always give the same answer. What is left when the work is spent counts as differing.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from itertools import accumulate, pairwise
from typing import NamedTuple

__all__ = [
    "Run",
    "Span",
    "Work",
    "agree",
    "agree_back",
    "align",
    "differing_regions",
    "refine",
    "trim",
]

# A copied slice of this size still lies in the second-level cache; measured best on 4 MB of text.
_LARGEST_STEP = 65536

# A stretch this long that stands once on each side of an edit is taken for the same stretch.
_PROBE = 32
_FIRST_WINDOW = 512
_LAST_WINDOW = 32768
_AHEAD = (0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)

# Characters of both sides together: below, a region goes to words at once; above, it is never cut
# into words.
_SMALL_REGION = 4096
_LARGEST_IN_WORDS = 262144

_MOST_STEPS_APART = 100
_LONG_LINES = 400
_PIECE = 48

# Scripts without spaces between words fall to the last branch: one character is one word.
_WORDS = re.compile(r"[0-9A-Za-z_\u00c0-\u1fff]+|[^\S\n]+|.", re.DOTALL)


class Span(NamedTuple):
    """A part of each text, [start, end) in characters."""

    before_start: int
    before_end: int
    after_start: int
    after_end: int

    @property
    def before_size(self) -> int:
        return self.before_end - self.before_start

    @property
    def after_size(self) -> int:
        return self.after_end - self.after_start


class Run(NamedTuple):
    """``length`` equal items from ``before`` in one list and from ``after`` in the other."""

    before: int
    after: int
    length: int


class Work:
    """What may be spent on a pair of texts: ``steps`` of alignment, ``letters`` cut into words."""

    __slots__ = ("letters", "steps")

    def __init__(self, steps: int = 400_000, letters: int = 524_288) -> None:
        self.steps = steps
        self.letters = letters


def agree(a: str, a_start: int, a_end: int, b: str, b_start: int, b_end: int) -> int:
    """Number of equal characters from the two starts on, at the speed of a memory comparison."""
    end = min(a_end - a_start, b_end - b_start)
    done, step = 0, 64
    while done < end:
        stop = min(done + step, end)
        if a[a_start + done : a_start + stop] != b[b_start + done : b_start + stop]:
            low, high = done, stop - 1
            while low < high:
                middle = (low + high + 1) // 2
                if a[a_start + low : a_start + middle] == b[b_start + low : b_start + middle]:
                    low = middle
                else:
                    high = middle - 1
            return low
        done, step = stop, min(step * 4, _LARGEST_STEP)
    return max(end, 0)


def agree_back(a: str, a_start: int, a_end: int, b: str, b_start: int, b_end: int) -> int:
    """Number of equal characters before the two ends."""
    end = min(a_end - a_start, b_end - b_start)
    done, step = 0, 64
    while done < end:
        stop = min(done + step, end)
        if a[a_end - stop : a_end - done] != b[b_end - stop : b_end - done]:
            low, high = done, stop - 1
            while low < high:
                middle = (low + high + 1) // 2
                if a[a_end - middle : a_end - low] == b[b_end - middle : b_end - low]:
                    low = middle
                else:
                    high = middle - 1
            return low
        done, step = stop, min(step * 4, _LARGEST_STEP)
    return max(end, 0)


def differing_regions(before: str, after: str) -> list[Span]:
    """The regions around the differences, in order; long stretches between them are the same.

    Each region starts with differing characters. Where no such stretch is found the rest is one
    region.
    """
    i = j = agree(before, 0, len(before), after, 0, len(after))
    tail = agree_back(before, i, len(before), after, j, len(after))
    b_end, a_end = len(before) - tail, len(after) - tail
    regions: list[Span] = []
    while i < b_end or j < a_end:
        rest = Span(i, b_end, j, a_end)
        again = None
        if i < b_end and j < a_end and rest.before_size + rest.after_size > _FIRST_WINDOW:
            again = _resume(before, after, rest)
        if again is None:
            regions.append(rest)
            break
        regions.append(Span(i, again[0], j, again[1]))
        same = agree(before, again[0], b_end, after, again[1], a_end)
        i, j = again[0] + same, again[1] + same
    return regions


def _resume(before: str, after: str, rest: Span) -> tuple[int, int] | None:
    """The nearest place where both texts go on alike after the difference at the start."""
    i, b_end, j, a_end = rest
    window = _FIRST_WINDOW
    while True:
        b_stop, a_stop = min(i + window, b_end), min(j + window, a_end)
        best: tuple[int, int] | None = None
        for share in _AHEAD:
            at_after = j + int(window * share)
            probe = after[at_after : at_after + _PROBE]
            if at_after + _PROBE > a_stop:
                break
            at_before = before.find(probe, i, b_stop)
            if (
                at_before < 0
                or before.find(probe, at_before + 1, b_stop) >= 0
                or after.find(probe, j, a_stop) != at_after
                or after.find(probe, at_after + 1, a_stop) >= 0
            ):
                continue
            back = agree_back(before, i, at_before, after, j, at_after)
            place = (at_before - back, at_after - back)
            if best is None or sum(place) < sum(best):
                best = place
        whole = b_stop == b_end and a_stop == a_end
        if best is not None or whole or window >= _LAST_WINDOW:
            return best
        window *= 8


def refine(before: str, after: str, region: Span, work: Work) -> list[Span]:
    """The differences within a region in order, cut between words; coarser when work runs out."""
    found: list[Span] = []
    waiting = [(region, False)]
    while waiting:
        whole, cut = waiting.pop()
        span = trim(before, after, whole)
        size = span.before_size + span.after_size
        if not span.before_size or not span.after_size:
            if size:
                found.append(span)
            continue
        b, a = before[span.before_start : span.before_end], after[span.after_start : span.after_end]
        if size <= _SMALL_REGION or (cut and size <= min(_LARGEST_IN_WORDS, work.letters)):
            work.letters -= size
            found += _between(_WORDS.findall(b), _WORDS.findall(a), span, work)
        elif not cut and (separator := _separator(b)):
            gaps = _between(_pieces(b, separator), _pieces(a, separator), span, work)
            waiting += [(gap, True) for gap in reversed(gaps)]
        else:
            found.append(span)
    return found


def trim(before: str, after: str, span: Span) -> Span:
    """The span without the equal characters at its start and at its end."""
    b0, b1, a0, a1 = span
    head = agree(before, b0, b1, after, a0, a1)
    tail = agree_back(before, b0 + head, b1, after, a0 + head, a1)
    return Span(b0 + head, b1 - tail, a0 + head, a1 - tail)


def _separator(text: str) -> str:
    """A character that cuts the text into pieces of a useful size, "" where there is none.

    The line end if lines are short, else the character that stands nearest to once in ``_PIECE``.
    """
    if text.count("\n") * _LONG_LINES > len(text):
        return "\n"
    sample = Counter(text[:16384] + text[len(text) // 2 : len(text) // 2 + 16384])
    wanted = sample.total() / _PIECE
    usable = [(abs(math.log(n / wanted)), c) for c, n in sample.items() if n * 8 < sample.total()]
    return min(usable)[1] if usable else ""


def _pieces(text: str, separator: str) -> list[str]:
    *whole, last = text.split(separator)
    pieces = [piece + separator for piece in whole]
    if last:
        pieces.append(last)
    return pieces


def _between(b: list[str], a: list[str], span: Span, work: Work) -> list[Span]:
    """What lies between the equal runs of two lists of pieces that make up ``span``."""
    b_at = list(accumulate(map(len, b), initial=span.before_start))
    a_at = list(accumulate(map(len, a), initial=span.after_start))
    gaps: list[Span] = []
    b_done = a_done = 0
    for run in [*align(b, a, work), Run(len(b), len(a), 0)]:
        if run.before > b_done or run.after > a_done:
            gaps.append(Span(b_at[b_done], b_at[run.before], a_at[a_done], a_at[run.after]))
        b_done, a_done = run.before + run.length, run.after + run.length
    return gaps


def align(b: list[str], a: list[str], work: Work) -> list[Run]:
    """Runs of equal items in both lists, in order and not crossing.

    Items that are unique on both sides fix the frame (patience); what lies between goes to the
    shortest edit script (Myers).
    """
    runs: list[Run] = []
    boxes = [Span(0, len(b), 0, len(a))]
    while boxes:
        b0, b1, a0, a1 = boxes.pop()
        head = 0
        while b0 + head < b1 and a0 + head < a1 and b[b0 + head] == a[a0 + head]:
            head += 1
        tail = 0
        while (
            b1 - tail > b0 + head and a1 - tail > a0 + head and b[b1 - tail - 1] == a[a1 - tail - 1]
        ):
            tail += 1
        if head:
            runs.append(Run(b0, a0, head))
        if tail:
            runs.append(Run(b1 - tail, a1 - tail, tail))
        box = Span(b0 + head, b1 - tail, a0 + head, a1 - tail)
        if not box.before_size or not box.after_size or work.steps <= 0:
            continue
        anchors: list[tuple[int, int]] = []
        if box.before_size + box.after_size > _MOST_STEPS_APART:
            anchors = _anchors(b, a, box)
            work.steps -= (box.before_size + box.after_size) // 8
        if anchors:
            corners = [
                (box.before_start, box.after_start),
                *anchors,
                (box.before_end, box.after_end),
            ]
            boxes += [Span(p[0], q[0], p[1], q[1]) for p, q in pairwise(corners)]
        else:
            runs += _shortest_script(b, a, box, work)
    return sorted(runs)


def _anchors(b: list[str], a: list[str], box: Span) -> list[tuple[int, int]]:
    """The longest rising chain of items that stand exactly once on each side."""
    b_part, a_part = b[box.before_start : box.before_end], a[box.after_start : box.after_end]
    b_count, a_count = Counter(b_part), Counter(a_part)
    at = {item: i for i, item in enumerate(b_part, box.before_start) if b_count[item] == 1}
    pairs = [
        (at[item], j)
        for j, item in enumerate(a_part, box.after_start)
        if item in at and a_count[item] == 1
    ]
    tops: list[int] = []
    top_index: list[int] = []
    previous = [-1] * len(pairs)
    for index, (i, _) in enumerate(pairs):
        pile = bisect_left(tops, i)
        if pile:
            previous[index] = top_index[pile - 1]
        tops[pile : pile + 1] = [i]
        top_index[pile : pile + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = top_index[-1] if top_index else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


def _shortest_script(b: list[str], a: list[str], box: Span, work: Work) -> list[Run]:
    """Myers' greedy search; where it may go no further it starts anew from the furthest point."""
    b0, b1, a0, a1 = box
    if set(b[b0:b1]).isdisjoint(a[a0:a1]):
        return []
    runs: list[Run] = []
    while b0 < b1 and a0 < a1 and work.steps > 0:
        trail, x, y = _furthest(b, a, Span(b0, b1, a0, a1), work)
        b_next, a_next = b0 + x, a0 + y
        for steps in range(len(trail) - 1, -1, -1):
            reach, k = trail[steps], x - y
            down, right = reach[k + 1 + steps + 1], reach[k - 1 + steps + 1] + 1
            start = max(down, right)
            if x > start:
                runs.append(Run(b0 + start, a0 + start - k, x - start))
            x, y = (down, down - k - 1) if right <= down else (right - 1, right - k)
        b0, a0 = b_next, a_next
    return runs


def _furthest(
    b: list[str], a: list[str], box: Span, work: Work
) -> tuple[list[list[int]], int, int]:
    """What was reached before each step, then the end of the box or the furthest point in reach."""
    b0, _, a0, _ = box
    n, m = box.before_size, box.after_size
    middle = _MOST_STEPS_APART + 1
    reach = [-1] * (2 * middle + 1)
    reach[middle + 1] = 0
    trail: list[list[int]] = []
    for steps in range(_MOST_STEPS_APART):
        trail.append(reach[middle - steps - 1 : middle + steps + 2])
        lowest, highest = -steps + 2 * max(0, steps - m), steps - 2 * max(0, steps - n)
        for k in range(lowest, highest + 1, 2):
            x = start = max(reach[middle + k + 1], reach[middle + k - 1] + 1)
            y = x - k
            while x < n and y < m and b[b0 + x] == a[a0 + y]:
                x += 1
                y += 1
            reach[middle + k] = x
            work.steps -= 1 + x - start
            if x >= n and y >= m:
                return trail, x, y
    last = len(trail) - 1
    points = [(reach[middle + k], reach[middle + k] - k) for k in range(-last, last + 1, 2)]
    inside = [(x, y) for x, y in points if 0 <= x <= n and 0 <= y <= m]
    x, y = max(inside, key=lambda point: (point[0] + point[1], -abs(point[0] - point[1])))
    return trail, x, y
