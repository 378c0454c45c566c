"""All that telemetry says of one call, to the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from whycold.core.call import Call, ProviderError, Reply
from whycold.core.content import JsonMap, as_list, as_map, digest
from whycold.core.prompt import Prompt, Section, Setting
from whycold.errors import UserError
from whycold.providers.anthropic_reply import read_verdict
from whycold.providers.anthropic_rules import NAME
from whycold.providers.base import Dialect, Wire
from whycold.providers.registry import DIALECTS, WIRES, guess, read_reply
from whycold.sources.otlp_attributes import HIDDEN, count, parsed, seconds, text
from whycold.sources.otlp_content import Content, read_content, read_pieces
from whycold.sources.otlp_counts import filled, read_counts
from whycold.sources.otlp_kinds import (
    conversation,
    model,
    names,
    provider,
    reports_reads,
    request_id,
)
from whycold.sources.otlp_telemetry import Telemetry

__all__ = ["Around", "Draft", "surroundings"]

_T = TypeVar("_T")
_BODIES = ("openinference.instrumentation.anthropic", "openinference.instrumentation.openai")
"""Instrumentations whose ``input.value`` and ``output.value`` are the bodies as they were sent."""
_RESPONSES = "openai.responses"
_MAIN = frozenset({"main", "repl_main_thread", "sdk"})
_CLIENT = "claude-code"


@dataclass(frozen=True, slots=True)
class Around:
    """What the spans that a call stands in say of it."""

    session: str | None = None
    agent: str | None = None


def surroundings(span: Telemetry) -> Around:
    """What a span says of the calls in it."""
    return Around(conversation(span), text(span.attributes, "gen_ai.agent.name", "agent.name"))


@dataclass
class Draft:
    """One call as far as it was heard of.

    ``views`` are records that stand for it, ``pieces`` events with a message each; ``asked`` and
    ``answered`` bodies. ``file``, ``begins`` and ``ends`` are where its latest record stands,
    ``size`` the bytes of all. ``id`` is the call's once it was told.
    """

    file: Path
    begins: int = 0
    ends: int = 0
    views: list[Telemetry] = field(default_factory=list[Telemetry])
    pieces: list[Telemetry] = field(default_factory=list[Telemetry])
    asked: Telemetry | None = None
    answered: Telemetry | None = None
    size: int = 0
    id: str | None = None

    @property
    def at(self) -> datetime | None:
        """When the request was sent; None when nothing says."""
        return min((t for view in self.views if (t := _sent(view)) is not None), default=None)

    def call(self, around: Around) -> Call | None:
        """The call; None for what has no time, or nothing that could be looked at."""
        at = self.at
        if at is None:
            return None
        known = [(read_content(view), view) for view in self.views]
        known.sort(key=_weight, reverse=True)
        views = [view for _, view in known]
        asked = next((m for view in views if (m := model(view.attributes)) is not None), None)
        dialect = provider(views[0], asked)
        exchange = _exchange(self, views, dialect) or _recorded(self, known, dialect)
        usage = exchange.reply.usage
        for view in views:
            reports = reports_reads(view, dialect, asked)
            usage = filled(usage, read_counts(view.attributes, view.scope, reports=reports))
        reply = replace(
            exchange.reply,
            message_id=exchange.reply.message_id or _first(views, _message_id),
            model=exchange.reply.model or _first(views, _answered_by),
            usage=usage,
            stop=exchange.reply.stop or _first(views, _stopped),
            error=exchange.reply.error or _first(views, _failed),
        )
        asked = asked or reply.model
        if asked is None and usage.input is None and not exchange.prompt.blocks:
            return None
        return Call(
            id=self.id or self._id(views, reply.message_id),
            at=at,
            provider=exchange.dialect.name,
            api=exchange.api,
            model=asked,
            prompt=exchange.prompt,
            reply=reply,
            began=_first(views, _began),
            request_id=_first(views, request_id),
            project=_first(views, _project),
            session=_first(views, conversation) or around.session,
            agent=_first(views, _agent) or around.agent,
            release=_first(views, _release),
            account=_first(views, _account),
        )

    def _id(self, views: Sequence[Telemetry], message_id: str | None) -> str:
        """Named by what every record of the call can know, whichever of them came."""
        said = [name for view in views for name in names(view)]
        ranked = [(_SUREST.index(name[0]), name) for name in said]
        ranked += [(_TOLD_BY_BODY, ("response", message_id))] if message_id else []
        if ranked:
            best = min(ranked)[1]
        else:
            view = views[0]
            best = (
                "record",
                view.name,
                str(view.start),
                *map(str, sorted(view.attributes.items())),
            )
        return digest(b"otlp", *(part.encode("utf-8", "surrogatepass") for part in best)).hex()


_SUREST = ("response", "request", "", "span")
_TOLD_BY_BODY = 2


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request and its reply, with the provider and the API that they fit."""

    prompt: Prompt
    reply: Reply
    dialect: Dialect
    api: str


def _exchange(draft: Draft, views: Sequence[Telemetry], dialect: Dialect) -> _Exchange | None:
    """The bodies themselves, where they were recorded whole."""
    request, response = _bodies(draft, views)
    if request is None:
        return None
    try:
        wire, spoken = _fitting(request, dialect)
    except UserError:
        return None
    headers = as_map(request.get("extra_headers")) or {}
    named = {k.lower(): v for k, v in headers.items() if isinstance(v, str)}
    reply = Reply()
    if response is not None and wire.answers(response):
        reply = read_reply(wire, spoken, response)
    return _Exchange(wire.read_request(request, spoken, named), reply, spoken, wire.name)


def _fitting(request: JsonMap, dialect: Dialect) -> tuple[Wire, Dialect]:
    try:
        return guess(request, dialect.name)
    except UserError:
        return guess(request)


def _bodies(draft: Draft, views: Sequence[Telemetry]) -> tuple[JsonMap | None, JsonMap | None]:
    if draft.asked is not None and (request := _whole(draft.asked)) is not None:
        return request, _whole(draft.answered) if draft.answered is not None else None
    for view in views:
        if (request := _input(view)) is not None:
            return request, as_map(parsed(view.attributes.get("output.value")))
    return None, None


def _whole(event: Telemetry) -> JsonMap | None:
    if text(event.attributes, "body_truncated") == "true":
        return None
    return as_map(parsed(event.attributes.get("body")))


def _input(view: Telemetry) -> JsonMap | None:
    given = text(view.attributes, "input.value")
    if view.scope not in _BODIES or given is None or HIDDEN in given:
        return None
    return as_map(parsed(given))


def _recorded(
    draft: Draft, known: Sequence[tuple[Content, Telemetry]], dialect: Dialect
) -> _Exchange:
    """What the attributes and events tell, as far as they do."""
    views = [view for _, view in known]
    contents = [*(content for content, _ in known), read_pieces(draft.pieces)]
    content = max(contents, key=lambda content: content.rank)
    said = next((c.reply for c in (content, *contents) if c.reply), ())
    speaker = dialect if NAME in dialect.wires else DIALECTS["openrouter"]
    wire = WIRES[NAME]
    reply = wire.read_reply({"content": said}, speaker) if said else Reply()
    reasons = (parsed(view.attributes.get("metadata")) for view in views)
    told = next((m for r in reasons if (m := as_map(r)) and "cache_miss_reason" in m), None)
    if told is not None:
        diagnostics = {"cache_miss_reason": told["cache_miss_reason"]}
        reply = replace(reply, verdict=read_verdict({"diagnostics": diagnostics}))
    api, prompt = _api(views, dialect), _prompt(content, views, speaker)
    if api == _RESPONSES:
        # no instrumentation tells whether what the server holds of the past comes before them
        prompt = replace(prompt, unseen=prompt.unseen | {Section.messages})
    return _Exchange(prompt, reply, dialect, api)


def _prompt(content: Content, views: Sequence[Telemetry], speaker: Dialect) -> Prompt:
    unseen = {Section.settings}
    unseen |= {name for name in _SECTIONS if getattr(content, name) is None}
    asked = _first(views, lambda view: model(view.attributes))
    body: JsonMap = {
        "model": asked,
        "tools": content.tools or (),
        "system": content.system or (),
        "messages": content.messages or (),
    }
    made = WIRES[NAME].read_request(body, speaker, {})
    return replace(
        made,
        settings=tuple(_settings(views, asked)),
        unseen=frozenset(unseen),
        asks=True if made.breakpoints else None,
    )


_SECTIONS = (Section.tools, Section.system, Section.messages)


def _settings(views: Sequence[Telemetry], asked: str | None) -> Iterator[Setting]:
    """Settings that were recorded, named as the APIs name them."""
    if asked is not None:
        yield Setting("model", asked)
    anthropic = "claude" in (asked or "").lower()
    for names_of, setting in (
        (_EFFORT, "output_config.effort" if anthropic else "reasoning_effort"),
        (("openai.request.service_tier", "gen_ai.openai.request.service_tier"), "service_tier"),
        (("speed",), "speed"),
    ):
        if (value := _first(views, lambda view, n=names_of: text(view.attributes, *n))) is not None:
            yield Setting(setting, value)
    betas = _first(views, lambda view: as_list(view.attributes.get("anthropic.beta")))
    if betas:
        yield Setting("betas", sorted(str(beta) for beta in betas))


_EFFORT = ("gen_ai.request.reasoning.level", "gen_ai.request.reasoning_effort", "effort")


def _api(views: Sequence[Telemetry], dialect: Dialect) -> str:
    """The API, as far as it is told; else the one that the provider is best known for."""
    said = any(text(view.attributes, "openai.api.type") == "responses" for view in views)
    if _RESPONSES in dialect.wires and (said or any(v.name == "openai.response" for v in views)):
        return _RESPONSES
    return dialect.wires[0]


def _weight(known: tuple[Content, Telemetry]) -> tuple[bool, int, int, str]:
    """How much a view tells; those that tell as much stand in an order of their own."""
    content, view = known
    many, place = len(view.attributes), f"{view.scope} {view.span} {view.name}"
    return _input(view) is not None, content.rank, many, place


def _first(views: Sequence[Telemetry], ask: Callable[[Telemetry], _T | None]) -> _T | None:
    return next((found for view in views if (found := ask(view)) is not None), None)


def _message_id(view: Telemetry) -> str | None:
    found = text(view.attributes, "gen_ai.response.id")
    return found if found is not None and not found.startswith("req_") else None


def _answered_by(view: Telemetry) -> str | None:
    return text(view.attributes, "gen_ai.response.model", "llm.response.model_name")


def _stopped(view: Telemetry) -> str | None:
    reasons = as_list(view.attributes.get("gen_ai.response.finish_reasons")) or ()
    named = text(view.attributes, "anthropic.message.stop_reason", "stop_reason")
    return named or next((reason for reason in reasons if isinstance(reason, str)), None)


def _failed(view: Telemetry) -> ProviderError | None:
    error = view.error
    if view.name.endswith("api_error"):
        error = text(view.attributes, "error") or ""
    if error is None:
        return None
    told = (text(event.attributes, "exception.message") for event in view.events)
    status = count(view.attributes, "http.response.status_code", "status_code")
    kind = text(view.attributes, "error.type")
    return ProviderError(status, kind, error or next(filter(None, told), ""))


def _sent(view: Telemetry) -> datetime | None:
    """When the request was sent: an event of the answer tells how long that took."""
    if view.is_span or view.start is None:
        return view.start
    return view.start - timedelta(milliseconds=seconds(view.attributes, "duration_ms") or 0)


def _began(view: Telemetry) -> datetime | None:
    """When the answer began."""
    first = seconds(view.attributes, "gen_ai.response.time_to_first_chunk")
    if first is None and (milliseconds := seconds(view.attributes, "ttft_ms")) is not None:
        first = milliseconds / 1000
    sent = _sent(view)
    return sent + timedelta(seconds=first) if sent is not None and first is not None else None


def _project(view: Telemetry) -> str | None:
    name = text(view.resource, "service.name")
    return None if name is None or name.startswith("unknown_service") else name


def _release(view: Telemetry) -> str | None:
    version = text(view.resource, "service.version") or text(view.attributes, "app.version")
    if version is not None and text(view.resource, "service.name") == _CLIENT:
        return f"claude-cli {version}"
    return version


def _agent(view: Telemetry) -> str | None:
    named = text(view.attributes, "gen_ai.agent.name", "agent.name")
    source = text(view.attributes, "query_source")
    return named or (None if source in _MAIN else source)


def _account(view: Telemetry) -> str | None:
    whose = [text(view.attributes, f"anthropic.{w}.id") for w in ("organization", "workspace")]
    known = [part.encode("utf-8", "surrogatepass") for part in whose if part is not None]
    return digest(*known).hex()[:16] if known else None
