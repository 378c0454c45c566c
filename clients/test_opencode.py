"""opencode: ``run``, ``run -c``, and again after an edit of AGENTS.md, over both of its APIs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from clients.cache import STEP
from clients.conftest import Stage
from clients.programs import OPENCODE, opencode
from clients.told import diagnosed, imported, misses

pytestmark = pytest.mark.usefixtures("opencode_installed")

QUESTION = "When does the harbour open? Read notes.txt."
RULES = "".join(f"Rule {n}: keep every answer about harbour {n} short.\n" for n in range(150))
PROVIDERS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "chat": (
        "local/scripted",
        {"local": {"npm": "@ai-sdk/openai-compatible", "models": {"scripted": {}}}},
    ),
    "messages": ("anthropic/claude-sonnet-4-5", {"anthropic": {}}),
}
"""By API: the model, and opencode's ``provider`` setting without its address."""


@pytest.mark.parametrize("api", PROVIDERS)
def test_a_session_goes_on_in_a_second_run_and_an_edit_of_the_rules_is_named(
    api: str, stage: Stage
) -> None:
    for number, more in enumerate(((), ("-c",), ("-c",))):
        count = "two sentences" if number == 2 else "one sentence"
        (stage.project / "AGENTS.md").write_text(f"Answer in {count}.\n{RULES}")
        ask(api, stage, *more)
    # The call for the session's title offers no tools, and runs beside the first turn.
    chain = [asked for asked in stage.model.asked if asked.body.get("tools")]
    assert [asked.tool for asked in chain] == ["bash", None] * 3
    assert len(stage.model.asked) == len(chain) + 1
    calls = diagnosed(stage, chain)

    assert [call["at"] for call in calls] == sorted(call["at"] for call in calls)
    assert {call["session"] for call in diagnosed(stage, stage.model.asked)} == {
        chain[0].headers["x-session-id"]
    }
    assert {call["release"] for call in calls} == {f"opencode {OPENCODE.version}"}
    assert [call["predecessor"] for call in calls] == [None, *(c["call"] for c in calls[:-1])]
    verdicts = [call["verdict"] for call in calls]
    assert verdicts[:4] + verdicts[5:] == ["first", "hit", "hit", "hit", "hit"]

    [miss] = misses(stage)
    assert miss["call"] == calls[4]["call"]
    assert miss["reason"] == "system_changed"
    edit = miss["divergences"][0]
    assert edit["path"] == "system[0].text"
    assert "Answer in one sentence." in edit["before"]
    assert "Answer in two sentences." in edit["after"]
    held, counts = chain[3].counts.total, chain[4].counts
    usable = held if api == "messages" else held // STEP * STEP
    assert miss["missed_tokens"] == usable - counts.read
    assert miss["usage"]["input"] == counts.total
    assert stage.model.others == []


@pytest.mark.parametrize("api", PROVIDERS)
def test_what_it_writes_down_itself_is_what_the_proxy_saw(api: str, stage: Stage) -> None:
    (stage.project / "AGENTS.md").write_text(RULES)
    ask(api, stage)
    ask(api, stage, "-c")
    chain = [asked for asked in stage.model.asked if asked.body.get("tools")]
    recorded = diagnosed(stage, chain)
    # The call for the session's title is written down nowhere.
    data = stage.home / ".local" / "share" / "opencode"
    calls = imported(stage, "opencode", data, known=len(chain) + 1)
    for name in ("session", "release", "provider", "api", "model"):
        assert [call[name] for call in calls] == [call[name] for call in recorded], name
    for name in ("input", "output"):
        counts = [call["usage"][name] for call in calls]
        assert counts == [call["usage"][name] for call in recorded]
    # opencode writes 0 where nothing was reported, which tells nothing until something was.
    read = [call["usage"]["cache_read"] for call in calls]
    assert read[1:] == [call["usage"]["cache_read"] for call in recorded[1:]]
    assert read[0] == (0 if api == "messages" else None)
    assert [call["predecessor"] for call in calls] == [None, *(c["call"] for c in calls[:-1])]


def ask(api: str, stage: Stage, *more: str) -> None:
    model, provider = PROVIDERS[api]
    address = {"baseURL": f"{stage.serve.url}/v1", "apiKey": "none"}
    settings = {
        "model": model,
        "provider": {n: {**setting, "options": address} for n, setting in provider.items()},  # type: ignore[dict-item]
    }
    ended = opencode(stage.project, stage.home, settings, stage.model.url, *more, QUESTION)
    assert ended.returncode == 0, ended.stderr
    assert "opens at six" in ended.stdout
