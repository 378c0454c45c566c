"""What the proxy costs beside nginx, in one run: `.venv/bin/python bench/proxy.py`.

An upstream and a client in C (bench/load) are compiled with cc and put on one processor, the proxy
under test on another. Every cell alternates between the contenders, and every figure is the median
over the rounds of the ratio to nginx in the same round, for absolute times differ from one minute
to the next. nginx is Debian's, with what streaming needs (no buffering) and its usual access log;
"tuned" adds a pool of connections to the upstream and takes the log away.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whycold.sources.proxy import ProxyConfig, Upstream
from whycold.sources.proxy.process import encode_config
from whycold.sources.spool import SpoolConfig, SpoolFolder

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


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of load: ``requests`` of ``size`` bytes, ``events`` in each reply."""

    size: int
    events: int
    concurrency: int
    requests: int

    @property
    def name(self) -> str:
        size = f"{self.size // 1000} KB" if self.size < 1_000_000 else f"{self.size // 10**6} MB"
        return f"{size}, {self.events} events, {self.concurrency} at once"


CELLS = [
    Cell(2_000, 20, 1, 1500),
    Cell(2_000, 20, 32, 4000),
    Cell(2_000, 20, 256, 10_000),
    Cell(400_000, 300, 1, 150),
    Cell(400_000, 300, 32, 600),
    Cell(400_000, 300, 256, 1000),
    Cell(4_000_000, 10, 1, 60),
    Cell(4_000_000, 10, 32, 120),
    Cell(4_000_000, 10, 256, 256),
]
QUICK = CELLS[:2] + CELLS[3:5]


@dataclass(slots=True)
class Contender:
    """A proxy under test: the processes whose time counts, and where it listens."""

    name: str
    port: int
    processes: list[int]
    spool: Path | None = None
    cpu_us: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    first_byte_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    memory_mb: float = 0.0


def main() -> None:
    arguments = parse_arguments()
    nginx = arguments.nginx or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    for needed, found in (("cc", shutil.which("cc")), ("nginx (apt install nginx-light)", nginx)):
        if not found or not Path(found).exists():
            print(f"bench/proxy.py: {needed} is not there; nothing was measured")
            return
    if not Path("/proc/self/schedstat").exists() or (os.cpu_count() or 1) < 2:
        print("bench/proxy.py: needs Linux and two processors; nothing was measured")
        return
    cells = QUICK if arguments.quick else CELLS
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        for source in ("upstream", "client"):
            subprocess.run(["cc", "-O2", "-o", folder / source, LOAD / f"{source}.c"], check=True)
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(start_upstream(folder))
            contenders = [
                stack.enter_context(start_nginx(folder, str(nginx), upstream, tuned=False)),
                stack.enter_context(start_nginx(folder, str(nginx), upstream, tuned=True)),
                stack.enter_context(start_whycold(folder, "whycold", upstream)),
                stack.enter_context(start_whycold(folder, "recording", upstream)),
                stack.enter_context(start_whycold(folder, "recording new bodies", upstream)),
            ]
            direct = Contender("direct", upstream, [])
            for cell in cells:
                for _ in range(arguments.rounds):
                    for contender in (direct, *contenders):
                        measure(folder, contender, cell)
                show(cell, direct, contenders)
            summarize(cells, contenders)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the small cells only")
    parser.add_argument("--rounds", type=int, default=5, help="alternations per cell (5)")
    parser.add_argument("--nginx", help="the nginx program, where it is not on the path")
    parser.add_argument("--folder", help="where the spool is put (the system's temporary folder)")
    return parser.parse_args()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def on_processor(
    number: int, command: list[Any], stdin: int | None = None, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program that runs on one processor only."""
    pinned = ["taskset", "-c", str(number), *map(str, command)]
    return subprocess.Popen(pinned, stdin=stdin, stdout=stdout)


def answers(port: int) -> None:
    """Waits until something listens at ``port``."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens at {port}")


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
        yield Contender(name, port, children(process.pid))
    finally:
        process.terminate()
        process.wait()


def children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def start_whycold(folder: Path, name: str, upstream: int) -> Iterator[Contender]:
    spool = None if name == "whycold" else folder / name.replace(" ", "-")
    config = ProxyConfig(
        port=0,
        upstreams={"anthropic": Upstream.from_url("anthropic", f"http://127.0.0.1:{upstream}")},
        spool=spool
        and SpoolConfig(
            folder=str(spool),
            total_bytes=8 << 30,
            # Without bases every body is written in full, as one is that was never seen before.
            base_bytes=0 if name.endswith("new bodies") else 16 << 20,
        ),
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "whycold.sources.proxy"]
    process = on_processor(0, command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(encode_config(config))
    process.stdin.flush()
    try:
        ready = json.loads(process.stdout.readline())
        yield Contender(name, ready["port"], [ready["pid"]], spool)
    finally:
        process.communicate()


def cpu_ns(processes: list[int]) -> int:
    """What the processes and all their threads have run."""
    total = 0
    for pid in processes:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_mb(processes: list[int]) -> float:
    total = 0
    for pid in processes:
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(status.split("VmRSS:")[1].split()[0])
    return total / 1024


def body_file(folder: Path, size: int) -> Path:
    path = folder / f"body-{size}"
    if not path.exists():
        text = os.urandom(size // 2).hex()
        path.write_text(json.dumps({"model": "m", "messages": text})[:size])
    return path


def measure(folder: Path, contender: Contender, cell: Cell) -> None:
    body = body_file(folder, cell.size)
    path = f"/v1/messages?events={cell.events}"
    warmup = cell.requests // 10
    command = [folder / "client", contender.port, path, cell.concurrency, cell.requests, body]
    before = cpu_ns(contender.processes)
    process = on_processor(1, [*command, cell.events, warmup], stdout=subprocess.PIPE)
    said, _ = process.communicate()
    if contender.spool is not None:
        # The writer is at most a moment behind; its time counts too.
        time.sleep(0.3)
    spent = cpu_ns(contender.processes) - before
    result = json.loads(said)
    wrong = {k: result[k] for k in ("failed", "incomplete", "altered", "refused") if result[k]}
    if wrong:
        raise RuntimeError(f"{contender.name}, {cell.name}: {wrong}")
    contender.cpu_us.setdefault(cell.name, []).append(spent / cell.requests / 1000)
    contender.first_byte_ms.setdefault(cell.name, []).append(result["first_byte_ms"]["p50"])
    if contender.processes:
        contender.memory_mb = max(contender.memory_mb, memory_mb(contender.processes))
    if contender.spool is not None:
        remove_read(contender.spool)


def remove_read(spool: Path) -> None:
    """As the recorder does: what has been read goes."""
    folder = SpoolFolder(spool)
    for number in folder.segments()[:-1]:
        folder.segment(number).unlink()


def ratio(contender: Contender, nginx: Contender, cell: Cell) -> float:
    pairs = zip(contender.cpu_us[cell.name], nginx.cpu_us[cell.name], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def added_ms(contender: Contender, direct: Contender, cell: Cell) -> float:
    pairs = zip(contender.first_byte_ms[cell.name], direct.first_byte_ms[cell.name], strict=True)
    return statistics.median(mine - without for mine, without in pairs)


def show(cell: Cell, direct: Contender, contenders: list[Contender]) -> None:
    print(f"\n{cell.name}")
    for contender in contenders:
        microseconds = statistics.median(contender.cpu_us[cell.name])
        times = ratio(contender, contenders[0], cell)
        line = f"  {contender.name:<22}{microseconds:>9.0f} us{times:>7.2f} x nginx"
        if cell.concurrency == 1:
            line += f"{added_ms(contender, direct, cell):>9.2f} ms added to the first byte"
        print(line, flush=True)


def summarize(cells: list[Cell], contenders: list[Contender]) -> None:
    print("\nover all cells, CPU per request in times nginx's; most memory")
    for contender in contenders:
        ratios = [ratio(contender, contenders[0], cell) for cell in cells]
        mean = statistics.geometric_mean(ratios)
        print(
            f"  {contender.name:<22} mean {mean:.2f}, worst {max(ratios):.2f}; "
            f"{contender.memory_mb:.0f} MB"
        )


if __name__ == "__main__":
    main()
