"""The settings of alerts: rules, receivers, and what each of them must hold."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.alert_rules import (
    RULE_FILTERS,
    Condition,
    Measure,
    Receiver,
    Rule,
    Severity,
    Shape,
    Wanted,
)
from whycold.frontends.config_values import (
    BadValue,
    or_never,
    read_choice,
    read_flag,
    read_names,
    read_number,
    read_span,
    read_text,
)

__all__ = ["ALERT_SETTINGS", "SECRET_PREFIX", "Alerting", "read_alerting", "secret_bytes"]

_T = TypeVar("_T")

ALERT_SETTINGS: Final[Mapping[str, tuple[str, str]]] = {
    "alerting.every": ("1m", "How often the rules are looked at."),
    "alerting.dashboard": (
        "the dashboard's own",
        "Address of the dashboard as the readers of messages reach it, for the links in them.",
    ),
    "alerts.NAME.measure": (
        "none",
        "What is measured: `misses`, `missed_tokens`, `missed_cost_usd`, `miss_rate` or "
        "`read_ratio`.",
    ),
    "alerts.NAME.above": ("none", "Fire when the measure is above this."),
    "alerts.NAME.below": ("none", "Fire when the measure is below this."),
    "alerts.NAME.rises_by": (
        "none",
        "Fire when the measure has risen by so much, as `50%`, against the window before.",
    ),
    "alerts.NAME.falls_by": ("none", "Fire when it has fallen by so much."),
    "alerts.NAME.culprit": (
        "none",
        "Fire for each culprit that is `new`, `regressed` or `any` of both; with `measure` and "
        "`above`, once it has cost more than that.",
    ),
    "alerts.NAME.no_calls_for": ("none", "Fire when nothing was recorded for so long."),
    "alerts.NAME.over": ("1h", "Length of the window that is looked at, up to now."),
    "alerts.NAME.least_calls": (
        "1; of ratios and changes 10",
        "Calls that a window must hold to be judged.",
    ),
    "alerts.NAME.renotify": ("24h", "Say it again while it goes on; `never`: once."),
    "alerts.NAME.recover_after": ("5m", "How long it must be well before it has recovered."),
    "alerts.NAME.recovery": ("true", "Whether a message says that it has recovered."),
    "alerts.NAME.severity": ("warning", "`warning` or `critical`, passed on."),
    "alerts.NAME.to": ("all receivers", "Names of receivers."),
    **{
        f"alerts.NAME.{name}": ("any", f'Only calls of this {name}; `""`: where it is absent.')
        for name in RULE_FILTERS
    },
    "receivers.NAME.url": ("none", "Where messages are sent: an https address."),
    "receivers.NAME.shape": (
        "webhook",
        "`webhook`: JSON as docs/alerts.md describes; `slack`: as Slack's incoming webhooks want.",
    ),
    "receivers.NAME.secret": ("none", "Signs the messages; at least 16 characters."),
    "receivers.NAME.allow_private": (
        "false",
        "Allow an address of this machine or of a private network, and http there.",
    ),
    "receivers.NAME.ca_file": ("the system's", "Certificate authorities to verify it with."),
    "receivers.NAME.edits": ("true", "Whether messages quote the edit behind a culprit, one line."),
}

SECRET_PREFIX: Final = "whsec_"
"""Before a secret in base64, as Standard Webhooks 1.0.0 writes them (read 2026-11-23)."""
_SHORTEST_SECRET: Final = 16
_LEAST_CALLS: Final = 10
_LIMITS: Final = (Condition.above, Condition.below, Condition.rises_by, Condition.falls_by)
_LONGEST_NAME: Final = 100


class _Settings(Protocol):
    """What was given, by key; says where a bad value stands."""

    def get(self, key: str, read: Callable[[Json], _T], default: _T) -> _T: ...

    def file(self, key: str) -> object: ...

    def names(self, table: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Alerting:
    """All of it: ``every`` is how often rules are looked at, ``dashboard`` the address for links,
    None for the dashboard's own.
    """

    every: timedelta = timedelta(minutes=1)
    dashboard: str | None = None
    rules: tuple[Rule, ...] = ()
    receivers: tuple[Receiver, ...] = ()


def read_alerting(given: _Settings) -> Alerting:
    """The settings. Raises UserError."""
    receivers = tuple(_receiver(given, name) for name in given.names("receivers"))
    known = tuple(receiver.name for receiver in receivers)
    rules = tuple(_rule(given, name, known) for name in given.names("alerts"))
    return Alerting(
        every=given.get("alerting.every", _positive_span, timedelta(minutes=1)),
        dashboard=given.get("alerting.dashboard", _link, None),
        rules=rules,
        receivers=receivers,
    )


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for. Raises BadValue."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise BadValue(f"wants base64 behind {SECRET_PREFIX}") from None


def _rule(given: _Settings, name: str, receivers: tuple[str, ...]) -> Rule:
    key = f"alerts.{name}"
    given.get(f"{key}.name", _name, name)
    measure = given.get(f"{key}.measure", read_choice(Measure), None)
    limits = {
        limit: found
        for limit in _LIMITS
        if (found := given.get(f"{key}.{limit}", _limit(limit, measure), None)) is not None
    }
    culprit = given.get(f"{key}.culprit", read_choice(Wanted), None)
    silence = given.get(f"{key}.no_calls_for", _positive_span, None)
    over = given.get(f"{key}.over", _positive_span, timedelta(hours=1))
    condition = _condition(name, measure, tuple(limits), culprit, silence)
    filters = {
        word: found
        for word in RULE_FILTERS
        if (found := given.get(f"{key}.{word}", _any_text, None)) is not None
    }
    filters = _meant(name, measure, filters)
    ratio = condition.compares or (measure is not None and measure.is_ratio)
    default = _LEAST_CALLS if ratio and culprit is None else 1
    return Rule(
        name=name,
        condition=condition,
        measure=measure,
        threshold=next(iter(limits.values()), None),
        culprit=culprit or Wanted.any,
        over=silence or over,
        filters=filters,
        least_calls=given.get(f"{key}.least_calls", read_number, default),
        renotify=given.get(f"{key}.renotify", or_never(_positive_span), timedelta(hours=24)),
        recover_after=given.get(f"{key}.recover_after", read_span, timedelta(minutes=5)),
        recovery=given.get(f"{key}.recovery", read_flag, True),
        severity=given.get(f"{key}.severity", read_choice(Severity), Severity.warning),
        to=given.get(f"{key}.to", _known(receivers), receivers),
    )


def _condition(
    name: str,
    measure: Measure | None,
    limits: tuple[Condition, ...],
    culprit: Wanted | None,
    silence: timedelta | None,
) -> Condition:
    """The one condition of a rule. Raises UserError where there is none, or several."""
    kinds = [*(["culprit"] if culprit else limits), *(["no_calls_for"] if silence else [])]
    if len(kinds) != 1 or (silence and measure):
        raise UserError(
            f"the alert {name!r} wants one condition: measure with above, below, rises_by or "
            "falls_by; or culprit; or no_calls_for"
        )
    condition = Condition(kinds[0])
    if condition is Condition.culprit:
        if (measure is None) != (not limits) or limits not in ((), (Condition.above,)):
            raise UserError(f"the alert {name!r}: beside culprit go measure and above, or neither")
        if measure is not None and measure.is_ratio:
            raise UserError(f"the alert {name!r}: a culprit has no {measure}")
    elif condition is not Condition.no_calls_for and measure is None:
        raise UserError(f"the alert {name!r} does not say its measure, such as missed_tokens")
    return condition


def _meant(name: str, measure: Measure | None, words: Mapping[str, str]) -> dict[str, str]:
    """Filters as the command line takes them. Raises UserError."""
    # every command reads the settings, and few of them have alerts
    from whycold.frontends.filters import read_asked

    try:
        asked = read_asked(words, datetime.max.replace(tzinfo=UTC)).filters
    except UserError as error:
        raise UserError(f"the alert {name!r}: {error}") from None
    if measure is not None and measure.is_ratio and ("reason" in words or "cause" in words):
        raise UserError(
            f"the alert {name!r}: reason and cause choose misses, of which {measure} says nothing"
        )
    return {word: str(getattr(asked, word)) for word in words}


def _receiver(given: _Settings, name: str) -> Receiver:
    key = f"receivers.{name}"
    url = given.get(f"{key}.url", read_text, None)
    if url is None:
        raise UserError(f"receiver {name} has no url; say where it is: {key}.url")
    ca_file = given.file(f"{key}.ca_file")
    made = Receiver(
        name=name,
        url=url,
        shape=given.get(f"{key}.shape", read_choice(Shape), Shape.webhook),
        secret=given.get(f"{key}.secret", _secret, None),
        allow_private=given.get(f"{key}.allow_private", read_flag, False),
        ca_file=str(ca_file) if ca_file is not None else None,
        edits=given.get(f"{key}.edits", read_flag, True),
    )
    _check_url(made)
    return made


def _check_url(receiver: Receiver) -> None:
    """Raises UserError, which does not repeat the address: that of Slack is a secret."""
    where = f"receivers.{receiver.name}.url"
    try:
        parts = urlsplit(receiver.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("https", "http") or not receiver.url.isascii():
        raise UserError(f"{where} wants an address such as https://example.com/hook")
    if not receiver.url.isprintable() or set(receiver.url) & set(" \\"):
        raise UserError(f"{where} holds characters that no address has")
    if parts.scheme == "http" and not receiver.allow_private:
        raise UserError(f"{where} wants https; http only to private addresses, with allow_private")
    if parts.username is not None or parts.password is not None:
        raise UserError(f"{where} holds a user name, which is not sent; sign with a secret instead")


def _name(value: Json) -> str:
    name = read_text(value)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise BadValue(f"wants at most {_LONGEST_NAME} printable characters")
    return name


def _any_text(value: Json) -> str:
    if not isinstance(value, str):
        raise BadValue("wants a text")
    return value


def _limit(limit: Condition, measure: Measure | None) -> Callable[[Json], Decimal]:
    """How a limit is written: a change as a percentage, a ratio up to 1, else a number."""

    def read(value: Json) -> Decimal:
        amount = _amount(value)
        if limit.compares and not (isinstance(value, str) and value.strip().endswith("%")):
            raise BadValue('wants a percentage, such as "50%"')
        part = limit is Condition.falls_by or (
            measure is not None and measure.is_ratio and not limit.compares
        )
        if part and amount > 1:
            raise BadValue('wants a part of 1, such as 0.6 or "60%"')
        return amount

    return read


def _amount(value: Json) -> Decimal:
    """A number, or a percentage as the part that it is."""
    text = value.strip() if isinstance(value, str) else str(value)
    try:
        number = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise BadValue('wants a number from 0 up, or a percentage such as "50%"')
    return number / 100 if text.endswith("%") else number


def _positive_span(value: Json) -> timedelta:
    span = read_span(value)
    if not span:
        raise BadValue("wants more than no time")
    return span


def _link(value: Json) -> str:
    url = read_text(value).rstrip("/")
    if not url.startswith(("https://", "http://")) or not url.isprintable():
        raise BadValue("wants an address such as https://whycold.example.com")
    return url


def _secret(value: Json) -> str:
    secret = read_text(value)
    if len(secret_bytes(secret)) < _SHORTEST_SECRET:
        raise BadValue(f"wants at least {_SHORTEST_SECRET} characters")
    return secret


def _known(receivers: Iterable[str]) -> Callable[[Json], tuple[str, ...]]:
    known = tuple(receivers)

    def read(value: Json) -> tuple[str, ...]:
        names = read_names(value)
        if unknown := [name for name in names if name not in known]:
            there = ", ".join(known) or "none"
            raise BadValue(f"names no receiver {unknown[0]!r} (there are: {there})")
        return names

    return read
