"""The settings of spans that are sent to somebody else's tracing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from whycold.core.content import Json
from whycold.frontends.config_values import BadValue, read_names, read_text

__all__ = ["OTEL_SETTINGS", "Otel", "read_otel"]

_T = TypeVar("_T")

OTEL_SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "otel.endpoint": (
        "none",
        "Address of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`: every diagnosed call "
        "is sent there as a span.",
    ),
    "otel.headers": (
        "none",
        "Headers for it, such as a key: `name=value`, several as a list or with commas.",
    ),
}


class Otel(NamedTuple):
    """Where spans go, and with which headers."""

    endpoint: str
    headers: dict[str, str]


class _Reader(Protocol):
    def get(self, key: str, read: Callable[[Json], _T], default: _T) -> _T: ...


def read_otel(reader: _Reader) -> Otel | None:
    """None where no span is to be sent. Raises UserError."""
    endpoint = reader.get("otel.endpoint", _address, "")
    headers = reader.get("otel.headers", _headers, {})
    return Otel(endpoint, headers) if endpoint else None


def _address(value: Json) -> str:
    url = read_text(value)
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise BadValue("wants an address such as http://127.0.0.1:4318")
    return url


def _headers(value: Json) -> dict[str, str]:
    """As OTEL_EXPORTER_OTLP_HEADERS is written: values may be percent-encoded."""
    out: dict[str, str] = {}
    for pair in read_names(value):
        name, equals, text = pair.partition("=")
        name, text = name.strip(), unquote(text.strip())
        if not equals or not name.replace("-", "").replace("_", "").isalnum():
            raise BadValue("wants name=value, several with commas")
        if not name.isascii() or not text.isprintable() or not text.isascii():
            raise BadValue("wants plain characters")
        out[name] = text
    return out
