"""What holds of real recordings: of those in the folder that WHYCOLD_RECORDINGS names, if it names
one. Below it are folders of cassettes, of LiteLLM's logs and of traces of blocks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bench.blocks import measured
from tests.sources.recorded.independent_count import totals
from tests.sources.recorded.writing import sums
from whycold.sources.blocks import Blocks
from whycold.sources.litellm import LiteLlm
from whycold.sources.vcr import Vcr

RECORDED = Path(os.environ.get("WHYCOLD_RECORDINGS", "nowhere"))  # noqa: TID251
KINDS: dict[str, tuple[Any, str]] = {
    "vcr": (Vcr, "cassettes"),
    "litellm": (LiteLlm, "openhands-logs"),
    "blocks": (Blocks, "kv-traces"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_totals_are_those_of_an_independent_count(kind: str):
    read, folder = KINDS[kind]
    assert sums(read([RECORDED / folder])) == dict(totals(kind, RECORDED / folder))


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_gives_its_calls_or_a_line_that_says_why_not(kind: str):
    read, folder = KINDS[kind]
    source = read([RECORDED / folder])
    given = {seen.file for group in source.groups for seen in group.calls()}
    told = {trouble.path for trouble in source.troubles}
    found = {file.path for group in source.groups for file in group.files}
    silent = found - given - told
    assert [path.name for path in silent if totals(kind, path)["calls"]] == []


def test_the_request_listed_before_is_the_predecessor_and_breaks_are_at_their_blocks():
    traces = [measured(path) for path in sorted((RECORDED / "kv-traces").glob("*.json"))]
    followed = sum(trace.followed for trace in traces)
    assert sum(trace.right for trace in traces) >= 0.995 * followed
    assert sum(trace.placed for trace in traces) == sum(trace.breaks for trace in traces)
    assert not any(trace.invented for trace in traces)
