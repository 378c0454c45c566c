"""What, apart from an edit, kept a call from reading what its predecessor left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from whycold.core.cause import Obstacle
from whycold.core.divergence import Change
from whycold.core.hindrance import LONGEST_MINIMUM, Hindrance, Scene
from whycold.core.live_entries import Entry, positions_between, reach, unheard
from whycold.core.prompt import Section

__all__ = ["obstacles"]

_ESTIMATE_ERROR = 0.15


def obstacles(scene: Scene) -> Iterator[Hindrance]:
    """Everything that limits what can be read, whether or not it accounts for the loss."""
    yield from _elsewhere(scene)
    yield from _not_asked(scene)
    yield from _ignored(scene)
    yield from _lapsed(scene)
    yield from _not_begun(scene)
    yield from _marked_early(scene)
    yield from _far(scene)
    yield from _moving(scene)
    yield from _retimed(scene)
    yield from _rerendered(scene)
    yield from _altered(scene)


def _elsewhere(scene: Scene) -> Iterator[Hindrance]:
    """Another account, host or model answered: another cache."""
    call, before = scene.call, scene.before
    # what an earlier call left there can still be read
    allows = scene.deepest.tokens if scene.deepest else 0
    exact = scene.deepest is None or scene.deepest.exact
    if scene.another_account:
        yield Hindrance(allows, Obstacle.account, exact=exact)
    if _differ(call.host, before.host):
        yield Hindrance(allows, Obstacle.host, exact=exact, certain=False)
    if call.model == before.model and _differ(call.reply.model, before.reply.model):
        yield Hindrance(0, Obstacle.other_model, exact=True, certain=False)


def _differ(now: str | None, was: str | None) -> bool:
    """Whether both are known and not the same."""
    return now is not None and was is not None and now != was


def _not_asked(scene: Scene) -> Iterator[Hindrance]:
    """One of the calls did not ask for caching where that is needed."""
    if scene.call.prompt.asks is False or (scene.before.prompt.asks is False and not scene.left):
        yield Hindrance(0, Obstacle.not_asked, exact=True)


def _ignored(scene: Scene) -> Iterator[Hindrance]:
    """A call that carries markers was answered as if it had none."""
    minimum = scene.rules.minimum
    for call, counts in ((scene.before, scene.was), (scene.call, scene.counts)):
        if not unheard(call) or not call.prompt.breakpoints:
            continue
        marked = counts.until(call.prompt.breakpoints[-1] + 1)
        if minimum is not None and marked * (1 + _ESTIMATE_ERROR) < minimum:
            yield Hindrance(0, Obstacle.too_short, exact=True)
        elif marked * (1 - _ESTIMATE_ERROR) > (minimum or LONGEST_MINIMUM):
            yield Hindrance(0, Obstacle.ignored, exact=True)


def _lapsed(scene: Scene) -> Iterator[Hindrance]:
    """The longest entry ran out; what allows is the longest that had not."""
    dead = [e for e in scene.left if not scene.alive(e)]
    if not dead or dead[-1] is not scene.left[-1]:
        return
    alive = [e for e in scene.left if scene.alive(e)]
    if scene.deepest is not None:
        alive.append(scene.deepest)
    longest = max(alive, key=lambda e: (e.blocks, e.exact), default=None)
    older = scene.older(dead[-1].tokens)
    lapses = _lapses(dead, longest.tokens if longest else 0)
    # other conversations may have kept the tools and system alive that this one begins with
    shared = scene.was.opening
    left = max(longest.tokens if longest else 0, older)
    exact = longest is None or longest.exact or older > longest.tokens
    yield Hindrance(
        max(left, shared),
        Obstacle.expired,
        exact=exact and left >= shared,
        lapses=lapses,
        bound=shared > left,
    )


def _lapses(dead: Sequence[Entry], left: int) -> tuple[tuple[str, int], ...]:
    """The lifetimes that ran out, with the tokens that stood under each behind ``left``, most
    first; entries are given shortest first.
    """
    under: dict[str, int] = {}
    for entry in dead:
        if entry.ttl is not None and entry.tokens > left:
            under[entry.ttl.name] = under.get(entry.ttl.name, 0) + entry.tokens - left
            left = entry.tokens
    if not under and dead[-1].ttl is not None:
        under[dead[-1].ttl.name] = 0
    return tuple(sorted(under.items(), key=lambda lapse: -lapse[1]))


def _not_begun(scene: Scene) -> Iterator[Hindrance]:
    """The response that writes the entry had not begun when this call was sent."""
    begun = scene.before.began
    if not scene.rules.usable_when_begun or begun is None or scene.call.at >= begun:
        return
    earlier = scene.deepest if scene.deepest and scene.deepest.call != scene.before.id else None
    yield Hindrance(
        earlier.tokens if earlier else 0,
        Obstacle.not_begun,
        exact=earlier is None or earlier.exact,
    )


def _marked_early(scene: Scene) -> Iterator[Hindrance]:
    """Much of what repeats stands behind the last marker."""
    if scene.potential is not None:
        yield Hindrance(scene.left[-1].tokens, Obstacle.marker_early, exact=True)


def _far(scene: Scene) -> Iterator[Hindrance]:
    """Entries that stand where this call's markers cannot find them, and markers that stand too
    early.
    """
    limit = reach(scene.call, scene.rules)
    # where a part of the prompt was not recorded, places in it cannot be compared
    if limit is None or not scene.left or scene.call.prompt.unseen:
        return
    last = scene.left[-1]
    shared = scene.divergences[0].kept if scene.divergences else len(scene.before.prompt.blocks)
    if last.blocks > shared:
        return
    reachable = [e for e in scene.left if e.blocks <= limit and _found(scene, e)]
    if not reachable or reachable[-1].blocks < last.blocks:
        allows = reachable[-1].tokens if reachable else 0
        what = Obstacle.lookback if last.blocks <= limit else Obstacle.marker_early
        yield Hindrance(
            allows,
            what,
            exact=not reachable or reachable[-1].exact,
            positions=positions_between(scene.call, scene.rules, last.blocks),
        )


def _found(scene: Scene, entry: Entry) -> bool:
    positions = positions_between(scene.call, scene.rules, entry.blocks)
    return (
        positions is None
        or scene.rules.lookback is None
        or positions <= scene.rules.lookback.positions
    )


def _moving(scene: Scene) -> Iterator[Hindrance]:
    """The predecessor's last marker stands on a system message at the end that does not stay there.

    Everything before it repeats, and a marker there would have kept it.
    """
    first = scene.divergences[0] if scene.divergences else None
    if (
        first is None
        or first.section is not Section.messages
        or first.change not in (Change.added, Change.removed, Change.reordered)
        or not scene.left
        or scene.left[-1].anywhere
        or scene.left[-1].blocks <= first.kept
    ):
        return
    behind = scene.before.prompt.blocks[first.kept :]
    if not all(block.role == "system" for block in behind):
        return
    before = [e for e in scene.left if e.blocks <= first.kept and scene.alive(e)]
    allows = before[-1].tokens if before else 0
    if scene.pays(scene.was.until(first.kept) - allows):
        exact = not before or before[-1].exact
        yield Hindrance(allows, Obstacle.marker_moves, exact=exact)


def _retimed(scene: Scene) -> Iterator[Hindrance]:
    """The marker that would find the longest entry asks for another lifetime."""
    if not scene.left or scene.left[-1].anywhere or not scene.call.prompt.breakpoints:
        return
    same = [e for e in scene.left if _same_lifetime(scene, e)]
    if not same or same[-1] is not scene.left[-1]:
        yield Hindrance(
            same[-1].tokens if same else 0,
            Obstacle.retimed,
            exact=not same or same[-1].exact,
            certain=False,
        )


def _same_lifetime(scene: Scene, entry: Entry) -> bool:
    """Whether a marker at or behind the entry asks for the lifetime that the entry's marker did;
    also where no marker stands there.
    """
    marked = scene.before.prompt.blocks[entry.blocks - 1].breakpoint
    asked = scene.rules.ttl(marked.ttl if marked else None)
    finders = [
        block.breakpoint
        for block in scene.call.prompt.blocks[entry.blocks - 1 :]
        if block.breakpoint is not None
    ]
    return not finders or any(scene.rules.ttl(finder.ttl) == asked for finder in finders)


def _rerendered(scene: Scene) -> Iterator[Hindrance]:
    """Only the reply was not read: the engine renders what comes back unlike what it wrote.

    Where the client changed it, that is a divergence of its own. Only a reported read shows it.
    """
    if scene.call.usage.cache_read is None or scene.divergences:
        return
    if scene.rules.keeps_reply and scene.reusable > scene.was.total:
        yield Hindrance(scene.was.total, Obstacle.rerendered, exact=True, certain=False)


def _altered(scene: Scene) -> Iterator[Hindrance]:
    """The provider says that it changed the request, in what the predecessor had left.

    An edit before that place accounts for both. What it changed in the predecessor's request, too,
    was not in the entry.
    """
    places = {block.path: at for at, block in enumerate(scene.before.prompt.blocks)}
    known = {altered.path for altered in scene.before.reply.alterations}
    new = (a.path for a in scene.call.reply.alterations if a.path not in known)
    at = min((places[path] for path in new if path in places), default=None)
    if at is None or any(d.certain and d.kept <= at for d in scene.divergences):
        return
    kept = [e for e in scene.left if e.blocks <= at and scene.alive(e)]
    if scene.left and not scene.left[-1].anywhere:
        older = scene.older(scene.was.until(at))
        allows = max(kept[-1].tokens if kept else 0, older)
        yield Hindrance(allows, Obstacle.altered, exact=not kept or kept[-1].exact)
    else:
        yield Hindrance(scene.was.until(at), Obstacle.altered)
