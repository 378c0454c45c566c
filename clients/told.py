"""What whycold tells of the calls that the model answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clients.conftest import Stage
from clients.model import Asked
from tests.serving import whycold
from whycold.frontends.diagnosis_json import as_json
from whycold.store.opening import open_store

__all__ = ["diagnosed", "imported", "misses"]


def diagnosed(stage: Stage, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """The diagnoses of answered calls, by the ids of the replies; all calls must be recorded."""
    report = stage.serve.recorded(len(stage.model.asked))
    assert report["calls"] == report["reporting_calls"]
    found = [stage.serve.get(f"/api/v1/calls/{one.id}") for one in asked]
    assert [status for status, _ in found] == [200] * len(asked)
    return [call for _, call in found]


def misses(stage: Stage) -> list[dict[str, Any]]:
    """What ``whycold misses --json`` lists."""
    ended = whycold(stage.serve.folder, "misses", "--json", "--store", stage.serve.store_url)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["items"]


def imported(stage: Stage, source: str, place: Path, known: int) -> list[dict[str, Any]]:
    """The diagnoses of what a client wrote down itself, in the order in which it was sent.

    In the store of the serve, each of these calls has to be one that the proxy recorded, of
    ``known`` that are there.
    """
    folder = stage.serve.folder
    joined = whycold(folder, "import", source, str(place), "--store", stage.serve.store_url)
    assert joined.returncode == 0, joined.stderr
    assert joined.stderr == ""
    alone = f"sqlite:///{folder}/{source}.db"
    ended = whycold(folder, "import", source, str(place), "--store", alone)
    assert ended.returncode == 0, ended.stderr
    store = open_store(alone, write=False)
    try:
        calls: list[dict[str, Any]] = [as_json(record.told) for record in store.history()]
    finally:
        store.close()
    assert "0 new calls in" in joined.stdout
    number = len(calls)
    assert f"{number} joined" in joined.stdout or f"{number} known" in joined.stdout
    assert stage.serve.recorded(known)["calls"] == known
    return calls
