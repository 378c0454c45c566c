"""All divergences between two prompts, in prefix order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, islice
from operator import is_

from whycold.core.alignment import Alignment, align
from whycold.core.content import Json, same_as_sent
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import common_prefix
from whycold.core.prompt import Block, Kind, Prompt, Section
from whycold.core.rules import CacheRules
from whycold.core.values import differences

__all__ = ["MOST_TOLD", "compare"]

_SHOWN = 400
"""Characters of a whole block that are shown when it was added or removed."""
_LINES = 8
"""Blocks that are shown where some came in another order."""
MOST_TOLD = 1000
"""Divergences that are told of one pair of prompts: the work on hostile input stays in bounds."""


def compare(before: Prompt, after: Prompt, rules: CacheRules) -> tuple[Divergence, ...]:
    """Every place where ``after`` parts from ``before``, first one first and at most 1,000; empty
    when it only goes on.

    Blocks that follow everything of ``before`` are the new turn and no divergence. Sections that
    either side cannot see are left out; of settings those that are recorded on both sides are
    compared. They count as far as ``rules.effects`` says that they void something. Markers are not
    content.
    """
    hidden = before.unseen | after.unseen
    found = list(_settings(before, after, rules, partly=Section.settings in hidden))
    for section in (Section.tools, Section.system, Section.messages):
        if section not in hidden:
            found += _section(before, after, section)
    found.sort(key=lambda d: (d.kept, d.kept_inside, d.section is not Section.settings))
    return tuple(found[:MOST_TOLD])


def _settings(
    before: Prompt, after: Prompt, rules: CacheRules, *, partly: bool
) -> Iterator[Divergence]:
    """Settings that differ; ``partly``: one that is missing was perhaps not recorded."""
    names = dict.fromkeys(s.name for s in (*before.settings, *after.settings))
    for name in names:
        effect = rules.effects.get(name)
        old, new = before.setting(name), after.setting(name)
        if effect is None or effect.voids is None or same_as_sent(old, new):
            continue
        if partly and (old is None or new is None):
            continue
        yield Divergence(
            section=Section.settings,
            path=f"settings.{name}",
            offset=0,
            before=shown(old),
            after=shown(new),
            change=Change.set,
            kept=_start(before, effect.voids, rules),
            setting=name,
            old_value=old,
            new_value=new,
            certain=effect.certain,
        )


def _start(prompt: Prompt, section: Section, rules: CacheRules) -> int:
    """Index of the first block that a change in ``section`` voids."""
    if section is Section.settings:
        return 0
    voided = set(rules.order[rules.order.index(section) :])
    return next(
        (i for i, block in enumerate(prompt.blocks) if block.section in voided), len(prompt.blocks)
    )


def _section(before: Prompt, after: Prompt, section: Section) -> Iterator[Divergence]:
    start = next((i for i, b in enumerate(before.blocks) if b.section is section), None)
    old, new = before.section(section), after.section(section)
    if start is None:
        start = _place_of_absent(before, after, section)
        if section is Section.messages:
            return
    goes_on = section is Section.messages and len(old) <= len(new)
    if (goes_on or len(old) == len(new)) and all(map(is_, old, new)):
        # the very same blocks, as where one prompt was built on the other
        return
    if any(block.kind is Kind.chained for block in old[:1]):
        found = _chained(old, new)
    elif section is Section.tools:
        found = _tools(old, new)
    else:
        found = _listed(old, new, goes_on=section is Section.messages)
    for divergence in found:
        yield replace(divergence, kept=divergence.kept + start)


def _chained(old: Sequence[Block], new: Sequence[Block]) -> Iterator[Divergence]:
    """Where chains of ids part: behind that place every id is another, whatever is the same."""
    for kept, (was, now) in enumerate(zip(old, new, strict=False)):
        if not was.same(now):
            yield _whole(was, now, Change.replaced, kept=kept)
            return


def _place_of_absent(before: Prompt, after: Prompt, section: Section) -> int:
    """Where a section that ``before`` lacks would stand in it."""
    first = next((i for i, b in enumerate(after.blocks) if b.section is section), 0)
    earlier = {b.section for b in after.blocks[:first]}
    return sum(1 for b in before.blocks if b.section in earlier)


def _tools(old: Sequence[Block], new: Sequence[Block]) -> Iterator[Divergence]:
    was = {b.path: i for i, b in enumerate(old)}
    now = {b.path: j for j, b in enumerate(new)}
    gone = [i for path, i in was.items() if path not in now]
    come = [j for path, j in now.items() if path not in was]
    for i, j in _renamed(old, new, gone, come):
        gone.remove(i)
        come.remove(j)
        yield replace(
            _whole(old[i], new[j], Change.renamed, kept=i),
            before=old[i].name or "",
            after=new[j].name or "",
        )
    for i in gone:
        yield _whole(old[i], None, Change.removed, kept=i)
    ahead = list(accumulate((was.get(b.path, -1) + 1 for b in new), max, initial=0))
    for j in come:
        yield _whole(None, new[j], Change.added, kept=ahead[j])
    both_old = [b.path for b in old if b.path in now]
    both_new = [b.path for b in new if b.path in was]
    if both_old != both_new:
        first = next(k for k, (a, b) in enumerate(zip(both_old, both_new, strict=True)) if a != b)
        yield _order(old, new, both_old, both_new, first, kept=was[both_old[first]])
    both = (edited(old[was[path]], new[now[path]], kept=was[path]) for path in both_old)
    yield from islice(chain.from_iterable(both), MOST_TOLD)


def _renamed(
    old: Sequence[Block], new: Sequence[Block], gone: Sequence[int], come: Sequence[int]
) -> list[tuple[int, int]]:
    bodies = {_nameless(old[i]): i for i in gone}
    return [(i, j) for j in come if (i := bodies.pop(_nameless(new[j]), None)) is not None]


def _nameless(tool: Block) -> str:
    value = tool.value
    return json.dumps(
        {k: v for k, v in value.items() if k != "name"} if isinstance(value, dict) else value
    )


def _order(
    old: Sequence[Block],
    new: Sequence[Block],
    was: list[str],
    now: list[str],
    first: int,
    kept: int,
) -> Divergence:
    names = {b.path: b.name or b.path for b in (*old, *new)}
    concerned = set(was[first:])
    return Divergence(
        section=Section.tools,
        path="tools",
        offset=0,
        before=_cut(", ".join(names[p] for p in was[first:])),
        after=_cut(", ".join(names[p] for p in now[first:])),
        change=Change.reordered,
        kept=kept,
        old=tuple(b for b in old if b.path in concerned),
        new=tuple(b for b in new if b.path in concerned),
    )


def _listed(old: Sequence[Block], new: Sequence[Block], *, goes_on: bool) -> Iterator[Divergence]:
    """Divergences of system blocks or messages; with ``goes_on`` a tail is the new turn."""
    found = align(old, new)
    ahead = _ahead(found, len(new))
    gone, come = _changed(found)
    for i, j in found.same:
        # where the block before it came or went, that is the change, and it is told
        if old[i].opens != new[j].opens and i - 1 not in gone and j - 1 not in come:
            yield _whole(old[i], new[j], Change.reshaped, kept=i)
    both = (edited(old[i], new[j], kept=i) for i, j in found.edited)
    yield from islice(chain.from_iterable(both), MOST_TOLD)
    for was, now in found.reshaped:
        kept = was[0]
        whole = _whole(old[kept], new[now[0]], Change.reshaped, kept=kept)
        inside = common_prefix(str(old[kept].value), str(new[now[0]].value))
        yield replace(
            whole,
            kept_inside=inside,
            old=tuple(old[i] for i in was),
            new=tuple(new[j] for j in now),
        )
    if found.moved:
        kept = min(ahead[j] for _, j in found.moved)
        kept = min(kept, *(i for i, _ in found.moved))
        was, now = [old[i] for i, _ in found.moved], [new[j] for _, j in found.moved]
        whole = _whole(was[0], now[0], Change.reordered, kept=kept)
        yield replace(
            whole,
            path=old[kept].path if kept < len(old) else whole.path,
            before=_in_order(old, [i for i, _ in found.moved]),
            after=_in_order(new, [j for _, j in found.moved]),
            old=tuple(was),
            new=tuple(now),
        )
    for i in found.removed:
        yield _whole(old[i], None, Change.removed, kept=i)
    for j in (*found.added, *(() if goes_on else found.tail)):
        yield _whole(None, new[j], Change.added, kept=ahead[j])


def _in_order(blocks: Sequence[Block], moved: Sequence[int]) -> str:
    """How blocks begin, one per line, from the first that moved to the last."""
    there = blocks[min(moved) : max(moved) + 1]
    return _cut("\n".join(" ".join(shown(b.value)[:60].split()) for b in there[:_LINES]))


def _changed(found: Alignment) -> tuple[set[int], set[int]]:
    """Old blocks that are gone from their place, and new ones that came to theirs."""
    gone = {*found.removed, *(i for i, _ in found.moved)}
    come = {*found.added, *found.tail, *(j for _, j in found.moved)}
    for old, new in found.reshaped:
        gone.update(old)
        come.update(new)
    return gone, come


def _ahead(found: Alignment, length: int) -> list[int]:
    """Per new block, how many old blocks stand before it."""
    behind = [0] * length
    for i, j in (*found.same, *found.edited):
        behind[j] = i + 1
    return list(accumulate(behind, max, initial=0))


def edited(old: Block, new: Block, kept: int) -> Iterator[Divergence]:
    """The divergences inside one block that is there in both prompts."""
    if same_as_sent(old.value, new.value) and old.kind is new.kind:
        if old.role != new.role:
            yield replace(
                _whole(old, new, Change.edited, kept),
                path=f"{new.path}.role",
                before=old.role or "",
                after=new.role or "",
            )
        return
    first = True
    for leaf in differences(old.value, new.value):
        inside = leaf.offset
        if not isinstance(old.value, str):
            inside = (
                common_prefix(old.encoded.decode("latin-1"), new.encoded.decode("latin-1")) - 1
                if first
                else old.size
            )
        first = False
        change = Change.retyped if old.kind is not new.kind else leaf.change
        yield Divergence(
            section=new.section,
            path=new.text_path + leaf.path if isinstance(new.value, str) else new.path + leaf.path,
            offset=leaf.offset,
            before=leaf.before,
            after=leaf.after,
            change=change,
            kept=kept,
            kept_inside=max(inside, 0),
            text=leaf.text,
            volatile=leaf.volatile,
            old=(old,),
            new=(new,),
            old_text=leaf.old_text,
            new_text=leaf.new_text,
            edits=leaf.edits,
            old_value=leaf.old,
            new_value=leaf.new,
        )


def _whole(old: Block | None, new: Block | None, change: Change, kept: int) -> Divergence:
    block = new or old
    assert block is not None
    return Divergence(
        section=block.section,
        path=block.path,
        offset=0,
        before=shown(old.value) if old is not None else "",
        after=shown(new.value) if new is not None else "",
        change=change,
        kept=kept,
        old=(old,) if old is not None else (),
        new=(new,) if new is not None else (),
        old_text=old.value if old is not None and isinstance(old.value, str) else None,
        new_text=new.value if new is not None and isinstance(new.value, str) else None,
    )


def shown(value: Json) -> str:
    """A value as people read it, at most 400 characters; "" for one that was not sent."""
    if value is None:
        return ""
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
