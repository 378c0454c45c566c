"""Recognises values that change by themselves, and takes them out of a text."""

from __future__ import annotations

import re

from whycold.core.edit import Edit
from whycold.core.volatile_forms import Value, find_values
from whycold.core.volatile_kinds import Volatile, describe, placeholder
from whycold.core.volatile_words import WORD, looks_random

__all__ = ["Volatile", "describe", "looks_random", "recognise", "template", "template_at"]

# How far around an edit a value, or the word that names it, can stand.
_REACH = 100
# A value with digits has one of them at most this far from any of its characters.
_DIGIT_WITHIN = 32
_LONGEST_WORD = 200
_LONGEST_EDIT = 2000
_LONGEST_BLOCK = 20_000
_NEIGHBOURHOOD = 5000
_LONGEST_TEMPLATE = 32_768
_CONTEXT = 40

_DIGITS = frozenset("0123456789")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*(?<![,.])(?!\w)")

_GIT_HEADING = re.compile(
    r"^\s*(?:gitStatus:|#* ?[Gg]it [Ss]tatus\b|<git\w*>|On branch |Current branch: ).*$",
    re.MULTILINE,
)
_GIT_WORDS = ("git", "Git", "branch")
# One of them stands in every heading.
_GIT_LINE = re.compile(
    r"\s*(?:(?:[MADRCUT?!]|[MADRCUT ][MADRCUT]|\?\?|!!) +(?:\"[^\"]+\"|\S+)(?: -> \S+)?"
    r"|[0-9a-f]{7,40} \S.*|\(clean\)|(?:Current|Main|Default) branch\b.*|On branch .*"
    r"|Git user: .*|Your branch .*|Status:|(?:Recent|Last) commits?:?.*|nothing to commit.*"
    r"|no changes added.*|HEAD detached .*|\(use \"git .*"
    r"|(?:modified|new file|deleted|renamed|both modified|typechange): .*"
    r"|Changes (?:to be committed|not staged for commit):|Un(?:tracked files|merged paths):"
    r"|\d+ (?:files? changed|insertions?|deletions?).*|.* \| +\d+ [+-]*|</?git\w*>"
    r"|.*(?:working tree clean|working directory clean)|\t\S+)\s*"
)


def recognise(before: str, after: str, edit: Edit) -> Volatile | None:
    """The kind of value that stands at this edit on both sides; None when that is not sure.

    The value may be longer than the edit (two digits within a time). Both sides must be the same
    text once their volatile values are taken out.
    """
    longest = max(edit.before_end - edit.before_start, edit.after_end - edit.after_start)
    if longest > _LONGEST_BLOCK:
        return None
    old = _Side(before, edit.before_start, edit.before_end)
    new = _Side(after, edit.after_start, edit.after_end)
    if old.ends_a_line() and new.ends_a_line():
        old.leave_line_end()
        new.leave_line_end()
    if _is_git_state(old) and _is_git_state(new):
        return Volatile.git
    if longest <= _LONGEST_EDIT:
        kind = _value_at(old, new)
        if kind is not None:
            return kind
    return Volatile.listing if _is_listing(old) and _is_listing(new) else None


class _Side:
    """The neighbourhood of the edit in one of the texts, and where the edit stands in it."""

    def __init__(self, text: str, start: int, end: int) -> None:
        low = max(0, start - _NEIGHBOURHOOD)
        self.text = text[low : end + _NEIGHBOURHOOD]
        self.start, self.end = start - low, end - low

    def ends_a_line(self) -> bool:
        return self.text[self.end - 1 : self.end] == "\n"

    def leave_line_end(self) -> None:
        """Whole lines end before their line end, so that the line below is not touched."""
        self.end -= 1
        self.start = min(self.start, self.end)

    def lines(self, above: int = 0, below: int = 0) -> list[str]:
        """The lines that the edit touches, with some lines around them."""
        first = self.text.rfind("\n", 0, self.start) + 1
        for _ in range(above):
            first = self.text.rfind("\n", 0, max(first - 1, 0)) + 1
        last = self.end
        for _ in range(below + 1):
            last = self.text.find("\n", last) + 1 or len(self.text) + 1
        return self.text[first : last - 1].split("\n")

    def values(self) -> list[Value]:
        """The volatile values on the touched lines, as far as they are within reach."""
        low, high = _window(self.text, self.start, self.end, _REACH)
        near = self.text[max(0, self.start - _DIGIT_WITHIN) : self.end + _DIGIT_WITHIN]
        found = find_values(self.text[low:high], digits=not _DIGITS.isdisjoint(near))
        return [Value(v.start + low, v.end + low, v.kind, v.weak) for v in found]


def _window(text: str, start: int, end: int, reach: int) -> tuple[int, int]:
    """[start, end) with ``reach`` characters more on either side: within the line, whole words."""
    low = max(text.rfind("\n", 0, start) + 1, start - reach)
    while low > max(0, start - reach - _LONGEST_WORD) and not text[low - 1].isspace():
        low -= 1
    line_end = text.find("\n", end)
    high = min(len(text) if line_end < 0 else line_end, end + reach)
    while high < min(len(text), end + reach + _LONGEST_WORD) and not text[high].isspace():
        high += 1
    return low, high


def _value_at(old: _Side, new: _Side) -> Volatile | None:
    """The first value that differs, if the values are all that differs."""
    was, now = old.values(), new.values()
    lefts, rights = zip(_reach(old, was), _reach(new, now), strict=True)
    # A value that only one side has reaches over text that is the same on the other.
    left, right = max(lefts), max(rights)
    old_parts = _parts(old, was, lefts[0] or left, rights[0] or right)
    new_parts = _parts(new, now, lefts[1] or left, rights[1] or right)
    if [part[0] for part in old_parts] != [part[0] for part in new_parts]:
        return _random_word(old, new)
    for (_, value, text), (_, _, new_text) in zip(old_parts, new_parts, strict=True):
        if value is not None and text != new_text:
            return value.kind if not value.weak or _unlike(text, new_text) else None
    return None


def _reach(side: _Side, values: list[Value]) -> tuple[int, int]:
    """How far the values at the edit reach beyond its start and beyond its end."""
    at = [value for value in values if value.start <= side.end and value.end >= side.start]
    left = max([side.start - value.start for value in at], default=0)
    right = max([value.end - side.end for value in at], default=0)
    return max(left, 0), max(right, 0)


def _parts(
    side: _Side, values: list[Value], left: int, right: int
) -> list[tuple[str, Value | None, str]]:
    """The text around the edit, cut at its values: what must be equal, the value, its text."""
    done, end = side.start - left, side.end + right
    parts: list[tuple[str, Value | None, str]] = []
    for value in values:
        if value.start >= done and value.end <= end:
            parts.append((side.text[done : value.start], None, ""))
            parts.append((value.kind, value, side.text[value.start : value.end]))
            done = value.end
    return [*parts, (side.text[done:end], None, "")]


def _random_word(old: _Side, new: _Side) -> Volatile | None:
    """Two ids of the same make, of which only one is random enough to be told by its looks."""
    words: list[str] = []
    for side in (old, new):
        low, high = _window(side.text, side.start, side.end, 0)
        touching = [
            match[0]
            for match in WORD.finditer(side.text, low, high)
            if match.start() <= side.start and match.end() >= side.end
        ]
        words += touching[:1]
    if len(words) != 2 or abs(len(words[0]) - len(words[1])) > 2:
        return None
    inside = all(re.search(r"[A-Za-z_-]\d+[A-Za-z_-]", word) for word in words)
    if inside and any(map(looks_random, words)) and _unlike(*words):
        return Volatile.random_id
    return None


def _unlike(a: str, b: str) -> bool:
    """Whether two words differ at most places, as two draws of a generator do."""
    return sum(x == y for x, y in zip(a, b, strict=False)) * 2 < min(len(a), len(b))


def _is_git_state(side: _Side) -> bool:
    """Whether nothing but lines of ``git status`` and ``git log`` stands from a heading on."""
    if not any(word in side.text for word in _GIT_WORDS):
        return False
    start = side.text.rfind("\n", 0, side.start) + 1
    headings = list(_GIT_HEADING.finditer(side.text, 0, start))
    if not headings:
        return False
    lines = side.text[headings[-1].end() : start].splitlines() + side.lines()
    return all(_GIT_LINE.fullmatch(line) for line in lines if line.strip())


def _is_listing(side: _Side) -> bool:
    """Whether the edit stands in a column of three file names or more."""
    lines = side.lines(above=2, below=2)
    touched = [line for line in side.lines() if line.strip()]
    named = sum(map(_is_file_name, lines))
    return all(map(_is_file_name, touched)) and named >= 3


def _is_file_name(line: str) -> bool:
    name = line.strip(" \t-*+│├└─|`\r")
    if not name or len(name) > 255 or not re.fullmatch(r"[\w.@+~/-]+", name):
        return False
    return name.endswith("/") or re.search(r"\w\.[A-Za-z]\w{0,7}$", name) is not None


def template(text: str) -> str:
    """The text with its volatile values taken out (``<time>``, ``<uuid>``, ``<n>`` …).

    The same for every occurrence of one edit, so that occurrences can be counted together. Numbers
    that stand alone become ``<n>``. Of a text of more than 32,768 characters only the beginning is
    given.
    """
    shown = text[:_LONGEST_TEMPLATE]
    parts: list[str] = []
    done = 0
    for value in find_values(shown, digits=not _DIGITS.isdisjoint(shown)):
        parts += [_NUMBER.sub("<n>", shown[done : value.start]), placeholder(value.kind)]
        done = value.end
    parts.append(_NUMBER.sub("<n>", shown[done:]))
    return "".join(parts)


def template_at(text: str, start: int, end: int) -> str:
    """The template of the text at [start, end) with the words around it on its lines.

    Does not depend on where within a value the difference begins: at 12:03 it may be the last
    digit, at 13:00 the second.
    """
    end = min(end, start + _LONGEST_EDIT)
    low, high = _window(text, start, end, _REACH)
    window = text[low:high]
    start, end = start - low, end - low
    for value in find_values(window):
        if value.start <= end and value.end >= start:
            start, end = min(start, value.start), max(end, value.end)
    left, right = template(window[:start]), template(window[end:])
    return left[-_CONTEXT:] + template(window[start:end]) + right[:_CONTEXT]
