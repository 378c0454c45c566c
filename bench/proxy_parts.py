"""What bench/proxy.py measures: an upstream, nginx and whycold as processes, and their time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whycold.frontends.serve_parts import MODULES, Part, RecorderOrder, Upstreams, encode
from whycold.sources.proxy import ProxyConfig, Upstream
from whycold.sources.proxy.process import encode_config
from whycold.sources.spool import SpoolConfig, SpoolFolder
from whycold.store.answers import Retention

_LOOK_S = 0.02
LOAD = Path(__file__).parent / "load"

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
worker_rlimit_nofile 10000;
events {{ worker_connections 4096; }}
http {{
    access_log {log};
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0; keepalive_requests 1000000;
    upstream pool {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{target}; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off; proxy_request_buffering off;
        }}
    }}
}}
"""


@dataclass(slots=True)
class Contender:
    """A proxy under test: the processes whose time counts, where it listens and records, and the
    recorder that follows it. ``altered`` counts bodies that did not arrive as they were sent.
    """

    name: str
    port: int
    processes: list[int]
    spool: Path | None = None
    recorder: int | None = None
    path: str = "/v1/messages"
    altered: int = 0
    cpu_us: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    first_byte_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    event_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    recorder_busy: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    memory_mb: float = 0.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def on_processor(
    number: int | None, command: list[Any], stdin: int | None = None, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program that runs on one processor only; None: on any."""
    pinned = [] if number is None else ["taskset", "-c", str(number)]
    return subprocess.Popen([*pinned, *map(str, command)], stdin=stdin, stdout=stdout)


def answers(port: int, looks: int = 200) -> None:
    """Waits until something listens at ``port``, looking every 20 ms."""
    for _ in range(looks):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens at {port}")


def compile_load(folder: Path) -> None:
    for source in ("upstream", "client"):
        subprocess.run(["cc", "-O2", "-o", folder / source, LOAD / f"{source}.c"], check=True)


@contextlib.contextmanager
def start_upstream(folder: Path) -> Iterator[int]:
    port = free_port()
    process = on_processor(1, [folder / "upstream", port])
    try:
        answers(port)
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def start_nginx(folder: Path, nginx: str, upstream: int, *, tuned: bool) -> Iterator[Contender]:
    name = "nginx, tuned" if tuned else "nginx"
    home = folder / name.replace(", ", "-")
    home.mkdir()
    port = free_port()
    settings = NGINX.format(
        folder=home,
        log="off" if tuned else home / "access.log",
        upstream=upstream,
        target="pool" if tuned else f"127.0.0.1:{upstream}",
        port=port,
    )
    (home / "nginx.conf").write_text(settings)
    command = [nginx, "-c", home / "nginx.conf", "-p", home, "-e", home / "error.log"]
    process = on_processor(0, command)
    try:
        answers(port)
        while not (workers := children(process.pid)):
            time.sleep(0.02)
        yield Contender(name, port, workers)
    finally:
        process.terminate()
        process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def start_whycold(
    folder: Path,
    name: str,
    upstream: int,
    *,
    tee: bool = True,
    bases: bool = True,
    recorder: bool = False,
) -> Iterator[Contender]:
    """A proxy process; without ``bases`` every body is spooled in full, as a new one is."""
    spool = folder / name.replace(" ", "-") if tee else None
    config = ProxyConfig(
        port=0,
        upstreams={"anthropic": Upstream.from_url("anthropic", f"http://127.0.0.1:{upstream}")},
        spool=spool
        and SpoolConfig(
            folder=str(spool), total_bytes=8 << 30, base_bytes=16 << 20 if bases else 0
        ),
    )
    pipe = subprocess.PIPE
    with contextlib.ExitStack() as stack:
        command = [sys.executable, "-m", "whycold.sources.proxy"]
        process = on_processor(0, command, stdin=pipe, stdout=pipe)
        stack.callback(process.communicate)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode_config(config))
        process.stdin.flush()
        ready = json.loads(process.stdout.readline())
        follower = stack.enter_context(start_recorder(spool)) if recorder and spool else None
        yield Contender(name, ready["port"], [ready["pid"]], spool, follower)


@contextlib.contextmanager
def start_recorder(spool: Path) -> Iterator[int]:
    """A recorder as ``whycold serve`` starts it, on whichever processor the system gives it."""
    order = RecorderOrder(
        store=f"sqlite:///{spool}.db",
        spool=str(spool),
        upstreams=Upstreams({"anthropic": "api.anthropic.com"}, {}),
        retention=Retention(),
        project=None,
        prices=None,
    )
    command = [sys.executable, "-m", MODULES[Part.recorder]]
    process = on_processor(None, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(encode(order))
    process.stdin.flush()
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.communicate()


def cpu_ns(processes: list[int]) -> int:
    """What the processes have run, threads that have ended included."""
    # as clock_getcpuclockid(3) numbers the clocks of other processes
    return sum(time.clock_gettime_ns(~pid << 3 | 2) for pid in processes)


def memory_mb(processes: list[int]) -> float:
    total = 0
    for pid in processes:
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.split("VmRSS:")[1].split()[0])
    return total / 1024


@contextlib.contextmanager
def followed(contender: Contender) -> Iterator[None]:
    """Removes full segments, as a recorder would that keeps up: else every byte would go to memory
    that the machine has to find first, which takes longer than all the rest of recording."""
    done = threading.Event()

    def remove() -> None:
        assert contender.spool is not None
        folder = SpoolFolder(contender.spool)
        while not done.wait(_LOOK_S):
            for number in folder.segments()[:-1]:
                folder.segment(number).unlink()

    if contender.spool is None or contender.recorder is not None:
        yield
        return
    follower = threading.Thread(target=remove)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join()


def settled(contender: Contender) -> None:
    """Waits for the recorder to have nothing to do; the time of the spool's writer, which is a
    moment behind, counts too."""
    if contender.spool is None:
        return
    time.sleep(0.3)
    if contender.recorder is None:
        return
    before, now = -1, cpu_ns([contender.recorder])
    # an idle one still looks at the spool, for a few milliseconds in a second
    while now - before > 20_000_000:
        time.sleep(0.5)
        before, now = now, cpu_ns([contender.recorder])


def client(
    folder: Path,
    port: int,
    path: str,
    *,
    at_once: int,
    requests: int,
    events: int,
    warmup: int,
    bodies: list[Path],
) -> subprocess.Popen[bytes]:
    """Starts the load client; it writes its result to standard output."""
    first, *others = bodies
    command = [folder / "client", port, path, at_once, requests, first, events, warmup, *others]
    return on_processor(1, command, stdout=subprocess.PIPE)


def result(process: subprocess.Popen[bytes], contender: Contender, cell: str) -> dict[str, Any]:
    """What a load client said. Raises RuntimeError when a request failed."""
    said = json.loads(process.communicate()[0])
    wrong = {k: said[k] for k in ("failed", "incomplete", "refused") if said[k]}
    if wrong:
        raise RuntimeError(f"{contender.name}, {cell}: {wrong}")
    contender.altered += said["altered"]
    return said


def write_bodies(folder: Path, name: str, bodies: list[dict[str, Any]]) -> list[Path]:
    """Request bodies as files of one size: blanks at the end are still JSON."""
    texts = [json.dumps(body) for body in bodies]
    size = max(map(len, texts))
    paths = [folder / f"{name}-{number}" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text.ljust(size))
    return paths


def cannot_run(nginx: str | None) -> str | None:
    """What is missing to measure here; None when nothing is."""
    if nginx is None or not Path(nginx).exists():
        return "nginx (apt install nginx-light) is not there"
    if sys.platform != "linux" or (os.cpu_count() or 1) < 2:
        return "needs Linux and two processors"
    return None
