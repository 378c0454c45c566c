"""Losses that only the response itself explains: what the provider did, or says that changed."""

from __future__ import annotations

from collections.abc import Mapping

from whycold.causes.examples import (
    MARKED,
    TASK,
    agent,
    asks,
    body,
    responses,
    said,
    text,
    use,
    wrote,
)
from whycold.causes.limits.kinds import LimitCause
from whycold.causes.limits.samples import AGAIN, LOST, NEXT, WAS
from whycold.causes.limits.sayings import COMPACTED, SAYINGS
from whycold.core.call import Alteration
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import Json, JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.grade import attested

__all__ = ["CAUSES"]

_THOUGHT: JsonMap = {"type": "thinking", "thinking": "Totals are cut.", "signature": "EqQBCgIYAhIk"}
_THOUGHTFUL = (asks(TASK), said(_THOUGHT, use("toolu_01", path="a.py")))
_RESULT: JsonMap = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "a = 1"}
_CUT = wrote(48_700, read=25_000)
_BEFORE = body(*_THOUGHTFUL, asks(_RESULT), cache_control=MARKED)
_AFTER = body(*_THOUGHTFUL, asks(_RESULT), NEXT, cache_control=MARKED)
_WHY: Mapping[str, str] = {
    "model_binding_mismatch": "it was made by another model",
    "prefix_binding_mismatch": "what stands before it is not what it was made with",
    "organization_binding_mismatch": "it was made for another organisation",
    "end_user_binding_mismatch": "it was made for another end user",
}
"""PyPI anthropic 2.12.0, beta_thinking_dropped_input_transformation.py."""


def _answer(*dropped: tuple[str, str]) -> JsonMap:
    """An answer of Anthropic that tells which thinking was left out, and why."""
    told: list[Json] = [
        {"type": "thinking_dropped", "path": path, "reason": reason} for path, reason in dropped
    ]
    content: list[Json] = [text("Done.")]
    return {"type": "message", "role": "assistant", "content": content} | (
        {"input_transformations": told} if told else {}
    )


def _response(id: str, reason: str | None = None) -> JsonMap:
    """An answer of OpenAI with a word of its diagnostics."""
    told: JsonMap = {"type": "cache_miss", "reason": reason}
    whole: JsonMap = {"id": id, "object": "response", "status": "completed", "output": []}
    return {**whole, "prompt_cache_diagnostics": told} if reason else whole


_FIRST = _response("resp_1")
_COMPARES: JsonMap = {"comparison_response_id": "resp_1"}


def _told(name: str, word: str, **more: Json) -> Example:
    """Two turns without a change, of which the provider says that one thing changed."""
    return Example(
        name,
        before={**responses(), **more},
        after={**responses(*AGAIN, prompt_cache_options=_COMPARES), **more},
        was=wrote(9_400),
        now=wrote(9_500),
        provider="openai",
        reply=_FIRST,
        after_reply=_response("resp_2", word),
    )


class ThinkingDroppedByProvider(LimitCause):
    code = "thinking-dropped-by-provider"
    reason = Reason.messages_changed
    title = "The provider left thinking of earlier replies out"
    what = (
        "The request holds the thinking as before, and the response says that the provider took "
        "some of it out, since it is bound to another model, prefix, organisation or user. The "
        "prompt that the model saw differs from there on, so what was cached behind it was lost."
    )
    advice = (
        "Keep to one model and one organisation within a conversation, and leave alone what stands "
        "before thinking blocks; or take the thinking out yourself once, when you change one of "
        "them."
    )
    examples = (
        Example(
            "bound to another prefix",
            before=_BEFORE,
            after=_AFTER,
            was=WAS,
            now=_CUT,
            after_reply=_answer(("messages.1.content.0", "prefix_binding_mismatch")),
        ),
        Example(
            "bound to another end user, from a place on",
            before=body(
                {"role": "user", "content": [text(TASK, mark=True)]},
                *_THOUGHTFUL[1:],
                asks(_RESULT),
                cache_control=MARKED,
            ),
            after=body(
                {"role": "user", "content": [text(TASK, mark=True)]},
                *_THOUGHTFUL[1:],
                asks(_RESULT),
                NEXT,
                cache_control=MARKED,
            ),
            was=WAS,
            now=_CUT,
            after_reply=_answer(("messages.1.content.0", "end_user_binding_mismatch")),
        ),
    )
    near_misses = (
        Example("nothing is told", before=_BEFORE, after=_AFTER, was=WAS, now=LOST),
        Example(
            "it was left out of the call before, too",
            before=_BEFORE,
            after=_AFTER,
            was=WAS,
            now=LOST,
            reply=_answer(("messages.1.content.0", "prefix_binding_mismatch")),
            after_reply=_answer(("messages.1.content.0", "prefix_binding_mismatch")),
        ),
        Example(
            "the edit of the system prompt that it no longer fits",
            before=_BEFORE,
            after={**_AFTER, "system": "You are brief."},
            was=WAS,
            now=LOST,
            after_reply=_answer(("messages.1.content.0", "prefix_binding_mismatch")),
        ),
        Example(
            "nothing was lost by it",
            before=agent(),
            after=agent(NEXT),
            was=WAS,
            now=wrote(48_700, read=48_200),
            after_reply=_answer(("messages.1.content.0", "prefix_binding_mismatch")),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        new = _alterations(case)
        first = new[0]
        what = "the thinking" if first.kind == "thinking_dropped" else f"something ({first.kind})"
        more = f" and in {len(new) - 1} more places" if len(new) > 1 else ""
        why = _WHY.get(first.reason or "", first.reason or "")
        return Evidence(
            f"the provider left out {what} in {first.path}{more}{f', since {why}' if why else ''}"
        )


def _alterations(case: Case) -> list[Alteration]:
    """What the provider did to this request and not to the one before, in the prompt's order."""
    before = case.predecessor
    known = {a.path for a in before.reply.alterations} if before is not None else ()
    order = {block.path: at for at, block in enumerate(case.call.prompt.blocks)}
    new = [a for a in case.call.reply.alterations if a.path in order and a.path not in known]
    return sorted(new, key=lambda a: order[a.path or ""])


class CompactedByProvider(LimitCause):
    code = "compacted-by-provider"
    reason = Reason.messages_changed
    title = "The provider compacted the context"
    what = (
        "The provider says that it compacted the context. The first call after that cannot use "
        "what was cached of the longer history; the calls after it can use the shorter one. A "
        "recording of requests does not show it."
    )
    advice = (
        "Expect one such miss per compaction. If it comes often, raise the threshold from which "
        "the provider compacts (context_management), or begin a new conversation per task."
    )
    examples = (
        _told("the requests are the same", COMPACTED),
        _told(
            "asked for, by a threshold",
            COMPACTED,
            context_management=[{"type": "compaction", "compact_threshold": 200_000}],
        ),
        Example(
            "of a conversation that lies on the server",
            before=responses(asks(TASK), previous_response_id="resp_0"),
            after=responses(*AGAIN, previous_response_id="resp_0", prompt_cache_options=_COMPARES),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
            reply=_FIRST,
            after_reply=_response("resp_2", COMPACTED),
        ),
    )
    near_misses = (
        _told("the provider names something else", "service_tier_changed"),
        Example(
            "the client wrote a summary",
            before=responses(asks(TASK), said("Where?"), asks("In CI.")),
            after=responses(
                asks("<summary>\nThe tests fail in CI.\n</summary>"),
                prompt_cache_options=_COMPARES,
            ),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
            reply=_FIRST,
            after_reply=_response("resp_2", COMPACTED),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        asked = case.call.prompt.setting("context_management") is not None
        return Evidence("the provider compacted the context", expected=asked)


class ToldByProvider(LimitCause):
    code = "told-by-provider"
    reason = Reason.provider
    title = "The provider says what changed, and the recording does not show it"
    what = (
        "The prompt as it was recorded did not change where the provider says that it did. "
        "Something between the recording and the provider changed it, or the field is not recorded."
    )
    advice = (
        "Compare what leaves your program with what reaches the provider: gateways rewrite "
        "requests. Record behind the gateway, through the proxy, and the change itself is shown."
    )
    examples = (
        _told("a cache key that the recording lacks", "prompt_cache_key_changed"),
        _told("the tier that was really used", "service_tier_changed"),
        _told("a word that is new", "weather_changed"),
        Example(
            "a gateway that adds to the system prompt",
            before=agent(),
            after=agent(NEXT, diagnostics={"previous_message_id": "msg_1"}),
            was=WAS,
            now=LOST,
            reply={**_answer(), "id": "msg_1"},
            after_reply={
                **_answer(),
                "diagnostics": {
                    "cache_miss_reason": {
                        "type": "system_changed",
                        "cache_missed_input_tokens": 47_000,
                    }
                },
            },
        ),
    )
    near_misses = (
        Example(
            "no word of the provider's",
            before=responses(),
            after=responses(*AGAIN, prompt_cache_options=_COMPARES),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
            reply=_FIRST,
            after_reply=_response("resp_2"),
        ),
        Example(
            "it was asked to compare with another call",
            before=responses(),
            after=responses(*AGAIN, prompt_cache_options={"comparison_response_id": "resp_0"}),
            was=wrote(9_400),
            now=wrote(9_500),
            provider="openai",
            reply=_FIRST,
            after_reply=_response("resp_2", "tools_changed"),
        ),
    )

    def tell(self, case: Case) -> Evidence:
        before = case.predecessor
        word = attested(case.call, before, case.divergences) if before is not None else None
        known = SAYINGS.get(word or "")
        if known is None:
            return Evidence(f"the provider says {word}; the recording shows no such change")
        return Evidence(
            f"the provider says that {known.what} changed; the recording shows no such change",
            reason=known.reason,
            advice=known.advice,
        )


CAUSES: tuple[Cause, ...] = (
    ThinkingDroppedByProvider(),
    CompactedByProvider(),
    ToldByProvider(),
)
