"""``whycold alerts``: how the rules stand, and whether a message arrives."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import click
import msgspec

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.alert_rules import Condition, Receiver, Rule
from whycold.frontends.alert_state import Event, Message, Window
from whycold.frontends.alerts.judging import dearest, judge
from whycold.frontends.alerts.posting import NotDelivered
from whycold.frontends.alerts.standing import alert_lines, alerts_json, standing
from whycold.frontends.alerts.watching import sent
from whycold.frontends.alerts.wording import payload
from whycold.frontends.config import Config, load, now
from whycold.frontends.reporting_asking import print_json
from whycold.frontends.serve_orders import reachable
from whycold.frontends.serve_state import running
from whycold.frontends.web.store_access import StoreAccess
from whycold.query import Query
from whycold.store.base import Missing

__all__ = ["alerts"]


@click.command()
@click.option("--test", "tested", metavar="NAME", help="Send a test for a rule, or to a receiver.")
@click.option("--store", metavar="URL", help="Where calls are kept.")
@click.option("--config", "file", metavar="FILE", type=click.Path(path_type=Path), help="Settings.")
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
def alerts(tested: str | None, store: str | None, file: Path | None, as_data: bool) -> None:
    """Show how the alerts of whycold.toml stand, or send a test.

    `whycold serve` looks at the rules and sends what they say; docs/alerts.md shows how to write
    them.

    \b
    Examples:
      whycold alerts
      whycold alerts --test ops          one message to the receiver ops
      whycold alerts --test "dear"       what the rule finds now, to its receivers
    """
    options: dict[str, Json] = {"store": store}
    config = load(options, file)
    if tested is not None:
        _test(config, tested)
    elif as_data:
        print_json(alerts_json(standing(config)))
    elif config.alerting.rules or config.alerting.receivers:
        for line in alert_lines(standing(config)):
            click.echo(line)
    else:
        click.echo("no alerts are configured; docs/alerts.md shows how")


def _test(config: Config, name: str) -> None:
    """Raises UserError when a receiver does not take the message."""
    receivers = {receiver.name: receiver for receiver in config.alerting.receivers}
    rules = {rule.name: rule for rule in config.alerting.rules}
    if name not in rules and name not in receivers:
        known = ", ".join((*rules, *receivers)) or "none"
        raise UserError(f"no rule or receiver {name!r}; there are: {known}")
    rule = rules.get(name) or Rule(name=name, condition=Condition.no_calls_for, to=(name,))
    if not rule.to:
        raise UserError(f"the alert {name!r} has no receivers")
    failed = [each for each in rule.to if not _sent(config, rule, receivers[each])]
    if failed:
        raise UserError(f"not delivered to {', '.join(failed)}")


def _sent(config: Config, rule: Rule, receiver: Receiver) -> bool:
    at = now()
    access = StoreAccess(config.store)
    try:
        body = access.ask(lambda query, _: _worded(config, rule, receiver, query, at))
    except Missing:
        body = _worded(config, rule, receiver, None, at)
    finally:
        access.close()
    try:
        status = asyncio.run(sent(receiver, f"msg_test_{at.timestamp():.6f}", body, at))
    except NotDelivered as why:
        click.echo(f"{receiver.name}: {why}")
        return False
    click.echo(f"{receiver.name}: delivered ({status})")
    return True


def _worded(
    config: Config, rule: Rule, receiver: Receiver, query: Query | None, at: datetime
) -> bytes:
    serve = running(config.state_file)
    host = f"http://{reachable(config.host)}:{config.dashboard_port}"
    dashboard = config.alerting.dashboard or (serve.dashboard if serve is not None else host)
    message = _found(rule, query, at)
    return msgspec.json.encode(payload(message, rule, receiver, query, dashboard))


def _found(rule: Rule, query: Query | None, at: datetime) -> Message:
    if query is None:
        window = Window(at - rule.over, at, 0)
        return Message(rule=rule.name, event=Event.test, at=at, since=None, window=window)
    judged = judge(rule, query, at, at - rule.over, {})
    culprits, among = dearest(query, rule, judged.window)
    return Message(
        rule=rule.name,
        event=Event.test,
        at=at,
        since=None,
        window=judged.window,
        value=judged.value,
        before=judged.before,
        culprits=culprits,
        among=among,
    )
