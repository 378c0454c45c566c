"""The origin of twelve real regressions, each sent through the proxy as it was committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.remedies.blame.history import COMMITS, NODE, History, Step
from tests.remedies.blame.vendor import Vendor
from tests.serving import Serve, serving, whycold

pytestmark = pytest.mark.slow

STEPS = [step for step in COMMITS if step.app != "web" or NODE]
BREAKING = [step for step in STEPS if step.cause]
INSIDE, OUTSIDE = BREAKING[:-1], BREAKING[-1]


@dataclass
class Played:
    """What was recorded: the repository, the commit of each step by its subject, the culprits."""

    folder: Path
    repository: Path
    commits: dict[str, str]
    culprits: list[dict[str, Any]]
    store: str

    def of(self, step: Step) -> dict[str, Any]:
        """The culprit that was first seen right behind the commit of a step."""
        found = [c for c in self.culprits if c["cause"] == step.cause and c["project"] == step.app]
        number = [s for s in BREAKING if (s.cause, s.app) == (step.cause, step.app)].index(step)
        return sorted(found, key=lambda c: c["first_seen"])[number]

    def blame(self, step: Step) -> dict[str, Any]:
        words = ("--json", "--repo", str(self.repository), "--store", self.store)
        ran = whycold(self.folder, "blame", self.of(step)["id"], *words)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)


def turn(serve: Serve, said: list[dict[str, Any]], app: str, request: dict[str, Any]) -> None:
    text = {"type": "text", "text": f"What of article {len(said)}? It was in the window."}
    marked = {**text, "cache_control": {"type": "ephemeral"}}
    body = {**request, "messages": [*said, {"role": "user", "content": [marked]}]}
    headers = {"content-type": "application/json", "x-whycold-project": app}
    headers |= {"x-whycold-session": app, "anthropic-version": "2023-06-01"}
    status, _, _ = serve.post("/v1/messages", json.dumps(body).encode(), headers)
    assert status == 200
    said.append({"role": "user", "content": [text]})
    said.append({"role": "assistant", "content": [{"type": "text", "text": "Yes."}]})


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("blame")
    history, commits = History(folder / "repository"), dict[str, str]()
    said: dict[str, list[dict[str, Any]]] = {"desk": [], "web": []}
    vendor = Vendor()
    with serving(folder, "--upstream", f"anthropic=http://127.0.0.1:{vendor.server_port}") as serve:
        for app in said if NODE else ("desk",):
            first = Step("", (), app=app)
            turn(serve, said[app], app, history.request(first))
        for step in STEPS:
            commits[step.subject] = history.make(step)
            for _ in range(2):
                turn(serve, said[step.app], step.app, history.request(step))
        serve.settled()
    vendor.close()
    listed = whycold(folder, "culprits", "--json", "--store", serve.store_url)
    culprits = json.loads(listed.stdout)["items"]
    yield Played(folder, history.folder, commits, culprits, serve.store_url)


@pytest.mark.parametrize("step", INSIDE, ids=lambda step: step.subject)
def test_the_commit_that_broke_the_prefix_comes_first(played: Played, step: Step):
    found = played.blame(step)
    assert found["found"], found
    best = found["commits"][0]
    assert best["subject"] == step.subject, found["commits"]
    assert best["commit"] == played.commits[step.subject]
    assert {place["path"] for place in best["places"]} <= {name for name, _, _ in step.edits}


def test_a_text_from_outside_is_not_found_rather_than_somebody_s(played: Played):
    found = played.blame(OUTSIDE)
    assert (found["found"], found["commits"], found["lines"]) == (False, [], [])
