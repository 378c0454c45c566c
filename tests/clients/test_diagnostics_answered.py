# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# The SDKs type an answer as a union of everything that any answer may hold.
"""The providers' own cache diagnostics, asked for by their SDKs and answered in front of a real
engine that knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import (
    CacheMissMessagesChanged,
    CacheMissModelChanged,
    CacheMissPreviousMessageNotFound,
    CacheMissSystemChanged,
    CacheMissToolsChanged,
    CacheMissUnavailable,
    Diagnostics,
)
from openai.types.responses import response as of_responses

from tests.llama.bodies import Body, body
from tests.llama.engine.answer import Api
from tests.llama.engine.server import Engine
from tests.llama.prompt import NEUTRAL, Message, Prompt, Text
from tests.serving import Serve, eventually, serving

pytestmark = pytest.mark.slow

SETTINGS = """
[upstreams.anthropic]
url = "{url}"
diagnostics = "answer"

[upstreams.openai]
url = "{url}"
diagnostics = "answer"
"""


@pytest.fixture(scope="module")
def serve(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    folder = tmp_path_factory.mktemp("answered")
    (folder / "whycold.toml").write_text(SETTINGS.format(url=engine.base_url))
    with serving(folder) as running:
        yield running


Asked = Callable[..., Any]


@pytest.fixture(params=["whole", "streamed"])
def messages(serve: Serve, request: pytest.FixtureRequest) -> Iterator[Asked]:
    """Asks for a message, and for a diagnosis where ``diagnostics`` is given."""
    with anthropic.Anthropic(api_key="none", base_url=serve.url, max_retries=0) as client:

        def ask(sent: Body, **more: Any) -> anthropic.types.Message:
            if request.param == "whole":
                return client.messages.create(**sent, **more)
            with client.messages.stream(**sent, **more) as events:
                return events.get_final_message()

        yield ask


@pytest.fixture(params=["whole", "streamed"])
def responses(serve: Serve, request: pytest.FixtureRequest) -> Iterator[Asked]:
    """Asks for a response, compared with ``with_id`` where that is given."""
    with openai.OpenAI(api_key="none", base_url=f"{serve.url}/v1", max_retries=0) as client:

        def ask(sent: Body, with_id: str | None = None) -> of_responses.Response:
            asked = {**sent}
            if with_id is not None:
                asked["prompt_cache_options"] = {"comparison_response_id": with_id}
            if request.param == "whole":
                return client.responses.create(**asked)
            events = list(client.responses.create(**asked, stream=True))
            return next(e.response for e in events if e.type == "response.completed")

        yield ask


def first(id: str | None) -> dict[str, Any]:
    return {"diagnostics": {"previous_message_id": id}}


def of(prompt: Prompt, api: Api = Api.messages, **more: Any) -> Body:
    return {**body(api, prompt), **more}


def with_turn(prompt: Prompt, reply: str) -> Prompt:
    turn = (Message("assistant", (Text(reply),)), Message("user", (Text("Go on with step 2."),)))
    return replace(prompt, messages=prompt.messages + turn)


def other_tools(prompt: Prompt) -> Prompt:
    head, *rest = prompt.tools
    return replace(prompt, tools=(replace(head, description="Read one file."), *rest))


def other_system(prompt: Prompt) -> Prompt:
    return replace(prompt, system=prompt.system.replace("Rule 7.", "Rule seven."))


def other_messages(prompt: Prompt) -> Prompt:
    said = Message("user", (Text("The build of the server stops at its first step."),))
    return replace(prompt, messages=(said, *prompt.messages[1:]))


CHANGES: dict[str, tuple[Body, type]] = {
    "model": (of(NEUTRAL, model="another"), CacheMissModelChanged),
    "tools": (of(other_tools(NEUTRAL)), CacheMissToolsChanged),
    "system": (of(other_system(NEUTRAL)), CacheMissSystemChanged),
    "messages": (of(other_messages(NEUTRAL)), CacheMissMessagesChanged),
    "tool choice": (of(NEUTRAL, tool_choice={"type": "none"}), CacheMissUnavailable),
}


def test_a_first_turn_has_no_diagnosis(messages: Asked):
    assert messages(of(NEUTRAL), **first(None)).diagnostics is None


def test_a_turn_that_only_goes_on_has_no_difference(messages: Asked):
    before = messages(of(NEUTRAL), **first(None))
    onward = with_turn(NEUTRAL, before.content[0].text)
    answer = messages(of(onward), **first(before.id))
    assert "diagnostics" in answer.model_fields_set
    assert answer.diagnostics is None


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_is_told_as_the_sdk_types_it(what: str, messages: Asked):
    before = messages(of(NEUTRAL), **first(None))
    changed, kind = CHANGES[what]
    answer = messages(changed, **first(before.id)).diagnostics
    assert isinstance(answer, Diagnostics)
    reason = answer.cache_miss_reason
    assert type(reason) is kind
    assert reason.type == ("unavailable" if what == "tool choice" else f"{what}_changed")
    if what != "tool choice":
        whole = before.usage.input_tokens + (before.usage.cache_read_input_tokens or 0)
        assert 0 < reason.cache_missed_input_tokens <= whole


def test_a_message_that_did_not_opt_in_is_not_found(messages: Asked):
    before = messages(of(NEUTRAL))
    assert "diagnostics" not in before.model_fields_set
    answer = messages(of(NEUTRAL), **first(before.id)).diagnostics
    assert type(answer.cache_miss_reason) is CacheMissPreviousMessageNotFound


def test_a_beta_client_is_answered_as_well(serve: Serve):
    with anthropic.Anthropic(api_key="none", base_url=serve.url, max_retries=0) as client:
        betas = ["cache-diagnosis-2026-04-07"]
        before = client.beta.messages.create(**of(NEUTRAL), **first(None), betas=betas)
        changed = of(other_tools(NEUTRAL))
        answer = client.beta.messages.create(**changed, **first(before.id), betas=betas)
    assert answer.diagnostics.cache_miss_reason.type == "tools_changed"


OPENAI = Api.responses
REASONS: dict[str, Body] = {
    "model_changed": of(NEUTRAL, OPENAI, model="another"),
    "tools_changed": of(other_tools(NEUTRAL), OPENAI),
    "input_changed": of(other_messages(NEUTRAL), OPENAI),
}


def test_a_response_that_was_not_compared_has_no_diagnosis(responses: Asked):
    assert responses(of(NEUTRAL, OPENAI)).prompt_cache_diagnostics is None


def test_a_response_that_read_all_there_was_is_a_hit(responses: Asked):
    before = responses(of(NEUTRAL, OPENAI))
    answer = responses(of(NEUTRAL, OPENAI), before.id).prompt_cache_diagnostics
    assert type(answer) is of_responses.PromptCacheDiagnosticsCacheHit


@pytest.mark.parametrize("reason", REASONS)
def test_a_response_that_missed_says_why(reason: str, responses: Asked, engine: Engine):
    before = responses(of(NEUTRAL, OPENAI))
    engine.fresh()
    answer = responses(REASONS[reason], before.id).prompt_cache_diagnostics
    assert type(answer) is of_responses.PromptCacheDiagnosticsCacheMiss
    assert answer.reason == reason
    assert 0 < answer.cache_missed_tokens <= before.usage.input_tokens


def test_equal_requests_of_which_nothing_was_read_are_unavailable(responses: Asked, engine: Engine):
    before = responses(of(NEUTRAL, OPENAI))
    engine.fresh()
    answer = responses(of(NEUTRAL, OPENAI), before.id).prompt_cache_diagnostics
    assert type(answer) is of_responses.PromptCacheDiagnosticsUnavailable


def test_a_response_that_nobody_knows_is_not_found(responses: Asked):
    answer = responses(of(NEUTRAL, OPENAI), "resp_unknown").prompt_cache_diagnostics
    assert type(answer) is of_responses.PromptCacheDiagnosticsComparisonResponseNotFound


def test_no_answer_is_taken_for_the_providers_own(messages: Asked, serve: Serve):
    before = messages(of(NEUTRAL), **first(None))
    after = messages(of(other_messages(NEUTRAL)), **first(before.id))
    assert after.diagnostics.cache_miss_reason.type == "messages_changed"
    with serve.store() as store:
        record = eventually(lambda: store.record(after.id))
    assert record is not None
    assert record.call.reply.verdict is None
    assert record.call.prompt.links.compares == before.id
    assert (record.told.reason, record.told.grade) == ("messages_changed", "consistent")
    assert record.told.provider_reason is None


def test_who_compares_may_die_and_knows_afterwards_what_was_recorded(messages: Asked, serve: Serve):
    before = messages(of(NEUTRAL), **first(None))
    serve.settled()
    serve.kill("diagnoser")

    def told() -> str | None:
        diagnostics = messages(of(other_tools(NEUTRAL)), **first(before.id)).diagnostics
        reason = diagnostics.cache_miss_reason
        return reason and reason.type

    assert eventually(told) == "tools_changed"
