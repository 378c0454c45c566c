"""Misses, newest first, each with the words that changed; new ones appear at the top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis, Grade, Verdict
from whycold.frontends.csv_tables import Cell, miss_rows
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.pages.page import Page
from whycold.frontends.web.phrases import Edit, line_of
from whycold.query import main_edit
from whycold.store.answers import Filters
from whycold.store.records import Page as Misses

__all__ = ["NEW", "PAGE", "MissLine", "miss_line"]

_VERDICTS = {Verdict.partial: "partial", Verdict.miss: "miss"}
_GRADES = {Grade.confirmed: "good", Grade.contradicted: "bad"}


@dataclass(frozen=True, slots=True)
class MissLine:
    """A miss as a table shows it; ``kind`` is the look of the grade: good, bad or nothing."""

    told: Diagnosis
    path: str
    edit: Edit | None
    verdict: str
    kind: str


def miss_line(told: Diagnosis) -> MissLine:
    """The path is that of the edit, or the cause where no edit is one."""
    found = main_edit(told)
    path = found.path if found is not None and found.path else told.cause or "unexplained"
    kind = _GRADES.get(told.grade, "") if told.grade is not None else ""
    return MissLine(told, path, line_of(found), _VERDICTS.get(told.verdict, told.verdict), kind)


def _show(ask: Ask) -> Mapping[str, object]:
    page = _misses(ask)
    live = ask.asked.cursor is None and "until" not in ask.address.words
    return {
        "lines": [miss_line(kept.told) for kept in page.items],
        "next": page.next,
        "totals": ask.query.totals(_within(ask)),
        "culprit": ask.word("culprit"),
        "seen": _seen(page),
        "live": _live(ask) if live else None,
        "last": None if page.items else ask.query.last_seen(),
    }


def _new(ask: Ask) -> Mapping[str, object]:
    """The same rows once more; none when they are those that the page has."""
    page = _misses(ask)
    seen = _seen(page)
    known = seen == ask.word("seen")
    lines = [] if known else [miss_line(kept.told) for kept in page.items]
    return {"lines": lines, "seen": seen}


def _misses(ask: Ask) -> Misses:
    return ask.query.misses(_within(ask), ask.asked.cursor, ask.asked.limit)


def _within(ask: Ask) -> Filters:
    return replace(ask.within, culprit=ask.word("culprit") or None)


def _live(ask: Ask) -> str:
    """Where the page asks for what came since."""
    words = {name: ask.word(name) for name in ("session", "culprit", "limit") if ask.word(name)}
    return ask.address.to("/misses/new", **words)


def _seen(page: Misses) -> str:
    """Names the rows of a page, late ones in their midst included."""
    ids = "\n".join(kept.told.call for kept in page.items)
    return blake2b(ids.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _data(ask: Ask) -> Json:
    page = _misses(ask)
    return {"items": [as_json(kept.told) for kept in page.items], "next": page.next}


def _rows(ask: Ask) -> Iterable[Sequence[Cell]]:
    return miss_rows(kept.told for kept in _misses(ask).items)


_OWN = ("cursor", "limit", "culprit")
PAGE = Page(
    "misses",
    "/misses",
    "Misses",
    _show,
    data=_data,
    rows=_rows,
    key="m",
    own=_OWN,
    scripts=("live.js",),
)
NEW = Page("misses_new", "/misses/new", "New misses", _new, own=(*_OWN, "seen"), part=True)
