"""Prices per token: those of the vendors' tables, at the call's own time, length and tier."""

import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import TimeOfDateConstraint

from whycold.core.call import Usage
from whycold.core.cost import Rates, missed_cost
from whycold.errors import UserError
from whycold.rates import Overrides, rates_for

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rates(provider: str, model: str, at: datetime = NOW, **usage: Any) -> Rates:
    found = rates_for(provider, model, at, Usage(**{"input": 1000, **usage}))
    assert found is not None
    return found


def per_million(price: Decimal | None) -> str | None:
    return None if price is None else f"{(price * 1_000_000).normalize():f}"


def shown(found: Rates, *names: str) -> list[str | None]:
    return [per_million(getattr(found, name)) for name in names]


@pytest.mark.parametrize(
    ("models", "prices"),
    [
        ("claude-fable-5-2 claude-mythos-5-2", "8 10 16 0.2 40"),
        ("claude-fable-5-1 claude-mythos-5-1", "10 12.5 20 0.25 50"),
        ("claude-fable-5 claude-mythos-5 claude-mythos-preview", "10 12.5 20 1 50"),
        ("claude-opus-5-5", "4 5 8 0.2 20"),
        ("claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6", "5 6.25 10 0.5 25"),
        ("claude-opus-4-5-20251101", "5 6.25 10 0.5 25"),
        ("claude-sonnet-5-5", "2 2.5 4 0.1 10"),
        ("claude-sonnet-5", "2 2.5 4 0.2 10"),
        ("claude-sonnet-4-6 claude-sonnet-4-5-20250929", "3 3.75 6 0.3 15"),
        ("claude-haiku-5-5", "0.1 0.125 0.2 0.01 0.5"),
        ("claude-haiku-4-5-20251001", "1 1.25 2 0.1 5"),
    ],
)
def test_anthropic_costs_what_its_table_says(models: str, prices: str):
    names = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
    for model in models.split():
        assert shown(rates("anthropic", model), *names) == prices.split()


@pytest.mark.parametrize(
    ("model", "prices"),
    [
        ("gpt-6-astra", "10 12.5 25 1 50"),
        ("gpt-6-sol", "2 2.5 5 0.2 10"),
        ("gpt-6.1-sol", "2 2.5 5 0.1 10"),
        ("gpt-6.1-terra", "1 1.25 2.5 0.05 5"),
        ("gpt-6-luna", "0.1 0.125 0.25 0.01 0.5"),
        ("gpt-5.6", "4 5 10 0.4 20"),
        ("gpt-5.6-terra", "2 2.5 5 0.2 12"),
        ("gpt-5.6-luna", "0.2 0.25 0.5 0.02 1.2"),
    ],
)
def test_openai_costs_what_its_table_says(model: str, prices: str):
    names = ("input", "cache_write_30m", "cache_write_12h", "cache_read", "output")
    assert shown(rates("openai", model), *names) == prices.split()


@pytest.mark.parametrize(
    ("provider", "model", "prices"),
    [
        ("openai", "gpt-5.5", "5 0.5 30"),
        ("openai", "gpt-5.4-mini", "0.75 0.075 4.5"),
        ("openai", "gpt-5.2", "1.75 0.175 14"),
        ("openai", "gpt-4o-2024-08-06", "2.5 1.25 10"),
        ("openai", "o4-mini", "1.1 0.275 4.4"),
        ("azure", "gpt-5.4", "2.5 0.25 15"),
        ("gemini", "gemini-2.5-pro", "1.25 0.125 10"),
        ("gemini", "gemini-3.1-pro-preview", "2 0.2 12"),
        ("gemini", "gemini-4-argon", "2 0.1 10"),
        ("vertex", "gemini-3.8-flash", "0.75 0.075 3.75"),
        ("deepseek", "deepseek-v4-flash", "0.15 0.003 0.6"),
        ("xai", "grok-4.6", "2 0.5 6"),
        ("xai", "grok-4.5", "2 0.3 6"),
        ("moonshot", "kimi-k2.7-code", "0.95 0.19 4"),
        ("zai", "glm-5.3", "1.4 0.26 4.4"),
    ],
)
def test_where_a_write_has_no_price_it_is_charged_as_input(provider: str, model: str, prices: str):
    found = rates(provider, model)
    assert shown(found, "input", "cache_read", "output") == prices.split()
    assert found.cache_write == found.cache_write_1h == found.input


@pytest.mark.parametrize(
    ("provider", "model", "prices"),
    [
        ("moonshot", "kimi-k3", "3 3 6 0.3 15"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "3.3 4.125 6.6 0.33 16.5"),
        ("bedrock-anthropic", "global.anthropic.claude-opus-5-5", "4 5 8 0.2 20"),
        ("vertex-anthropic", "claude-opus-5@20260901", "5 6.25 10 0.5 25"),
        ("foundry", "claude-opus-5-5", "4 5 8 0.2 20"),
        ("litellm", "litellm_proxy/anthropic/claude-opus-5-5", "4 5 8 0.2 20"),
        ("litellm", "claude-opus-5-5", "4 5 8 0.2 20"),
    ],
)
def test_the_same_model_has_the_price_of_the_house_that_sells_it(
    provider: str, model: str, prices: str
):
    names = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
    assert shown(rates(provider, model), *names) == prices.split()


def test_a_read_on_mistral_costs_a_tenth():
    found = rates("mistral", "mistral-large-latest")
    assert found.input is not None
    assert found.cache_read == found.input / 10


@pytest.mark.parametrize(
    ("provider", "model", "length", "prices"),
    [
        ("anthropic", "claude-haiku-5-5", 100_000, "0.1 0.01"),
        ("anthropic", "claude-haiku-5-5", 100_001, "0.5 0.05"),
        ("gemini", "gemini-2.5-pro", 200_000, "1.25 0.125"),
        ("gemini", "gemini-2.5-pro", 200_001, "2.5 0.25"),
        ("openai", "gpt-6-sol", 272_001, "4 0.4"),
        ("xai", "grok-4.6", 250_000, "4 1"),
    ],
)
def test_a_long_input_costs_more_as_a_whole(provider: str, model: str, length: int, prices: str):
    found = rates(provider, model, input=length)
    assert shown(found, "input", "cache_read") == prices.split()


def test_a_price_that_depends_on_an_unknown_length_is_unknown():
    assert rates("anthropic", "claude-haiku-5-5", input=None).cache_read is None
    assert rates("anthropic", "claude-opus-5-5", input=None).cache_read is not None


@pytest.mark.parametrize(
    ("at", "read"),
    [
        (datetime(2026, 10, 6, 23, 59, tzinfo=UTC), "0.2"),
        (datetime(2026, 10, 7, tzinfo=UTC), "0.1"),
        (datetime(2026, 10, 7, 1, tzinfo=timezone(timedelta(hours=5))), "0.2"),
    ],
)
def test_a_read_on_sonnet_5_5_cost_twice_as_much_before_october_7(at: datetime, read: str):
    assert shown(rates("anthropic", "claude-sonnet-5-5", at), "cache_read") == [read]


@pytest.mark.parametrize(
    ("day", "prices"), [(20, "5 6.25 12.5 0.5 30"), (21, "4 5 10 0.4 20")], ids=["before", "since"]
)
def test_the_price_of_the_day_of_the_call_counts(day: int, prices: str):
    found = rates("openai", "gpt-5.6-sol", datetime(2026, 8, day, 12, tzinfo=UTC))
    names = ("input", "cache_write_30m", "cache_write_12h", "cache_read", "output")
    assert shown(found, *names) == prices.split()


@pytest.mark.parametrize(
    ("hour", "read"), [(0, "0.022"), (2, "0.044"), (9, "0.044"), (12, "0.022")]
)
def test_deepseek_costs_more_at_its_peak_hours(hour: int, read: str):
    at = datetime(2026, 11, 23, hour, 59, tzinfo=UTC)
    assert shown(rates("deepseek", "deepseek-v4-pro", at), "cache_read") == [read]


def test_every_price_of_the_package_that_depends_on_the_time_changes_on_a_quarter_of_an_hour():
    """Prices are looked up once per quarter."""
    limits = [
        price.constraint
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        for price in model.prices
        if isinstance(price.constraint, TimeOfDateConstraint)
    ]
    times = [time for limit in limits for time in (limit.start_time, limit.end_time)]
    assert times
    assert {(time.minute % 15, time.second) for time in times} == {(0, 0)}


@pytest.mark.parametrize(
    ("usage", "prices"),
    [
        ({"tier": "standard"}, "4 5 8 0.2 20"),
        ({"tier": "batch", "batch": True}, "2 2.5 4 0.1 10"),
        ({"speed": "fast"}, "8 10 16 0.4 40"),
        ({"region": "us"}, "4.4 5.5 8.8 0.22 22"),
        ({"region": "global"}, "4 5 8 0.2 20"),
        ({"speed": "fast", "region": "us"}, "8.8 11 17.6 0.44 44"),
    ],
)
def test_batch_speed_and_region_multiply_anthropics_prices(usage: dict[str, Any], prices: str):
    names = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
    assert shown(rates("anthropic", "claude-opus-5-5", **usage), *names) == prices.split()


@pytest.mark.parametrize(
    ("usage", "prices"),
    [
        ({"tier": "default"}, "2 2.5 0.2"),
        ({"tier": "flex"}, "1 1.25 0.1"),
        ({"tier": "priority"}, "4 5 0.4"),
        ({"tier": "priority", "input": 300_000}, "8 10 0.8"),
        ({"batch": True}, "1 1.25 0.1"),
    ],
)
def test_openais_tiers_have_prices_of_their_own(usage: dict[str, Any], prices: str):
    found = rates("openai", "gpt-6-sol", **usage)
    assert shown(found, "input", "cache_write_30m", "cache_read") == prices.split()


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        pytest.param("llama.cpp", "claude-opus-5-5", {}, id="local engine"),
        pytest.param("ollama", "gpt-5", {}, id="local engine with a known name"),
        pytest.param("openai", "gpt-6.2-sol", {}, id="in no price list"),
        pytest.param("anthropic", "", {}, id="no model"),
        pytest.param("nobody", "claude-opus-5-5", {}, id="unknown provider"),
        pytest.param("litellm", "ollama/llama3", {}, id="local engine behind LiteLLM"),
        pytest.param("litellm", "best", {}, id="an alias"),
        pytest.param(
            "bedrock", "arn:aws:bedrock:eu:1:application-inference-profile/x", {}, id="ARN"
        ),
        pytest.param("anthropic", "claude-opus-5-5", {"tier": "priority"}, id="tier without price"),
        pytest.param("gemini", "gemini-2.5-pro", {"tier": "flex"}, id="tier of other models"),
        pytest.param("bedrock", "amazon.nova-pro-v1:0", {"speed": "optimized"}, id="speed"),
    ],
)
def test_what_has_no_known_price_has_no_rates(provider: str, model: str, usage: dict[str, Any]):
    assert rates_for(provider, model, NOW, Usage(input=10, **usage)) is None


def test_a_tier_has_no_price_before_the_list_has_one():
    at = datetime(2026, 10, 1, tzinfo=UTC)
    assert rates_for("openai", "gpt-6-sol", at, Usage(input=10, tier="priority")) is None


def test_the_source_names_the_list():
    assert rates("openai", "gpt-6-sol").source.startswith("genai-prices ")


OWN = Overrides(
    {
        "sample_spec": {"input_cost_per_token": "a number"},
        "notes": "prices of our own",
        "my-model": {
            "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": "0.00001",
            "cache_read_input_token_cost": 2.5e-07,
            "cache_creation_input_token_cost": 3e-06,
            "cache_creation_input_token_cost_above_1hr": 5e-06,
            "input_cost_per_token_above_200k_tokens": 5e-06,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1e-05,
            "input_cost_per_token_flex": 1e-06,
            "input_cost_per_token_above_200k_tokens_priority": 9e-06,
            "cache_creation_input_token_cost_above_12hr": None,
            "litellm_provider": "ours",
            "input_cost_per_token_on_mars": 7,
        },
        "bedrock/Other": {"input_cost_per_token": 1e-06},
        "vertex_ai/third": {"input_cost_per_token": 2e-06},
        "openai/gpt-6-sol": {"input_cost_per_token": 0},
    }
)


def own(provider: str, model: str, **usage: Any) -> Rates:
    found = rates_for(provider, model, NOW, Usage(**{"input": 1000, **usage}), OWN)
    assert found is not None
    assert found.source == "price file"
    return found


def test_prices_of_the_users_own_are_exact():
    found = own("llama.cpp", "my-model")
    names = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_12h", "output")
    assert shown(found, *names) == ["2.5", "0.25", "3", "5", None, "10"]


@pytest.mark.parametrize(
    ("usage", "prices"),
    [
        ({"input": 200_001}, ["5", "10"]),
        ({"input": 200_000}, ["2.5", "5"]),
        ({"tier": "flex"}, ["1", None]),
        ({"tier": "priority"}, [None, None]),
        ({"tier": "priority", "input": 300_000}, ["9", None]),
    ],
)
def test_suffixes_of_the_users_own_prices_are_understood(
    usage: dict[str, Any], prices: list[str | None]
):
    assert shown(own("vllm", "my-model", **usage), "input", "cache_write_1h") == prices


@pytest.mark.parametrize(
    ("provider", "model"),
    [("bedrock", "other"), ("vertex", "third"), ("openai", "gpt-6-sol"), ("vllm", "MY-MODEL")],
)
def test_an_own_price_is_found_with_and_without_its_provider(provider: str, model: str):
    assert own(provider, model).input is not None


def test_an_own_price_of_nothing_is_0_and_the_rest_unknown():
    found = own("openai", "gpt-6-sol")
    assert (found.input, found.cache_read) == (0, None)


def test_a_model_that_the_user_does_not_price_keeps_the_list_price():
    found = rates_for("anthropic", "claude-opus-5-5", NOW, Usage(input=1), OWN)
    assert found is not None
    assert found.source != "price file"


@pytest.mark.parametrize("price", ["free", -1, True, [], "NaN", float("inf")])
def test_an_own_price_that_is_none_is_told_in_one_line(price: Any):
    with pytest.raises(UserError, match="my: input_cost_per_token is not a price"):
        Overrides({"my": {"input_cost_per_token": price}})


@pytest.mark.parametrize("entries", [{}, {"sample_spec": {}}, {"prices": [1, 2]}])
def test_a_file_without_prices_is_told_in_one_line(entries: Any):
    with pytest.raises(UserError, match="holds no prices"):
        Overrides(entries)


def test_every_rate_is_a_decimal():
    found = rates("anthropic", "claude-opus-5-5")
    values = [getattr(found, field.name) for field in fields(found) if field.name != "source"]
    assert {type(value) for value in values} <= {Decimal, type(None)}


def test_a_miss_costs_its_tokens_times_what_was_paid_above_a_read():
    usage = Usage(input=120_000, cache_read=0, cache_write=100_000, cache_write_1h=100_000)
    found = rates("anthropic", "claude-opus-5-5", input=usage.input)
    assert missed_cost(90_000, usage, found) == Decimal("0.702")


def test_the_price_package_is_loaded_only_when_a_price_is_asked_for():
    code = "import sys, whycold.rates; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
