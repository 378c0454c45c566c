"""The script of the demo's two weeks: who works when, what is released, what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple

from whycold.frontends.demo import coding, services
from whycold.frontends.demo.calendar import Calendar
from whycold.frontends.demo.coding_days import CodingDays
from whycold.frontends.demo.handbooks import SHOP_ARTICLES, corrected, handbook
from whycold.frontends.demo.talk import Talk
from whycold.frontends.demo.world import World

__all__ = ["Week"]

_WORKERS = 4
_APART_S = 3.1


class _Slot(NamedTuple):
    """One of the conversations that an agent has on a day."""

    number: int
    at: datetime
    calm: bool


class Week:
    """Puts every conversation into a world. ``written`` are those that only transcripts tell of."""

    def __init__(self, world: World, calendar: Calendar) -> None:
        self._world, self._calendar = world, calendar
        self._coding = CodingDays(world, calendar)
        self._release = calendar.reached

    def begin(self) -> list[Talk]:
        """Let everything begin; the conversations that only transcripts tell of."""
        written: list[Talk] = []
        for day in self._calendar.days:
            if self._calendar.is_workday(day):
                written += self._coding.begin(day)
                self._reviews(day)
                self._triage(day)
                self._analysis(day)
                self._field(day)
            self._support(day)
            self._mail(day)
            self._evals(day)
        return written

    def _slots(
        self, day: date, counts: tuple[int, int], first: float, gap: float
    ) -> Iterator[_Slot]:
        """Times of a day, ``gap`` hours apart: so many in the calm week, so many in the other."""
        calm = self._calendar.is_calm(day)
        for number in range(counts[0] if calm else counts[1]):
            at = self._calendar.at(day, first + gap * number)
            if self._calendar.within(at):
                yield _Slot(number, at, calm)

    def _reviews(self, day: date) -> None:
        for slot in self._slots(day, (2, 5), 8, 1.8):
            late = self._release("review-action 1.5.0", slot.at)
            client = "review-action 1.5.0" if late else "review-action 1.4.0"
            talk = coding.reviewer(self._world, "storefront", client)
            steps = self._world.chance.randint(4, 8)
            script = coding.reviewing(talk, self._world, steps, forced=late)
            self._world.begin(slot.at, talk, script)

    def _support(self, day: date) -> None:
        chance = self._world.chance
        for slot in self._slots(day, (6, 12), 6, 0.9):
            fixed = self._release("helpdesk 1.22.1", slot.at)
            clock = self._release("helpdesk 1.22.0", slot.at) and not fixed
            client = f"helpdesk {'1.22.1' if fixed else '1.22.0' if clock else '1.21.4'}"
            rules = handbook("shop", SHOP_ARTICLES)
            if self._release("handbook", slot.at):
                rules = corrected(rules)
            talk = services.supporter(self._world, client, rules)
            turns = chance.randint(2, 7)
            away = 2 if slot.number in (5, 9) and not clock else None
            chat = services.Chat(max(turns, 4) if away else turns, clock, away, summed=fixed)
            self._world.begin(slot.at, talk, services.supporting(talk, self._world, chat))

    def _mail(self, day: date) -> None:
        for slot in self._slots(day, (3, 8), 9, 0.05):
            talk = services.mailer(self._world, "mailroom 0.9.3")
            self._world.begin(slot.at, talk, services.mailing(talk, self._world))

    def _evals(self, day: date) -> None:
        for slot in self._slots(day, (10, 20), 2, 0):
            late = self._release("evals 2.6.0", slot.at)
            case = self._world.prose.uuid() if late else None
            talk = services.judge(self._world, f"evals {'2.6.0' if late else '2.5.1'}", case)
            # the later version asks one by one from the start
            wait = max(0, slot.number - (0 if late else _WORKERS - 1)) * _APART_S
            self._world.begin(slot.at, talk, services.grading(talk, self._world, wait))

    def _triage(self, day: date) -> None:
        chance = self._world.chance
        for slot in self._slots(day, (3, 6), 7.5, 1.7):
            late = self._release("triage 0.14.0", slot.at)
            talk = services.triager(self._world, f"triage {'0.14.0' if late else '0.13.2'}")
            talk.compares = late
            steps = chance.randint(8, 14)
            connected = tuple(chance.sample(range(3, steps), 1 + steps % 2)) if late else ()
            script = services.triaging(talk, self._world, steps, connected)
            self._world.begin(slot.at, talk, script)

    def _analysis(self, day: date) -> None:
        for slot in self._slots(day, (1, 3), 8.2, 2.6):
            late = self._release("notebook 5.1.0", slot.at)
            talk = services.analyst(self._world, f"notebook {'5.1.0' if late else '5.0.8'}")
            steps = self._world.chance.randint(7, 15)
            rebuilt = steps - 3 if late else None
            self._world.begin(slot.at, talk, services.analysing(talk, self._world, steps, rebuilt))

    def _field(self, day: date) -> None:
        for slot in self._slots(day, (1, 2), 9.5, 4):
            talk = services.field(self._world, "field 0.3.1")
            steps = self._world.chance.randint(7, 13)
            beside = None if slot.calm else steps // 2
            self._world.begin(slot.at, talk, services.noting(talk, self._world, steps, beside))
