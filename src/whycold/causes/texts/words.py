"""The words in which a divergence is told."""

from __future__ import annotations

import re
from collections.abc import Callable

from whycold.causes.texts.sides import Sides, sides
from whycold.core.compare import MOST_TOLD
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Section
from whycold.core.volatile_forms import find_values

__all__ = [
    "became",
    "count",
    "counted",
    "first_line",
    "line_at",
    "name_of",
    "near",
    "quote",
    "value_at",
    "where",
    "words",
]

_SHOWN = 40
_NEAR = 100
_AROUND = 200
_MESSAGE = re.compile(r"messages\[(\d+)\]")


def quote(text: str) -> str:
    """A text in quotation marks, on one line, cut at 40 characters."""
    line = " ".join(text[:1000].split())
    return f'"{line}"' if len(line) <= _SHOWN else f'"{line[: _SHOWN - 1].rstrip()}…"'


def where(d: Divergence) -> str:
    """The place in words: the system prompt, the first message, messages[4]."""
    if d.section is Section.system:
        return "the system prompt"
    found = _MESSAGE.match(d.path)
    if found is None:
        return "the messages"
    return "the first message" if found[1] == "0" else found[0]


def name_of(d: Divergence) -> str:
    """The tool that a result or call belongs to; "" when it is not known."""
    return next((block.name for block in (*d.old, *d.new) if block.name), "")


def count(number: int, what: str) -> str:
    """ "1 message", "3 messages"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def counted(places: int) -> str:
    """A number of changed places, of which only so many are told for one call."""
    return f"at least {places}" if places >= MOST_TOLD else str(places)


def first_line(text: str) -> str:
    """The first line of a text that says something, in quotation marks; tags do not."""
    lines = (line.strip() for line in text[:2000].splitlines())
    said = next((line for line in lines if line and not re.fullmatch(r"</?[\w:.-]+>", line)), "")
    return quote(said or text)


def words(text: str, at: int, changed: str) -> str:
    """What differs, with the rest of the words it stands in: "billing" for its last letter."""
    start, end = at, at + len(changed)
    low, high = max(0, start - _SHOWN), min(len(text), end + _SHOWN)
    while start > low and not _ends_word(text[start - 1]):
        start -= 1
    while end < high and not _ends_word(text[end]):
        end += 1
    return text[start:end].strip().rstrip(".,;:!?")


def _ends_word(character: str) -> bool:
    return character.isspace() or character in "\"'`<>()[]{},;|="


def value_at(text: str, at: int, changed: str) -> str:
    """The volatile value that stands there, whole: the date with its weekday; else the words."""
    low = max(text.rfind("\n", 0, at) + 1, at - _NEAR)
    stop = text.find("\n", at + len(changed))
    high = min(len(text) if stop < 0 else stop, at + len(changed) + _NEAR)
    for value in find_values(text[low:high]):
        if value.start + low <= at + len(changed) and at <= value.end + low:
            return text[value.start + low : value.end + low]
    return words(text, at, changed)


def became(d: Divergence, shown: Callable[[str, int, str], str] = words) -> str:
    """What changed into what, came in or is gone; "" where that cannot be said shortly."""
    texts = sides(d)
    if d.change in (Change.added, Change.removed) or d.text is TextChange.rewritten:
        return ""
    within = texts.old_at > 0 and not texts.old[texts.old_at - 1].isspace()
    if not (within and _in_a_word(texts.gone, texts.come)):
        if not texts.gone.strip():
            return f"{quote(texts.come)} came in"
        if not texts.come.strip():
            return f"{quote(texts.gone)} is gone"
    before = quote(shown(texts.old, texts.old_at, texts.gone))
    return f"{before} became {quote(shown(texts.new, texts.new_at, texts.come))}"


def _in_a_word(gone: str, come: str) -> bool:
    return not any(character.isspace() for character in gone + come)


def line_at(text: str, at: int) -> str:
    """The line of a text that holds a place; the next one where the place is at its end."""
    if text[at : at + 1] == "\n":
        at += 1
    first, stop = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    return text[first : len(text) if stop < 0 else stop]


def near(texts: Sides) -> str:
    """The line of a change, as far as it is near."""
    at = texts.new_at
    first, stop = texts.new.rfind("\n", 0, at) + 1, texts.new.find("\n", at)
    last = len(texts.new) if stop < 0 else stop
    return texts.new[max(first, at - _AROUND) : min(last, at + len(texts.come) + _AROUND)]
