"""Secrets are taken out of heads and addresses before anything is written; bodies are left alone.

A header's value goes when the header's name says that it is a secret, when the value has the shape
of a known kind of key, and where it holds an address with a secret in its query.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

__all__ = ["REDACTED", "Redactor", "account_fingerprint", "redact_target"]

REDACTED = "[redacted]"
_REDACTED = REDACTED.encode()

_SECRET_NAME = re.compile(
    rb"auth|bearer|cookie|credential|csrf|xsrf|jwt|key|pass|secret|signature|token", re.I
)
# Counts, not secrets: rate limits of all vendors, and the usage headers of Amazon Bedrock.
_COUNT_NAME = re.compile(rb"ratelimit|rate-limit|token-count", re.I)
_SECRET_PARAMETER = re.compile(
    rb"auth|credential|jwt|key|pass|secret|sig|token|\Acode\Z|\Astate\Z", re.I
)
_SECRET_VALUE = re.compile(
    rb"""
      \b(?:Basic|Bearer|Digest|Negotiate|Token)[ ]+[^\s,;]+
    | \b(?:sk|pk|rk|xai|gsk|pplx|nvapi|hf|r8|fw|gh[oprsu]|github_pat|glpat|xox[abeprs])
        [-_][A-Za-z0-9_-]{8,}
    | \bAIza[A-Za-z0-9_-]{20,}
    | \bya29\.[A-Za-z0-9_-]+
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}
    | \beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*
    | (?<=://)[^/@\s]+(?=@)
    """,
    re.X | re.I,
)
_PARAMETER = re.compile(rb"(?<=[?&;])([^=&;#\s]+)=([^&;#\s\"'<>]+)")

_KEY_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key", b"authorization")
_SCHEME = re.compile(rb"\A(?:Basic|Bearer)[ ]+", re.I)
_KEY_PARAMETER = re.compile(rb"[?&](?:key|api[-_]?key)=([^&#]+)", re.I)

_LINES_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256


class Redactor:
    """Turns raw header lines into redacted pairs; remembers harmless lines, which come again."""

    def __init__(self) -> None:
        self._harmless: dict[bytes, tuple[str, str]] = {}

    def headers(self, lines: Iterable[bytes]) -> tuple[tuple[str, str], ...]:
        """``lines`` are ``Name: value`` without line ends; names come back in lower case."""
        known = self._harmless
        return tuple([known.get(line) or self._redact(line) for line in lines])

    def _redact(self, line: bytes) -> tuple[str, str]:
        name, _, value = line.partition(b":")
        shown = name.lower().decode("latin-1")
        if _SECRET_NAME.search(name) and not _COUNT_NAME.search(name):
            return shown, REDACTED
        value = value.strip(b" \t")
        clean = _redact_value(value)
        pair = shown, clean.decode("latin-1")
        if clean == value and len(line) <= _LONGEST_REMEMBERED:
            if len(self._harmless) >= _LINES_REMEMBERED:
                self._harmless.clear()
            self._harmless[line] = pair
        return pair


def redact_target(target: bytes) -> str:
    """A request's path and query, with the values of secret parameters and known keys replaced."""
    return _redact_value(target).decode("latin-1")


def _redact_value(value: bytes) -> bytes:
    if b"=" in value:
        value = _PARAMETER.sub(_redact_parameter, value)
    return _SECRET_VALUE.sub(_REDACTED, value)


def _redact_parameter(match: re.Match[bytes]) -> bytes:
    if _SECRET_PARAMETER.search(unquote_to_bytes(match[1])):
        return match[1] + b"=" + _REDACTED
    return match[0]


def account_fingerprint(lines: Iterable[bytes], target: bytes, secret: bytes) -> str | None:
    """Tells callers apart without keeping their keys; None when the request carries no key.

    HMAC-SHA256 under ``secret``, which never leaves this installation, cut to 128 bits: one key
    gives one fingerprint whichever header it comes in. Access tokens that are renewed by the hour
    change it; a provider's own organization header, where it sends one, tells more."""
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() in _KEY_HEADERS and (key := _SCHEME.sub(b"", value.strip(b" \t"))):
            return hmac.digest(secret, key, "sha256")[:16].hex()
    if found := _KEY_PARAMETER.search(target):
        return hmac.digest(secret, unquote_to_bytes(found[1]), "sha256")[:16].hex()
    return None
