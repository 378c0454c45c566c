"""The sentence about a call with what matters in it set off: tokens, dollars, words, the place."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from whycold.core.diagnosis import Diagnosis
from whycold.core.numbers import usd
from whycold.frontends.printable import printable

__all__ = ["headline"]

_TOKENS = re.compile(r"\A(?:All )?[\d,]+(?: of [\d,]+)? (?:input )?tokens")
_BECAME = re.compile(r'"(?P<went>.+?)" (?:became|to) "(?P<came>.+?)"(?= \(|[.,;:]|\Z)', re.DOTALL)
_PLACE = re.compile(r" \((?P<path>[^()]+?)(?P<at>, character [\d,]+)?\)(?=[.:]|\Z)")


def headline(told: Diagnosis) -> Markup:
    """The summary as HTML: the same words in the same order."""
    text = printable(told.summary)
    marks: list[tuple[int, int, str]] = []
    if found := _TOKENS.search(text):
        marks.append((*found.span(), "b"))
    cost = told.missed_cost_usd
    if cost is not None and (at := text.find(usd(cost))) >= 0:
        marks.append((at, at + len(usd(cost)), "b"))
    if found := _BECAME.search(text):
        marks += [(*found.span("went"), "del"), (*found.span("came"), "ins")]
    places = [found for found in _PLACE.finditer(text) if _is_of(told, found["path"])]
    if places:
        marks.append((*places[-1].span("path"), "code"))
    return _marked(text, marks)


def _is_of(told: Diagnosis, path: str) -> bool:
    return any(
        printable(found.path).startswith(path.partition("…")[0]) for found in told.divergences
    )


def _marked(text: str, marks: list[tuple[int, int, str]]) -> Markup:
    out, done = Markup(), 0
    for start, end, name in sorted(marks):
        # what stands inside of something that is marked already is left as it is
        if start >= done:
            inner = escape(text[start:end])
            out += escape(text[done:start]) + Markup(f"<{name}>") + inner + Markup(f"</{name}>")
            done = end
    return out + escape(text[done:])
