"""HTTP recordings as VCR libraries keep them (Python's vcrpy, the vcr packages of Ruby and R)."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeAlias, cast

import yaml

from bench.recordings import Recording, Source, provider_at, with_model
from whycold.core.content import JsonMap
from whycold.errors import UserError
from whycold.providers.body import decode_map

__all__ = ["read_cassette"]

_MODEL_API = re.compile(
    r"/(messages|chat/completions|responses|completions|invoke(-with-response-stream)?"
    r"|converse(-stream)?)$|:(streamG|g)enerateContent$"
)
_TOOK = (
    ("x-envoy-upstream-service-time", re.compile(r"(\d+)")),
    ("openai-processing-ms", re.compile(r"(\d+)")),
    ("server-timing", re.compile(r"dur=(\d+)")),
)
"""Response headers that say how many milliseconds the answer took."""
_NAMES = ("request-id", "x-request-id", "x-amzn-requestid", "cf-ray")
_ACCOUNTS = ("anthropic-organization-id", "openai-organization")
_Yaml: TypeAlias = Any
# libyaml reads what Python's own loader takes half a minute for
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_cassette(path: Path, source: Source) -> None:
    """Add every exchange of a cassette with a model's API to the source."""
    try:
        document = yaml.load(path.read_bytes(), Loader=_LOADER)
    except yaml.YAMLError:
        source.notes.append(f"{path.name}: is not YAML")
        return
    kept: Any = document if isinstance(document, dict) else {}
    interactions = kept.get("interactions") or kept.get("http_interactions")
    if not isinstance(interactions, list):
        what = "holds generated tokens and no requests" if interactions else "holds no exchange"
        source.notes.append(f"{path.name}: {what}")
        return
    answered: datetime | None = None
    for number, interaction in enumerate(interactions):
        found = _recording(interaction, f"{path.name}#{number}", source, answered)
        if found is not None:
            answered = found.began
            source.add(found)


def _recording(
    interaction: _Yaml, file: str, source: Source, earlier: datetime | None
) -> Recording | None:
    request, response = interaction["request"], interaction["response"]
    url = request.get("uri") or request.get("url") or ""
    if request.get("method", "POST").upper() != "POST" or not _MODEL_API.search(url.split("?")[0]):
        source.others += 1
        return None
    try:
        sent = with_model(url, decode_map(_body(request) or b""))
    except UserError as error:
        source.unread += 1
        source.notes.append(f"{file}: {error}")
        return None
    headers = _headers(response)
    came, took = _times(headers, interaction.get("recorded_at"))
    at = came - took
    if earlier is not None and timedelta(0) <= earlier - at <= timedelta(seconds=1):
        # dates are whole seconds: it was sent when the answer before it was there
        at = earlier
    name = next((headers[n] for n in _NAMES if n in headers), file)
    account = next((headers[n] for n in _ACCOUNTS if n in headers), None)
    return Recording(
        id=name,
        file=file,
        request=sent,
        response=_body(response) or b"",
        at=at,
        began=came,
        provider=provider_at(url, sent),
        account=account,
        headers=_headers(request),
    )


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    return {
        name.lower(): str(value[0] if isinstance(value, list) else value)
        for name, value in (message.get("headers") or {}).items()
        if value
    }


def _times(headers: Mapping[str, str], recorded: _Yaml) -> tuple[datetime, timedelta]:
    """When the answer came, and how long it had taken as far as its headers say."""
    took = timedelta(0)
    for name, pattern in _TOOK:
        if (found := pattern.search(headers.get(name, ""))) is not None:
            took = timedelta(milliseconds=int(found[1]))
            break
    if "date" in headers:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC), took
    if isinstance(recorded, datetime):
        return recorded.replace(tzinfo=recorded.tzinfo or UTC).astimezone(UTC), took
    if isinstance(recorded, str):
        return datetime.fromisoformat(recorded).replace(tzinfo=UTC), took
    return datetime(1970, 1, 1, tzinfo=UTC), took


def _body(message: Mapping[str, Any]) -> bytes | None:
    """The body's bytes: text, YAML binary or base64, gzip or not."""
    body = message.get("body")
    if isinstance(body, dict):
        held = cast("JsonMap", body)
        encoded = held.get("base64_string") or held.get("raw_gzip")
        body = base64.b64decode(str(encoded)) if encoded else held.get("string")
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if not isinstance(body, bytes):
        return None
    if body.startswith(b"\x1f\x8b"):
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error, binascii.Error):
            return body
    return body
