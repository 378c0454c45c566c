"""Calls out of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from whycold.core.call import Call, ProviderError, Reply, Usage
from whycold.core.diagnosis import Diagnosis, Reason, Verdict
from whycold.core.prompt import Block, Prompt, Section
from whycold.store.blocks import BlockReader
from whycold.store.codec import decode_envelope, decode_marks, with_marks
from whycold.store.measures import TOKENS
from whycold.store.numbering import time_at, usd_of
from whycold.store.recent import Recent
from whycold.store.records import Capture, Kept, Record
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_ids import read_more, rid_of
from whycold.store.squeeze import expand
from whycold.store.telling import More, decode_counts, decode_texts, told_from

__all__ = ["FROM", "CallReader"]

_COLUMNS: Final = (
    "c.rid",
    "(c.rid >> 22) * 1000 + c.us",
    *(f"l.{name}" for name in ("project", "provider", "model", "agent", "release")),
    *(f"k.{name}" for name in ("verdict", "reason", "cause")),
    *(f"o.{name}" for name in ("api", "account", "host", "capture", "status", "source")),
    *(f"o.{name}" for name in ("tier", "speed", "region", "batch")),
    *(f"o.{name}" for name in ("reply_model", "stop", "complete")),
    "s.name",
    "u.fingerprint",
    "c.missed",
    "c.cost",
    "c.stake",
    "c.more",
    "d.rid",
    "d.advice",
    "d.texts",
    *(f"c.{name}" for name in TOKENS),
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM"
FROM: Final = (
    " JOIN label l ON l.id = c.label JOIN kind k ON k.id = c.kind JOIN origin o ON o.id = c.origin"
    " LEFT JOIN session s ON s.id = c.session LEFT JOIN culprit u ON u.id = c.culprit"
    " LEFT JOIN detail d ON d.rid = c.rid"
)
"""What a call ``c`` is told with."""

_SECTIONS: Final = frozenset({Section.tools, Section.system, Section.messages})


@dataclass(frozen=True, slots=True)
class _Read:
    """A call's row, understood."""

    kept: Kept
    more: More
    model: str | None
    reply_model: str | None
    stop: str | None
    complete: bool
    error: str | None


class CallReader:
    """Turns rows into calls; remembers what the next ones are likely to share."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._blocks = BlockReader(db)
        self._messages: Recent[str, str | None] = Recent(2000)

    def kept(self, source: str, values: Sequence[Any]) -> list[Kept]:
        """Calls by the part of a query that gives their rows as ``c``."""
        return [read.kept for read in self._rows(source, values)]

    def records(self, source: str, values: Sequence[Any], *, blocks: bool) -> Iterator[Record]:
        """The same, whole; ``blocks``: with the tokens of every block."""
        for read in list(self._rows(source, values)):
            yield self._record(read, blocks=blocks)

    def prompt(self, rid: int) -> Prompt | None:
        """The prompt of a call, None when it is not there."""
        row = self._db.one("SELECT segment, envelope, marks FROM detail WHERE rid = ?", (rid,))
        if row is None or row[0] is None:
            return None
        segment, envelope, marks = row
        around, told = decode_envelope(self._blocks.bytes(envelope)), decode_marks(marks)
        return Prompt(
            with_marks(self._blocks.prompt(segment), told.breakpoints),
            settings=around.settings,
            links=told.links,
            unseen=around.unseen,
            inherits=around.inherits,
            opaque=around.opaque,
            stripped=around.stripped,
            asks=around.asks,
        )

    def _rows(self, source: str, values: Sequence[Any]) -> Iterator[_Read]:
        for row in self._db.rows(f"{_SELECT} {source}", values):
            yield self._read(row)

    def _read(self, row: tuple[Any, ...]) -> _Read:
        rid, at, project, provider, model, agent, release, verdict, reason, cause, *row2 = row
        api, account, host, capture, status, source, tier, speed, region, batch, *row3 = row2
        reply_model, stop, complete, session, culprit, missed, cost, stake, more, *row4 = row3
        detail, advice, texts, *tokens = row4
        more = read_more(more)
        facts = Diagnosis(
            call=more.call,
            at=time_at(at),
            api=api,
            provider=provider,
            model=model,
            verdict=Verdict(verdict),
            summary="",
            usage=Usage(
                **dict(zip(TOKENS, tokens, strict=True)),
                tier=tier,
                speed=speed,
                region=region,
                batch=bool(batch),
            ),
            reason=Reason(reason) if reason is not None else None,
            cause=cause,
            project=project,
            session=session,
            agent=agent,
            release=release,
            missed_tokens=missed,
            at_stake_tokens=stake,
            fingerprint=culprit,
        )
        facts = self._linked(told_from(facts, more, None if cost is None else usd_of(cost)))
        told, error = decode_texts(
            expand(texts) if texts else b"", facts, more.x, self._advice(advice)
        )
        capture = Capture(capture)
        kept = Kept(
            rid,
            told,
            Capture.usage if capture.has_blocks and detail is None else capture,
            began=facts.at + more.began if more.began is not None else None,
            account=account,
            host=host,
            status=status,
            source=source,
        )
        asked = None if more.a else model
        return _Read(kept, more, asked, reply_model, stop, bool(complete), error)

    def _linked(self, told: Diagnosis) -> Diagnosis:
        """With the predecessor's message id, which stands with the predecessor."""
        id = told.predecessor
        if id is None or told.predecessor_message_id is not None:
            return told
        if id not in self._messages:
            rid = rid_of(self._db, id)
            more = self._db.value("SELECT more FROM call WHERE rid = ?", (rid,))
            self._messages.put(id, read_more(more).message_id if more is not None else None)
        return replace(told, predecessor_message_id=self._messages.get(id))

    def _advice(self, number: int | None) -> str | None:
        if number is None:
            return None
        return self._blocks.bytes(number)[1:].decode("utf-8", "surrogatepass")

    def _record(self, read: _Read, *, blocks: bool) -> Record:
        kept, told, more = read.kept, read.kept.told, read.more
        row = self._db.one("SELECT reply, counts FROM detail WHERE rid = ?", (kept.rid,))
        replied, counts = row if row is not None else (b"", b"")
        prompt = self.prompt(kept.rid)
        if prompt is None:
            prompt = Prompt((), unseen=_SECTIONS)
        if blocks:
            counted = decode_counts(expand(counts), prompt.blocks, told.usage.cache_read)
            told = replace(told, blocks=counted)
        return Record(
            _call(read, prompt, self._blocks.reply(replied)),
            told,
            kept.capture,
            kept.status,
            kept.source,
            also=more.ids[1 : 1 + len(more.o)],
        )


def _call(read: _Read, prompt: Prompt, replied: tuple[Block, ...]) -> Call:
    kept, told, more = read.kept, read.kept.told, read.more
    error = None
    if more.h is not None:
        error = ProviderError(more.h[0], more.h[1], read.error or "")
    reply = Reply(
        message_id=more.message_id,
        model=read.reply_model,
        usage=told.usage,
        verdict=more.verdict,
        blocks=replied,
        stop=read.stop,
        error=error,
        complete=read.complete,
    )
    return Call(
        id=told.call,
        at=told.at,
        provider=told.provider,
        api=told.api,
        model=read.model,
        prompt=prompt,
        reply=reply,
        began=told.at + timedelta(microseconds=more.b) if more.b is not None else None,
        request_id=more.request_id,
        project=told.project,
        session=told.session,
        agent=told.agent,
        release=told.release,
        account=kept.account,
        host=kept.host,
    )
