from dataclasses import asdict
from typing import Any

import pytest

from whycold.core.call import ProviderError
from whycold.providers.base import Dialect
from whycold.providers.openai_rules import OPENAI, openai_rules
from whycold.providers.openai_usage import read_error, read_usage

EXCLUSIVE = Dialect("x", "X", ("openai.chat",), openai_rules, exclusive=True)


def counts(body: Any, dialect: Dialect = OPENAI) -> dict[str, Any]:
    told = asdict(read_usage(body, dialect))
    return {name: n for name, n in told.items() if n is not None and n is not False}


def usage(**more: Any) -> Any:
    return {"usage": {"prompt_tokens": 100, **more}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"usage": None}, {}),
        (usage(), {"input": 100}),
        (usage(prompt_tokens_details=None), {"input": 100}),
        (usage(prompt_tokens_details={"cached_tokens": None}), {"input": 100}),
        (
            usage(prompt_tokens_details={"cached_tokens": 0}),
            {"input": 100, "cache_read": 0, "uncached": 100},
        ),
        (
            usage(prompt_tokens_details={"cached_tokens": 64, "cache_write_tokens": 30}),
            {"input": 100, "cache_read": 64, "cache_write": 30, "uncached": 6},
        ),
        (usage(cached_tokens=64), {"input": 100, "cache_read": 64, "uncached": 36}),
        (usage(prompt_eval_cached_count=64), {"input": 100, "cache_read": 64, "uncached": 36}),
        (
            usage(cache_read_input_tokens=64, cache_creation_input_tokens=30),
            {"input": 100, "cache_read": 64, "cache_write": 30, "uncached": 6},
        ),
        (
            {"usage": {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}},
            {"input": 100, "cache_read": 64, "uncached": 36},
        ),
        (
            {"timings": {"cache_n": 64, "prompt_n": 36, "predicted_n": 5}},
            {"input": 100, "cache_read": 64, "uncached": 36, "output": 5},
        ),
        (
            {**usage(), "timings": {"cache_n": 64, "prompt_n": 36}},
            {"input": 100, "cache_read": 64, "uncached": 36},
        ),
        (
            {"prompt_eval_count": 100, "prompt_eval_cached_count": 0, "eval_count": 5},
            {"input": 100, "cache_read": 0, "uncached": 100, "output": 5},
        ),
        (
            {
                "usage": {
                    "input_tokens": 100,
                    "input_tokens_details": {
                        "cached_tokens": 0,
                        "cache_write_tokens_details": {"ttl_30m_tokens": 90, "ttl_12h_tokens": 10},
                    },
                }
            },
            {
                "input": 100,
                "cache_read": 0,
                "cache_write": 100,
                "cache_write_30m": 90,
                "cache_write_12h": 10,
                "uncached": 0,
            },
        ),
        (usage(prompt_tokens_details={"cached_tokens": 120}), {"input": 100, "cache_read": 120}),
    ],
)
def test_what_is_absent_stays_unknown_and_what_is_0_stays_0(body: Any, expected: Any):
    assert counts(body) == expected


def test_a_server_that_leaves_cached_tokens_out_is_added_up():
    body = usage(prompt_tokens_details={"cached_tokens": 64, "cache_write_tokens": 30})
    assert counts(body, EXCLUSIVE) == {
        "input": 194,
        "cache_read": 64,
        "cache_write": 30,
        "uncached": 100,
    }


def test_the_tier_is_the_one_that_was_used():
    assert counts({"service_tier": "flex"}) == {"tier": "flex"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"error": {"message": "Slow down", "type": "tokens", "code": "rate_limit_exceeded"}},
            ProviderError(None, "tokens", "Slow down"),
        ),
        (
            {"error": {"code": 402, "message": "Pay", "metadata": {}}},
            ProviderError(402, None, "Pay"),
        ),
        (
            {"error": {"code": "429", "message": "Wait"}},
            ProviderError(429, "429", "Wait"),
        ),
        ({"error": "model not found"}, ProviderError(None, None, "model not found")),
        (
            {"object": "error", "message": "Too long", "type": "BadRequestError", "code": 400},
            ProviderError(400, "BadRequestError", "Too long"),
        ),
        ({"detail": "Not found"}, ProviderError(None, None, "Not found")),
        ({"error": None}, None),
        ({}, None),
    ],
)
def test_errors_are_read_in_every_shape(body: Any, error: ProviderError | None):
    assert read_error(body) == error
