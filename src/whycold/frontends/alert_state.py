"""How alerts stand: kept in a file beside the store, so that a restart says nothing twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "AlertState",
    "Counted",
    "Event",
    "Message",
    "Outbox",
    "Post",
    "RuleState",
    "StateFile",
    "Window",
]

_MODE: Final = 0o600
_MOST_BYTES: Final = 64 << 20


class Event(StrEnum):
    """What a message says: a rule fires, still does, has recovered; or that it arrives at all."""

    fired = "fired"
    again = "again"
    recovered = "recovered"
    test = "test"


@dataclass(frozen=True, slots=True)
class Window:
    """From ``since`` (included) to ``until`` (not), UTC, and how many calls fit in it."""

    since: datetime
    until: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A culprit by its id, and its sums in the window; what it is, is looked up when it is sent."""

    id: str
    misses: int
    missed_tokens: int
    missed_cost_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What there is to say about a rule at a time. It quotes no text of a call.

    ``value`` is the measure over the window, ``before`` over the one before it; None where nothing
    was measured. ``since`` is when the rule began to fire. ``culprits`` are the dearest of
    ``among``.
    """

    rule: str
    event: Event
    at: datetime
    since: datetime | None
    window: Window
    value: Decimal | None = None
    before: Decimal | None = None
    culprits: tuple[Counted, ...] = ()
    among: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message on its way to one receiver; ``id`` is the same for each try."""

    id: str
    message: Message
    due: datetime
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """Where a rule stands.

    ``definition`` is a digest of it: another rule under its name begins anew. ``told`` is when it
    was last said that it fires, ``well`` since when its condition does not hold while it does.
    ``why`` says why it could not be judged. ``known`` are the culprits it told of, by id, and when
    each came.
    """

    definition: str = ""
    firing: bool = False
    since: datetime | None = None
    told: datetime | None = None
    well: datetime | None = None
    judged: datetime | None = None
    value: Decimal | None = None
    calls: int = 0
    why: str | None = None
    known: dict[str, datetime] = field(default_factory=dict[str, datetime])


@dataclass(slots=True)
class Outbox:
    """What waits for a receiver, oldest first, and how sending went.

    ``dropped`` counts messages that found no room, or that nobody took in time; ``error`` is why
    the latest try failed, None once one did not.
    """

    waiting: list[Post] = field(default_factory=list[Post])
    delivered: int = 0
    dropped: int = 0
    last_delivered: datetime | None = None
    last_tried: datetime | None = None
    error: str | None = None


@dataclass(slots=True)
class AlertState:
    """All of it: rules and receivers by name, as of ``judged``; ``fault`` is why the rules could
    not be looked at the last time.
    """

    rules: dict[str, RuleState] = field(default_factory=dict[str, RuleState])
    outboxes: dict[str, Outbox] = field(default_factory=dict[str, Outbox])
    judged: datetime | None = None
    fault: str | None = None

    def firing(self) -> Mapping[str, bool]:
        """By rule, whether it fires."""
        return {name: rule.firing for name, rule in self.rules.items()}


class StateFile:
    """The file; one process writes it, any may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> AlertState | None:
        """What it says; None when it is not there, or cannot be understood."""
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_MOST_BYTES), type=AlertState)
        except (OSError, msgspec.MsgspecError):
            return None

    def is_there(self) -> bool:
        """Whether there is a file at all."""
        return self._path.exists()

    def write(self, state: AlertState) -> None:
        """Replaces it as a whole, on disk before this returns. Raises OSError."""
        draft = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
