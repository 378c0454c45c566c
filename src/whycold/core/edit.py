"""All differences between two texts: minimal, readable and in bounded time.

Offsets count characters (code points), so lone surrogates and characters outside the basic plane
need no care.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from whycold.core.edit_align import Span, Work, agree, agree_back, differing_regions, refine, trim

__all__ = [
    "CONTEXT",
    "SAMPLE",
    "Edit",
    "TextChange",
    "apply_edits",
    "classify",
    "common_prefix",
    "common_suffix",
    "excerpt",
    "find_edits",
    "similarity",
]

# Fewer equal characters than this between two edits do not make them two edits for a reader
# ("12:03" -> "13:04").
_SHORTEST_GAP = 4
# A stretch of equal text up to this long between two longer edits is chance, not something that was
# kept.
_LONGEST_CHANCE = 32

_ELLIPSIS = "…"

CONTEXT = 40
"""Characters on each side of an edit that are shown with it."""

# Less than this share kept is a new text; a value too short for that question is simply replaced.
_REWRITTEN_BELOW = 0.15
_LONG_ENOUGH_TO_REWRITE = 40

_TELLTALES = "etaoinsr0123456789"
_PUNCTUATION = ",;|[]{}()"
_LONGEST_LIST = 262_144
SAMPLE = 8192
"""Characters of each end of a text that ``similarity`` looks at."""
_WORDS = re.compile(r"[0-9A-Za-z_\u00c0-\u1fff]+|[^\s\x00-\x7f]")
# A comma between digits is part of a number.
_ITEM_ENDS = re.compile(r"\n|[;|\[\]{}()]|(?<!\d),|,(?!\d)")


@dataclass(frozen=True, slots=True)
class Edit:
    """One place where two texts part: [start, end) in characters in each text.

    The first differing character stands at ``before_start`` and ``after_start``. A side that is
    empty means an insertion or a deletion.
    """

    before_start: int
    before_end: int
    after_start: int
    after_end: int


class TextChange(StrEnum):
    """How a text changed.

    ``equal``; ``whitespace``: only blanks, line ends or trimming differ; ``line_order``: the same
    lines or list items in another order; ``appended``: the new text starts with the old;
    ``truncated``: the old text starts with the new; ``inserted``, ``deleted``: text was only added
    or only removed within; ``replaced``: some of it differs; ``rewritten``: hardly anything in
    common.
    """

    equal = "equal"
    whitespace = "whitespace"
    line_order = "line_order"
    appended = "appended"
    truncated = "truncated"
    inserted = "inserted"
    deleted = "deleted"
    replaced = "replaced"
    rewritten = "rewritten"


def common_prefix(a: str, b: str) -> int:
    """Number of equal characters at the start."""
    return agree(a, 0, len(a), b, 0, len(b))


def common_suffix(a: str, b: str, *, floor: int = 0) -> int:
    """Number of equal characters at the end, the first ``floor`` of both texts left out."""
    return agree_back(a, min(floor, len(a)), len(a), b, min(floor, len(b)), len(b))


def find_edits(before: str, after: str, *, limit: int = 200) -> tuple[Edit, ...]:
    """All edits that turn ``before`` into ``after``, in order, never touching; none when equal.

    The first one starts exactly at the first differing character. Where there are more than
    ``limit`` edits the first half of them stays exact and those after it are joined across the
    shortest gaps.
    """
    if before == after:
        return ()
    work = Work()
    raw: list[Span] = []
    for number, region in enumerate(differing_regions(before, after)):
        # Further regions end up joined anyway, so their inside is of no use.
        raw += refine(before, after, region, work) if number < limit else [region]
    spans = _joined(before, after, _settled(before, after, raw))
    return tuple(Edit(*span) for span in _coarser(before, after, spans, max(limit, 1)))


def apply_edits(before: str, after: str, edits: Iterable[Edit]) -> str:
    """``before`` with the edits made, taking from ``after`` only what the edits name."""
    parts: list[str] = []
    done = 0
    for edit in edits:
        parts += [before[done : edit.before_start], after[edit.after_start : edit.after_end]]
        done = edit.before_end
    return "".join([*parts, before[done:]])


def _settled(before: str, after: str, spans: list[Span]) -> list[Span]:
    """The spans trimmed, and mere insertions and deletions moved to their last possible place.

    A repeated word can be taken out at several places to the same effect; the last one begins with
    the first character that really differs.
    """
    trimmed = [trim(before, after, span) for span in spans]
    trimmed = [span for span in trimmed if span.before_size or span.after_size]
    ends = [span.before_start for span in trimmed[1:]] + [len(before)]
    settled: list[Span] = []
    for (b0, b1, a0, a1), next_start in zip(trimmed, ends, strict=True):
        room = next_start - b1
        shift = 0
        if b0 == b1:
            shift = agree(after, a0, a0 + room, after, a1, a1 + room)
        elif a0 == a1:
            shift = agree(before, b0, b0 + room, before, b1, b1 + room)
        settled.append(Span(b0 + shift, b1 + shift, a0 + shift, a1 + shift))
    return settled


def _joined(before: str, after: str, spans: list[Span]) -> list[Span]:
    """Neighbours joined wherever a reader would see one edit."""
    joined: list[Span] = []
    for span in spans:
        current = span
        while joined and _belong_together(joined[-1], current):
            current = _over(joined.pop(), current)
        joined.append(current)
    return [trim(before, after, span) for span in joined]


def _belong_together(first: Span, second: Span) -> bool:
    gap = second.before_start - first.before_end
    if gap < _SHORTEST_GAP:
        return True
    sizes = (max(first.before_size, first.after_size), max(second.before_size, second.after_size))
    return gap <= _LONGEST_CHANCE and gap <= min(sizes)


def _over(first: Span, second: Span) -> Span:
    return Span(first.before_start, second.before_end, first.after_start, second.after_end)


def _coarser(before: str, after: str, spans: list[Span], limit: int) -> list[Span]:
    if len(spans) <= limit:
        return spans
    exact = limit // 2
    gaps = [q.before_start - p.before_end for p, q in pairwise(spans[exact:])]
    widest = sorted(range(len(gaps)), key=gaps.__getitem__, reverse=True)[: limit - exact - 1]
    starts = [exact, *sorted(exact + gap + 1 for gap in widest), len(spans)]
    coarse = [_over(spans[first], spans[last - 1]) for first, last in pairwise(starts)]
    return spans[:exact] + [trim(before, after, span) for span in coarse]


def excerpt(
    before: str, after: str, edit: Edit, *, context: int = CONTEXT, limit: int = 400
) -> tuple[str, str]:
    """The differing text of both sides with ``context`` characters around it.

    Each is at most ``limit`` characters long (8 or more); a longer text keeps its beginning and its
    end, with "…" for the middle. The two are never equal for an edit that ``find_edits`` gave: both
    have the same number of characters before the first differing one, which is always kept.
    """
    limit = max(limit, 8)
    around = min(context, limit // 4)
    left = min(around, edit.before_start, edit.after_start)
    return (
        _cut(before, edit.before_start, edit.before_end, left, around, limit),
        _cut(after, edit.after_start, edit.after_end, left, around, limit),
    )


def _cut(text: str, start: int, end: int, left: int, right: int, limit: int) -> str:
    first, last = start - left, min(end + right, len(text))
    if last - first <= limit:
        return text[first:last]
    head = (limit - len(_ELLIPSIS)) // 2
    tail = limit - len(_ELLIPSIS) - head
    return text[first : first + head] + _ELLIPSIS + text[last - tail : last]


def classify(before: str, after: str, edits: tuple[Edit, ...]) -> TextChange:
    """How ``before`` became ``after``; ``edits`` is what ``find_edits`` gave for the two."""
    if not edits:
        return TextChange.equal
    same_characters = _same_characters(before, after, edits)
    if same_characters and "".join(before.split()) == "".join(after.split()):
        return TextChange.whitespace
    if after.startswith(before):
        return TextChange.appended
    if before.startswith(after):
        return TextChange.truncated
    if same_characters and _same_items(before, after):
        return TextChange.line_order
    if all(edit.before_start == edit.before_end for edit in edits):
        return TextChange.inserted
    if all(edit.after_start == edit.after_end for edit in edits):
        return TextChange.deleted
    longest = max(len(before), len(after))
    kept = len(before) - sum(edit.before_end - edit.before_start for edit in edits)
    # Edits that were joined for their number hide what they kept; the estimate of the whole does
    # not.
    if (
        longest >= _LONG_ENOUGH_TO_REWRITE
        and kept < _REWRITTEN_BELOW * longest
        and similarity(before, after) < 2 * _REWRITTEN_BELOW
    ):
        return TextChange.rewritten
    return TextChange.replaced


def _same_characters(before: str, after: str, edits: tuple[Edit, ...]) -> bool:
    """Whether the edits may only have moved text: a cheap question before two dear ones."""
    old = "".join(before[edit.before_start : edit.before_end] for edit in edits)
    new = "".join(after[edit.after_start : edit.after_end] for edit in edits)
    if any(old.count(letter) != new.count(letter) for letter in _TELLTALES):
        return False
    counted = Counter(old)
    counted.subtract(new)
    return not any(n for c, n in counted.items() if not c.isspace() and c not in _PUNCTUATION)


def _same_items(before: str, after: str) -> bool:
    """Whether both hold the same lines, or else the same list items. Separators do not count."""
    if Counter(before.splitlines()) == Counter(after.splitlines()):
        return True
    if len(before) > _LONGEST_LIST:
        return False
    items = [Counter(item.strip() for item in _ITEM_ENDS.split(text)) for text in (before, after)]
    for counted in items:
        del counted[""]
    return items[0] == items[1]


def similarity(before: str, after: str) -> float:
    """The share of characters that both have in common, from 0 (nothing) to 1 (equal), in bounded
    time.

    An estimate: equal ends are counted exactly, the middle by its pairs of neighbouring words, and
    of a long middle only its beginning and its end. Good for finding the old self of a changed
    block.
    """
    if before == after:
        return 1.0
    head = common_prefix(before, after)
    tail = common_suffix(before, after, floor=head)
    longest = max(len(before), len(after))
    old, new = _word_pairs(before, head, tail), _word_pairs(after, head, tail)
    most = max(old.total(), new.total())
    share = (old & new).total() / most if most else 0.0
    return (head + tail + share * (min(len(before), len(after)) - head - tail)) / longest


def _word_pairs(text: str, head: int, tail: int) -> Counter[tuple[str, str]]:
    middle = text[head : len(text) - tail]
    if len(middle) > 2 * SAMPLE:
        middle = middle[:SAMPLE] + " " + middle[-SAMPLE:]
    words = _WORDS.findall(middle)
    return Counter(pairwise(words))
