"""What a message says: as JSON for programs, and as a chat wants it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from whycold.core.content import Json
from whycold.core.numbers import exact, short, span, usd
from whycold.errors import UserError
from whycold.frontends.alert_rules import Condition, Measure, Receiver, Rule, Shape
from whycold.frontends.alert_state import Counted, Event, Message
from whycold.frontends.diagnosis_json import decimal_text, time_text
from whycold.frontends.printable import name_of
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look
from whycold.frontends.web.address import place
from whycold.query import Culprit, Query
from whycold.store.telling import title_without_texts

__all__ = ["MEASURES", "amount", "condition_words", "payload", "summary"]

MEASURES: Final = {
    Measure.misses: "misses",
    Measure.missed_tokens: "missed tokens",
    Measure.missed_cost_usd: "the cost of misses",
    Measure.miss_rate: "misses per call",
    Measure.read_ratio: "the read ratio",
}
_EDIT_WIDTH: Final = 160
_SLACK_EVENTS: Final = {
    Event.fired: "fires",
    Event.again: "still fires",
    Event.recovered: "has recovered",
    Event.test: "is being tried",
}


def payload(
    message: Message, rule: Rule, receiver: Receiver, query: Query | None, dashboard: str
) -> dict[str, Json]:
    """The message as one receiver gets it. What it quotes is what is kept at this moment, and
    nothing without ``query``.
    """
    culprits = [_culprit(each, receiver, query, dashboard) for each in message.culprits]
    url = _page(message, rule, dashboard)
    if receiver.shape is Shape.slack:
        return _slack(message, rule, culprits, url)
    return {
        "type": f"alert.{message.event}",
        "timestamp": time_text(message.at),
        "data": {
            "rule": rule.name,
            "severity": rule.severity,
            "summary": summary(message, rule),
            "since": time_text(message.since) if message.since is not None else None,
            "condition": rule.condition,
            "measure": rule.measure,
            "threshold": _number(rule.threshold),
            "value": _number(message.value),
            "previous_value": _number(message.before),
            "window": {
                "since": time_text(message.window.since),
                "until": time_text(message.window.until),
                "calls": message.window.calls,
            },
            "filters": dict(rule.filters),
            "culprits": list(culprits),
            "culprits_in_all": message.among,
            "url": url,
        },
    }


def summary(message: Message, rule: Rule) -> str:
    """One sentence that quotes no text of a call."""
    if message.event is Event.test:
        return f"{rule.name}: this is a test of whycold; nothing fires because of it."
    return f"{rule.name}: {_found(message, rule)}."


def condition_words(rule: Rule) -> str:
    """When a rule fires, in words."""
    over = _length(rule.over)
    match rule.condition:
        case Condition.no_calls_for:
            return f"no calls for {over}"
        case Condition.culprit:
            more = ""
            if rule.measure is not None:
                more = f", {MEASURES[rule.measure]} above {amount(rule.measure, rule.threshold)}"
            which = "new or regressed" if rule.culprit == "any" else rule.culprit
            return f"culprit {which} in {over}{more}"
        case Condition.above | Condition.below:
            limit = amount(rule.measure, rule.threshold)
            return f"{_name(rule)} {rule.condition} {limit} in {over}"
        case Condition.rises_by | Condition.falls_by:
            words = rule.condition.replace("_", " ")
            return f"{_name(rule)} {words} {_percent(rule.threshold)} against {over} before"


def amount(measure: Measure | None, value: Decimal | None) -> str:
    """A value of a measure, as it is shown."""
    if value is None:
        return "-"
    if measure is None or measure is Measure.misses:
        return exact(int(value)) if value == int(value) else f"{value:f}"
    if measure is Measure.missed_cost_usd:
        return usd(value)
    return short(int(value)) if measure is Measure.missed_tokens else _percent(value)


def _found(message: Message, rule: Rule) -> str:
    over, calls = _length(rule.over), exact(message.window.calls)
    value, before = amount(rule.measure, message.value), amount(rule.measure, message.before)
    limit, well = amount(rule.measure, rule.threshold), message.event is Event.recovered
    match rule.condition:
        case Condition.no_calls_for:
            return "calls are recorded again" if well else f"nothing was recorded for {over}"
        case Condition.culprit:
            if well:
                return f"what it told of did not miss again for {over}"
            if message.event is Event.again:
                return "what it told of still misses"
            many = f"{exact(message.among)} culprits are" if message.among != 1 else "a culprit is"
            return f"{many} {_came(rule)} in the last {over}"
        case Condition.above | Condition.below:
            side = f"no longer {rule.condition}" if well else rule.condition.value
            return f"{_name(rule)} of the last {over}: {value}, {side} {limit} ({calls} calls)"
        case Condition.rises_by | Condition.falls_by:
            verb = "rises" if rule.condition is Condition.rises_by else "falls"
            by = _percent(rule.threshold)
            side = f"no longer {verb} by {by}" if well else f"{verb} by {by} or more"
            return f"{_name(rule)} {side}: {value} in the last {over}, {before} before it"


def _came(rule: Rule) -> str:
    return {"new": "new", "regressed": "back after being resolved", "any": "new or back"}[
        rule.culprit
    ]


def _culprit(
    counted: Counted, receiver: Receiver, query: Query | None, dashboard: str
) -> dict[str, Json]:
    out: dict[str, Json] = {
        "id": counted.id,
        "misses": counted.misses,
        "missed_tokens": counted.missed_tokens,
        "missed_cost_usd": decimal_text(counted.missed_cost_usd),
        "url": f"{dashboard}{place('culprits', counted.id)}",
    }
    if query is None:
        return out
    try:
        found = query.culprit(counted.id)
    except UserError:
        # it was erased while the message waited
        return out
    row = found.row
    told = row.title if receiver.edits else None
    return out | {
        "project": row.project,
        "state": found.state,
        "reason": row.reason,
        "cause": row.cause,
        "path": row.path,
        "title": told or title_without_texts(row.cause, row.path),
        "edit": _edit(found) if receiver.edits else None,
        "first_seen": time_text(row.first_seen),
        "releases": list(row.releases),
    }


def _edit(culprit: Culprit) -> str | None:
    if culprit.edit is None:
        return None
    line = edit_line(culprit.edit, _EDIT_WIDTH, Look(width=_EDIT_WIDTH))
    return line.plain if line is not None else None


def _slack(
    message: Message, rule: Rule, culprits: list[dict[str, Json]], url: str
) -> dict[str, Json]:
    """As Slack's incoming webhooks have it; others, such as Mattermost, read the same."""
    head = f"*[{rule.severity}] {_escaped(rule.name)} {_SLACK_EVENTS[message.event]}*"
    lines = [head, _escaped(summary(message, rule))]
    for culprit in culprits:
        cost = usd(Decimal(str(c))) if (c := culprit["missed_cost_usd"]) is not None else "no price"
        tokens = short(int(str(culprit["missed_tokens"])))
        what = _code(culprit.get("path") or culprit.get("cause") or culprit["id"])
        lines.append(
            f"• <{_escaped(str(culprit['url']))}|{culprit['id']}> {what}: {tokens} tokens, {cost}"
        )
        if edit := culprit.get("edit"):
            lines.append(f"   {_code(edit)}")
    lines.append(f"<{_escaped(url)}|Open the dashboard>")
    return {"text": "\n".join(lines), "unfurl_links": False}


def _escaped(text: str) -> str:
    """So that no text becomes a link or calls a channel (Slack, "Formatting text for app
    surfaces": the three characters to escape)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: Json) -> str:
    """Text of a call, in which nothing is formatted and nobody is called."""
    plain = name_of(str(text)).replace("`", "'")
    return f"`{_escaped(plain)}`"


def _page(message: Message, rule: Rule, dashboard: str) -> str:
    window = message.window
    words = {"since": time_text(window.since), "until": time_text(window.until), **rule.filters}
    return f"{dashboard}/?{urlencode(words)}"


def _name(rule: Rule) -> str:
    return MEASURES[rule.measure] if rule.measure is not None else ""


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _percent(value: Decimal | None) -> str:
    if value is None:
        return "-"
    text = f"{value * 100:.1f}"
    return f"{text.removesuffix('.0')}%"


def _length(over: timedelta) -> str:
    return span(over.total_seconds())
