"""What the proxy costs beside nginx, in one run: `.venv/bin/python -m bench.proxy [--busy]`.

An upstream and a client in C (bench/load) are compiled with cc and put on one processor, the proxy
under test on another. Every cell alternates between the contenders, and every figure is the median
over the rounds of the ratio to nginx in the same round, for absolute times differ from one minute
to the next. nginx is Debian's, with what streaming needs (no buffering) and its usual access log;
"tuned" adds a pool of connections to the upstream and takes the log away.

A cell sends the turns of one conversation over and over; to "recording new bodies" each is new.
"recorder busy" diagnoses meanwhile what was recorded. `--busy` measures that alone, at its worst:
the way of other users' events while bodies of 4 MB are diagnosed that were never seen before.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine import appended, body
from bench.proxy_busy import measure_busy
from bench.proxy_litellm import start_litellm
from bench.proxy_parts import (
    Contender,
    cannot_run,
    client,
    compile_load,
    cpu_ns,
    followed,
    memory_mb,
    result,
    settled,
    start_nginx,
    start_upstream,
    start_whycold,
    write_bodies,
)

TURNS = 8
WHYCOLD: dict[str, dict[str, bool]] = {
    "whycold": {"tee": False},
    "recording": {},
    "recording new bodies": {"bases": False},
    "recorder busy": {"recorder": True},
}
BUSY = ("nginx", "whycold", "recording", "recorder busy")
"""Who takes part where the recorder is kept busy."""
LITELLM = ("nginx", "recording")
"""Who takes part beside LiteLLM."""


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
    Cell(4_000_000, 10, 1, 200),
    Cell(4_000_000, 10, 32, 120),
    Cell(4_000_000, 10, 256, 256),
]
QUICK = CELLS[:2] + CELLS[3:5]
LITELLM_CELLS = [
    Cell(2_000, 20, 1, 100),
    Cell(2_000, 20, 32, 200),
    Cell(400_000, 20, 1, 40),
    Cell(4_000_000, 20, 1, 10),
]
"""Small ones, for it is slow; it does not pass on how many events were asked for: 20 is usual."""


def main() -> None:
    arguments = parse_arguments()
    nginx = arguments.nginx or shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    lacking = cannot_run(nginx) or (None if shutil.which("cc") else "cc is not there")
    if lacking:
        print(f"bench/proxy.py: {lacking}; nothing was measured")
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        compile_load(folder)
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(start_upstream(folder))
            direct = Contender("direct", upstream, [])
            named = LITELLM if arguments.litellm else BUSY if arguments.busy else None
            contenders = [
                stack.enter_context(start)
                for name, start in starting(folder, str(nginx), upstream)
                if named is None or name in named
            ]
            if arguments.litellm:
                beside = start_litellm(folder, arguments.litellm, upstream)
                contenders += stack.enter_context(beside)
            if arguments.busy:
                measure_busy(folder, direct, contenders, arguments.rounds)
            else:
                measure_cells(folder, chosen(arguments), direct, contenders, arguments.rounds)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the small cells only")
    parser.add_argument("--busy", action="store_true", help="events while the recorder is busy")
    parser.add_argument("--litellm", help="LiteLLM's program, to measure its proxy as well")
    parser.add_argument("--cell", help="cells whose name contains this, e.g. '4 MB'")
    parser.add_argument("--rounds", type=int, default=5, help="alternations per cell (5)")
    parser.add_argument("--nginx", help="the nginx program, where it is not on the path")
    parser.add_argument("--folder", help="where the spool is put (the system's temporary folder)")
    return parser.parse_args()


def chosen(arguments: argparse.Namespace) -> list[Cell]:
    cells = LITELLM_CELLS if arguments.litellm else QUICK if arguments.quick else CELLS
    return [cell for cell in cells if (arguments.cell or "") in cell.name]


def starting(
    folder: Path, nginx: str, upstream: int
) -> Iterator[tuple[str, contextlib.AbstractContextManager[Contender]]]:
    """By name, what starts it; nothing runs that is not entered."""
    yield "nginx", start_nginx(folder, nginx, upstream, tuned=False)
    yield "nginx, tuned", start_nginx(folder, nginx, upstream, tuned=True)
    for name, options in WHYCOLD.items():
        yield name, start_whycold(folder, name, upstream, **options)


def conversation(size: int) -> list[dict[str, Any]]:
    """A conversation of some turns; only the smallest fits no coding agent's tools."""
    request = body(size)
    if size < 60_000:
        text = str(request["tools"])
        message = {"role": "user", "content": text[: size - 800]}
        request = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": [message]}
    bodies = [request | {"stream": True}]
    while len(bodies) < TURNS:
        bodies.append(appended(bodies[-1]))
    return bodies


def measure_cells(
    folder: Path, cells: list[Cell], direct: Contender, contenders: list[Contender], rounds: int
) -> None:
    files = {
        size: write_bodies(folder, str(size), conversation(size))
        for size in {cell.size for cell in cells}
    }
    for cell in cells:
        for _ in range(rounds):
            for contender in (direct, *contenders):
                measure(folder, contender, cell, files[cell.size])
        show(cell, direct, contenders)
    summarize(cells, contenders)


def measure(folder: Path, contender: Contender, cell: Cell, bodies: list[Path]) -> None:
    before = cpu_ns(contender.processes)
    with followed(contender):
        process = client(
            folder,
            contender.port,
            f"{contender.path}?events={cell.events}",
            at_once=cell.concurrency,
            requests=cell.requests,
            events=cell.events,
            warmup=cell.requests // 10,
            bodies=bodies,
        )
        said = result(process, contender, cell.name)
        settled(contender)
    spent = cpu_ns(contender.processes) - before
    contender.cpu_us.setdefault(cell.name, []).append(spent / cell.requests / 1000)
    contender.first_byte_ms.setdefault(cell.name, []).append(said["first_byte_ms"]["p50"])
    if contender.processes:
        contender.memory_mb = max(contender.memory_mb, memory_mb(contender.processes))


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
        # with more at once the first byte waits for the requests before it, not for the proxy
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
            + (f"; {contender.altered} bodies altered" if contender.altered else "")
        )


if __name__ == "__main__":
    main()
