"""Which model answers, and how hard it thinks."""

from __future__ import annotations

import re

from whycold.causes.examples import TASK, agent, asks, chat, read, responses, said, text, wrote
from whycold.causes.settings.names import SettingCause, value
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_DATE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest|default)$")
"""What makes the dated name of a model, or its alias, out of its plain name."""
_NEXT = asks("Then run them again, please.")
_WAS, _LOST = wrote(31_400), wrote(31_900)
_KEPT = wrote(31_900, read=31_400)
_OPENING_KEPT = wrote(31_900, read=9_800)


class ModelChanged(SettingCause):
    code = "model-changed"
    reason = Reason.model_changed
    thing = "the model"
    title = "Another model"
    what = (
        "The request names another model than the one before. Every model has a cache of its own, "
        "so the first call to it pays for the whole prompt."
    )
    advice = (
        "Switch models between tasks instead of within a conversation, or hand the other model a "
        "short summary. Plan modes and fallbacks that alternate pay on each change."
    )
    rows = (20,)
    examples = (
        Example(
            "a plan mode that thinks with one model and works with another",
            before=agent(model="claude-opus-5"),
            after=agent(_NEXT, model="claude-sonnet-5"),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "a smaller model for the next turn",
            before=chat(model="gpt-5.6"),
            after=chat(asks(TASK), said("Where?"), asks("In CI."), model="gpt-5.6-luna"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the same model, faster",
            before=agent(model="claude-opus-5"),
            after=agent(_NEXT, model="claude-opus-5", speed="fast"),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "the model named in the prompt, not the one asked",
            before=agent(system=[text("You are run by claude-opus-5.", mark=True)]),
            after=agent(_NEXT, system=[text("You are run by claude-sonnet-5.", mark=True)]),
            was=_WAS,
            now=_LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        if d.old_value is None or d.new_value is None:
            return super().tell(case, d)
        was, now = value(d.old_value), value(d.new_value)
        if _DATE.sub("", was) == _DATE.sub("", now):
            return Evidence(
                f"the model changed from {was} to {now}",
                advice="Use one name for a model everywhere: the alias and the dated name may lead "
                "to different models, and so to different caches.",
            )
        return Evidence(f"the model changed from {was} to {now}", expected=True)


class SpeedChanged(SettingCause):
    code = "speed-changed"
    reason = Reason.model_changed
    thing = "the speed"
    title = "Fast mode switched on or off"
    what = (
        "The speed of the model was switched. Anthropic keys its cache by the fast-mode beta "
        "header, so system and messages are lost on each switch."
    )
    advice = (
        "Choose the speed once per conversation. On Anthropic, always sending the fast-mode beta "
        "header keeps the cache when only the speed is toggled."
    )
    rows = (22,)
    examples = (
        Example(
            "fast mode for one turn",
            before=agent(model="claude-opus-5"),
            after=agent(_NEXT, model="claude-opus-5", speed="fast"),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "and back",
            before=agent(model="claude-opus-5", speed="fast"),
            after=agent(_NEXT, model="claude-opus-5", speed="standard"),
            was=_WAS,
            now=_LOST,
        ),
    )
    near_misses = (
        Example(
            "another model is asked to be fast",
            before=agent(model="claude-opus-5"),
            after=agent(_NEXT, model="claude-haiku-5-5"),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "another tier of service",
            before=responses(service_tier="priority"),
            after=responses(asks(TASK), said("Where?"), asks("In CI.")),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )


class EffortChanged(SettingCause):
    code = "effort-changed"
    thing = "the effort"
    title = "Another reasoning effort"
    what = (
        "The effort is written into the prompt, so another one makes another prefix: on most "
        "models the messages are lost, on OpenAI everything."
    )
    advice = (
        "Keep one effort per conversation, and store it with the session so that a resume sends "
        "the same. GPT-6 and newer Claude models can change it inside the conversation instead."
    )
    rows = (19,)
    examples = (
        Example(
            "turned up for a hard question",
            before=agent(output_config={"effort": "medium"}),
            after=agent(_NEXT, output_config={"effort": "high"}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "lost on resume",
            before=responses(reasoning={"effort": "high"}),
            after=responses(asks(TASK), said("Where?"), asks("In CI.")),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "a model that keeps its cache whatever the effort",
            before=agent(model="claude-opus-5-5", output_config={"effort": "medium"}),
            after=agent(_NEXT, model="claude-opus-5-5", output_config={"effort": "high"}),
            was=_WAS,
            now=_KEPT,
        ),
        Example(
            "the budget of thinking",
            before=agent(thinking={"type": "enabled", "budget_tokens": 8_000}),
            after=agent(_NEXT, thinking={"type": "enabled", "budget_tokens": 16_000}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
    )


class ThinkingChanged(SettingCause):
    code = "thinking-changed"
    thing = "thinking"
    title = "Thinking switched on or off, or another budget"
    what = (
        "The thinking parameters are rendered into the prompt. Switching them, or changing the "
        "budget, voids the messages, on some models tools and system as well."
    )
    advice = (
        "Set thinking once per conversation. Calls that need another setting, such as titles or "
        "summaries, are best made as short conversations of their own."
    )
    rows = (25,)
    examples = (
        Example(
            "another budget",
            before=agent(thinking={"type": "enabled", "budget_tokens": 8_000}),
            after=agent(_NEXT, thinking={"type": "enabled", "budget_tokens": 16_000}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "switched off for one request",
            before=agent(thinking={"type": "adaptive"}),
            after=agent(_NEXT),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
    )
    near_misses = (
        Example(
            "the effort",
            before=agent(output_config={"effort": "low"}),
            after=agent(_NEXT, output_config={"effort": "high"}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "how long the answer may be",
            before=agent(thinking={"type": "adaptive"}),
            after=agent(_NEXT, thinking={"type": "adaptive"}, max_tokens=4_096),
            was=_WAS,
            now=_KEPT,
        ),
    )


class VerbosityChanged(SettingCause):
    code = "verbosity-changed"
    thing = "the verbosity"
    title = "Another verbosity"
    what = (
        "OpenAI writes the verbosity into the front of the prompt, so the whole prefix is another "
        "one when it changes."
    )
    advice = (
        "Keep one verbosity per conversation, and ask for a shorter or longer answer in the last "
        "message."
    )
    examples = (
        Example(
            "short answers from now on",
            before=responses(text={"verbosity": "high"}),
            after=responses(asks(TASK), said("Where?"), asks("In CI."), text={"verbosity": "low"}),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
        Example(
            "set for one call of Chat Completions",
            before=chat(),
            after=chat(asks(TASK), said("Where?"), asks("In CI."), verbosity="low"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the default, spelled out",
            before=responses(),
            after=responses(
                asks(TASK), said("Where?"), asks("In CI."), text={"verbosity": "medium"}
            ),
            was=wrote(6_200),
            now=wrote(6_400, read=100),
            provider="openai",
        ),
        Example(
            "the effort",
            before=responses(reasoning={"effort": "high"}),
            after=responses(reasoning={"effort": "low"}),
            was=read(0, of=6_200),
            now=read(0, of=6_200),
            provider="openai",
        ),
    )


CAUSES: tuple[Cause, ...] = (
    ModelChanged(),
    SpeedChanged(),
    EffortChanged(),
    ThinkingChanged(),
    VerbosityChanged(),
)
