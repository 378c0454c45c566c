"""The write path of the SQLite store: one transaction per batch, sums and all."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final, NamedTuple

from whycold.core.content import digest
from whycold.core.diagnosis import Diagnosis
from whycold.store.blocks import BlockWriter
from whycold.store.capture import reduced
from whycold.store.codec import encode_envelope, encode_marks
from whycold.store.measures import TOKENS, is_miss, measured
from whycold.store.numbering import clean, hashed, micros, rid_for, rid_millis
from whycold.store.recent import Recent
from whycold.store.records import Capture, Record, Written
from whycold.store.sqlite_culprit_rows import CulpritRows
from whycold.store.sqlite_database import Database
from whycold.store.sqlite_ids import own_rid, rid_of
from whycold.store.sqlite_labels import Labels
from whycold.store.sqlite_openings import Openings
from whycold.store.sqlite_sums import FactRow, Sums
from whycold.store.squeeze import squeeze
from whycold.store.telling import decode_more, encode_counts, encode_more, encode_texts, more_of

__all__ = ["Writer"]

_CALLS_AT_HAND: Final = 20_000
_TOKENS_KEPT: Final = 10_000
"""Batches whose token is remembered. A batch is sent again right after a crash, not days later."""

_CALL: Final = (
    "INSERT INTO call (rid, us, label, kind, origin, session, culprit, miss, missed, cost, stake,"
    f" {', '.join(TOKENS)}, more, tools, system) VALUES ({', '.join('?' * (14 + len(TOKENS)))})"
)
_FACT: Final = (
    "SELECT (rid >> 22) * 1000 + us, label, kind, session, culprit, miss IS NOT NULL, missed, cost,"
    f" stake, more, tools, system, {', '.join(TOKENS)} FROM call WHERE rid = ?"
)


class _Near(NamedTuple):
    """What of a predecessor the next call is kept by: its prompt, and its message id."""

    segment: int | None
    message_id: str | None


class Writer:
    """Adds, replaces and removes calls. All but ``write`` runs inside ``transaction``."""

    def __init__(self, db: Database, key: bytes | None) -> None:
        self._db = db
        self._blocks, self._labels = BlockWriter(db), Labels(db)
        self._sums, self._culprits, self._openings = Sums(db), CulpritRows(db), Openings(db)
        self._near: Recent[str, _Near] = Recent(_CALLS_AT_HAND)
        self._version = -1
        self._key = key or db.value("SELECT value FROM secret")

    def write(
        self, token: str, records: Sequence[Record], state: Mapping[str, str] | None
    ) -> Written:
        """As the contract says."""
        with self.transaction():
            if self._db.value("SELECT 1 FROM batch WHERE token = ?", (clean(token),)):
                return Written(fresh=False)
            added = amended = known = 0
            # each record is written before the next is looked at, so a batch may hold one twice
            for record in records:
                if record.capture is Capture.none:
                    continue
                there = self._already(record)
                if there and not record.amends:
                    known += 1
                    continue
                amended += bool(there)
                added += not there
                if there or record.also:
                    record = replace(record, also=self._names(record, there))
                self._add(record)
            self._remember(token, state or {})
            return Written(added=added, amended=amended, known=known)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of the inside with its sums, or nothing."""
        with ExitStack() as undone:
            undone.callback(self.forget)
            with self._db.transaction():
                # what is remembered of the file holds only while nobody else writes to it
                version = self._db.changed_elsewhere()
                if version != self._version:
                    self.forget()
                    self._version = version
                yield
                self._blocks.flush()
                self._labels.flush()
                self._sums.flush()
                self._culprits.flush()
                self._openings.flush()
            undone.pop_all()

    def remove(self, rid: int) -> int:
        """Remove a call and take it out of all sums. Contents that went with it."""
        row = self._db.one(_FACT, (rid,))
        if row is None:
            return 0
        at, label, kind, session, culprit, miss, missed, cost, stake, *rest = row
        more, tools, system, *tokens = rest
        gone = self.remove_texts(rid)
        ids = decode_more(more).ids
        self._db.many("DELETE FROM alias WHERE h = ? AND rid = ?", ((hashed(i), rid) for i in ids))
        self._db.run("DELETE FROM call WHERE rid = ?", (rid,))
        self._sums.remove(
            FactRow(at, label, kind, session, culprit, miss, missed, cost, stake, tuple(tokens))
        )
        if culprit is not None:
            self._culprits.lost(culprit)
        for opening in (tools, system):
            self._openings.lost(opening)
        for id in ids:
            self._near.drop(id)
        return gone

    def remove_texts(self, rid: int) -> int:
        """Remove the prompt, the reply and the texts of a call. Contents that went with them."""
        row = self._db.one(
            "SELECT segment, envelope, reply, advice FROM detail WHERE rid = ?", (rid,)
        )
        if row is None:
            return 0
        segment, envelope, reply, advice = row
        self._db.run("DELETE FROM detail WHERE rid = ?", (rid,))
        # any of them may have been near to this prompt
        self._near.clear()
        gone = self._blocks.release(number for number in (envelope, advice) if number is not None)
        gone += self._blocks.release_blocks(reply)
        return gone + (self._blocks.release_prompt(segment) if segment is not None else 0)

    def remove_quotes(self, rid: int) -> None:
        """Remove what a call's diagnosis quotes, and leave its prompt and its reply."""
        advice = self._db.value("SELECT advice FROM detail WHERE rid = ?", (rid,))
        self._db.run("UPDATE detail SET texts = x'', advice = NULL WHERE rid = ?", (rid,))
        if advice is not None:
            self._blocks.release((advice,))
        # a title quotes the latest miss
        self._db.run(
            "UPDATE culprit SET title = NULL WHERE id = (SELECT culprit FROM call WHERE rid = ?)",
            (rid,),
        )

    def remove_facts(self, rid: int) -> int:
        """Remove a call but leave it in the sums. Contents that went with it."""
        gone = self.remove_texts(rid)
        row = self._db.one("SELECT more FROM call WHERE rid = ?", (rid,))
        ids = decode_more(row[0]).ids if row is not None else ()
        self._db.many("DELETE FROM alias WHERE h = ? AND rid = ?", ((hashed(i), rid) for i in ids))
        self._db.run("DELETE FROM call WHERE rid = ?", (rid,))
        return gone

    def forget(self) -> None:
        """Take nothing for granted about the file."""
        for part in (self._blocks, self._labels, self._culprits, self._openings):
            part.forget()
        self._sums.clear()
        self._near.clear()
        self._version = -1

    def _already(self, record: Record) -> tuple[int, ...]:
        """The numbers under which the call is there."""
        found = (own_rid(self._db, id) for id in (record.call.id, *record.also))
        return tuple(dict.fromkeys(rid for rid in found if rid is not None))

    def _names(self, record: Record, there: Sequence[int]) -> tuple[str, ...]:
        """What else the call is known by, once those that it replaces are removed."""
        names = [clean(id) for id in record.also]
        for rid in there:
            more = decode_more(self._db.value("SELECT more FROM call WHERE rid = ?", (rid,)))
            names += (more.call, *more.others)
            self.remove(rid)
        return tuple(id for id in dict.fromkeys(names) if id != clean(record.call.id))

    def _add(self, record: Record) -> None:
        record = reduced(record, self._key)
        call, told = record.call, record.told
        at = micros(call.at)
        rid = self._free(rid_for(at, call.id))
        near = self._predecessor(told)
        miss = is_miss(told.verdict)
        more = more_of(
            call,
            told,
            record.also,
            message_known=near.message_id == told.predecessor_message_id,
            miss=miss,
        )
        tokens, missed, cost, stake = measured(told, call.usage)
        label, kind, origin = (
            self._labels.label(told, at),
            self._labels.kind(told),
            self._labels.origin(record),
        )
        session = self._session(told, at)
        culprit = self._culprits.number(told, at) if miss and told.fingerprint else None
        us = at - rid_millis(rid) * 1000
        self._db.run(
            _CALL,
            (
                *(rid, us, label, kind, origin, session, culprit, 1 if miss else None),
                *(missed, cost, stake, *tokens, encode_more(more)),
                *self._openings.numbers(call.prompt, told, at),
            ),
        )
        self._db.many(
            "INSERT OR IGNORE INTO alias VALUES (?, ?)", ((hashed(i), rid) for i in more.ids)
        )
        self._sums.add(
            FactRow(at, label, kind, session, culprit, miss, missed, cost, stake, tokens)
        )
        segment = self._add_texts(rid, record, near.segment)
        self._near.put(clean(call.id), _Near(segment, call.reply.message_id))

    def _add_texts(self, rid: int, record: Record, near: int | None) -> int | None:
        call, told = record.call, record.told
        prompt, reply = call.prompt, call.reply
        segment = envelope = advice = None
        marks = replied = b""
        if record.capture.has_blocks:
            segment = self._blocks.keep_prompt(prompt.blocks, near)
            data = encode_envelope(prompt)
            envelope = self._blocks.keep(digest(data), data)
            marks, replied = encode_marks(prompt), self._blocks.keep_blocks(reply.blocks)
        if told.advice is not None:
            data = b"a" + told.advice.encode("utf-8", "surrogatepass")
            advice = self._blocks.keep(digest(data), data)
        texts = encode_texts(told, reply.error)
        if segment is None and advice is None and not texts:
            return None
        counts = encode_counts(told, prompt.blocks)
        self._db.run(
            "INSERT INTO detail (rid, segment, envelope, advice, marks, reply, texts, counts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (rid, segment, envelope, advice, marks, replied, squeeze(texts), squeeze(counts)),
        )
        return segment

    def _free(self, rid: int) -> int:
        """The number, or the next one that no call has."""
        while self._db.value("SELECT 1 FROM call WHERE rid = ?", (rid,)):
            rid += 1
        return rid

    def _predecessor(self, told: Diagnosis) -> _Near:
        if told.predecessor is None:
            return _Near(None, None)
        id = clean(told.predecessor)
        near = self._near.get(id)
        if near is None:
            rid = rid_of(self._db, id)
            row = self._db.one(
                "SELECT more, segment FROM call LEFT JOIN detail USING (rid) WHERE rid = ?", (rid,)
            )
            near = _Near(row[1], decode_more(row[0]).message_id) if row else _Near(None, None)
            self._near.put(id, near)
        return near

    def _session(self, told: Diagnosis, at: int) -> int | None:
        if told.session is None:
            return None
        name = clean(told.session)
        project = clean(told.project) if told.project is not None else None
        row = self._db.one(
            "SELECT id FROM session WHERE name = ? AND project IS ?", (name, project)
        )
        if row is not None:
            return row[0]
        self._db.run(
            "INSERT INTO session (name, project, first_at, last_at, calls, misses, missed, cost,"
            " input, cache_read, reporting_input) VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0)",
            (name, project, at, at),
        )
        return self._db.last_number

    def _remember(self, token: str, state: Mapping[str, str]) -> None:
        self._db.many(
            "INSERT INTO state VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            sorted(state.items()),
        )
        self._db.run("INSERT INTO batch (token) VALUES (?)", (clean(token),))
        oldest = self._db.last_number - _TOKENS_KEPT
        self._db.run("DELETE FROM batch WHERE id <= ?", (oldest,))
