"""Another place answered: another account, host or model, each with a cache of its own."""

from __future__ import annotations

from whycold.causes.examples import TASK, agent, asks, chat, read, said, wrote
from whycold.causes.limits.kinds import LimitCause
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason

__all__ = ["CAUSES"]

_NEXT = asks("Then run them again, please.")
_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
_WAS, _LOST = wrote(48_200), wrote(48_700)
_LLAMA = "meta-llama/llama-4-maverick"


def _answer(model: str) -> JsonMap:
    """An answer of Chat Completions that names the model that gave it."""
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Where?"}}],
    }


class AccountChanged(LimitCause):
    code = "account-changed"
    reason = Reason.provider
    title = "Another account, key or workspace"
    what = (
        "The call was made with other credentials than the one before. Caches are kept apart by "
        "organisation, on some APIs by workspace, so the entry could not be seen."
    )
    advice = (
        "Pin a conversation to one key. A pool of keys that is rotated per request misses on "
        "every change of organisation or workspace; rotate per conversation."
    )
    rows = (21,)
    examples = (
        Example(
            "keys of two organisations in turn",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            call={"account": "account-2"},
        ),
        Example(
            "another workspace on resume",
            before=chat(),
            after=chat(*_AGAIN),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
            call={"account": "account-2", "session": "session-2"},
        ),
    )
    near_misses = (
        Example(
            "another key of the same workspace, which reads the entry",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=wrote(48_700, read=48_200),
            call={"account": "account-2"},
        ),
        Example(
            "another host for the same account",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            call={"host": "host-2"},
        ),
    )

    def tell(self, case: Case) -> Evidence:
        return Evidence("it was made with another account, key or workspace than the call before")


class HostChanged(LimitCause):
    code = "host-changed"
    reason = Reason.provider
    title = "Another host answered"
    what = (
        "A router sent the call to another host than the one before. The prompt is the same, but "
        "the host that has it in its cache was not asked."
    )
    advice = (
        "Tell the router to stay: name the hosts that may answer, or give it a session to stick "
        "to. On OpenRouter, an order of providers switches its own stickiness off."
    )
    rows = (48,)
    examples = (
        Example(
            "the router chose another provider",
            before=chat(model=_LLAMA),
            after=chat(*_AGAIN, model=_LLAMA),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openrouter",
            call={"host": "host-2"},
        ),
        Example(
            "another region",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            call={"host": "host-2"},
        ),
    )
    near_misses = (
        Example(
            "another host, and the prefix was read all the same",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=wrote(48_700, read=48_200),
            call={"host": "host-2"},
        ),
        Example(
            "the same host, and still not read",
            before=chat(model=_LLAMA),
            after=chat(*_AGAIN, model=_LLAMA),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openrouter",
        ),
    )

    def tell(self, case: Case) -> Evidence:
        was = case.predecessor.host if case.predecessor is not None else None
        return Evidence(f"{case.call.host} answered, and {was} the call before")


class ModelSubstituted(LimitCause):
    code = "model-substituted"
    reason = Reason.model_changed
    title = "Another model answered to the same name"
    what = (
        "Both requests name the same model, and the responses come from two: a fallback, an "
        "automatic choice, or an alias that was moved on. Every model has a cache of its own."
    )
    advice = (
        "Name the exact model instead of an alias or an automatic choice, and let a fallback apply "
        "to the rest of the conversation."
    )
    examples = (
        Example(
            "an automatic choice of the router",
            before=chat(model="openrouter/auto"),
            after=chat(*_AGAIN, model="openrouter/auto"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openrouter",
            reply=_answer("openai/gpt-5.5"),
            after_reply=_answer("google/gemini-2.5-pro"),
        ),
        Example(
            "a fallback of the gateway",
            before=chat(model="coder"),
            after=chat(*_AGAIN, model="coder"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="litellm",
            reply=_answer("gpt-4.1"),
            after_reply=_answer("gpt-4o"),
        ),
    )
    near_misses = (
        Example(
            "another model was asked for",
            before=chat(model="openai/gpt-5.5"),
            after=chat(*_AGAIN, model="google/gemini-2.5-pro"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openrouter",
            reply=_answer("openai/gpt-5.5"),
            after_reply=_answer("google/gemini-2.5-pro"),
        ),
        Example(
            "the same model answered",
            before=chat(model="openrouter/auto"),
            after=chat(*_AGAIN, model="openrouter/auto"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openrouter",
            reply=_answer("openai/gpt-5.5"),
            after_reply=_answer("openai/gpt-5.5"),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        was = case.predecessor.reply.model if case.predecessor is not None else None
        return Evidence(f"{case.call.reply.model} answered, and {was} the call before")


CAUSES: tuple[Cause, ...] = (AccountChanged(), HostChanged(), ModelSubstituted())
