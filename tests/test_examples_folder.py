"""The shipped pairs are explained as examples/README.md says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from whycold.core.call import Call
from whycold.core.diagnosis import Reason, Verdict
from whycold.frontends.cli import cli
from whycold.providers.exchange import read_exchange
from whycold.providers.registry import WIRES

FOLDER = Path(__file__).parents[1] / "examples"
AT = datetime(2026, 11, 23, tzinfo=UTC)
EXPECTED = {
    "anthropic-mcp-order": ("tools-reordered", Reason.tools_changed, Verdict.miss),
    "bedrock-pause": ("expired", Reason.expired, Verdict.miss),
    "deepseek-argument-order": ("input-keys-reordered", Reason.messages_changed, Verdict.partial),
    "gemini-cleared-result": ("tool-results-cleared", Reason.messages_changed, Verdict.miss),
    "llama-attribution-header": ("attribution-header", Reason.system_changed, Verdict.partial),
    "openai-chat-clock": ("clock", Reason.system_changed, Verdict.miss),
    "openai-responses-effort": ("effort-changed", Reason.settings_changed, Verdict.miss),
    "openrouter-other-host": ("host-changed", Reason.provider, Verdict.miss),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_pair_is_explained_by_its_cause(name: str):
    files = [str(FOLDER / name / f"{part}.json") for part in ("before", "after")]
    ended = CliRunner().invoke(cli, ["diff", *files, "--json"])
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.output)
    assert (told["cause"], told["reason"], told["verdict"]) == EXPECTED[name]
    assert told["missed_tokens"] > 0
    assert told["grade"] in ("consistent", "inferred")


def exchange(path: Path) -> Call:
    return read_exchange(path.read_bytes()).call("c", AT)


def test_every_wire_format_has_a_pair():
    apis = {exchange(FOLDER / name / "after.json").api for name in EXPECTED}
    assert apis == set(WIRES)


def test_the_pairs_are_those_that_the_readme_tells_of():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    names = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
    assert names == sorted(EXPECTED)
    assert [name for name in names if f"| `{name}` |" not in told] == []


@pytest.mark.parametrize(
    "path", sorted(FOLDER.glob("*/*.json")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_file_is_small_and_as_long_as_its_usage_says(path: Path):
    assert path.stat().st_size < 9_000
    call = exchange(path)
    size = sum(block.size for block in call.prompt.blocks)
    assert call.usage.input is not None
    assert 2.4 < size / call.usage.input < 4.8
