"""Secrets are taken out of heads and addresses before anything is written; bodies are left alone.

A header's value goes when the header's name says that it is a secret, when the value has the shape
of a known kind of key, and where it holds an address with a secret in its query.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

__all__ = ["REDACTED", "Redactor", "redact_target"]

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

# Their values change with every message, and no key fits in.
_CHANGING_NAMES = frozenset((b"date", b"request-id", b"x-request-id", b"cf-ray"))

_SCHEME = re.compile(rb"\A(?:Basic|Bearer)[ ]+", re.I)
_KEY_PARAMETER = re.compile(rb"[?&](?:key|api[-_]?key)=([^&#]+)", re.I)

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256


class Redactor:
    """Takes secrets out of heads; remembers harmless lines and targets, which come again.

    ``key`` is the secret of this installation under which accounts are told apart."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._harmless: set[bytes] = set()
        self._secret_names: dict[bytes, bool] = {}
        self._targets: dict[bytes, str] = {}
        self._accounts: dict[int, str] = {}

    def headers(self, lines: Iterable[bytes]) -> bytes:
        """``Name: value`` lines, redacted and joined by line ends."""
        harmless = self._harmless
        redact = self._line
        return b"\r\n".join([line if line in harmless else redact(line) for line in lines])

    def target(self, target: bytes) -> str:
        """A request's path and query, with the values of secret parameters and keys replaced."""
        shown = self._targets.get(target)
        if shown is None:
            shown = redact_target(target)
            if len(target) <= _LONGEST_REMEMBERED and shown == target.decode("latin-1"):
                if len(self._targets) >= _REMEMBERED:
                    self._targets.clear()
                self._targets[target] = shown
        return shown

    def account(self, credential: bytes, target: bytes) -> str | None:
        """Tells callers apart without keeping their keys; None for a request without one.

        ``credential`` is the value of an authorization or key header. HMAC-SHA256 cut to 128 bits:
        a key gives one fingerprint whichever header it comes in. An access token that is renewed
        by the hour gives another each time; a provider's own header with the organization's name,
        where it sends one, tells more."""
        if credential:
            # Remembered by hash, so that no key outlives its request.
            known = self._accounts.get(hash(credential))
            if known is None:
                if len(self._accounts) >= _REMEMBERED:
                    self._accounts.clear()
                known = self._fingerprint(_SCHEME.sub(b"", credential))
                self._accounts[hash(credential)] = known
            return known
        found = _KEY_PARAMETER.search(target) if b"=" in target else None
        return self._fingerprint(unquote_to_bytes(found[1])) if found else None

    def _fingerprint(self, key: bytes) -> str:
        return hmac.digest(self._key, key, "sha256")[:16].hex()

    def _line(self, line: bytes) -> bytes:
        name, _, value = line.partition(b":")
        secret = self._secret_names.get(name)
        if secret is None:
            secret = self._judge(name)
        if secret:
            return name + b": " + _REDACTED
        value = value.strip(b" \t")
        if value.isdigit() or name.lower() in _CHANGING_NAMES:
            return line
        clean = _redact_value(value)
        if clean != value:
            return name + b": " + clean
        if len(line) <= _LONGEST_REMEMBERED:
            if len(self._harmless) >= _REMEMBERED:
                self._harmless.clear()
            self._harmless.add(line)
        return line

    def _judge(self, name: bytes) -> bool:
        if len(self._secret_names) >= _REMEMBERED:
            self._secret_names.clear()
        secret = bool(_SECRET_NAME.search(name) and not _COUNT_NAME.search(name))
        self._secret_names[name] = secret
        return secret


def redact_target(target: bytes) -> str:
    """A path and query, with the values of secret parameters and known keys replaced."""
    return _redact_value(target).decode("latin-1")


def _redact_value(value: bytes) -> bytes:
    if b"=" in value:
        value = _PARAMETER.sub(_redact_parameter, value)
    return _SECRET_VALUE.sub(_REDACTED, value)


def _redact_parameter(match: re.Match[bytes]) -> bytes:
    if _SECRET_PARAMETER.search(unquote_to_bytes(match[1])):
        return match[1] + b"=" + _REDACTED
    return match[0]
