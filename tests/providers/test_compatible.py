from dataclasses import fields

import pytest

from whycold.core.prompt import Section
from whycold.core.rules import CacheRules, Isolation, OptIn
from whycold.providers import compatible, engines, openai_rules
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS

CHAT, RESPONSES, MESSAGES = "openai.chat", "openai.responses", "anthropic.messages"
OURS = (*openai_rules.DIALECTS, *compatible.DIALECTS, *engines.DIALECTS)
MODELS = (
    *("gpt-4o", "gpt-5.5", "gpt-6-sol", "openai/gpt-5.6", "anthropic/claude-opus-5", "kimi-k3"),
    *("google/gemini-3.1-pro-preview", "deepseek-v4-pro", "qwen4-max", "glm-5", "llama4", None),
)


@pytest.mark.parametrize("dialect", OURS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("model", MODELS)
def test_every_fact_has_its_source(dialect: Dialect, model: str | None):
    for wire in dialect.wires:
        rules = dialect.rules(wire, model)
        plain = CacheRules(rules.name)
        told = {f.name for f in fields(rules) if getattr(rules, f.name) != getattr(plain, f.name)}
        missing = (told - {"effects", "sources"}) - set(rules.sources)
        assert not missing
        if "effects" not in rules.sources:
            assert {f"effects.{name}" for name in rules.effects} <= set(rules.sources)
        assert all(effect.note for effect in rules.effects.values() if not effect.certain)


@pytest.mark.parametrize("dialect", OURS, ids=lambda dialect: dialect.name)
def test_what_a_wire_format_counts_in_is_its_own_business(dialect: Dialect):
    for wire in dialect.wires:
        assert dialect.rules(wire, None).inclusive is (wire != MESSAGES)


def test_names_are_unique_and_prefixes_point_to_them():
    assert len({dialect.name for dialect in OURS}) == len(OURS)
    assert set(compatible.MODEL_PREFIXES.values()) <= set(DIALECTS)


@pytest.mark.parametrize("dialect", engines.DIALECTS, ids=lambda dialect: dialect.name)
def test_every_engine_speaks_three_formats_and_always_computes_a_token(dialect: Dialect):
    assert dialect.wires == (CHAT, RESPONSES, MESSAGES)
    for wire in dialect.wires:
        rules = dialect.rules(wire, None)
        assert (rules.always_evaluated, rules.isolation) == (1, Isolation.server)


def test_llama_cpp_reports_what_it_read_and_keeps_what_it_said():
    rules = DIALECTS["llama.cpp"].rules(CHAT, "tiny")
    assert (rules.granularity, rules.keeps_reply, rules.reports_read) == (1, True, True)
    assert "cache_prompt" not in DIALECTS["llama.cpp"].rules(MESSAGES, "tiny").effects


@pytest.mark.parametrize(("wire", "reported"), [(CHAT, None), (MESSAGES, None), (RESPONSES, True)])
def test_vllm_reports_reads_where_a_flag_allows_it(wire: str, reported: bool | None):
    rules = DIALECTS["vllm"].rules(wire, "m")
    assert (rules.granularity, rules.reports_read) == (16, reported)


def test_lm_studio_reports_nothing_in_chat_completions():
    assert DIALECTS["lmstudio"].rules(CHAT, None).reports_read is False


def test_minimax_renders_the_system_first():
    rules = DIALECTS["minimax"].rules(MESSAGES, "MiniMax-M3")
    assert rules.order == (Section.system, Section.tools, Section.messages)
    assert rules.effects["model"].voids is Section.system


def test_deepseek_counts_in_units_of_64():
    assert DIALECTS["deepseek"].rules(CHAT, "deepseek-chat").granularity == 64


@pytest.mark.parametrize("router", ["openrouter", "litellm"])
@pytest.mark.parametrize(
    ("model", "opt_in", "minimum"),
    [
        ("anthropic/claude-sonnet-4.5", OptIn.explicit, 1024),
        ("openai/gpt-5.6", OptIn.both, 1024),
        ("google/gemini-2.5-pro", OptIn.both, 2048),
        ("deepseek/deepseek-v4-pro", OptIn.automatic, 64),
        ("meta-llama/llama-4", OptIn.automatic, None),
    ],
)
def test_a_router_has_the_rules_of_whoever_runs_the_model(
    router: str, model: str, opt_in: OptIn, minimum: int | None
):
    rules = DIALECTS[router].rules(CHAT, model)
    assert (rules.opt_in, rules.minimum, rules.inclusive) == (opt_in, minimum, True)


def test_openrouter_may_go_to_another_host():
    rules = DIALECTS["openrouter"].rules(CHAT, "anthropic/claude-opus-5")
    assert rules.best_effort and rules.effects["provider"].certain is False


def test_a_gateway_translates_settings_for_claude():
    effects = DIALECTS["litellm"].rules(CHAT, "claude-opus-5").effects
    assert effects["reasoning_effort"].voids is effects["thinking"].voids
    assert effects["reasoning_effort"].certain is False
