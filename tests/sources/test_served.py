"""Which provider answered: what is configured goes before the address, that before the answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.ingest.traffic import body, exchange
from whycold.sources.proxied import read_proxied
from whycold.sources.served import How, Served
from whycold.sources.spool_record import Exchange

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
COMPLETION = {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": []}


def messages(answer: object, **fields: object) -> Exchange:
    return replace(exchange(1, body(), {}, upstream="here"), **fields | answered(answer))


def chat(answer: object, **fields: object) -> Exchange:
    made = exchange(1, CHAT, {}, path="/v1/chat/completions", upstream="here")
    return replace(made, **fields | answered(answer))


def answered(answer: object) -> dict[str, object]:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return {"response": replace(exchange(1, b"", raw).response)}


def known(one: Exchange, host: str = "10.0.0.1", provider: str | None = None) -> tuple[str, How]:
    served = Served({"here": host}, {"here": provider} if provider else None)
    seen = read_proxied(one, served)
    assert seen.how is not None
    return seen.call.provider, seen.how


def test_what_is_configured_goes_before_everything():
    one = messages({"id": "chatcmpl-1"}, response_headers=(("server", "llama.cpp"),))
    assert known(one, "api.anthropic.com", "sglang") == ("sglang", How.configured)


def test_a_provider_that_does_not_speak_the_format_is_not_meant():
    assert known(messages({}), provider="gemini") == ("anthropic", How.shape)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.anthropic.com", "anthropic"),
        ("eu.services.ai.azure.com", "foundry"),
        ("api.deepseek.com", "deepseek"),
    ],
)
def test_an_address_tells_its_owner(host: str, provider: str):
    assert known(messages({"id": "msg_1"}), host) == (provider, How.address)


def test_an_address_that_only_ends_alike_tells_nothing():
    assert known(messages({}), "notapi.anthropic.com") == ("anthropic", How.shape)


@pytest.mark.parametrize("server", ["llama.cpp", "llama.cpp/b11669", "LLAMA.CPP"])
def test_llama_server_names_itself(server: str):
    one = messages({"id": "chatcmpl-1"}, response_headers=(("server", server),))
    assert known(one) == ("llama.cpp", How.server)


@pytest.mark.parametrize(
    ("one", "provider"),
    [
        (messages({"id": "chatcmpl-1", "type": "message"}), "llama.cpp"),
        (chat(COMPLETION | {"timings": {"cache_n": 3, "prompt_n": 1}}), "llama.cpp"),
        (
            chat(json.dumps(COMPLETION | {"timings": {"cache_n": 3}}, indent=2).encode()),
            "llama.cpp",
        ),
        (
            chat(COMPLETION | {"usage": {"prompt_tokens_details": {"created_cache_tokens": 4}}}),
            "vllm",
        ),
        (chat(COMPLETION | {"usage": {"prompt_cache_hit_tokens": 4}}), "deepseek"),
    ],
)
def test_an_answer_that_only_one_gives_tells(one: Exchange, provider: str):
    assert known(one) == (provider, How.answer)


def test_the_end_of_a_long_stream_tells():
    event = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[]}\n\n'
    last = b'data: {"id":"chatcmpl-1","choices":[],"timings":{"cache_n":176,"prompt_n":1}}\n\n'
    assert known(chat(event * 2000 + last)) == ("llama.cpp", How.answer)


def test_a_text_that_looks_like_a_key_tells_nothing():
    said = {"role": "assistant", "content": 'It says "cache_n":3 and "prompt_cache_hit_tokens":1'}
    assert known(chat(COMPLETION | {"choices": [{"message": said}]})) == ("openai", How.shape)


def test_where_nothing_tells_the_formats_owner_is_meant_or_the_models():
    assert known(messages({"id": "msg_1"})) == ("anthropic", How.shape)
    deepseek = json.dumps(CHAT | {"model": "deepseek-chat"}).encode()
    one = exchange(1, deepseek, COMPLETION, path="/v1/chat/completions", upstream="here")
    assert known(one) == ("deepseek", How.shape)


@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, None), ({"cache_miss_reason": {"type": "model_changed"}}, "model_changed")],
    ids=["a null", "a diagnosis"],
)
def test_of_an_upstream_that_was_not_asked_only_a_diagnosis_counts(said: object, kept: str | None):
    one = messages({"type": "message", "id": "msg_1", "diagnostics": said}, diagnosed=True)
    verdict = read_proxied(one, Served({})).call.reply.verdict
    assert (verdict and verdict.reason) == kept
