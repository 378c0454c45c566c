"""What `whycold.record` adds to a call, on the program's own thread and in all.

Run as `python bench/record.py [CALLS]`: answers are made up in the process and streamed in 40
pieces; the body has 200 KB. Recorded and unrecorded calls alternate, first of a bare httpx2
client, where little else hides what is added, then of OpenAI's SDK. Time is the calling thread's
processor time, which other load on the machine hardly changes; the writer's thread is in the whole
process's only.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2
import openai

import whycold
from whycold.frontends import recording

PIECES = 40
# A model takes longer than this: the writer is done before the next call begins.
PAUSE_S = 0.015
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.5"}
DELTA = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
PIECE = f"data: {json.dumps({**CHUNK, 'choices': [DELTA]})}\n\n".encode()
URL = "http://fake.example/v1"
MESSAGES: list[Any] = [
    {"role": "system", "content": "Rule: answer in one plain sentence. " * 5600},
    {"role": "user", "content": "a question"},
]
BODY = json.dumps({"model": "gpt-5.5", "messages": MESSAGES}).encode()


class Answer(httpx2.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        for _ in range(PIECES):
            yield PIECE
        yield b"data: [DONE]\n\n"


def answer(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Answer())


def bare() -> tuple[httpx2.Client, Callable[[], None]]:
    http = httpx2.Client(transport=httpx2.MockTransport(answer))

    def call() -> None:
        with http.stream("POST", f"{URL}/chat/completions", content=BODY) as response:
            for _ in response.iter_raw():
                pass

    return http, call


def sdk() -> tuple[openai.OpenAI, Callable[[], None]]:
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    client = openai.OpenAI(api_key="none", base_url=URL, http_client=http)

    def call() -> None:
        create = client.chat.completions.create
        for _ in create(model="gpt-5.5", messages=MESSAGES, stream=True):
            pass

    return client, call


def spent(call: Callable[[], None], clock: Callable[[], int]) -> float:
    """Milliseconds."""
    before = clock()
    call()
    return (clock() - before) / 1e6


def compare(name: str, plain: Callable[[], None], recorded: Callable[[], None], calls: int) -> None:
    off: list[float] = []
    on: list[float] = []
    for number in range(-20, calls):
        pair = ((plain, off), (recorded, on))
        for call, found in pair if number % 2 else reversed(pair):
            took = spent(call, time.thread_time_ns)
            time.sleep(PAUSE_S)
            if number >= 0:
                found.append(took)
    far = [quantiles(values, n=100)[98] for values in (off, on)]
    print(
        f"{name}: median {median(off):.3f} ms, recorded +{median(on) - median(off):.3f} ms "
        f"(x{median(on) / median(off):.3f}); p99 {far[0]:.3f} ms, "
        f"recorded {far[1] - far[0]:+.3f} ms"
    )


def whole(plain: Callable[[], None], recorded: Callable[[], None], calls: int) -> None:
    off = sum(spent(plain, time.process_time_ns) for _ in range(calls))
    on = sum(spent(recorded, time.process_time_ns) for _ in range(calls))
    print(f"whole process, writer included, OpenAI's SDK: x{on / off:.3f}")


def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "whycold.toml"
        file.write_text(f'store = "sqlite:///{folder}/calls.db"')
        for name, make in (("bare client", bare), ("OpenAI's SDK", sdk)):
            (_, plain), (client, recorded) = make(), make()
            whycold.record(client, config=file)
            compare(name, plain, recorded, calls)
        whole(plain, recorded, calls // 4)
        recording.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
