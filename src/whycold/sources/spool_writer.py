"""The one thread that turns finished exchanges into frames on disk, and never makes anyone wait."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.sources.spool_bases import Bases, Shared
from whycold.sources.spool_counts import Count, CountsFile, SpoolCounts
from whycold.sources.spool_frame import Frame, encode_frame
from whycold.sources.spool_record import Exchange, Missing, Record
from whycold.sources.spool_segment import SegmentFile

__all__ = ["Draft", "Reduce", "SpoolWriter"]

_log = logging.getLogger("whycold.spool")

# A batch ends when it holds this much, so that memory is given back while a long queue is written.
_BATCH_BYTES: Final = 1 << 20
_BATCH_FRAMES: Final = 256
# Over the folder's limit, records without bodies still fit into this much more.
_RESERVE: Final = 16

Reduce = Callable[[Exchange], Exchange | None]


class Draft(Protocol):
    """An exchange that has ended; ``held`` is what it takes of the memory budget."""

    held: int

    def record(self) -> Record:
        """The record, redacted. Called once, on the writer's thread."""
        ...


_Waiting = tuple[Record, Shared | None, Frame]


class SpoolWriter:
    """Takes drafts from one thread and writes them on its own.

    ``reduce``, if there is one, sees each exchange before it is written and may replace it, or drop
    it with None. It is where a capture mode that keeps no text turns bodies into ``extract``: in
    such a mode the bodies are taken off afterwards, whatever it returns, so that no text can get
    to disk. It runs beside the traffic under one interpreter lock, so it should be quick.

    ``released`` only grows: bytes of the budget that drafts have given back."""

    def __init__(
        self,
        config: SpoolConfig,
        traffic: Mapping[Count, int],
        reduce: Reduce | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.released = 0
        self.counts = dict.fromkeys(Count, 0)
        self._config = config
        self._traffic = traffic
        self._reduce = reduce
        self._clock = clock
        self._folder = SpoolFolder(config.folder)
        self._segment = SegmentFile(self._folder, config)
        self._bases = Bases(min(config.base_bytes, config.budget_bytes // 4))
        self._file = CountsFile(self._folder.counts)
        self._before = SpoolCounts()
        self._saved: dict[str, int] = {}
        self._queue: deque[Draft] = deque()
        self._wake = threading.Event()
        self._asleep = False
        self._closing = False
        self._sealed_bytes = 0
        self._in_trouble = False
        self._next_settling = 0.0
        self._thread = threading.Thread(target=self._run, name="whycold-spool", daemon=True)

    def start(self) -> None:
        """Takes the folder and begins. Raises UserError when another proxy records into it; a
        folder that cannot be written only makes records be dropped and counted."""
        try:
            self._folder.create()
            self._folder.take_lock()
        except OSError as error:
            self._trouble(error)
        self._before = self._file.read()
        if not self._before.since:
            self._before = SpoolCounts(self._clock(), 0, self._before.counts)
        self._thread.start()

    def fingerprint_key(self) -> bytes:
        """The secret for callers' fingerprints: the configured one, or the folder's own."""
        return self._config.fingerprint_key or self._folder.fingerprint_key()

    def submit(self, draft: Draft) -> None:
        """Queues a draft, without waiting; from one thread only."""
        self._queue.append(draft)
        self.nudge()

    def nudge(self) -> None:
        """Lets the writer look at counters that changed without a draft; from that same thread."""
        if self._asleep:
            self._asleep = False
            self._wake.set()

    def close(self, timeout_s: float) -> bool:
        """Writes what is queued, syncs and ends; whether that was done in time."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """In a forked child: lets go of the files, which are the parent's, and writes nothing."""
        self._segment.close()
        self._folder.release_lock()

    def totals(self) -> dict[str, int]:
        """All counters, those of earlier processes with this folder included."""
        totals = dict(self._before.counts)
        for source in (dict(self.counts), dict(self._traffic)):
            for name, count in source.items():
                if count:
                    totals[name.value] = totals.get(name.value, 0) + count
        return totals

    def _run(self) -> None:
        while True:
            self._sleep()
            while self._queue:
                self._write_batch()
                self._settle()
            self._settle()
            if self._closing and not self._queue:
                break
        self._segment.sync()
        self._segment.close()
        self._save_counts()
        self._folder.release_lock()

    def _sleep(self) -> None:
        """Until there is work, then a moment longer, so that one wake-up serves several drafts."""
        self._wake.clear()
        self._asleep = True
        if not self._queue and not self._closing:
            self._wake.wait(self._patience())
        self._asleep = False
        if self._queue and not self._closing:
            time.sleep(self._config.gather_s)

    def _patience(self) -> float | None:
        """Seconds until something is due without a draft; None when nothing is."""
        if self._segment.dirty or self.totals() != self._saved:
            return self._config.sync_s
        return self._segment.rotates_in(self._clock())

    def _write_batch(self) -> None:
        # first of all: a frame that repeats another one has to stand in the same segment
        self._segment.take()
        waiting: list[_Waiting] = []
        size = 0
        held = self._bases.held
        while self._queue and size < _BATCH_BYTES and len(waiting) < _BATCH_FRAMES:
            draft = self._queue.popleft()
            held += draft.held
            record = self._finished(draft)
            if record is not None:
                record = self._fitted(record, size)
            if record is not None:
                shared = self._bases.find(
                    self._segment.number, record.head.upstream, record.request
                )
                frame = encode_frame(record, shared)
                waiting.append((record, shared, frame))
                size += frame.size
        if waiting:
            self._write(waiting)
        self._segment.release()
        self.released += held - self._bases.held

    def _finished(self, draft: Draft) -> Record | None:
        try:
            record = draft.record()
            keeps_text = record.head.capture.keeps_text
            if self._reduce is not None:
                exchange = self._reduce(record.exchange())
                if exchange is None:
                    self.counts[Count.unrecorded_capture] += 1
                    return None
                record = Record.of(exchange)
        except Exception:  # noqa: BLE001
            # A reducer is not ours; whatever it raises, the next exchange must be recorded.
            self.counts[Count.record_failed] += 1
            _log.exception("an exchange could not be turned into a record")
            return None
        if not keeps_text:
            record = record.without_bodies(Missing.capture)
        return record

    def _fitted(self, record: Record, pending: int) -> Record | None:
        """What of the record the folder still has room for."""
        used = self._sealed_bytes + self._segment.size + pending
        limit = self._config.total_bytes
        if used + record.head.request[1] + record.head.response[1] <= limit:
            return record
        if used <= limit + limit // _RESERVE:
            return self._bodiless(record, Missing.spool_full, Count.body_spool_full)
        self.counts[Count.record_spool_full] += 1
        return None

    def _bodiless(self, record: Record, missing: Missing, count: Count) -> Record:
        self.counts[count] += bool(record.request) + bool(record.response)
        return record.without_bodies(missing)

    def _write(self, waiting: list[_Waiting]) -> None:
        done, error = self._segment.append([frame for _, _, frame in waiting], self._clock())
        self.counts[Count.recorded] += done
        offset = self._segment.size - sum(frame.size for _, _, frame in waiting[:done])
        for record, shared, frame in waiting[:done]:
            if shared is None:
                self._bases.add(self._segment.number, record.head.upstream, record.request, offset)
            offset += frame.size
        if error is None:
            self._in_trouble = False
            return
        self._trouble(error)
        for record, _, _ in waiting[done:]:
            bare = self._bodiless(record, Missing.disk, Count.body_disk)
            done, _ = self._segment.append([encode_frame(bare)], self._clock())
            self.counts[Count.recorded if done else Count.record_disk] += 1

    def _trouble(self, error: OSError) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            _log.warning("not recording into %s: %s", self._folder.path, error.strerror or error)

    def _settle(self) -> None:
        """What is due from time to time: rotation, sync, sizes, counters."""
        now = time.monotonic()
        self._sealed_bytes += self._segment.rotate_if_due(self._clock())
        if now < self._next_settling and not self._closing:
            return
        self._next_settling = now + self._config.sync_s
        self._segment.sync()
        self._sealed_bytes = max(0, self._folder.size() - self._segment.size)
        self._save_counts()

    def _save_counts(self) -> None:
        totals = self.totals()
        if totals == self._saved:
            return
        try:
            self._file.write(SpoolCounts(self._before.since, self._clock(), totals))
        except OSError as error:
            self._trouble(error)
        else:
            self._saved = totals
