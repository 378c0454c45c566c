"""What waits to be sent: bounded, in order per receiver, tried again ever more slowly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from whycold.frontends.alert_rules import Receiver, Rule
from whycold.frontends.alert_state import AlertState, Message, Outbox, Post

__all__ = ["GIVEN_UP", "MOST_WAITING", "delivered", "failed", "put", "tidied"]

MOST_WAITING: Final = 100
"""Messages that wait for one receiver; the oldest makes room."""
GIVEN_UP: Final = timedelta(hours=24)
"""After which a message is news no more."""
_PAUSES: Final = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900))


def put(state: AlertState, message: Message, rule: Rule) -> None:
    """Leave a message for each receiver of a rule."""
    for name in rule.to:
        box = state.outboxes.setdefault(name, Outbox())
        box.waiting.append(Post(id=_id(message, name), message=message, due=message.at))
        while len(box.waiting) > MOST_WAITING:
            del box.waiting[0]
            box.dropped += 1


def delivered(box: Outbox, post: Post, now: datetime) -> None:
    """It was taken."""
    _remove(box, post)
    box.delivered += 1
    box.last_delivered = box.last_tried = now
    box.error = None


def failed(box: Outbox, post: Post, why: str, now: datetime) -> None:
    """It was not: later again, and those behind it wait for as long."""
    box.last_tried, box.error = now, why
    tried = replace(
        post, tries=post.tries + 1, due=now + _PAUSES[min(post.tries, len(_PAUSES) - 1)]
    )
    if now - post.message.at >= GIVEN_UP:
        _remove(box, post)
        box.dropped += 1
    elif box.waiting and box.waiting[0].id == post.id:
        box.waiting[0] = tried


def tidied(state: AlertState, rules: Iterable[Rule], receivers: Mapping[str, Receiver]) -> None:
    """Forget rules and receivers that are configured no more, and what they would have said."""
    names = {rule.name for rule in rules}
    state.rules = {name: rule for name, rule in state.rules.items() if name in names}
    state.outboxes = {name: box for name, box in state.outboxes.items() if name in receivers}
    for box in state.outboxes.values():
        box.waiting = [post for post in box.waiting if post.message.rule in names]


def _remove(box: Outbox, post: Post) -> None:
    box.waiting = [each for each in box.waiting if each.id != post.id]


def _id(message: Message, receiver: str) -> str:
    """The same for the same message, so that a receiver knows one that comes twice."""
    parts = (message.rule, message.event, message.at.isoformat(), receiver)
    return f"msg_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"
