"""One more turn of a long conversation, from the spool to the commit: `python -m bench.turn`.

A conversation of a coding agent goes on turn by turn. Each turn is written to a spool as the proxy
does it, then read, diagnosed and committed by a recorder; CPU time of that thread, median over the
turns, beside parsing the same body and comparing it with the one before.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from operator import eq
from pathlib import Path

import orjson

from bench.engine import appended, body
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.served import Served
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_counts import Count
from whycold.sources.spool_record import Capture, Record, RecordHead
from whycold.sources.spool_writer import SpoolWriter
from whycold.store.answers import Filters
from whycold.store.opening import open_store

TURNS, FIRST = 40, 8
"""Turns, and how many of them warm up."""
_SECOND = 1_000_000_000
_START = int(datetime(2026, 11, 2, tzinfo=UTC).timestamp()) * _SECOND


@dataclass
class Draft:
    """An exchange that has ended, as the proxy hands it to the writer."""

    made: Record
    held: int = 0

    def record(self) -> Record:
        return self.made


def exchanged(number: int, sent: bytes, read: int) -> Record:
    """A turn with its streamed answer; ``read`` tokens came from the cache."""
    usage = {
        "input_tokens": 12,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": 20,
        "output_tokens": 1,
    }
    message = {"id": f"msg_{number}", "role": "assistant", "model": "claude-sonnet-5"}
    events = [
        {"type": "message_start", "message": message | {"content": [], "usage": usage}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Done."},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    came = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()
    at = _START + 20 * _SECOND * number
    head = RecordHead(
        id=at // 1_000_000 << 22,
        started=at,
        sent=at,
        answered=at + _SECOND,
        ended=at + 3 * _SECOND,
        upstream="anthropic",
        method="POST",
        target="/v1/messages",
        peer="127.0.0.1",
        request_headers=b"content-type: application/json\r\nx-claude-code-session-id: one",
        status=200,
        response_headers=b"content-type: text/event-stream\r\nrequest-id: req_%d" % number,
        request=(False, len(sent), None),
        response=(False, len(came), None),
        capture=Capture.full,
        labels={},
        account=None,
        cut=None,
        own_answer=None,
        retried=False,
    )
    return Record(head, (sent,), (came,))


def cpu_ms(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1000


def followed(bodies: list[bytes], folder: Path) -> list[float]:
    """CPU of the recorder's thread per turn, in milliseconds."""
    config = SpoolConfig(folder=str(folder / "spool"), gather_s=0)
    writer = SpoolWriter(config, dict.fromkeys(Count, 0))
    writer.start()
    store = open_store(f"sqlite:///{folder / 'store.db'}", write=True)
    served = Served({"anthropic": "api.anthropic.com"})
    recorder = Recorder(store, Settings(folder / "spool", served, lambda: datetime.now(UTC)))
    spent: list[float] = []
    for number, sent in enumerate(bodies):
        writer.submit(Draft(exchanged(number, sent, 100_000 if number else 0)))
        while writer.counts[Count.recorded] <= number:
            time.sleep(0.005)
        spent.append(cpu_ms(recorder.step))
    recorder.close()
    writer.close(5)
    kept = len(store.calls(Filters(), limit=len(bodies)).items)
    store.close()
    if kept != len(bodies):
        raise RuntimeError(f"{kept} of {len(bodies)} turns are in the store")
    return spent


def main() -> None:
    print("| body | first sight, ms | one more turn, ms | x orjson.loads | x memcmp |")
    print("|---|---:|---:|---:|---:|")
    for size, name in ((400_000, "400 KB"), (4_000_000, "4 MB")):
        request = body(size)
        bodies: list[bytes] = []
        for _ in range(TURNS):
            bodies.append(json.dumps(request).encode())
            request = appended(request)
        with tempfile.TemporaryDirectory() as folder:
            spent = followed(bodies, Path(folder))
        last = bodies[-1]
        again = bytes(bytearray(last))
        parse = statistics.median(cpu_ms(partial(orjson.loads, last)) for _ in range(9))
        compare = statistics.median(cpu_ms(partial(eq, last, again)) for _ in range(99))
        turn = statistics.median(spent[FIRST:])
        print(
            f"| {name} | {spent[0]:.1f} | {turn:.2f} | {turn / parse:.2f} | {turn / compare:.0f} |"
        )


if __name__ == "__main__":
    main()
