"""Texts as code holds them: words without the quotes, escapes and breaks between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from whycold.core.volatile import template
from whycold.remedies.blame.suspect import Suspect

__all__ = ["COMMON", "Sought", "longest_common", "sought_in", "words_of"]

_WORD = re.compile(r"[A-Za-z0-9_\u00c0-\uffff](?:[\w.\-/:]*[\w])?")
_PIECE = re.compile(r"[^\n\r\t\"'`\\{}<>$%|]+")
_ESCAPE = re.compile(r"\\(?:[nrtbf]|u[0-9a-fA-F]{4})")
_PLACE = re.compile(r"<[a-z ]+>")
COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a an and are as at be by can do does for from has have if in into is it its no not of on or
        should so than that the their then there this to use used was when which will with you your
        none true false null type string object text name value get set import return def const let
        function description properties required
        """,
    )
)
"""Words that stand everywhere, and tell nothing by themselves."""
_REACH = 160
"""Characters on each side of an edit in which words around it are taken."""
_AROUND = 12
_LONGEST_PROBE, _SHORTEST_PROBE = 60, 4
_MOST_PROBES = 8
_RUN = 6
"""Words of a run that crosses an edit, on each side of it."""


def words_of(text: str) -> list[str]:
    """The words of a piece of code or prose; what escapes stand for is between them."""
    return _WORD.findall(_ESCAPE.sub(" ", text))


@dataclass(frozen=True, slots=True)
class Sought:
    """What tells that a change of code is the one.

    ``added`` and ``removed`` are the words of the edit itself, none where it is made by values that
    change by themselves; ``left`` and ``right`` the literal words that stand around it now, as they
    stood before ``old_left`` and ``old_right``. ``probes`` are exact pieces of text to search by,
    the most telling ones first.
    """

    added: Counter[str]
    removed: Counter[str]
    left: tuple[str, ...]
    right: tuple[str, ...]
    probes: tuple[str, ...]


def sought_in(suspect: Suspect) -> Sought:
    """What to look for."""
    now, was = _sides(suspect)
    came, went = Counter(words_of(now.changed)), Counter(words_of(was.changed))
    if suspect.volatile or suspect.ordered:
        came, went = Counter[str](), Counter[str]()
    added, removed = came - went, went - came
    probes: list[str] = []
    if not suspect.volatile:
        probes += _crossing(now) + _crossing(was)
        probes += _telling(added) + _telling(removed)
    probes += [_ending(now.left), _beginning(now.right), _ending(was.left)]
    probes += [name for name in suspect.names if not suspect.ordered or not probes]
    usable = [p for p in dict.fromkeys(probes) if len(p) >= _SHORTEST_PROBE and _says(p)]
    return Sought(
        added,
        removed,
        tuple(words_of(now.left)[-_AROUND:]),
        tuple(words_of(now.right)[:_AROUND]),
        tuple(usable[:_MOST_PROBES]),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    left: str
    changed: str
    right: str


def _sides(suspect: Suspect) -> tuple[_Side, _Side]:
    """The new and the old text, cut at the first edit."""
    if not suspect.edits:
        return _Side("", suspect.after, ""), _Side("", suspect.before, "")
    edit = suspect.edits[0]
    return (
        _cut(suspect.after, edit.after_start, edit.after_end),
        _cut(suspect.before, edit.before_start, edit.before_end),
    )


def _cut(text: str, start: int, end: int) -> _Side:
    # whole words: an edit may begin within one
    while 0 < start < len(text) and _joins(text[start - 1]):
        start -= 1
    while end < len(text) and _joins(text[end]):
        end += 1
    left, right = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    # other values that change by themselves are not in the code either
    return _Side(
        _PLACE.sub("\n", template(left)), text[start:end], _PLACE.sub("\n", template(right))
    )


def _joins(char: str) -> bool:
    return char.isalnum() or char in "_-./:"


def _crossing(side: _Side) -> list[str]:
    """Pieces of text that hold the edit and some words on either side of it."""
    pieces = [piece.strip() for piece in _PIECE.findall(_ESCAPE.sub("\n", side.changed))]
    longest = max(pieces, key=len, default="")
    if len(pieces) > 1 or len(longest) > _LONGEST_PROBE:
        return [_beginning(longest)]
    left = _last_piece(side.left).split(" ")[-_RUN:]
    right = _first_piece(side.right).split(" ")[:_RUN]
    whole = f"{' '.join(left)}{side.changed}{' '.join(right)}".strip()
    near = f"{' '.join(left[-2:])}{side.changed}{' '.join(right[:2])}".strip()
    return [whole[:_LONGEST_PROBE], near[:_LONGEST_PROBE], longest]


def _telling(words: Counter[str]) -> list[str]:
    """The words that say most by themselves: long ones, and names with digits or joints."""
    rare = [word for word in words if word.lower() not in COMMON]
    return sorted(rare, key=lambda word: (-len(word), word))[:2]


def _ending(text: str) -> str:
    return " ".join(_last_piece(text).split(" ")[-_RUN:]).strip()[-_LONGEST_PROBE:]


def _beginning(text: str) -> str:
    return " ".join(_first_piece(text).split(" ")[: 2 * _RUN]).strip()[:_LONGEST_PROBE]


def _last_piece(text: str) -> str:
    pieces = _PIECE.findall(text)
    return pieces[-1] if pieces and text.endswith(pieces[-1]) else ""


def _first_piece(text: str) -> str:
    pieces = _PIECE.findall(text)
    return pieces[0] if pieces and text.startswith(pieces[0]) else ""


def _says(probe: str) -> bool:
    return any(word.lower() not in COMMON and len(word) > 1 for word in words_of(probe))


def longest_common(sought: Sequence[str], stream: Sequence[str]) -> int:
    """How many words in a row of ``sought`` stand in a row in ``stream``."""
    best, row = 0, [0] * (len(sought) + 1)
    for word in stream:
        for at in range(len(sought), 0, -1):
            row[at] = row[at - 1] + 1 if sought[at - 1] == word else 0
            best = max(best, row[at])
    return best
