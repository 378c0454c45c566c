"""Whether, where and under which name the prompt is cached."""

from __future__ import annotations

from whycold.causes.examples import TASK, asks, chat, read, responses, said, wrote
from whycold.causes.settings.names import SettingCause, changed, value
from whycold.core.call import Usage
from whycold.core.cause import Case, Cause, Evidence, Example, Obstacle
from whycold.core.divergence import Divergence
from whycold.core.rules import OptIn

__all__ = ["CAUSES"]

_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))


class CacheKeyChanged(SettingCause):
    code = "cache-key-changed"
    title = "Another cache key"
    what = (
        "The request names another key for the cache than the one before, or none. The key leads "
        "to the machine that has the prefix, and on some models it separates caches."
    )
    advice = (
        "Use one key for all requests that share a prefix, made from what they share: the agent "
        "and the session, never a random value per request."
    )
    rows = (50,)
    examples = (
        Example(
            "a random key for every request",
            before=chat(prompt_cache_key="5e0d3c1a-9f5e-4a86-b3c1-0c4b1e6d2f77"),
            after=chat(*_AGAIN, prompt_cache_key="b81e6a0f-22d4-4c57-9a0e-7d3f5b9c1e64"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
        Example(
            "the key is missing in one request",
            before=responses(prompt_cache_key="billing-agent"),
            after=responses(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "another key, and the prefix was read all the same",
            before=chat(prompt_cache_key="billing-agent-1"),
            after=chat(*_AGAIN, prompt_cache_key="billing-agent-2"),
            was=wrote(6_200),
            now=wrote(6_400, read=6_200),
            provider="openai",
            at="messages",
        ),
        Example(
            "another conversation id for the router",
            before=chat(model="grok-4.6"),
            after=chat(*_AGAIN, model="grok-4.6"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="xai",
            headers=({"x-grok-conv-id": "c-1"}, {"x-grok-conv-id": "c-2"}),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(changed(d.setting or "the cache key", d.old_value, d.new_value))


class RoutingChanged(SettingCause):
    code = "routing-changed"
    title = "Sent to another place"
    what = (
        "What tells the router, the balancer or the engine where to go is another value: a "
        "conversation id in a header, a list of hosts, a slot. Another place has another cache."
    )
    advice = (
        "Keep the routing value for a whole conversation, and look whether a proxy in between "
        "rewrites it."
    )
    rows = (51,)
    examples = (
        Example(
            "a proxy writes its own conversation id",
            before=chat(model="grok-4.6"),
            after=chat(*_AGAIN, model="grok-4.6"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="xai",
            headers=({"x-grok-conv-id": "c-1"}, {"x-grok-conv-id": "gw-77"}),
        ),
        Example(
            "another slot of a local server",
            before=chat(model="tiny", id_slot=0),
            after=chat(*_AGAIN, model="tiny", id_slot=1),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="llama.cpp",
        ),
    )
    near_misses = (
        Example(
            "a key that separates caches",
            before=chat(model="qwen3", cache_salt="team-a"),
            after=chat(*_AGAIN, model="qwen3", cache_salt="team-b"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="vllm",
        ),
        Example(
            "the same id, and the prefix was read",
            before=chat(model="grok-4.6"),
            after=chat(*_AGAIN, model="grok-4.6"),
            was=read(0, of=6_200),
            now=read(6_200, of=6_400),
            provider="xai",
            headers=({"x-grok-conv-id": "c-1"}, {"x-grok-conv-id": "c-1"}),
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(changed(d.setting or "the route", d.old_value, d.new_value))


class CacheDisabled(SettingCause):
    code = "cache-disabled"
    title = "Caching was switched off, or not asked for"
    what = (
        "The request tells the server not to use its cache, or leaves out what the provider needs "
        "to use it, so the whole prompt was processed again."
    )
    advice = (
        "Take the switch out, or set it for every request: cache_prompt on llama.cpp, a breakpoint "
        "or the implicit mode on OpenAI, a prompt_cache_key on Mistral."
    )
    examples = (
        Example(
            "cache_prompt false for one request",
            before=chat(model="tiny"),
            after=chat(*_AGAIN, model="tiny", cache_prompt=False),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="llama.cpp",
        ),
        Example(
            "explicit mode without a breakpoint",
            before=chat(prompt_cache_options={"mode": "explicit"}),
            after=chat(*_AGAIN, prompt_cache_options={"mode": "explicit"}),
            was=Usage(input=6_200, cache_read=0, cache_write=0, uncached=6_200, output=200),
            now=Usage(input=6_400, cache_read=0, cache_write=0, uncached=6_400, output=200),
            provider="openai",
        ),
        Example(
            "no key for a provider that caches by key",
            before=chat(model="mistral-large-latest"),
            after=chat(*_AGAIN, model="mistral-large-latest"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="mistral",
        ),
    )
    near_misses = (
        Example(
            "no marker for a provider that wants markers",
            before={"model": "claude-sonnet-5", "messages": [asks(TASK)]},
            after={"model": "claude-sonnet-5", "messages": [*_AGAIN]},
            was=read(0, of=6_200),
            now=read(0, of=6_400),
        ),
        Example(
            "implicit mode, where nothing has to be asked for",
            before=chat(),
            after=chat(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )

    def explains(self, case: Case) -> Evidence | None:
        """Also where nothing changed, but neither call asks."""
        if case.obstacle is not Obstacle.not_asked:
            return super().explains(case)
        if case.rules.opt_in is OptIn.explicit:
            return None
        asked = case.call.prompt
        if asked.asks is not False:
            return Evidence("the call before did not ask for caching, so it left nothing to read")
        if asked.setting("cache_prompt") is False:
            return Evidence("cache_prompt is false")
        if asked.setting("prompt_cache_options.mode") == "explicit":
            return Evidence("the cache is in explicit mode and no block carries a breakpoint")
        return Evidence(f"the request does not ask for caching, and {case.rules.name} needs it")

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(changed(d.setting or "caching", d.old_value, d.new_value))


class CacheModeChanged(SettingCause):
    code = "cache-mode-changed"
    title = "From implicit to explicit caching, or back"
    what = (
        "The two modes of OpenAI's cache do not find each other's entries, so the first request "
        "after a switch misses."
    )
    advice = "Choose one mode per application; one miss per conversation is the price of a switch."
    examples = (
        Example(
            "explicit breakpoints from now on",
            before=responses(),
            after=responses(
                asks(
                    {
                        "type": "input_text",
                        "text": TASK,
                        "prompt_cache_breakpoint": {"mode": "explicit"},
                    }
                ),
                said("Where?"),
                asks("In CI."),
                prompt_cache_options={"mode": "explicit"},
            ),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
        Example(
            "and back to implicit ones",
            before=chat(
                asks(
                    {"type": "text", "text": TASK, "prompt_cache_breakpoint": {"mode": "explicit"}}
                ),
                prompt_cache_options={"mode": "explicit"},
            ),
            after=chat(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the mode that is the default, spelled out",
            before=responses(),
            after=responses(*_AGAIN, prompt_cache_options={"mode": "implicit"}),
            was=wrote(6_200),
            now=wrote(6_400, read=6_200),
            provider="openai",
        ),
        Example(
            "another key in the same mode",
            before=responses(prompt_cache_key="a"),
            after=responses(*_AGAIN, prompt_cache_key="b"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        was, now = (value(v or "implicit") for v in (d.old_value, d.new_value))
        return Evidence(f"caching changed from {was} to {now}")


class ServiceTierChanged(SettingCause):
    code = "service-tier-changed"
    thing = "the service tier"
    title = "Another service tier"
    what = (
        "The request asks for another tier of service, which other machines may serve, with caches "
        "of their own."
    )
    advice = (
        "Keep a conversation on one tier. Whether a tier was really used is in the response; a "
        "priority request can be served, and cached, as a standard one."
    )
    examples = (
        Example(
            "priority for the first request only",
            before=responses(service_tier="priority"),
            after=responses(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
        Example(
            "from flex to standard",
            before=chat(service_tier="flex"),
            after=chat(*_AGAIN, service_tier="default"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the tier is left to the project, as before",
            before=chat(),
            after=chat(*_AGAIN, service_tier="auto"),
            was=wrote(6_200),
            now=wrote(6_400, read=6_200),
            provider="openai",
        ),
        Example(
            "another model of the same tier",
            before=chat(service_tier="priority"),
            after=chat(*_AGAIN, service_tier="priority", model="gpt-5.6-luna"),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )


CAUSES: tuple[Cause, ...] = (
    CacheKeyChanged(),
    RoutingChanged(),
    CacheDisabled(),
    CacheModeChanged(),
    ServiceTierChanged(),
)
