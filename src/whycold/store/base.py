"""What every store can do. Engines differ in how, never in what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from whycold.core.prompt import Prompt
from whycold.errors import UserError
from whycold.store.answers import (
    Contents,
    Cross,
    CulpritOrder,
    CulpritRow,
    Dimension,
    Erase,
    Filters,
    Group,
    Mark,
    OpeningRow,
    Point,
    ReleaseRow,
    Retention,
    SessionPage,
    Split,
    Swept,
    Totals,
)
from whycold.store.records import Kept, Page, Record, Written
from whycold.store.spreads import SpreadRow

__all__ = ["BadCursor", "Damaged", "Missing", "Store", "Unavailable"]


class Unavailable(UserError):
    """The store cannot be used now: disk full, locked, read-only. Nothing was changed; the same
    call can be made again.
    """


class Missing(UserError):
    """There is no store at that address yet."""


class Damaged(UserError):
    """The store turned out to be corrupt. Opening it for writing sets it aside and begins anew."""


class BadCursor(UserError):
    """A cursor that no page has given."""


class Store(Protocol):
    """Calls with their diagnoses, prompts and replies, and sums over them.

    One process has it open for writing, any number for reading. Every method may raise
    ``Unavailable`` or ``Damaged``. Ids are our id of a call, one of its ``also``, the provider's
    message id or its request id.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each thing that a person should know about the opening."""
        ...

    def close(self) -> None:
        """Let go of the store; it may be opened for writing by another."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Inside, all that this thread reads is of one state, so that sums agree with each other.

        Whoever writes goes on meanwhile; it should not be held for long.
        """
        ...

    def write(
        self, token: str, records: Sequence[Record], state: Mapping[str, str] | None = None
    ) -> Written:
        """Keep records, and ``state`` with them, in one durable transaction.

        Of one token only the first batch counts. A call that is already there under any of its ids
        (``also`` included) stays as it is, unless the record ``amends`` it. Keys of ``state`` that
        are not named keep their value. For the process that opened it for writing.
        """
        ...

    def state(self) -> dict[str, str]:
        """All that ``write`` was given as state so far."""
        ...

    def retain(self, policy: Retention, now: datetime, slices: int = 16) -> Swept:
        """Drop what is older than the policy allows, in at most ``slices`` short transactions.

        Sums stay. Call again until ``done``.
        """
        ...

    def erase(self, what: Erase, slices: int | None = None) -> Swept:
        """Delete calls as if they had never been: facts, sums, texts, and the bytes on disk. Calls
        that stay keep what they missed and lose what they quote of those.

        UserError when nothing is given to choose by.
        """
        ...

    def mark(self, culprit: str, mark: Mark) -> None:
        """Say what was decided about a culprit. Readers may do so, too."""
        ...

    def totals(self, filters: Filters) -> Totals:
        """Sums over the calls."""
        ...

    def grouped(self, filters: Filters, by: Dimension) -> tuple[Group, ...]:
        """Sums per value, most missed tokens first, then most calls."""
        ...

    def split(self, filters: Filters, by: Sequence[Dimension]) -> Split:
        """Totals and groups at once: what the two would say, for less than one after the other."""
        ...

    def crossed(self, filters: Filters, by: Sequence[Dimension]) -> tuple[Cross, ...]:
        """Sums per combination of values that some call has, ordered as in ``grouped``."""
        ...

    def series(self, filters: Filters, hours: int, by: Dimension | None) -> tuple[Point, ...]:
        """Sums per step of 1 to 24 ``hours`` (a divisor of 24, steps begin at 0:00 UTC) and value,
        in time order; steps without a call are left out.
        """
        ...

    def misses(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """Calls of verdict miss or partial, newest first."""
        ...

    def calls(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> Page:
        """Calls, newest first."""
        ...

    def find(self, id: str) -> Kept | None:
        """The call of that id without its texts; the latest, where a provider gave an id twice."""
        ...

    def record(self, id: str) -> Record | None:
        """All that is kept of a call: what was written, less what has been dropped since."""
        ...

    def prompt(self, id: str) -> Prompt | None:
        """The prompt of a call; None when the call or its prompt is not there."""
        ...

    def session(self, session: str, project: str | None = None) -> tuple[Kept, ...]:
        """The calls of a session, oldest first."""
        ...

    def sessions(self, filters: Filters, cursor: str | None = None, limit: int = 50) -> SessionPage:
        """Sessions that have a call that fits, the one used last first."""
        ...

    def culprits(
        self, filters: Filters, limit: int = 100, order: CulpritOrder = CulpritOrder.cost
    ) -> tuple[CulpritRow, ...]:
        """Culprits of the calls, dearest first unless asked otherwise; whatever has no price goes
        by its tokens.
        """
        ...

    def culprit(self, id: str, filters: Filters | None = None) -> CulpritRow | None:
        """One culprit, with the sums of the calls that fit; also when none does."""
        ...

    def marks(self) -> dict[str, Mark]:
        """Every decision about a culprit, by its id."""
        ...

    def releases(self, filters: Filters) -> tuple[ReleaseRow, ...]:
        """Releases with a call that fits, by when they were first seen."""
        ...

    def openings(
        self, filters: Filters, least: int = 2, limit: int = 200
    ) -> tuple[OpeningRow, ...]:
        """Tools and systems by when they were first seen, newest first, if at least so many calls
        had them. Of the filters, time and project count.
        """
        ...

    def spreads(self) -> tuple[SpreadRow, ...]:
        """How the sizes of all calls are spread, per provider, model and project."""
        ...

    def values(self, dimension: Dimension) -> tuple[str, ...]:
        """What there is to choose from, sorted."""
        ...

    def history(self, since: datetime | None = None, last: int | None = None) -> Iterator[Record]:
        """Calls from ``since`` on, at most the ``last`` so many, oldest first, with all that is
        kept of them. Equal blocks of them are the same objects.
        """
        ...

    def contents(self) -> Contents:
        """How much there is."""
        ...
