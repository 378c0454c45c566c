"""Measures imported traces of block ids: `python -m bench.blocks FOLDER…`, or the folder that
WHYCOLD_TRACES names.

For every request that a trace lists behind another one: is that one the predecessor that whycold
found, and does whycold place the break at the block at which the ids part? The ids are read and
compared here by themselves; of whycold only its answers are taken.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sources.recorded.independent_count import totals
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.blocks import Blocks

__all__ = ["HEADS", "Trace", "measured", "rows"]


@dataclass(frozen=True)
class Listed:
    """A request as a trace lists it; ``before`` is the name of the one listed before it."""

    name: str
    ids: Sequence[int]
    before: str | None


@dataclass(frozen=True)
class Trace:
    """What holds of one trace.

    ``followed`` requests stand behind another one; of these ``right`` have it as predecessor, and
    ``closest`` share as much with it as with any before, and something. ``breaks`` are those that
    do not go on with all of it, ``placed`` those that whycold says to break just there.
    ``invented`` are breaks that it tells where there is none. ``counted``: all totals are those of
    a count that is made apart.
    """

    name: str
    requests: int
    followed: int
    right: int
    closest: int
    breaks: int
    placed: int
    invented: int
    counted: bool


def measured(path: Path) -> Trace:
    """One trace: a session in JSON."""
    told = {d.message_id or "": d for d in _diagnoses(path)}
    names = {d.call: name for name, d in told.items()}
    listed = list(_listed(json.loads(path.read_bytes())))
    known = {request.name: request for request in listed}
    followed = [request for request in listed if request.before is not None]
    breaks = {
        request.name: shared
        for request in followed
        if (shared := _shared(request, known[request.before or ""]))
        < min(len(known[request.before or ""].ids), len(request.ids))
    }
    right = [r for r in followed if names.get(told[r.name].predecessor or "") == r.before]
    return Trace(
        name=path.stem,
        requests=len(listed),
        followed=len(followed),
        right=len(right),
        closest=sum(_is_closest(r, known[r.before or ""], listed) for r in followed),
        breaks=len(breaks),
        placed=sum(_place(told[name]) == block for name, block in breaks.items()),
        invented=sum(_place(told[r.name]) is not None for r in listed if r.name not in breaks),
        counted=_counted(path, list(told.values())),
    )


def _diagnoses(path: Path) -> Iterator[Diagnosis]:
    for group in Blocks([path]).groups:
        engine = Engine(rules_for)
        calls = sorted((seen.call for seen in group.calls()), key=lambda call: call.order)
        yield from (engine.take(call) for call in calls)


def _listed(session: dict[str, Any]) -> Iterator[Listed]:
    """The requests of a session and of the subagents in it, each list by itself."""

    def inside(requests: list[dict[str, Any]], name: str) -> Iterator[Listed]:
        before = None
        for number, request in enumerate(requests):
            own = f"{name}/{number}"
            if "requests" in request:
                yield from inside(request["requests"], own)
            else:
                yield Listed(own, request["hash_ids"], before)
                before = own

    yield from inside(session["requests"], session["id"])


def _is_closest(request: Listed, before: Listed, listed: Sequence[Listed]) -> bool:
    earlier = listed[: listed.index(request)]
    return _shared(request, before) == max(_shared(request, other) for other in earlier) > 0


def _shared(one: Listed, other: Listed) -> int:
    pairs = enumerate(zip(one.ids, other.ids, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one.ids), len(other.ids)))


def _place(told: Diagnosis) -> int | None:
    """The block at which a diagnosis says that the prompt breaks."""
    found = [d.path for d in told.divergences if d.path.startswith("blocks[")]
    return int(found[0].removeprefix("blocks[").rstrip("]")) if found else None


def _counted(path: Path, told: Sequence[Diagnosis]) -> bool:
    apart = totals("blocks", path)
    return (apart["calls"], apart["input"], apart["output"]) == (
        len(told),
        sum(d.usage.input or 0 for d in told),
        sum(d.usage.output or 0 for d in told),
    )


def rows(traces: Sequence[Trace]) -> Iterator[tuple[object, ...]]:
    """A row per trace, and one for all."""
    for t in traces:
        yield _row(t.name, [t])
    yield _row("all", traces)


def _row(name: str, traces: Sequence[Trace]) -> tuple[object, ...]:
    followed = sum(t.followed for t in traces)
    right, closest = sum(t.right for t in traces), sum(t.closest for t in traces)
    breaks, placed = sum(t.breaks for t in traces), sum(t.placed for t in traces)
    share = f" ({right / followed:.1%})" if followed else ""
    return (
        name,
        sum(t.requests for t in traces),
        "yes" if all(t.counted for t in traces) else "no",
        f"{right} of {followed}{share}",
        f"{closest} of {followed}",
        f"{placed} of {breaks}",
        sum(t.invented for t in traces),
    )


HEADS = (
    "trace",
    "requests",
    "as counted",
    "predecessor is the one listed before",
    "shares most with it",
    "breaks at the right block",
    "invented breaks",
)


def main(arguments: Sequence[str]) -> int:
    """Prints a table; the exit code is 0 also where there is no data."""
    named = arguments or [os.environ[n] for n in ("WHYCOLD_TRACES",) if os.environ.get(n)]
    paths = [path for name in named for path in sorted(Path(name).glob("*.json"))]
    if not paths:
        print("no traces: name folders of them, or set WHYCOLD_TRACES", file=sys.stderr)
        return 0
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for row in rows([measured(path) for path in paths]):
        print(f"| {' | '.join(map(str, row))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
