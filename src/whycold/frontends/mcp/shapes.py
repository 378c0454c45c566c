"""Answers of the commands as tools give them: the same values, with foreign text set apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from whycold.core.content import Json, JsonMap
from whycold.core.diagnosis import Diagnosis
from whycold.core.numbers import exact
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.explain_full import Value
from whycold.frontends.mcp.fitting import recorded
from whycold.query import main_edit

__all__ = [
    "blame_parts",
    "culprit_item",
    "diagnosis_head",
    "divergence_items",
    "miss_item",
    "text_items",
]

_MISS = (
    *("call", "message_id", "at", "provider", "model", "project", "session", "agent", "release"),
    *("verdict", "reason", "cause", "title", "expected", "grade"),
    *("missed_tokens", "missed_cost_usd", "fingerprint"),
)
_SENTENCES = ("title", "summary")
_QUOTE = '"'
_DAYS = 14
"""Days of a culprit that are told, the latest."""
_AROUND, _LEAST = 200, 400
"""Characters of a changed value before its first change, and of it in all at least."""


def miss_item(told: Diagnosis) -> dict[str, Json]:
    """A miss in a list: what ``misses --json`` says of it, without what ``explain`` is for; the
    edit that is told of it has its words in ``recorded_text``.
    """
    whole, edit = as_json(told), main_edit(told)
    out = {name: whole[name] for name in _MISS if whole[name] is not None}
    out["input_tokens"], out["cache_read_tokens"] = told.usage.input, told.usage.cache_read
    out["divergences"] = len(told.divergences)
    if edit is not None:
        out["path"], out["offset"] = edit.path, edit.offset
        out["before"], out["after"] = edit.before, edit.after
    return _apart(out, "before", "after")


def divergence_items(told: dict[str, Json]) -> list[Json]:
    """Takes the divergences out of a diagnosis, each with its words set apart."""
    found = told.pop("divergences")
    assert isinstance(found, list)
    return [_apart(one, "before", "after") for one in found if isinstance(one, Mapping)]


def diagnosis_head(told: JsonMap) -> dict[str, Json]:
    """What is said of a call as a whole; the provider's own words set apart. What is not known is
    left out, but for the counts, where null says that the provider did not report them.
    """
    kept = {name: value for name, value in told.items() if value is not None}
    return _apart(kept, "provider_reason")


def text_items(found: Iterable[Value], budget: int) -> list[Json]:
    """Changed values, each cut to a part of the budget around its first change."""
    most = max(_LEAST, budget)
    out: list[Json] = []
    for value in found:
        before, after = value.before or "", value.after or ""
        start = max(0, _first_change(before, after) - _AROUND)
        out.append(
            {
                "path": value.path,
                **recorded(
                    before=_window(value.before, start, most),
                    after=_window(value.after, start, most),
                ),
            }
        )
    return out


def culprit_item(culprit: Mapping[str, Json], *, whole: bool = False) -> dict[str, Json]:
    """A culprit with the words of its edit set apart; in a list without its days and examples but
    for the latest.
    """
    out = dict(culprit)
    days, examples = out.pop("days"), out["examples"]
    assert isinstance(days, Sequence) and isinstance(examples, Sequence)
    if whole:
        out["days"] = days[-_DAYS:]
        if len(days) > _DAYS:
            out["days_left_out"] = len(days) - _DAYS
    else:
        out["examples"] = examples[:1]
    mark = out.get("mark")
    if isinstance(mark, Mapping):
        out["mark"] = _apart(mark, "note")
    return _apart(out, "before", "after")


def blame_parts(found: JsonMap) -> dict[str, Json]:
    """What ``blame --json`` says, with what people wrote into the repository set apart."""
    out = dict(found)
    commits, lines = out["commits"], out["lines"]
    assert isinstance(commits, Sequence) and isinstance(lines, Sequence)
    told: list[Json] = []
    for commit in commits:
        assert isinstance(commit, Mapping)
        places = commit["places"]
        assert isinstance(places, Sequence)
        told.append(_apart({**commit, "places": _lines(places)}, "author", "subject"))
    return out | {"commits": told, "lines": _lines(lines)}


def _lines(places: Sequence[Json]) -> list[Json]:
    return [_apart(place, "text") for place in places if isinstance(place, Mapping)]


def _apart(item: JsonMap, *names: str) -> dict[str, Json]:
    """The item with the texts of these names in a field that says what they are, and with them the
    sentences that quote such texts.
    """
    quoting = [name for name in _SENTENCES if _QUOTE in str(item.get(name) or "")]
    texts = {name: item[name] for name in (*quoting, *names) if name in item}
    return {n: v for n, v in item.items() if n not in texts} | recorded(**texts)


def _first_change(before: str, after: str) -> int:
    pairs = zip(before, after, strict=False)
    shorter = min(len(before), len(after))
    return next((at for at, (old, new) in enumerate(pairs) if old != new), shorter)


def _window(text: str | None, start: int, most: int) -> str | None:
    """A part of a text, with the number of characters left out on either side."""
    if text is None:
        return None
    shown = text[start : start + most]
    before = f"[{exact(start)} characters before this] …" if start and shown else ""
    left = len(text) - start - len(shown)
    behind = f"… [{exact(left)} more characters]" if left > 0 else ""
    return f"{before}{shown}{behind}"
