from datetime import timedelta

import pytest

from whycold.core.prompt import Section
from whycold.core.rules import OptIn
from whycold.providers.openai_chat import OPENAI_CHAT
from whycold.providers.openai_responses import OPENAI_RESPONSES
from whycold.providers.openai_rules import OPENAI, azure_rules, openai_rules

CHAT = "openai.chat"


@pytest.mark.parametrize(
    "model",
    ["gpt-5.6", "gpt-5.6-terra", "gpt-6-astra", "gpt-6.1-sol", "openai/gpt-5.6-luna-2026-07-01"],
)
def test_since_gpt_5_6_entries_end_exactly_and_writes_are_reported(model: str):
    rules = openai_rules(CHAT, model)
    assert (rules.granularity, rules.minimum, rules.reports_write) == (1, 1024, True)
    assert (rules.opt_in, rules.max_breakpoints) == (OptIn.both, 4)
    assert [ttl.name for ttl in rules.ttls] == ["30m", "12h"]


@pytest.mark.parametrize(
    ("model", "granularity", "ttl", "writes"),
    [
        ("gpt-4o", 128, "in_memory", False),
        ("gpt-4o-mini-2024-07-18", 128, "in_memory", False),
        ("gpt-4.1-2025-04-14", 128, "24h", False),
        ("gpt-4.1-mini", 128, "in_memory", False),
        ("gpt-5", 128, "24h", False),
        ("gpt-5.3-codex", 128, "24h", False),
        ("gpt-5-mini", 128, "in_memory", False),
        ("gpt-5.5", 2048, "24h", False),
        ("o3", 128, "in_memory", False),
        ("gpt-35-turbo", 128, "in_memory", None),
        ("my-deployment", 128, "in_memory", None),
        (None, 128, "in_memory", None),
    ],
)
def test_before_gpt_5_6_reads_are_rounded_down_and_nothing_is_promised(
    model: str | None, granularity: int, ttl: str, writes: bool | None
):
    rules = openai_rules(CHAT, model)
    assert (rules.granularity, rules.ttls[0].name, rules.reports_write) == (
        granularity,
        ttl,
        writes,
    )
    assert rules.best_effort and not rules.markable


def test_an_entry_in_memory_is_surely_gone_after_an_hour():
    ttl = openai_rules(CHAT, "gpt-4o").ttl("in_memory")
    assert ttl is not None and ttl.lifetime == timedelta(hours=1)


def test_azure_keeps_entries_in_memory_unless_it_is_asked_for_more():
    assert [t.name for t in azure_rules(CHAT, "gpt-5.1").ttls] == ["in_memory", "24h"]
    assert [t.name for t in azure_rules(CHAT, "gpt-5.5").ttls] == ["24h"]
    assert [t.name for t in azure_rules(CHAT, "gpt-5.6").ttls] == ["30m", "12h"]


def test_what_the_guide_names_as_part_of_the_prefix_voids_all_of_it():
    effects = openai_rules(CHAT, "gpt-6-sol").effects
    certain = {name for name, effect in effects.items() if effect.certain and effect.voids}
    assert certain == {
        *("model", "parallel_tool_calls", "response_format", "text.format"),
        *("reasoning_effort", "reasoning.effort", "verbosity", "text.verbosity"),
    }
    assert {effects[name].voids for name in certain} == {Section.tools}


def test_a_routing_key_may_cost_the_cache_and_a_tool_choice_does_not():
    effects = openai_rules(CHAT, "gpt-5.2").effects
    assert effects["prompt_cache_key"].certain is False
    assert effects["tool_choice"].voids is None


@pytest.mark.parametrize("wire", [OPENAI_CHAT, OPENAI_RESPONSES], ids=lambda wire: wire.name)
def test_every_effect_of_openais_has_a_setting_that_is_read(wire):
    """Each effect's setting is read by the wire it is written for."""
    sent = {
        "model": "gpt-6-sol", "tool_choice": "none", "parallel_tool_calls": True,
        "response_format": {"type": "json_object"}, "reasoning_effort": "low", "verbosity": "low",
        "reasoning": {"effort": "low", "context": "all_turns"}, "service_tier": "flex",
        "text": {"format": {"type": "json_object"}, "verbosity": "low"}, "truncation": "auto",
        "context_management": [{}], "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "explicit"},
    }  # fmt: skip
    read = {setting.name for setting in wire.read_request(sent, OPENAI, {}).settings}
    other = OPENAI_RESPONSES if wire is OPENAI_CHAT else OPENAI_CHAT
    read |= {setting.name for setting in other.read_request(sent, OPENAI, {}).settings}
    assert set(openai_rules(wire.name, "gpt-6-sol").effects) <= read
