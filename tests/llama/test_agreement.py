"""What whycold says of two requests, held against what a real llama-server reports of its cache."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.llama.edits import EDITS, Edit
from tests.llama.engine.answer import Api
from tests.llama.engine.server import Engine
from tests.llama.pairs import Pair, run_pair
from whycold.core.diagnosis import Diagnosis, Grade, Verdict
from whycold.diagnose import diagnose
from whycold.providers.registry import read_call, rules_for

pytestmark = pytest.mark.slow

CASES = [
    pytest.param(edit, api, id=f"{edit.name}-{api.name}") for edit in EDITS for api in edit.apis
]
NEAR = 0.05
"""Share of the prompt by which an estimated position may differ from the engine's own count."""


def told(pair: Pair) -> Diagnosis:
    start = datetime(2026, 11, 23, 9, tzinfo=UTC)
    calls = [
        read_call(
            json.loads(json.dumps(body)),
            answer.body,
            id=str(place),
            at=start + timedelta(seconds=20 * place),
            provider="llama.cpp",
        )
        for place, (body, answer) in enumerate(zip(pair.bodies, pair.answers, strict=True))
    ]
    return diagnose(calls, rules_for)[1]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("edit", "api"), CASES)
def test_the_diagnosis_agrees_with_the_engine(
    engine: Engine, edit: Edit, api: Api, stream: bool
) -> None:
    pair = run_pair(engine, edit, api, stream=stream)
    found = told(pair)
    assert (found.usage.input, found.usage.cache_read) == (pair.sizes[1], pair.cached)
    assert sum(block.tokens for block in found.blocks) == pair.sizes[1]
    if api in edit.unused:
        assert found.verdict is Verdict.miss
        assert found.missed_tokens == min(pair.held, pair.sizes[1] - 1)
        assert found.cause == "cache-disabled"
        return
    section = edit.at(api).section
    if section == "none":
        assert found.divergences == ()
        assert found.verdict is Verdict.hit
        return
    assert found.divergences[0].section == section
    assert found.divergences[0].path.startswith(edit.path(api) or "nothing")
    assert found.verdict is Verdict.partial
    # the reply is owed only where it was sent back
    owed = pair.held if edit.turn else pair.sizes[0]
    assert found.missed_tokens == min(owed, pair.sizes[1] - 1) - pair.cached
    assert found.broke_at == pytest.approx(pair.cached, abs=NEAR * pair.sizes[1])
    assert found.grade in (Grade.consistent, Grade.inferred)


def test_a_reply_that_comes_back_otherwise_is_named(drifting_engine: Engine) -> None:
    appended = next(edit for edit in EDITS if edit.name == "appended turn")
    for api in (Api.messages, Api.chat):
        pair = run_pair(drifting_engine, appended, api)
        found = told(pair)
        assert pair.parted
        assert found.verdict is Verdict.partial
        assert found.missed_tokens == pair.held - pair.cached
        assert found.cause == "reply-rerendered"
