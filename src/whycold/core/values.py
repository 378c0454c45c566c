"""Where two JSON values differ, leaf by leaf and edit by edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from whycold.core.content import Json, as_list, encode, same_as_sent
from whycold.core.divergence import Change
from whycold.core.edit import Edit, TextChange, classify, excerpt, find_edits
from whycold.core.volatile import Volatile, recognise

__all__ = ["Leaf", "differences"]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*\Z")
_WHOLE = frozenset({TextChange.whitespace, TextChange.line_order, TextChange.rewritten})
"""Changes of a text as a whole: told once, not edit by edit."""
_MOST_LEAVES = 200


@dataclass(frozen=True)
class Leaf:
    """One difference: ``path`` within the value ("" or ".input_schema.required[2]"), the rest as in
    Divergence.
    """

    path: str
    change: Change
    offset: int
    before: str
    after: str
    old: Json = None
    new: Json = None
    text: TextChange | None = None
    volatile: Volatile | None = None
    old_text: str | None = None
    new_text: str | None = None
    edits: tuple[Edit, ...] = ()


def differences(old: Json, new: Json) -> Iterator[Leaf]:
    """Every leaf that differs, in the order of ``old``; at most 200 of them."""
    for count, leaf in enumerate(_walk("", old, new)):
        if count == _MOST_LEAVES:
            return
        yield leaf


def _walk(path: str, old: Json, new: Json) -> Iterator[Leaf]:
    if same_as_sent(old, new):
        return
    if isinstance(old, str) and isinstance(new, str):
        yield from _texts(path, old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _objects(path, old, new)
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        yield from _lists(path, old, new)
    else:
        same_kind = type(old) is type(new) or {type(old), type(new)} == {int, float}
        yield _leaf(path, Change.edited if same_kind else Change.retyped, old, new)


def _texts(path: str, old: str, new: str) -> Iterator[Leaf]:
    edits = find_edits(old, new)
    text = classify(old, new, edits)
    told = edits[:1] if text in _WHOLE else edits
    for edit in told:
        before, after = excerpt(old, new, edit)
        yield Leaf(
            path=path,
            change=Change.edited,
            offset=edit.before_start,
            before=before,
            after=after,
            old=old,
            new=new,
            text=text,
            volatile=recognise(old, new, edit),
            old_text=old,
            new_text=new,
            edits=edits if text in _WHOLE else (edit,),
        )


def _objects(path: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[Leaf]:
    # a change of order is told once for the outermost value that has the same keys and contents
    if old == new and encode(old, sort_keys=True) == encode(new, sort_keys=True):
        yield from _key_order(path, old, new)
        return
    for key in old:
        if key in new:
            yield from _walk(f"{path}{_step(key)}", old[key], new[key])
        else:
            yield _leaf(f"{path}{_step(key)}", Change.edited, old[key], None)
    for key in new:
        if key not in old:
            yield _leaf(f"{path}{_step(key)}", Change.edited, None, new[key])
    both = [key for key in old if key in new]
    if both != [key for key in new if key in old]:
        yield _leaf(path, Change.keys_reordered, list(old), list(new))


def _key_order(path: str, old: Json, new: Json) -> Iterator[Leaf]:
    """Values that are equal but for key order: the places where the order differs."""
    if same_as_sent(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if list(old) != list(new):
            yield _leaf(path, Change.keys_reordered, list(old), list(new))
            return
        for key in old:
            yield from _key_order(f"{path}{_step(key)}", old[key], new[key])
        return
    for i, (a, b) in enumerate(zip(as_list(old) or (), as_list(new) or (), strict=True)):
        yield from _key_order(f"{path}[{i}]", a, b)


def _lists(path: str, old: Sequence[Json], new: Sequence[Json]) -> Iterator[Leaf]:
    was, now = [encode(x) for x in old], [encode(x) for x in new]
    if sorted(was) == sorted(now):
        yield _leaf(path, Change.items_reordered, old, new)
        return
    start = 0
    while start < min(len(old), len(new)) and was[start] == now[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and was[-1 - end] == now[-1 - end]:
        end += 1
    olds, news = old[start : len(old) - end], new[start : len(new) - end]
    for i, (a, b) in enumerate(zip(olds, news, strict=False)):
        yield from _walk(f"{path}[{start + i}]", a, b)
    for i in range(len(news), len(olds)):
        yield _leaf(f"{path}[{start + i}]", Change.edited, olds[i], None)
    for i in range(len(olds), len(news)):
        yield _leaf(f"{path}[{start + i}]", Change.edited, None, news[i])


def _leaf(path: str, change: Change, old: Json, new: Json) -> Leaf:
    before, after = _shown(old), _shown(new)
    if before and after:
        edits = find_edits(before, after)
        offset = edits[0].before_start if edits else 0
        before, after = excerpt(before, after, edits[0]) if edits else (before, after)
    else:
        offset, before, after = 0, before[:400], after[:400]
    text = TextChange.inserted if old is None else TextChange.deleted if new is None else None
    return Leaf(path, change, offset, before, after, old, new, text)


def _shown(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step(key: str) -> str:
    return f".{key}" if _PLAIN.match(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
