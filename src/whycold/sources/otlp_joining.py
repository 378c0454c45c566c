"""Spans, events and bodies that tell of the same call, brought together.

A call may be told of by the SDK's own span and by one around it, by a span and by events, by Claude
Code's event and span. What names it is the id of the response, of the request, or of the span.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from whycold.sources.otlp_attributes import text
from whycold.sources.otlp_calls import Around, Draft, surroundings
from whycold.sources.otlp_kinds import Part, conversation, model, names, part_of
from whycold.sources.otlp_telemetry import Telemetry
from whycold.sources.recorded import Seen

__all__ = ["Joining"]

_MOST = 4096
"""Calls that wait for more to be told of them."""
_MOST_BYTES = 128 << 20
_MOST_WAITING = 32 << 20
_MOST_AROUND = 65_536
_HIGHEST = 64
_EARLY = timedelta(seconds=2)
"""How much sooner than its request a body may be logged: durations are measured apart from that."""
_NEVER = datetime.min.replace(tzinfo=UTC)


class Joining:
    """Takes records in about the order of time, and gives the calls that they tell of.

    A call is held until there are many newer ones; what comes later still makes the same call with
    the same id.
    """

    def __init__(self) -> None:
        self._drafts: OrderedDict[int, Draft] = OrderedDict()
        self._named: dict[tuple[str, ...], Draft] = {}
        self._under: defaultdict[tuple[str, ...], list[Draft]] = defaultdict(list)
        self._around: OrderedDict[tuple[str, str], tuple[str, Around]] = OrderedDict()
        self._fresh: dict[int, Draft] = {}
        self._held = 0
        self._asked, self._loose = _Waiting(), _Waiting()

    def __len__(self) -> int:
        """How many calls wait for more."""
        return len(self._drafts)

    def take(self, record: Telemetry, file: Path, begins: int, ends: int) -> None:
        """One record, and where its document stands."""
        part = part_of(record)
        if part is Part.around or (part is Part.call and record.span):
            self._stands(record)
        if part is Part.asked:
            self._asked.append(record)
        elif part is Part.piece and not record.span:
            self._loose.append(record)
        elif part is not None and part is not Part.around:
            draft = self._draft(record, file)
            draft.file, draft.begins, draft.ends = file, begins, ends
            self._fresh[id(draft)] = draft
            if part is Part.call:
                self._add(draft, draft.views, record)
            elif part is Part.piece:
                self._add(draft, draft.pieces, record)
            elif draft.answered is None:
                draft.answered = record

    def full(self) -> Iterator[Seen]:
        """The older half of the calls, once there are too many."""
        if len(self._drafts) > _MOST or self._held > _MOST_BYTES:
            waiting = sorted(self._drafts.values(), key=_time)
            yield from self._done(waiting[: max(1, len(waiting) // 2)])

    def rest(self) -> Iterator[Seen]:
        """All that is left."""
        yield from self._done(sorted(self._drafts.values(), key=_time))

    def news(self) -> Iterator[Seen]:
        """Calls of which something new was taken; they are held on, for more may come."""
        self._place_loose()
        fresh = [draft for key, draft in self._fresh.items() if key in self._drafts]
        for draft in sorted(fresh, key=_time):
            if (seen := self._seen(draft)) is not None:
                yield seen
        self._fresh.clear()
        while len(self._drafts) > _MOST or self._held > _MOST_BYTES:
            self._forget(next(iter(self._drafts.values())))

    def _stands(self, span: Telemetry) -> None:
        """Remember what a span says of those that stand in it."""
        around = surroundings(span)
        self._around[span.trace, span.span] = span.parent, around
        if around != Around():
            # an agent's span ends, and comes, after the calls that were made in it
            for draft in self._inner(span):
                self._fresh[id(draft)] = draft
        if len(self._around) > _MOST_AROUND:
            self._around.popitem(last=False)

    def _add(self, draft: Draft, to: list[Telemetry], record: Telemetry) -> None:
        """One more record, unless it is there."""
        self._fresh[id(draft)] = draft
        if record not in to:
            to.append(record)
            draft.size += record.size
            self._held += record.size

    def _draft(self, record: Telemetry, file: Path) -> Draft:
        """The draft that a record belongs to; of several, which it joins, one is made."""
        keys = list(names(record))
        found = [self._named[key] for key in keys if key in self._named]
        if record.is_span and record.span:
            found += self._near(record)
        draft = found[0] if found else Draft(file)
        for other in found[1:]:
            self._merge(draft, other)
        self._drafts[id(draft)] = draft
        for key in keys:
            self._named[key] = draft
        if record.is_span and record.parent:
            self._under["span", record.trace, record.parent].append(draft)
        return draft

    def _near(self, span: Telemetry) -> list[Draft]:
        """The calls of the spans just around a span, or in it, that can be the same call."""
        over = self._named.get(("span", span.trace, span.parent))
        if over is not None and _ids([span]) and _ids(over.views):
            over = None
        inner = list({id(d): d for d in self._inner(span)}.values())
        one = inner if len(inner) == 1 and not (_ids([span]) and _ids(inner[0].views)) else []
        return [*filter(None, [over]), *one]

    def _inner(self, span: Telemetry) -> list[Draft]:
        return self._under.get(("span", span.trace, span.span), [])

    def _is_wrapper(self, draft: Draft) -> bool:
        """Whether calls of their own were made in what looked like one."""
        others = (d for view in draft.views if view.span for d in self._inner(view))
        return not _ids(draft.views) and any(other is not draft for other in others)

    def _merge(self, into: Draft, other: Draft) -> None:
        if other is into:
            return
        into.views += other.views
        into.pieces += other.pieces
        into.answered = into.answered or other.answered
        into.id = into.id or other.id
        into.size += other.size
        self._drafts.pop(id(other), None)
        self._rename(other, into)

    def _rename(self, draft: Draft, into: Draft | None) -> None:
        """Let names lead to another draft, or nowhere."""
        for view in (*draft.views, *draft.pieces, *filter(None, [draft.answered])):
            for key in names(view):
                if into is not None:
                    self._named[key] = into
                else:
                    self._named.pop(key, None)
            over = ("span", view.trace, view.parent)
            under = [d for d in self._under.pop(over, []) if d is not draft]
            if into is not None or under:
                self._under[over] = [*under, *filter(None, [into])]

    def _done(self, drafts: list[Draft]) -> Iterator[Seen]:
        self._place_loose()
        for draft in drafts:
            if (seen := self._seen(draft)) is not None:
                yield seen
            self._forget(draft)

    def _seen(self, draft: Draft) -> Seen | None:
        if draft.asked is None:
            draft.asked = self._body_of(draft)
        call = draft.call(self._surroundings(draft))
        if call is None or self._is_wrapper(draft):
            return None
        again, draft.id = draft.id is not None, call.id
        return Seen(call, draft.file, draft.begins, draft.ends, again)

    def _forget(self, draft: Draft) -> None:
        del self._drafts[id(draft)]
        self._fresh.pop(id(draft), None)
        self._held -= draft.size
        self._rename(draft, None)

    def _place_loose(self) -> None:
        """Messages that name no span go to the one that was under way, where there was just one."""
        if not self._loose.records:
            return
        spans = deque(
            sorted(
                (
                    (view.start, view.end, draft, view)
                    for draft in self._drafts.values()
                    for view in draft.views
                    if view.start is not None and view.end is not None
                ),
                key=lambda span: span[0],
            )
        )
        waiting, self._loose = self._loose.records, _Waiting()
        under_way: list[tuple[datetime, datetime, Draft, Telemetry]] = []
        for piece in sorted(waiting, key=lambda record: record.start or _NEVER):
            at = piece.start or _NEVER
            while spans and spans[0][0] <= at:
                under_way.append(spans.popleft())
            under_way = [span for span in under_way if span[1] >= at]
            near = [s for s in under_way if _same_writer(s[3], piece)]
            if len(near) == 1:
                self._add(near[0][2], near[0][2].pieces, piece)
            else:
                self._loose.append(piece)

    def _surroundings(self, draft: Draft) -> Around:
        """What the nearest spans say that say something."""
        known = Around()
        for view in draft.views:
            at = (view.trace, view.span)
            for _ in range(_HIGHEST):
                if at not in self._around:
                    break
                parent, around = self._around[at]
                known = replace(
                    known,
                    session=known.session or around.session,
                    agent=known.agent or around.agent,
                )
                at = (view.trace, parent)
        return known

    def _body_of(self, draft: Draft) -> Telemetry | None:
        """The request that Claude Code logged for a call: the one of its session, sender and model
        while it was under way. None where that is not exactly one.
        """
        for view in draft.views:
            began, end = draft.at, view.end
            if not _is_claude_code(view) or began is None or end is None:
                continue
            near = [
                body
                for body in self._asked.records
                if body.start is not None
                and began - _EARLY <= body.start <= end
                and _sender(body) == _sender(view)
            ]
            if len(near) == 1:
                return near[0]
        return None


class _Waiting:
    """Records that belong to some call, the latest of them, bounded in bytes."""

    def __init__(self) -> None:
        self.records: deque[Telemetry] = deque()
        self._size = 0

    def append(self, record: Telemetry) -> None:
        self.records.append(record)
        self._size += record.size
        while self._size > _MOST_WAITING:
            self._size -= self.records.popleft().size


def _ids(views: Iterable[Telemetry]) -> set[tuple[str, ...]]:
    """What names answers and requests, beside spans."""
    return {name for view in views for name in names(view) if name[0] != "span"}


def _same_writer(one: Telemetry, other: Telemetry) -> bool:
    return one.scope == other.scope and one.resource == other.resource


def _time(draft: Draft) -> datetime:
    return draft.at or _NEVER


def _is_claude_code(record: Telemetry) -> bool:
    return "query_source" in record.attributes or "session.id" in record.attributes


def _sender(record: Telemetry) -> tuple[str | None, ...]:
    source = text(record.attributes, "query_source")
    return conversation(record), source, model(record.attributes)
