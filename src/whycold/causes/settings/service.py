"""Features of the service around the prompt, and every other setting that voids a cache."""

from __future__ import annotations

from whycold.causes.examples import TASK, agent, asks, chat, read, responses, said, tool, wrote
from whycold.causes.settings.names import SettingCause, changed, listed
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_NEXT = asks("Then run them again, please.")
_WAS, _LOST = wrote(31_400), wrote(31_900)
_KEPT = wrote(31_900, read=31_400)
_OPENING_KEPT = wrote(31_900, read=9_800)
_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
_THREADS = "message-threads-2026-08-12"
_CLEARS: Json = {"edits": [{"type": "clear_tool_uses_20250919"}]}


def _gemini(*, more: bool = False, **config: Json) -> JsonMap:
    """A request to Gemini, and one that goes on with it."""
    turns: list[Json] = [{"role": "user", "parts": [{"text": TASK}]}]
    if more:
        turns.append({"role": "model", "parts": [{"text": "Where?"}]})
        turns.append({"role": "user", "parts": [{"text": "In CI."}]})
    return {"model": "gemini-3.5-flash", "contents": turns, "generationConfig": config}


class BetasChanged(SettingCause):
    code = "betas-changed"
    title = "Other beta features"
    what = (
        "The request asks for another set of beta features than the one before. Some of them are "
        "part of the cache key; which ones is not published."
    )
    advice = (
        "Send the same beta headers with every request of a conversation, also where a request "
        "does not need them."
    )
    examples = (
        Example(
            "a beta header for one request",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
            headers=({}, {"anthropic-beta": _THREADS}),
        ),
        Example(
            "a beta named in the body is dropped",
            before=agent(betas=[_THREADS, "mid-conversation-tool-changes-2026-07-01"]),
            after=agent(_NEXT, betas=["mid-conversation-tool-changes-2026-07-01"]),
            was=_WAS,
            now=_LOST,
        ),
    )
    near_misses = (
        Example(
            "the same ones in another order",
            before=agent(),
            after=agent(_NEXT),
            was=_WAS,
            now=_KEPT,
            headers=({"anthropic-beta": "a,b"}, {"anthropic-beta": "b, a"}),
        ),
        Example(
            "context editing, without a new beta",
            before=agent(),
            after=agent(_NEXT, context_management=_CLEARS),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        was, now = _texts(d.old_value), _texts(d.new_value)
        came, went = [b for b in now if b not in was], [b for b in was if b not in now]
        parts = [f"{listed(came)} came"] * bool(came) + [f"{listed(went)} went"] * bool(went)
        return Evidence(f"the beta features changed: {', '.join(parts)}")


class ContextManagementChanged(SettingCause):
    code = "context-management-changed"
    title = "Context editing was switched or set otherwise"
    what = (
        "How the provider shortens the conversation by itself was changed: which old results or "
        "thoughts it clears, and when. Messages behind the first place that differs are lost."
    )
    advice = (
        "Set it once for a whole conversation, and let it clear much at a time (clear_at_least), "
        "so that it clears seldom."
    )
    rows = (61,)
    examples = (
        Example(
            "clearing of tool uses is switched on",
            before=agent(),
            after=agent(_NEXT, context_management=_CLEARS),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "the server may cut the beginning from now on",
            before=responses(),
            after=responses(*_AGAIN, truncation="auto"),
            was=wrote(6_200),
            now=wrote(6_400, read=1_100),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the same clearing in both",
            before=agent(context_management=_CLEARS),
            after=agent(_NEXT, context_management=_CLEARS),
            was=_WAS,
            now=_KEPT,
        ),
        Example(
            "another beta feature",
            before=agent(),
            after=agent(_NEXT, betas=[_THREADS]),
            was=_WAS,
            now=_LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(changed(d.setting or "context editing", d.old_value, d.new_value))


class McpServersChanged(SettingCause):
    code = "mcp-servers-changed"
    reason = Reason.tools_changed
    title = "Other MCP servers for the provider to call"
    what = (
        "The list of MCP servers that the provider itself connects to is another one, and their "
        "tools stand at the front of the prompt."
    )
    advice = "Send the same servers with every request of a conversation, in the same order."
    examples = (
        Example(
            "a server is added",
            before=agent(mcp_servers=[{"type": "url", "name": "docs", "url": "https://a.example"}]),
            after=agent(
                _NEXT,
                mcp_servers=[
                    {"type": "url", "name": "docs", "url": "https://a.example"},
                    {"type": "url", "name": "jira", "url": "https://b.example"},
                ],
            ),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "a server is left out",
            before=agent(mcp_servers=[{"type": "url", "name": "docs", "url": "https://a.example"}]),
            after=agent(_NEXT),
            was=_WAS,
            now=_LOST,
        ),
    )
    near_misses = (
        Example(
            "another token for the same server",
            before=agent(mcp_servers=[{"name": "docs", "authorization_token": "a"}]),
            after=agent(_NEXT, mcp_servers=[{"name": "docs", "authorization_token": "b"}]),
            was=_WAS,
            now=_KEPT,
        ),
        Example(
            "a tool that the client runs itself",
            before=agent(),
            after=agent(_NEXT, tools=[tool("Read"), tool("Write"), tool("mcp__docs__find")]),
            was=_WAS,
            now=_LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        was, now = _names(d.old_value), _names(d.new_value)
        came, went = [n for n in now if n not in was], [n for n in was if n not in now]
        if not came and not went:
            return Evidence("the MCP servers are set up otherwise or stand in another order")
        parts = [f"{listed(came)} came"] * bool(came) + [f"{listed(went)} went"] * bool(went)
        return Evidence(f"the MCP servers changed: {', '.join(parts)}")


class SettingChanged(SettingCause):
    code = "setting-changed"
    title = "Another setting that is part of the prefix"
    what = (
        "A parameter beside the prompt has another value than in the call before, and the provider "
        "takes it into the prefix, or may do so."
    )
    advice = (
        "Send the same parameters with every request of a conversation, and give calls that need "
        "others a conversation of their own."
    )
    examples = (
        Example(
            "another resolution for media",
            before=_gemini(mediaResolution="MEDIA_RESOLUTION_LOW"),
            after=_gemini(more=True, mediaResolution="MEDIA_RESOLUTION_HIGH"),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="gemini",
        ),
        Example(
            "arguments of a local chat template",
            before=chat(model="tiny", chat_template_kwargs={"style": "a"}),
            after=chat(*_AGAIN, model="tiny", chat_template_kwargs={"style": "b"}),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="llama.cpp",
        ),
    )
    near_misses = (
        Example(
            "thinking, as an argument of the template",
            before=chat(model="tiny", chat_template_kwargs={"enable_thinking": True}),
            after=chat(*_AGAIN, model="tiny", chat_template_kwargs={"enable_thinking": False}),
            was=read(0, of=6_200),
            now=read(0, of=6_400),
            provider="llama.cpp",
        ),
        Example(
            "a parameter that no cache looks at",
            before=agent(temperature=0),
            after=agent(_NEXT, temperature=1),
            was=_WAS,
            now=_KEPT,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        effect = case.rules.effects.get(d.setting or "")
        known = effect is not None and effect.reason in set(Reason)
        return Evidence(
            changed(d.setting or "a setting", d.old_value, d.new_value),
            reason=Reason(effect.reason) if effect is not None and known else None,
        )


def _texts(item: Json) -> list[str]:
    return [text for part in as_list(item) or () if (text := as_text(part)) is not None]


def _names(item: Json) -> list[str]:
    servers = [as_map(part) or {} for part in as_list(item) or ()]
    return [as_text(s.get("name")) or as_text(s.get("url")) or "a server" for s in servers]


CAUSES: tuple[Cause, ...] = (
    BetasChanged(),
    ContextManagementChanged(),
    McpServersChanged(),
    SettingChanged(),
)
