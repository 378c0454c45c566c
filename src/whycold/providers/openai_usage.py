"""Counts, errors and verdicts as OpenAI and the servers that speak its formats report them.

The input count contains the cached tokens (openai 3.54.0, types/completion_usage.py and
types/responses/response_usage.py). A count that is absent is not reported; it is not 0.
"""

from __future__ import annotations

from whycold.core.call import ProviderError, ProviderVerdict, Said, Usage
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.providers.base import Dialect
from whycold.providers.counts import as_count, total

__all__ = ["read_error", "read_usage", "read_verdict"]

_NOTHING: JsonMap = {}


def read_usage(body: JsonMap, dialect: Dialect) -> Usage:
    """The counts of a response, or of the last chunk of a stream that carries them.

    Beside OpenAI's own fields: DeepSeek's ``prompt_cache_hit_tokens`` and ``…_miss_tokens``,
    Moonshot's ``cached_tokens`` on the usage itself, Ollama's ``prompt_eval_…`` counts, the fields
    that LiteLLM adds in Anthropic's names, Qwen's ``cache_creation_input_tokens``, vLLM's
    ``created_cache_tokens``, and llama.cpp's ``timings`` where there is no usage.
    """
    usage = as_map(body.get("usage")) or _NOTHING
    details = (
        as_map(usage.get("prompt_tokens_details"))
        or as_map(usage.get("input_tokens_details"))
        or _NOTHING
    )
    timings = as_map(body.get("timings")) or _NOTHING
    hit = as_count(usage.get("prompt_cache_hit_tokens"))
    counted = _first(
        _count(usage, "prompt_tokens", "input_tokens", "prompt_eval_count"),
        total(hit, as_count(usage.get("prompt_cache_miss_tokens"))),
        _count(body, "prompt_eval_count"),
        total(as_count(timings.get("cache_n")), as_count(timings.get("prompt_n"))),
    )
    read = _first(
        as_count(details.get("cached_tokens")),
        hit,
        _count(usage, "cached_tokens", "cache_read_input_tokens", "prompt_eval_cached_count"),
        _count(body, "prompt_eval_cached_count"),
        as_count(timings.get("cache_n")),
    )
    written = _Written(usage, details)
    if dialect.exclusive:
        counted = None if counted is None else total(counted, read, written.whole)
    return Usage(
        input=counted,
        cache_read=read,
        cache_write=written.whole,
        cache_write_5m=written.minutes_5,
        cache_write_1h=written.hours_1,
        cache_write_30m=written.minutes_30,
        cache_write_12h=written.hours_12,
        uncached=_uncached(counted, read, written.whole),
        output=_first(
            _count(usage, "completion_tokens", "output_tokens", "eval_count"),
            _count(body, "eval_count"),
            as_count(timings.get("predicted_n")),
        ),
        tier=as_text(body.get("service_tier")),
    )


class _Written:
    """Tokens written to the cache, whole and by lifetime."""

    def __init__(self, usage: JsonMap, details: JsonMap) -> None:
        own = as_map(details.get("cache_write_tokens_details")) or _NOTHING
        claude = (
            as_map(details.get("cache_creation_token_details"))
            or as_map(details.get("cache_creation"))
            or as_map(usage.get("cache_creation"))
            or _NOTHING
        )
        self.minutes_30 = as_count(own.get("ttl_30m_tokens"))
        self.hours_12 = as_count(own.get("ttl_12h_tokens"))
        self.minutes_5 = as_count(claude.get("ephemeral_5m_input_tokens"))
        self.hours_1 = as_count(claude.get("ephemeral_1h_input_tokens"))
        self.whole = _first(
            _count(
                details,
                "cache_write_tokens",
                "created_cache_tokens",
                "cache_creation_input_tokens",
                "cache_creation_tokens",
            ),
            as_count(usage.get("cache_creation_input_tokens")),
            total(self.minutes_5, self.hours_1, self.minutes_30, self.hours_12),
        )


def _uncached(counted: int | None, read: int | None, written: int | None) -> int | None:
    """What was neither read nor written; None when it is not known, or the counts contradict."""
    if counted is None or read is None:
        return None
    rest = counted - read - (written or 0)
    return rest if rest >= 0 else None


def _count(source: JsonMap, *names: str) -> int | None:
    return _first(*(as_count(source.get(name)) for name in names))


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def read_verdict(body: JsonMap) -> ProviderVerdict | None:
    """``prompt_cache_diagnostics`` of a Response (OpenAI guide Prompt caching diagnostics).

    A type that is not known says nothing about the request.
    """
    found = as_map(body.get("prompt_cache_diagnostics"))
    if found is None or "answered_by" in found:
        # the latter is whycold's own answer, in somebody else's recording of it
        return None
    kind = as_text(found.get("type"))
    if kind == "cache_miss":
        missed = as_count(found.get("cache_missed_tokens"))
        return ProviderVerdict(Said.changed, as_text(found.get("reason")) or kind, missed)
    return ProviderVerdict(Said.hit if kind == "cache_hit" else Said.inconclusive, kind)


def read_error(body: JsonMap) -> ProviderError | None:
    """A refusal in any of the shapes that servers of these formats send; None where there is none.

    OpenAI's ``error`` object, llama.cpp's and OpenRouter's with the HTTP status as its code,
    Ollama's bare text, vLLM's flat object, FastAPI's ``detail``.
    """
    error = body.get("error")
    if error is None:
        if body.get("object") == "error":
            error = body
        elif "detail" in body and "choices" not in body and "output" not in body:
            error = {"message": body["detail"]}
        else:
            return None
    found = as_map(error)
    if found is None:
        return ProviderError(None, None, _text(error))
    code = found.get("code")
    kind = as_text(found.get("type")) or as_text(code)
    message = as_text(found.get("message"))
    return ProviderError(_status(code), kind, _text(error) if message is None else message)


def _status(code: Json) -> int | None:
    """The code where it is an HTTP status."""
    number = int(code) if isinstance(code, str) and code.isdecimal() else as_count(code)
    return number if number is not None and 100 <= number <= 599 else None


def _text(value: Json) -> str:
    text = as_text(value)
    if text is not None:
        return text
    found = as_map(value) or {}
    return as_text(found.get("message")) or str(value)
