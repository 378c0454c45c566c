"""The prefix is the same and within reach, and was still not read: whose doing that is."""

from __future__ import annotations

from datetime import timedelta

from whycold.causes.examples import (
    TASK,
    agent,
    asks,
    body,
    chat,
    read,
    responses,
    said,
    text,
    wrote,
)
from whycold.causes.limits.kinds import LimitCause, crowd, span
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason
from whycold.core.numbers import exact

__all__ = ["CAUSES"]

_NEXT = asks("Then run them again, please.")
_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
_WAS, _LOST = wrote(48_200), wrote(48_700)
_TITLE = chat(asks("Give this conversation a title."), system="You name things.", model="tiny")
_IDLE = timedelta(minutes=5)


class Evicted(LimitCause):
    code = "evicted"
    reason = Reason.provider
    title = "The provider no longer had the entry, or did not find it"
    what = (
        "The prompt begins with all that the call before had put into the cache, the entry should "
        "have been alive and within reach, and it was not read. Nothing on your side changed."
    )
    advice = (
        "There is nothing to repair in the prompt. Watch whether it comes with pauses or at "
        "certain hours; where the provider takes one, a cache key or a longer lifetime makes it "
        "rarer."
    )
    rows = (49,)
    examples = (
        Example(
            "equal bytes, half a minute later",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "a late edit, and the beginning was not read either",
            before=agent(system=[text("You are a careful programmer. " * 400, mark=True)]),
            after=agent(
                _NEXT,
                system=[text("You are a careful programmer. " * 400, mark=True)],
                answer="No such file.",
            ),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "a best-effort cache after twenty minutes",
            before=chat(model="gpt-4.1"),
            after=chat(*_AGAIN, model="gpt-4.1"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            gap=timedelta(minutes=20),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "too late",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            gap=timedelta(minutes=9),
        ),
        Example(
            "the prompt is not the same",
            before=agent(),
            after=agent(_NEXT, answer="No such file."),
            was=_WAS,
            now=wrote(48_700, read=1_000),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        same = "what is recorded of the prefix" if _is_partly_hidden(case) else "the prefix"
        same += " is the same" + (" up to a late edit" if case.divergences else "")
        return Evidence(f"{same}, {_age(case)}and {_unread(case)}", advice=_hint(case))


def _is_partly_hidden(case: Case) -> bool:
    return any(call.prompt.unseen for call in (case.call, case.predecessor) if call is not None)


def _age(case: Case) -> str:
    """How old the entry was, or, where nobody promised that there would be one, the request."""
    if case.gap is None:
        return ""
    if case.rules.best_effort:
        return f"was sent {span(case.gap)} before, "
    return f"its entry was {span(case.gap)} old, "


def _unread(case: Case) -> str:
    if case.read:
        return f"only {exact(case.read)} tokens of it were read"
    if case.rules.best_effort:
        return "the provider, which promises no hit, did not read it"
    return "it was not read"


def _hint(case: Case) -> str | None:
    """Other advice where the provider promises nothing and something would help, or where nobody
    wrote down how old the entry was.
    """
    if case.gap is None and case.rules.ttls:
        return (
            "When the calls were sent is not recorded: a pause longer than the lifetime of the "
            "entry looks the same. Record with times to tell the two apart."
        )
    if not case.rules.best_effort:
        return None
    if "prompt_cache_key" in case.rules.effects and case.call.prompt.links.cache_key is None:
        return (
            "The provider promises no hit, and no prompt_cache_key was sent: with one key per "
            "conversation, its requests come to the machine that has the prefix."
        )
    if case.gap is not None and case.gap > _IDLE:
        return (
            "The provider promises no hit, and what is not used goes first: after "
            f"{span(case.gap)} without a call a loss is no surprise. Shorter pauses, or a small "
            "call in between, help."
        )
    return None


class SlotTaken(LimitCause):
    code = "slot-taken"
    reason = Reason.provider
    title = "Another conversation took the slot"
    what = (
        "The local server keeps one conversation per slot. Another one ran in between, so the slot "
        "held its text, and most of this prompt had to be computed again."
    )
    advice = (
        "Give the server more slots (-np), pin conversations to slots (id_slot), or raise the "
        "likeness a slot must have (-sps 0.9 on llama.cpp), so that short side calls go elsewhere."
    )
    examples = (
        Example(
            "a call for a title in between",
            before=chat(model="tiny"),
            after=chat(*_AGAIN, model="tiny"),
            was=read(0, of=3_920),
            now=read(40, of=3_946),
            provider="llama.cpp",
            between=(_TITLE,),
        ),
        Example(
            "a subagent in between",
            before=agent(model="tiny"),
            after=agent(_NEXT, model="tiny"),
            was=read(0, of=12_300),
            now=read(1_703, of=12_900),
            provider="llama.cpp",
            between=(body(asks("List the files."), system="You list files.", model="tiny"),),
        ),
    )
    near_misses = (
        Example(
            "nobody else called",
            before=chat(model="tiny"),
            after=chat(*_AGAIN, model="tiny"),
            was=read(0, of=3_920),
            now=read(40, of=3_946),
            provider="llama.cpp",
        ),
        Example(
            "a hosted provider, which has no slots",
            before=chat(model="gpt-4.1"),
            after=chat(*_AGAIN, model="gpt-4.1"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openai",
            between=(chat(asks("Give this conversation a title."), model="gpt-4.1"),),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        count = len(case.others)
        who = "a call of another conversation"
        if count > 1:
            who = f"{count} calls of other conversations"
        return Evidence(f"{who} came in between and took the slot")


class CacheKeyCrowded(LimitCause):
    code = "cache-key-crowded"
    reason = Reason.provider
    title = "Too many requests under one cache key"
    what = (
        "The key leads requests to one machine until there are too many of them; what is above "
        "about fifteen a minute goes to machines that do not have the prefix."
    )
    advice = (
        "Split the key: one per agent or conversation instead of one per application, so that none "
        "gets more than a few requests a minute."
    )
    rows = (38,)
    examples = (
        Example(
            "twenty subagents share one key",
            before=chat(model="gpt-5.5", prompt_cache_key="agents"),
            after=chat(*_AGAIN, model="gpt-5.5", prompt_cache_key="agents"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openai",
            between=tuple(
                chat(asks(f"Look at module {i}."), model="gpt-5.5", prompt_cache_key="agents")
                for i in range(20)
            ),
        ),
        Example(
            "an application with one key for all its users",
            before=responses(model="gpt-4.1", prompt_cache_key="app"),
            after=responses(*_AGAIN, model="gpt-4.1", prompt_cache_key="app"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openai",
            between=tuple(
                responses(
                    asks(f"Question {i}?"),
                    instructions=f"You answer user {i}.",
                    model="gpt-4.1",
                    prompt_cache_key="app",
                )
                for i in range(16)
            ),
        ),
    )
    near_misses = (
        Example(
            "twenty subagents with keys of their own",
            before=chat(model="gpt-5.5", prompt_cache_key="agent-0"),
            after=chat(*_AGAIN, model="gpt-5.5", prompt_cache_key="agent-0"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="openai",
            between=tuple(
                chat(
                    asks(f"Look at module {i}."), model="gpt-5.5", prompt_cache_key=f"agent-{i + 1}"
                )
                for i in range(20)
            ),
        ),
        Example(
            "twenty in a quarter of an hour",
            before=chat(model="gpt-5.5", prompt_cache_key="agents"),
            after=chat(*_AGAIN, model="gpt-5.5", prompt_cache_key="agents"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            gap=timedelta(minutes=15),
            provider="openai",
            between=tuple(
                chat(asks(f"Look at module {i}."), model="gpt-5.5", prompt_cache_key="agents")
                for i in range(20)
            ),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        key = case.call.prompt.links.cache_key or ""
        shown = key if len(key) <= 40 else f"{key[:39]}…"
        return Evidence(
            f"{crowd(case)} other calls used the cache key {shown} in the minute before"
        )


CAUSES: tuple[Cause, ...] = (Evicted(), SlotTaken(), CacheKeyCrowded())
