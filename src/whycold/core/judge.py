"""Verdict: what was reusable, what was read, and which single thing stood between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import exp, inf, log

from whycold.core.call import Call, Said
from whycold.core.cause import Obstacle
from whycold.core.diagnosis import Verdict
from whycold.core.divergence import Change, Divergence
from whycold.core.grade import attested, spoken
from whycold.core.hindrance import Hindrance, Scene
from whycold.core.live_entries import Entry, reach
from whycold.core.obstacles import obstacles
from whycold.core.predecessor import Link, Linked
from whycold.core.prompt import Kind, Section
from whycold.core.rules import CacheRules, Isolation
from whycold.core.tokens import Counts, count, grown

__all__ = ["Judged", "judge"]

_ESTIMATE_ERROR = 0.15
"""Share of a count by which an estimated position may be off."""
_FAR_OFF = 0.5
"""How far, as a natural logarithm, an estimated position may be off: prose takes more bytes to a
token than schemas, code or other scripts do.
"""
_BEST_EFFORT = 0.05
"""Share that a provider without a promise may leave unread before it counts as a miss: its steps
are not published, and what is below 5 % is no miss to careful clients either (Claude Code docs,
Prompt caching, 2026-11-23).
"""


@dataclass(frozen=True)
class Judged:
    """The verdict on one call. Tokens; None where the provider does not report.

    ``reusable`` is what the predecessor left for it, ``missed`` what of that was not read. ``why``
    is what accounts for the loss, None without one. ``predicted`` says that the reported read is
    what ``why`` predicts. ``at_stake`` is what the change would cost where reads are not reported
    (an estimate). ``broke_at`` is the token position of the first divergence. ``looked_at`` are all
    hindrances found.
    """

    verdict: Verdict
    counts: Counts
    divergences: tuple[Divergence, ...] = ()
    reusable: int | None = None
    missed: int = 0
    why: Hindrance | None = None
    predicted: bool = False
    at_stake: int = 0
    broke_at: int | None = None
    gap: timedelta | None = None
    looked_at: tuple[Hindrance, ...] = ()


def judge(
    call: Call,
    linked: Linked | None,
    rules: CacheRules,
    divergences: tuple[Divergence, ...],
    was: Counts | None,
    live: Sequence[Entry] = (),
    refreshed: Mapping[int, Entry] | None = None,
) -> Judged:
    """Judge one call.

    ``was`` are the predecessor's counts; ``live`` are entries of any call whose prefix this call
    shares, and that could be read; ``refreshed`` maps a prefix to its entry as last used.
    """
    anchors = _anchors(call, linked, divergences, was)
    counts = _going_on(call, linked, divergences, was)
    if counts is None:
        counts = count(call.prompt, call.usage.input, anchors)
    if linked is None or was is None:
        return Judged(_alone(call, rules), counts, why=_too_short(call, rules))
    scene = Scene(call, linked, rules, divergences, was, counts, tuple(live), refreshed or {})
    read, blocks = call.usage.cache_read, _boundary(scene)
    if read is not None and blocks is not None:
        before = linked.call
        was = count(before.prompt, before.usage.input, {**was.exact, blocks: read})
        counts = count(call.prompt, call.usage.input, {**anchors, blocks: read})
        exact = tuple(
            replace(e, tokens=read, exact=True) if e.blocks == blocks else e for e in live
        )
        scene = Scene(call, linked, rules, divergences, was, counts, exact, refreshed or {})
    return _judged(scene)


def _alone(call: Call, rules: CacheRules) -> Verdict:
    if call.usage.cache_read:
        return Verdict.hit
    if call.prompt.unseen and not call.prompt.blocks:
        # not the first of its kind: of what kind it is was not recorded
        return Verdict.unknown
    if _too_short(call, rules) is not None:
        return Verdict.uncacheable
    return Verdict.first


def _too_short(call: Call, rules: CacheRules) -> Hindrance | None:
    total = call.usage.input
    if rules.minimum is None or total is None or total >= rules.minimum or call.usage.cache_read:
        return None
    return Hindrance(0, Obstacle.too_short, exact=True)


def _seems_too_short(scene: Scene) -> bool:
    """Whether a prompt is below the minimum, by far where its tokens are only estimated."""
    minimum, counts = scene.rules.minimum, scene.counts
    most = counts.total if counts.reported else counts.total * exp(_FAR_OFF)
    return minimum is not None and most < minimum and not scene.call.prompt.unseen


def _anchors(
    call: Call, linked: Linked | None, divergences: tuple[Divergence, ...], was: Counts | None
) -> dict[int, int]:
    """Leading blocks whose tokens the provider counted: up to the last marker, up to the last one
    for an hour, and what the predecessor sent.
    """
    usage = call.usage
    # an opening that is not recorded is taken to stay as long as it was
    anchors = {0: was.opening} if was is not None and was.opening else dict[int, int]()
    if linked is not None and linked.link in (Link.grown, Link.named) and not divergences:
        total = linked.call.usage.input
        if total is not None:
            anchors[len(linked.call.prompt.blocks)] = total
    if call.prompt.breakpoints and usage.cache_read is not None and usage.cache_write is not None:
        anchors[call.prompt.breakpoints[-1] + 1] = usage.cache_read + usage.cache_write
    stored = next((i for i in call.prompt.breakpoints if _is_explicit_cache(call, i)), None)
    if stored is not None and usage.cache_read:
        anchors[stored + 1] = usage.cache_read
    if usage.cache_write_1h and usage.cache_read is not None:
        # long lifetimes stand before short ones, and end at the last marker that asks for one
        blocks = call.prompt.blocks
        marks = [(i, blocks[i].breakpoint) for i in call.prompt.breakpoints]
        last = max((i for i, mark in marks if mark and mark.ttl == "1h"), default=None)
        if last is not None:
            anchors[last + 1] = usage.cache_read + usage.cache_write_1h
    return anchors


def _going_on(
    call: Call, linked: Linked | None, divergences: tuple[Divergence, ...], was: Counts | None
) -> Counts | None:
    """The counts of a call that only goes on, where the opening of both is not recorded: each turn
    added what the total grew by. None for every other call.
    """
    if linked is None or was is None or not was.opening or divergences or call.usage.input is None:
        return None
    if linked.link not in (Link.grown, Link.named):
        return None
    return grown(call.prompt, call.usage.input, was)


def _is_explicit_cache(call: Call, at: int) -> bool:
    """Whether the block is the name of an explicit cache; what is read is what that one holds."""
    return call.prompt.blocks[at].kind is Kind.cached_content


def _boundary(scene: Scene) -> int | None:
    """Leading blocks of the marked entry that was read, where its tokens were only estimated.

    What is read ends where an entry does: if no entry is known to hold so many tokens, and one
    alone may, it is that one. None where nothing, or more than one, can be meant.
    """
    read, was = scene.call.usage.cache_read, scene.was
    if not read or not was.reported or read == scene.before.usage.cache_read:
        return None
    known = (*scene.left, *scene.live)
    if any(e.anywhere or (e.exact and abs(e.tokens - read) <= 1) for e in known):
        return None
    parted = [d.kept for d in scene.divergences if d.change is not Change.set]
    ends = (len(scene.before.prompt.blocks) - 1, reach(scene.call, scene.rules) or 0)
    limit = min(*parted, *ends)
    guessed = [e for e in known if not e.exact and e.blocks <= limit and scene.alive(e)]
    off = sorted({(_off(read, e.tokens, was.total), e.blocks) for e in guessed})
    if not off or off[0][0] > _FAR_OFF or (off[1:] and off[1][0] < 2 * off[0][0]):
        return None
    blocks = off[0][1]
    fits = all((e.blocks < blocks) == (e.tokens < read) for e in known if e.exact)
    return blocks if fits else None


def _off(tokens: int, estimate: int, total: int) -> float:
    """How far an estimated position is off, before it or behind it, as a natural logarithm."""
    if not (0 < estimate < total and tokens < total):
        return inf
    return max(abs(log(tokens / estimate)), abs(log((total - tokens) / (total - estimate))))


def _judged(scene: Scene) -> Judged:
    hindrances = (*obstacles(scene), *scene.edits())
    first = scene.divergences[0] if scene.divergences else None
    broke_at = scene.position(first) if first is not None else None
    read = scene.call.usage.cache_read
    total = scene.counts.total
    could = min(scene.reusable, max(0, total - scene.rules.always_evaluated))
    judged = Judged(
        Verdict.hit,
        scene.counts,
        divergences=scene.divergences,
        reusable=scene.reusable,
        broke_at=broke_at,
        gap=scene.gap,
        looked_at=hindrances,
    )
    if read is None:
        # without a count nothing shows that an entry was there: the edit is what can be told
        edits = [h for h in hindrances if h.divergence is not None and h.certain]
        why = min(edits or hindrances, key=_rank, default=None)
        if why is not None and why.obstacle is Obstacle.not_asked and _seems_too_short(scene):
            # a marker would not have helped
            short = Hindrance(0, Obstacle.too_short)
            return replace(judged, verdict=Verdict.unknown, reusable=0, why=short)
        stake = max(0, could - why.allows) if why is not None else 0
        return replace(judged, verdict=Verdict.unknown, why=why, at_stake=stake)
    if (short := _too_short(scene.call, scene.rules)) is not None:
        # a prompt that is short because its explicit cache is not named any more
        let_go = (h for h in hindrances if h.divergence and h.divergence.explicit_cache)
        why, verdict = next(let_go, short), Verdict.uncacheable
        return replace(judged, verdict=verdict, reusable=0, why=why, predicted=True)
    if could == 0:
        return replace(judged, verdict=Verdict.hit if read else Verdict.first, reusable=0)
    missed = max(0, could - read)
    if missed <= _tolerance(scene, could):
        return replace(judged, predicted=True)
    why, predicted = _binding(scene, hindrances, read, could, missed)
    verdict = Verdict.partial if read else Verdict.miss
    return replace(judged, verdict=verdict, missed=missed, why=why, predicted=predicted)


def _tolerance(scene: Scene, could: int) -> int:
    slack = scene.rules.slack
    if not scene.exact:
        return slack + int(_ESTIMATE_ERROR * could)
    # a local engine may drop a prefix, but it says to the token what it read
    vague = scene.rules.best_effort and scene.rules.isolation is not Isolation.server
    return slack + int(_BEST_EFFORT * could) if vague else slack


def _binding(
    scene: Scene, hindrances: Sequence[Hindrance], read: int, could: int, missed: int
) -> tuple[Hindrance, bool]:
    """The hindrance that accounts for most of the loss and that the numbers do not refute."""
    slack = scene.rules.slack
    likely = (replace(h, allows=min(h.allows, read)) if h.bound else h for h in hindrances)
    fits = [h for h in likely if _fits(scene, h, read) and could - h.allows > slack]
    said = spoken(scene.call)
    word = attested(scene.call, scene.before, scene.divergences)
    for certain in (True, False):
        if word is not None and not certain and not _hidden(scene):
            return Hindrance(read, Obstacle.attested), False
        ranked = sorted((h for h in fits if h.certain is certain), key=_rank)
        if ranked and (could - ranked[0].allows) * 2 >= missed:
            best = ranked[0]
            return best, not best.bound and abs(best.allows - read) <= _margin(scene, best)
    unchanged = said is not None and said.said is Said.unchanged
    if _hidden(scene) and not unchanged and not _ends_at_an_older_entry(scene, read):
        return Hindrance(read, Obstacle.unseen), False
    if word is not None:
        return Hindrance(read, Obstacle.attested), False
    return Hindrance(read, Obstacle.lost), False


def _hidden(scene: Scene) -> frozenset[Section]:
    """Sections that are not recorded of one of the two calls."""
    return scene.before.prompt.unseen | scene.call.prompt.unseen


def _ends_at_an_older_entry(scene: Scene, read: int) -> bool:
    """Whether what was read is an entry that a call before the predecessor left behind messages.

    Then all that is not recorded was the same, for it stands before them.
    """
    if Section.messages in scene.before.prompt.unseen | scene.call.prompt.unseen:
        return False
    known = (e for e in scene.live if e.exact and e.call != scene.before.id)
    return bool(read) and any(abs(e.tokens - read) <= 1 for e in known)


def _fits(scene: Scene, hindrance: Hindrance, read: int) -> bool:
    return read <= hindrance.allows + _margin(scene, hindrance)


def _margin(scene: Scene, hindrance: Hindrance) -> int:
    slack = scene.rules.slack + 1
    return slack if hindrance.exact else slack + int(_ESTIMATE_ERROR * max(hindrance.allows, 200))


def _rank(hindrance: Hindrance) -> tuple[int, int, int]:
    """What allows least comes first; among equals what stands earlier in the life of a request,
    and that another call was under way last: without it the edit would have cost as much.
    """
    where = len(Obstacle)
    if hindrance.obstacle is Obstacle.not_begun:
        where += 1
    elif hindrance.obstacle is not None:
        where = list(Obstacle).index(hindrance.obstacle)
    return (0 if hindrance.certain else 1, hindrance.allows, where)
