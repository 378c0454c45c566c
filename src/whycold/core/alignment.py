"""Which block of one request is which block of another: pairs in order, what was added, removed,
moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from whycold.core.content import as_map, as_text, same_as_sent
from whycold.core.edit import SAMPLE, similarity
from whycold.core.prompt import Block, Kind

__all__ = ["Alignment", "align"]

_ALIKE = 0.3
"""Share of a text that must be left for a block to count as the same block, edited."""
_PAIRING_BOUND = 1600
"""Largest gap (old x new blocks) that is paired by likeness; a larger one is paired by position."""
_PAIRING_BYTES = 16_000_000
"""What may be looked at for likeness in all gaps; those behind are paired by position."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How ``before`` maps to ``after``, all as indexes.

    ``same`` and ``edited`` are pairs in rising order; ``moved`` pairs stand in another order;
    ``reshaped`` are runs (old indexes, new indexes) that hold the same text cut differently;
    ``tail`` are the new blocks behind everything that was there before.
    """

    same: tuple[tuple[int, int], ...]
    edited: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    reshaped: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]
    tail: tuple[int, ...]


def align(before: Sequence[Block], after: Sequence[Block]) -> Alignment:
    """Align two lists of blocks by their content, then by likeness, then by place."""
    prefix = 0
    while prefix < min(len(before), len(after)) and before[prefix].same(after[prefix]):
        prefix += 1
    same = [(i, i) for i in range(prefix)]
    anchors = _anchors(before, after, prefix)
    same += anchors
    edited: list[tuple[int, int]] = []
    reshaped: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    removed: list[int] = []
    added: list[int] = []
    tail: list[int] = []
    i, j, budget = prefix, prefix, _PAIRING_BYTES
    for bi, aj in [*anchors, (len(before), len(after))]:
        last = bi == len(before)
        gap = _Gap(before, after, range(i, bi), range(j, aj), at_end=last, budget=budget)
        budget -= gap.looked_at
        edited += gap.edited
        reshaped += gap.reshaped
        removed += gap.removed
        # at the end, what stands among changed old blocks was put in; only what follows them is the
        # new turn
        border = gap.last_changed if last else len(after)
        added += [j for j in gap.added if j < border]
        tail += [j for j in gap.added if j >= border]
        i, j = bi + 1, aj + 1
    moved = _moved(before, after, removed, added, tail)
    gone, come = {i for i, _ in moved}, {j for _, j in moved}
    return Alignment(
        tuple(same),
        tuple(edited),
        tuple(moved),
        tuple(reshaped),
        tuple(i for i in removed if i not in gone),
        tuple(j for j in added if j not in come),
        tuple(j for j in tail if j not in come),
    )


def _anchors(before: Sequence[Block], after: Sequence[Block], start: int) -> list[tuple[int, int]]:
    """Equal blocks in the same order on both sides, as many as unique contents allow, with their
    equal neighbours.
    """
    old, new = _once(before, start), _once(after, start)
    pairs = [(i, new[key]) for key, i in old.items() if key in new]
    return _extended(_rising(pairs), before, after, start)


def _once(blocks: Sequence[Block], start: int) -> dict[bytes, int]:
    """Contents that occur once from ``start`` on, with their index."""
    places: dict[bytes, int] = {}
    repeated: set[bytes] = set()
    for i in range(start, len(blocks)):
        key = blocks[i].content
        if key in places:
            repeated.add(key)
        places[key] = i
    return {key: i for key, i in places.items() if key not in repeated}


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs that rises on both sides (patience)."""
    tops: list[int] = []
    at: list[int] = []
    back: list[int] = []
    for k, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        tops[pile : pile + 1] = [j]
        at[pile : pile + 1] = [k]
        back.append(at[pile - 1] if pile else -1)
    out: list[tuple[int, int]] = []
    k = at[-1] if at else -1
    while k >= 0:
        out.append(pairs[k])
        k = back[k]
    return out[::-1]


def _extended(
    anchors: list[tuple[int, int]], before: Sequence[Block], after: Sequence[Block], start: int
) -> list[tuple[int, int]]:
    """Anchors with the equal blocks beside them, which need not be unique."""
    out: list[tuple[int, int]] = []
    floor = (start - 1, start - 1)
    bounds = [*anchors[1:], (len(before), len(after))][: len(anchors)]
    for (i, j), (stop_i, stop_j) in zip(anchors, bounds, strict=True):
        back: list[tuple[int, int]] = []
        x, y = i - 1, j - 1
        while x > floor[0] and y > floor[1] and before[x].content == after[y].content:
            back.append((x, y))
            x, y = x - 1, y - 1
        out += [*reversed(back), (i, j)]
        x, y = i + 1, j + 1
        while x < stop_i and y < stop_j and before[x].content == after[y].content:
            out.append((x, y))
            x, y = x + 1, y + 1
        floor = out[-1]
    return out


class _Gap:
    """What lies between two anchors: old and new blocks without an equal partner in order."""

    def __init__(
        self,
        before: Sequence[Block],
        after: Sequence[Block],
        old: range,
        new: range,
        *,
        at_end: bool,
        budget: int,
    ) -> None:
        self.before, self.after, self._budget, self.looked_at = before, after, budget, 0
        self.edited: list[tuple[int, int]] = []
        self.reshaped: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        self.removed: list[int] = []
        self.added: list[int] = []
        if not old or not new:
            self.removed, self.added = list(old), list(new)
            return
        if (run := self._reshaped_run(old, new, at_end=at_end)) is not None:
            self.reshaped.append((tuple(old), tuple(run)))
            self.added = [j for j in new if j not in run]
            return
        pairs = self._pairs(old, new, at_end=at_end)
        self.edited = pairs
        olds, news = {i for i, _ in pairs}, {j for _, j in pairs}
        self.removed = [i for i in old if i not in olds]
        self.added = [j for j in new if j not in news]

    @property
    def last_changed(self) -> int:
        """Index of the last new block that has an old one, -1 without any."""
        return max(
            [j for _, j in self.edited] + [j for _, new in self.reshaped for j in new], default=-1
        )

    def _reshaped_run(self, old: range, new: range, *, at_end: bool) -> range | None:
        """The leading new blocks that hold exactly the old text, cut differently."""
        if len(old) == len(new) == 1:
            return None
        was, role = _joined(self.before, old), self.before[old[0]].role
        if not was:
            return None
        upto = min(new.stop, new.start + 2 * len(old) + 8) if at_end else new.stop
        done = 0
        for j in range(new.start, upto):
            text = self.after[j].value
            piece = "".join(text.split()) if isinstance(text, str) else None
            if piece is None or self.after[j].role != role or not was.startswith(piece, done):
                return None
            done += len(piece)
            run = range(new.start, j + 1)
            if done == len(was) and (at_end or run == new) and not len(run) == len(old) == 1:
                return run
        return None

    def _pairs(self, old: range, new: range, *, at_end: bool) -> list[tuple[int, int]]:
        if len(old) == len(new) == 1:
            a, b = self.before[old[0]], self.after[new[0]]
            paired = _alike(a, b) >= _ALIKE or (
                a.role == b.role and (not at_end or a.path == b.path)
            )
            return [(old[0], new[0])] if paired else []
        dear = len(old) * _sampled(self.after, new) + len(new) * _sampled(self.before, old)
        if len(old) * len(new) > _PAIRING_BOUND or dear > self._budget:
            return [
                (i, j)
                for i, j in zip(old, new, strict=False)
                if _alike(self.before[i], self.after[j]) >= _ALIKE
            ]
        self.looked_at = dear
        return self._best_pairs(old, new)

    def _best_pairs(self, old: range, new: range) -> list[tuple[int, int]]:
        """The pairing in order that keeps most text (dynamic programming over the gap)."""
        by_place = len(old) == len(new)
        score = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
        alike: dict[tuple[int, int], float] = {}
        for x in range(len(old) - 1, -1, -1):
            for y in range(len(new) - 1, -1, -1):
                like = _alike(self.before[old[x]], self.after[new[y]])
                if by_place and x == y and like >= 0:
                    like = max(like, _ALIKE)
                alike[x, y] = like
                keep = score[x + 1][y + 1] + like if like >= _ALIKE else -1.0
                score[x][y] = max(keep, score[x + 1][y], score[x][y + 1])
        out: list[tuple[int, int]] = []
        x = y = 0
        while x < len(old) and y < len(new):
            if alike[x, y] >= _ALIKE and score[x][y] == score[x + 1][y + 1] + alike[x, y]:
                out.append((old[x], new[y]))
                x, y = x + 1, y + 1
            elif score[x][y] == score[x + 1][y]:
                x += 1
            else:
                y += 1
        return out


def _sampled(blocks: Sequence[Block], run: range) -> int:
    return sum(min(blocks[i].size, 2 * SAMPLE) for i in run)


def _joined(blocks: Sequence[Block], run: range) -> str | None:
    """The text of a run without blanks; None unless it is all text of one role."""
    texts = [text for i in run if isinstance(text := blocks[i].value, str)]
    if len(texts) < len(run) or len({blocks[i].role for i in run}) > 1:
        return None
    return "".join("".join(text.split()) for text in texts)


def _alike(a: Block, b: Block) -> float:
    """0 to 1, how much of one block is left in the other; -1 for blocks that cannot be the same
    thing.
    """
    if a.role != b.role:
        # the same words, said by another
        return 1.0 if a.kind is b.kind and same_as_sent(a.value, b.value) else -1.0
    if a.kind is not b.kind:
        return 0.0
    if a.content == b.content:
        return 1.0
    if a.kind is Kind.tool_result and _same_result(a, b):
        return 1.0
    if isinstance(a.value, str) and isinstance(b.value, str):
        return similarity(a.value, b.value)
    return similarity(a.encoded.decode("latin-1"), b.encoded.decode("latin-1"))


_IDENTITIES = ("tool_use_id", "tool_call_id", "call_id", "toolUseId", "id")


def _same_result(a: Block, b: Block) -> bool:
    """Whether two results answer one call, by its id or else by name and place, however little of
    the content is left.
    """
    ours, theirs = _identity(a), _identity(b)
    if ours is not None and theirs is not None:
        return ours == theirs
    return a.name is not None and a.name == b.name and a.path == b.path


def _identity(result: Block) -> str | None:
    value = as_map(result.value) or {}
    if len(value) == 1:
        value = as_map(next(iter(value.values()))) or value
    return next((name for key in _IDENTITIES if (name := as_text(value.get(key)))), None)


def _moved(
    before: Sequence[Block],
    after: Sequence[Block],
    removed: list[int],
    added: list[int],
    tail: list[int],
) -> list[tuple[int, int]]:
    """Blocks that vanished in one place and stand in another."""
    places: dict[bytes, list[int]] = {}
    for j in (*added, *tail):
        places.setdefault(after[j].content, []).append(j)
    return [(i, found.pop(0)) for i in removed if (found := places.get(before[i].content))]
