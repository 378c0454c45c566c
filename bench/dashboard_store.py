"""A store of two million calls for bench/dashboard.py, kept under the system's temporary folder.

Two weeks of a company's agents as bench/store.py makes them. A twentieth of it is written through
the store's own write path; the rest are copies of those rows, so that it is made within minutes.
Beside them a few conversations with whole prompts, among them ones that are hard to draw.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from bench.store import DAYS, START, conversations, diagnosed, facts
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import read_call, rules_for
from whycold.store.measures import COLUMNS, RAW
from whycold.store.opening import open_store
from whycold.store.records import Record
from whycold.store.sqlite_sums import HOUR

__all__ = ["END", "HARD", "Hard", "hard_calls", "made"]

END = START + timedelta(days=DAYS, hours=-5, minutes=-13)
"""The time that the pages are asked at: neither an hour nor a day ends there."""

_GROUP = 8192
_COPIES = 20
_MARK = {"cache_control": {"type": "ephemeral"}}
_LATE = timedelta(days=DAYS - 1)
_TEXT = (
    "alder basin cedar delta ember fjord grove heath islet joist kelp larch marsh nacre orchid "
    "pebble quartz ridge slate thorn umber vale willow yarrow birch cliff dune fern gully heron"
)
_WORDS = _TEXT.split()


@dataclass(frozen=True)
class Hard:
    """A call that is hard to draw: its id, and what it is."""

    id: str
    what: str


HARD = (
    Hard("00000000000000a2", "a system block of 1 MB, twenty words of it changed"),
    Hard("00000000000000b2", "2,000 blocks, one changed"),
    Hard("00000000000000c2", "300 places changed"),
)


def made(calls: int) -> Path:
    """The file of the store, made when it is not there yet; its sums are those of its rows."""
    folder = Path(tempfile.gettempdir()) / "whycold-bench"
    path = folder / f"dashboard-{calls}.db"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        half = folder / f"dashboard-{calls}.half.db"
        for left in folder.glob(f"{half.name}*"):
            left.unlink()
        chance = random.Random(7)
        store = open_store(f"sqlite:///{half}", write=True)
        for place, pair in enumerate(hard_calls()):
            store.write(f"hard {place}", pair)
        store.write("prompts", diagnosed(conversations(20, 40, chance))[0])
        records, number = facts(calls // _COPIES, chance), 0
        while batch := list(islice(records, _GROUP)):
            store.write(f"facts {number}", batch)
            number += 1
        store.close()
        _copied(half, timedelta(days=DAYS) / (calls // _COPIES))
        half.rename(path)
    return path


def _copied(path: Path, step: timedelta) -> None:
    """Every call without a prompt nineteen times more, between it and the one after it, in sessions
    of their own and under ids of their own; then all sums anew from the rows.
    """
    db = apsw.Connection(str(path))
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA cache_size = -500000")
    chance = random.Random(5)
    db.create_scalar_function("chance", lambda *_: chance.getrandbits(63) - (1 << 62), 0)
    names = [row[1] for row in db.execute("PRAGMA table_info(call)")]
    others = ", ".join(name for name in names if name not in ("rid", "session"))
    bare = "SELECT rid FROM call WHERE rid NOT IN (SELECT rid FROM detail)"
    sums = ", ".join(f"sum({name})" for name in COLUMNS)
    at = "((rid >> 22) * 1000 + us)"
    with db:
        db.execute(f"CREATE TEMP TABLE one AS {bare}")
        ((sessions,),) = db.execute("SELECT max(id) FROM session")
        for copy in range(1, _COPIES):
            later = (int(step.total_seconds() * 1000) * copy // _COPIES) << 22
            db.execute(
                f"INSERT INTO call (rid, session, {others}) SELECT rid + {later},"
                f" session + {sessions * copy}, {others} FROM call WHERE rid IN (SELECT * FROM one)"
            )
            db.execute(
                f"INSERT INTO alias SELECT chance(), rid + {later} FROM alias"
                " WHERE rid IN (SELECT * FROM one)"
            )
            db.execute(
                f"INSERT INTO session SELECT id + {sessions * copy}, name || '-{copy}', project,"
                " first_at, last_at, calls, misses, missed, cost, input, cache_read,"
                f" reporting_input FROM session WHERE id <= {sessions}"
            )
        for table, hours in (("hourly", 1), ("daily", 24)):
            db.execute(f"DELETE FROM {table}")
            db.execute(
                f"INSERT INTO {table} SELECT start, label, kind, {sums} FROM (SELECT"
                f" {at} / {HOUR * hours} AS start, label, kind, {RAW} FROM call) GROUP BY 1, 2, 3"
            )
        db.execute("DELETE FROM culprit_day")
        db.execute(
            f"INSERT INTO culprit_day SELECT {at} / {HOUR * 24} AS day, culprit, label, kind,"
            " count(*), sum(missed), sum(ifnull(cost, 0)), sum(missed > 0 AND cost IS NULL)"
            " FROM call WHERE culprit IS NOT NULL GROUP BY 1, 2, 3, 4"
        )
    db.close()


def hard_calls() -> Iterator[Sequence[Record]]:
    """Pairs of calls, the second of which is one of ``HARD``."""
    chance = random.Random(11)

    def text(words: int) -> str:
        return " ".join(chance.choices(_WORDS, k=words))

    long = text(180_000)
    words = long.split(" ")
    for place in range(0, len(words), len(words) // 20):
        words[place] = "changed"
    yield _pair("a", [_body(long, ["Go on."])], _body(" ".join(words), ["Go on."]))

    many = [text(30) for _ in range(2000)]
    yield _pair("b", [_body("Be short.", many)], _body("Be short.", [*many[:9], "new", *many[10:]]))

    wrong = [part if at % 3 else f"changed {part}" for at, part in enumerate(many[:900])]
    yield _pair("c", [_body("Be short.", many[:900])], _body("Be short.", wrong))


def _body(system: str, said: Sequence[str]) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": system, **_MARK}],
        "messages": [
            {"role": "assistant" if at % 2 else "user", "content": [{"type": "text", "text": part}]}
            for at, part in enumerate(said)
        ],
        **_MARK,
    }


def _pair(letter: str, before: Sequence[dict[str, Any]], after: dict[str, Any]) -> list[Record]:
    engine, out = Engine(rules_for), list[Record]()
    for number, body in enumerate((*before, after), 1):
        size = len(json.dumps(body)) // 4
        usage = {
            "input_tokens": 3,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": size,
            "output_tokens": 10,
        }
        call = read_call(
            body,
            {"id": f"msg_{letter}{number}", "usage": usage, "content": []},
            id=f"{letter}{number}".rjust(16, "0"),
            at=START + _LATE + timedelta(seconds=60 * number),
            origin={"project": "bench", "session": f"hard-{letter}"},
        )
        told: Diagnosis = engine.take(call)
        out.append(Record(call, told))
    return out
