"""What a span or log record is to a call: the call, a part of it, or what it was made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from whycold.core.content import JsonMap, as_text
from whycold.errors import UserError
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS, guess
from whycold.sources.otlp_attributes import count, text
from whycold.sources.otlp_telemetry import Telemetry

__all__ = [
    "Part",
    "conversation",
    "model",
    "names",
    "part_of",
    "provider",
    "reports_reads",
    "request_id",
]


class Part(StrEnum):
    """``call``: stands for a call; ``piece``: an event with one of its messages; ``asked`` and
    ``answered``: a body as Claude Code sent or got it; ``around``: a span that calls may stand in.
    """

    call = "call"
    piece = "piece"
    asked = "asked"
    answered = "answered"
    around = "around"


_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "completion", "responses"})
_EVENTS: Mapping[str, Part] = {
    "gen_ai.client.inference.operation.details": Part.call,
    "gen_ai.system.message": Part.piece,
    "gen_ai.user.message": Part.piece,
    "gen_ai.assistant.message": Part.piece,
    "gen_ai.tool.message": Part.piece,
    "gen_ai.choice": Part.piece,
}
_CLAUDE_CODE: Mapping[str, Part] = {
    "api_request": Part.call,
    "api_error": Part.call,
    "api_request_body": Part.asked,
    "api_response_body": Part.answered,
}
_MODELS = (
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.model_name",
    "gen_ai.response.model",
    "model",
)


def part_of(record: Telemetry) -> Part | None:
    """What a record is; None for what has to do with no call."""
    if record.is_span:
        return Part.call if _is_call(record) else Part.around if record.span else None
    if (known := _EVENTS.get(record.name)) is not None:
        return known
    event = record.name.removeprefix("claude_code.")
    told = as_text(record.body) or record.name
    return _CLAUDE_CODE.get(event) if told.startswith("claude_code.") else None


def _is_call(span: Telemetry) -> bool:
    attributes = span.attributes
    if span.name == "claude_code.llm_request":
        return True
    operation = text(attributes, "gen_ai.operation.name", "llm.request.type")
    if operation is not None:
        return operation.lower() in _OPERATIONS
    kind = text(attributes, "openinference.span.kind")
    if kind is not None:
        return kind.upper() == "LLM" and "count" not in span.name.lower()
    said = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.prompt.0.content")
    return model(attributes) is not None and any(name in attributes for name in said)


def model(attributes: JsonMap) -> str | None:
    """The model that was asked for, else the one that answered."""
    return text(attributes, *_MODELS)


def names(record: Telemetry) -> Iterator[tuple[str, ...]]:
    """Everything that names the call of a record, the surest first."""
    response = text(record.attributes, "gen_ai.response.id")
    if (asked := request_id(record)) is not None:
        yield ("request", asked)
    if response is not None and not response.startswith("req_"):
        yield ("response", response)
    if record.span:
        yield ("span", record.trace, record.span)


def request_id(record: Telemetry) -> str | None:
    """The provider's id of the request; Claude Code calls it the response's in its spans."""
    response = text(record.attributes, "gen_ai.response.id") or ""
    own = text(record.attributes, "anthropic.request.id", "request_id", "request.id")
    return own or (response if response.startswith("req_") else None)


_CONVERSATIONS = (
    "gen_ai.conversation.id",
    "session.id",
    "traceloop.association.properties.session_id",
    "langfuse.session.id",
)


def conversation(record: Telemetry) -> str | None:
    """The conversation that a record says it belongs to."""
    return text(record.attributes, *_CONVERSATIONS) or text(record.resource, "session.id")


_PROVIDERS = (
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "llm.vendor",
)
_SPELLINGS: Mapping[str, str] = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "aws": "bedrock",
    "aws.bedrock": "bedrock",
    "gcp.gemini": "gemini",
    "gcp.gen_ai": "gemini",
    "gcp.vertex_ai": "vertex",
    "google": "gemini",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshot",
    "vertex_ai": "vertex",
    "vertexai": "vertex",
    "x_ai": "xai",
}
_CLAUDE: Mapping[str, str] = {
    "azure": "foundry",
    "bedrock": "bedrock-anthropic",
    "gemini": "vertex-anthropic",
    "vertex": "vertex-anthropic",
}
_ADDRESSES = ("server.address", "gen_ai.openai.api_base")


def provider(record: Telemetry, asked: str | None) -> Dialect:
    """Who answered: as the record says, by the address that was asked, else by the model."""
    if (itself := _by_address(record)) is not None:
        return _of_model(itself.name, asked) or itself
    attributes = record.attributes
    for name in _PROVIDERS:
        said = (text(attributes, name) or "").lower()
        if (found := _of_model(_SPELLINGS.get(said, said), asked)) is not None:
            return found
    if _is_claude(asked) or count(attributes, "cache_creation_tokens") is not None:
        return DIALECTS["anthropic"]
    try:
        return guess({"model": asked, "messages": []})[1]
    except UserError:
        return DIALECTS["openai"]


def reports_reads(record: Telemetry, dialect: Dialect, asked: str | None) -> bool:
    """Whether a provider was asked at its own address that always says what it read."""
    itself = _by_address(record)
    return itself is not None and bool(dialect.rules(dialect.wires[0], asked).reports_read)


def _by_address(record: Telemetry) -> Dialect | None:
    address = " ".join(text(record.attributes, name) or "" for name in _ADDRESSES)
    return next((d for d in DIALECTS.values() if any(host in address for host in d.hosts)), None)


def _of_model(name: str, asked: str | None) -> Dialect | None:
    return DIALECTS.get(_CLAUDE.get(name, name) if _is_claude(asked) else name)


def _is_claude(asked: str | None) -> bool:
    return "claude" in (asked or "").lower()
