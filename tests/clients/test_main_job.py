# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# The SDKs type an answer as a union of everything that any answer may hold.
"""The main job on real input: a conversation through an official SDK and ``whycold serve`` to a
real engine, one tool's description edited at turn 6, and ``whycold misses`` says what it cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.llama.bodies import Body, body
from tests.llama.engine.answer import Api
from tests.llama.engine.server import Engine
from tests.llama.prompt import NEUTRAL, Message, Prompt, Text
from tests.serving import Serve, serving, whycold

pytestmark = pytest.mark.slow

TURNS = 10
EDITED = 6
OLD = "Run one command in the shell and return what it prints and its exit code."
NEW = "Run one command in the shell and return only what it prints and its exit code."

Talk = Callable[[Body, bool], tuple[str, int, int, int]]
"""From a body, and whether to stream: the reply, then the engine's counts of the whole prompt, of
what it read from its cache, and of what it generated."""


def messages(serve: Serve) -> Talk:
    client = anthropic.Anthropic(api_key="none", base_url=serve.url, max_retries=0)

    def talk(sent: Body, stream: bool) -> tuple[str, int, int, int]:
        if stream:
            with client.messages.stream(**sent) as events:
                reply = events.get_final_message()
        else:
            reply = client.messages.create(**sent)
        usage = reply.usage
        read = usage.cache_read_input_tokens or 0
        return reply.content[0].text, usage.input_tokens + read, read, usage.output_tokens

    return talk


def chat(serve: Serve) -> Talk:
    client = openai.OpenAI(api_key="none", base_url=f"{serve.url}/v1", max_retries=0)

    def talk(sent: Body, stream: bool) -> tuple[str, int, int, int]:
        if not stream:
            done = client.chat.completions.create(**sent)
            return done.choices[0].message.content, *openai_counts(done.usage)
        asked = {**sent, "stream": True, "stream_options": {"include_usage": True}}
        chunks = list(client.chat.completions.create(**asked))
        words = [c.choices[0].delta.content or "" for c in chunks if c.choices]
        return "".join(words), *openai_counts(chunks[-1].usage)

    return talk


def openai_counts(usage: Any) -> tuple[int, int, int]:
    return (
        usage.prompt_tokens,
        usage.prompt_tokens_details.cached_tokens,
        usage.completion_tokens,
    )


def responses(serve: Serve) -> Talk:
    client = openai.OpenAI(api_key="none", base_url=f"{serve.url}/v1", max_retries=0)

    def talk(sent: Body, stream: bool) -> tuple[str, int, int, int]:
        if stream:
            events = list(client.responses.create(**sent, stream=True))
            done = next(e.response for e in events if e.type == "response.completed")
        else:
            done = client.responses.create(**sent)
        usage = done.usage
        read = usage.input_tokens_details.cached_tokens
        return done.output_text, usage.input_tokens, read, usage.output_tokens

    return talk


SDKS: Mapping[Api, Callable[[Serve], Talk]] = {
    Api.messages: messages,
    Api.chat: chat,
    Api.responses: responses,
}


def edited(prompt: Prompt) -> Prompt:
    """The same with other words in the description of a tool."""
    first, second = prompt.tools
    assert second.description == OLD
    return replace(prompt, tools=(first, replace(second, description=NEW)))


def with_turn(prompt: Prompt, reply: str, number: int) -> Prompt:
    question = f"Thank you. Now do step {number} of the plan, and say what it changed."
    turn = (Message("assistant", (Text(reply),)), Message("user", (Text(question),)))
    return replace(prompt, messages=prompt.messages + turn)


@pytest.mark.parametrize("api", SDKS, ids=lambda api: api.name)
def test_the_tool_is_named_with_the_words_and_what_it_cost(
    api: Api, engine: Engine, tmp_path: Path
):
    engine.fresh()
    upstreams = [f"{name}={engine.base_url}" for name in ("anthropic", "openai")]
    options = [part for upstream in upstreams for part in ("--upstream", upstream)]
    with serving(tmp_path, *options) as serve:
        talk, prompt = SDKS[api](serve), NEUTRAL
        held: list[int] = []
        read: list[int] = []
        for turn in range(1, TURNS + 1):
            if turn == EDITED:
                prompt = edited(prompt)
            reply, size, cached, generated = talk(body(api, prompt), turn % 3 == 0)
            # The last token that was generated never gets into the cache.
            held.append(size + generated - 1)
            read.append(cached)
            prompt = with_turn(prompt, reply, turn)
        misses = serve.recorded(TURNS)["misses"]
        told = whycold(tmp_path, "misses", "--json", "--store", serve.store_url)
        page = whycold(tmp_path, "misses", "--store", serve.store_url).stdout
    assert told.returncode == 0, told.stderr
    assert misses == 1
    assert "run_command" in page
    assert "return {+only +}what" in page
    [miss] = json.loads(told.stdout)["items"]
    assert miss["provider"] == "llama.cpp"
    assert (miss["reason"], miss["cause"]) == ("tools_changed", "tool-edited")
    assert (miss["verdict"], miss["grade"]) == ("partial", "consistent")
    first = miss["divergences"][0]
    assert first["path"].startswith("tools[run_command]")
    assert first["path"].endswith("description")
    assert "return what" in first["before"]
    assert "return only what" in first["after"]
    # Turn 6 could have read all that turn 5 left, and read what the engine says.
    assert miss["usage"]["cache_read"] == read[EDITED - 1]
    assert miss["missed_tokens"] == held[EDITED - 2] - read[EDITED - 1]
    # And the engine agrees that no other turn lost anything.
    assert [r for turn, r in enumerate(read) if turn not in (0, EDITED - 1)] == [
        h for turn, h in enumerate(held[:-1]) if turn != EDITED - 2
    ]
