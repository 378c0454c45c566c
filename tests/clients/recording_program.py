"""A program under test that records its own calls: in threads, in children, and in children's
children, and ends in the way it is told.

Run as ``python recording_program.py VENDOR CONFIG HOW``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai

import whycold

ASKED = [{"role": "user", "content": "hello"}]


def client(vendor: str, config: str) -> openai.OpenAI:
    made = openai.OpenAI(api_key="none", base_url=vendor, max_retries=0)
    return whycold.record(made, config=config, session="program")


def ask(one: openai.OpenAI, count: int) -> None:
    for _ in range(count):
        one.chat.completions.create(model="gpt-5.5", messages=ASKED)  # type: ignore[arg-type]


def in_child(vendor: str, config: str) -> None:
    ask(client(vendor, config), 3)


def threads(vendor: str, config: str) -> None:
    one = client(vendor, config)
    all_ = [threading.Thread(target=ask, args=(one, 5)) for _ in range(8)]
    for thread in all_:
        thread.start()
    for thread in all_:
        thread.join()


def forks(vendor: str, config: str) -> None:
    one = client(vendor, config)
    ask(one, 2)
    for _ in range(3):
        child = os.fork()
        if not child:
            ask(client(vendor, config), 2)
            sys.exit()
        os.waitpid(child, 0)
    ask(one, 2)


def processes(vendor: str, config: str, how: str) -> None:
    ask(client(vendor, config), 1)
    ways = multiprocessing.get_context(how)
    children = [ways.Process(target=in_child, args=(vendor, config)) for _ in range(2)]  # type: ignore[attr-defined]
    for child in children:
        child.start()
    for child in children:
        child.join()


def open_stream(vendor: str, config: str) -> None:
    create = client(vendor, config).chat.completions.create
    kept.append(create(model="gpt-5.5", messages=ASKED, stream=True))  # type: ignore[call-overload]
    next(iter(kept[0]))


def killed(vendor: str, config: str) -> None:
    ask(client(vendor, config), 3)
    spool = Path(config).parent / "calls.spool"
    while not any(path.stat().st_size > 1000 for path in spool.rglob("*.seg")):
        time.sleep(0.01)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def ends(vendor: str, config: str) -> None:
    ask(client(vendor, config), 1)
    raise SystemExit(7)


kept: list[Any] = []
HOW: dict[str, Callable[[str, str], None]] = {
    "threads": threads,
    "forks": forks,
    "fork": lambda vendor, config: processes(vendor, config, "fork"),
    "spawn": lambda vendor, config: processes(vendor, config, "spawn"),
    "open stream": open_stream,
    "killed": killed,
    "raises": ends,
}

if __name__ == "__main__":
    HOW[sys.argv[3]](*sys.argv[1:3])
