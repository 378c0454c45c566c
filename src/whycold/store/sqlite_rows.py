"""Calls out of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from whycold.core.call import Call, ProviderError, Reply, Usage
from whycold.core.diagnosis import Reason, Verdict
from whycold.core.prompt import Block, Prompt, Section
from whycold.store.blocks import BlockReader
from whycold.store.codec import decode_envelope, decode_marks, with_marks
from whycold.store.measures import TOKENS
from whycold.store.numbering import time_at, unpack_id, usd_of
from whycold.store.recent import Recent
from whycold.store.records import Capture, Kept, Record
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_ids import message_of
from whycold.store.squeeze import expand
from whycold.store.telling import (
    More,
    decode_counts,
    decode_more,
    decode_texts,
    title_without_texts,
    told_facts,
    told_from,
)

__all__ = ["FROM", "CallReader"]

_PLAIN: Final = {
    "l": ("project", "provider", "model", "agent", "release"),
    "k": ("verdict", "reason", "cause"),
    "o": (
        *("api", "account", "host", "capture", "status", "source"),
        *("tier", "speed", "region", "batch"),
        *("reply_model", "reply_host", "stop", "complete"),
    ),
    "c": ("rid", "missed", "cost", "stake", "more", *TOKENS),
    "d": ("advice", "texts"),
}
_EXPRESSIONS: Final = {
    **{name: f"{table}.{name}" for table, names in _PLAIN.items() for name in names},
    "at": "(c.rid >> 22) * 1000 + c.us",
    "session": "s.name",
    "fingerprint": "u.fingerprint",
    "detailed": "d.rid IS NOT NULL",
}
_NAMES: Final = tuple(_EXPRESSIONS)
_SELECT: Final = f"SELECT {', '.join(_EXPRESSIONS.values())} FROM"
FROM: Final = (
    " JOIN label l ON l.id = c.label JOIN kind k ON k.id = c.kind JOIN origin o ON o.id = c.origin"
    " LEFT JOIN session s ON s.id = c.session LEFT JOIN culprit u ON u.id = c.culprit"
    " LEFT JOIN detail d ON d.rid = c.rid"
)
"""What a call ``c`` is told with."""

_AS_THEY_ARE: Final = (
    *("api", "provider", "model"),
    *("project", "session", "agent", "release"),
)
_SECTIONS: Final = frozenset({Section.tools, Section.system, Section.messages})


@dataclass(frozen=True, slots=True)
class _Read:
    """A call's row, understood; ``error`` is what the provider said when it refused."""

    kept: Kept
    more: More
    row: dict[str, Any]
    error: str | None


class CallReader:
    """Turns rows into calls; remembers what the next ones are likely to share."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._blocks = BlockReader(db)
        self._messages: Recent[str, str | None] = Recent(2000)
        self._advices: Recent[int, str] = Recent(500)

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

    def _read(self, values: tuple[Any, ...]) -> _Read:
        row = dict(zip(_NAMES, values, strict=True))
        more, error = decode_more(row["more"]), None
        fields = _facts(row, more)
        if row["texts"]:
            quoted, error = decode_texts(expand(row["texts"]))
            fields |= quoted
        if row["advice"] is not None:
            fields["advice"] = self._advice(row["advice"])
        if more.before is not None and more.before_message is None:
            fields["predecessor_message_id"] = self._message(unpack_id(more.before))
        told, capture = told_from(fields), Capture(row["capture"])
        kept = Kept(
            row["rid"],
            told,
            Capture.usage if capture.has_blocks and not row["detailed"] else capture,
            began=None if more.began is None else told.at + timedelta(microseconds=more.began),
            account=row["account"],
            host=row["host"],
            status=row["status"],
            source=row["source"],
        )
        return _Read(kept, more, row, error)

    def _message(self, id: str) -> str | None:
        """The message id of a call, which stands with that call."""
        if id not in self._messages:
            self._messages.put(id, message_of(self._db, id))
        return self._messages.get(id)

    def _advice(self, number: int) -> str:
        """A text that many calls share."""
        text = self._advices.get(number)
        if text is None:
            text = self._blocks.bytes(number)[1:].decode("utf-8", "surrogatepass")
            self._advices.put(number, text)
        return text

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
            also=more.others,
        )


def _facts(row: dict[str, Any], more: More) -> dict[str, Any]:
    """What a diagnosis holds beside its texts, by its fields."""
    cost, reason, cause = row["cost"], row["reason"], row["cause"]
    usage = Usage(
        **{name: row[name] for name in TOKENS},
        tier=row["tier"],
        speed=row["speed"],
        region=row["region"],
        batch=bool(row["batch"]),
    )
    return told_facts(more, usage.cache_read, None if cost is None else usd_of(cost)) | {
        "at": time_at(row["at"]),
        "verdict": Verdict(row["verdict"]),
        "usage": usage,
        "reason": Reason(reason) if reason is not None else None,
        "cause": cause,
        "title": title_without_texts(cause, more.path),
        "missed_tokens": row["missed"],
        "at_stake_tokens": row["stake"],
        "fingerprint": row["fingerprint"] or more.fingerprint,
        **{name: row[name] for name in _AS_THEY_ARE},
    }


def _call(read: _Read, prompt: Prompt, replied: tuple[Block, ...]) -> Call:
    kept, told, more, row = read.kept, read.kept.told, read.more, read.row
    error = None
    if more.refused is not None:
        error = ProviderError(*more.refused, read.error or "")
    reply = Reply(
        message_id=more.message_id,
        model=row["reply_model"],
        host=row["reply_host"],
        usage=told.usage,
        verdict=more.verdict,
        blocks=replied,
        stop=row["stop"],
        error=error,
        complete=bool(row["complete"]),
        alterations=more.alterations,
    )
    return Call(
        id=told.call,
        at=told.at,
        model=None if more.replied else told.model,
        prompt=prompt,
        reply=reply,
        began=kept.began,
        request_id=more.request_id,
        account=kept.account,
        host=kept.host,
        **{name: row[name] for name in _AS_THEY_ARE if name != "model"},
    )
