"""What whycold tells of the calls that the model answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from clients.conftest import Stage
from clients.model import Asked
from tests.serving import whycold

__all__ = ["diagnosed", "misses"]


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
