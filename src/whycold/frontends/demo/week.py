"""The script of the demo's two weeks: who works when, what is released, what goes wrong."""

from __future__ import annotations

from datetime import date, datetime

from whycold.frontends.demo import coding, services
from whycold.frontends.demo.calendar import Calendar
from whycold.frontends.demo.coding import Event
from whycold.frontends.demo.happenings import (
    changed_model,
    cleared,
    compacted,
    connected,
    lost,
    out_of_sandbox,
    paused,
    searched,
)
from whycold.frontends.demo.world import World

__all__ = ["Week"]


class Week:
    """Puts every conversation into a world."""

    def __init__(self, world: World, calendar: Calendar) -> None:
        self._world, self._calendar = world, calendar
        self._work = calendar.workdays

    def begin(self) -> None:
        """Let everything begin."""
        for day in self._calendar.days:
            if self._calendar.is_workday(day):
                self._coding(day)
                self._reviews(day)
                self._triage(day)
                self._analysis(day)
                self._field(day)
            self._support(day)
            self._evals(day)

    def _reached(self, day: int, hours: float, at: datetime) -> bool:
        """Whether a time is at or after that hour of a working day of the week."""
        return at >= self._calendar.at(self._work[day], hours)

    def _within(self, at: datetime) -> bool:
        return self._calendar.since <= at < self._calendar.until

    def _coding(self, day: date) -> None:
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for project, count in (("storefront", 4 if calm else 6), ("payments", 2 if calm else 3)):
            for number in range(count):
                at = self._calendar.at(day, 7 + 9 * (number + chance.random()) / count)
                if not self._within(at):
                    continue
                client = "coder 3.9.0" if self._reached(1, 11.5, at) else "coder 3.8.2"
                if project == "payments" and not self._reached(2, 9, at):
                    client = "coder 3.8.2"
                steps = chance.randint(18, 50)
                talk = coding.coder(self._world, project, client, at)
                events = self._events(client, steps, calm=calm, number=number)
                self._world.begin(at, talk, coding.coding(talk, self._world, steps, events))
                name = coding.title(self._world, talk)
                self._world.begin(at, name, iter([0.4]))

    def _events(self, client: str, steps: int, *, calm: bool, number: int) -> dict[int, Event]:
        """What happens in a session, by its step."""
        chance = self._world.chance
        events: dict[int, Event] = {}
        if chance.random() < (0.5 if calm else 0.6):
            events[chance.randint(4, 12)] = searched(chance.randint(6, 12))
        if client == "coder 3.9.0" and chance.random() < 0.7:
            events[chance.randint(10, steps - 2)] = out_of_sandbox
        if chance.random() < 0.4:
            events[chance.randint(6, steps - 1)] = paused(chance.choice((7, 11, 18, 25)))
        if chance.random() < (0.1 if calm else 0.2):
            events[chance.randint(8, steps - 1)] = paused(chance.choice((64, 75, 90)))
        if steps > 40:
            events[38] = compacted
        elif number == 1 and not calm:
            events[steps - 4] = cleared
        if chance.random() < 0.06:
            events[chance.randint(5, steps - 1)] = changed_model
        if chance.random() < 0.06:
            events[2] = connected
        if chance.random() < 0.05:
            events[chance.randint(5, steps - 1)] = lost
        return events

    def _reviews(self, day: date) -> None:
        calm = self._calendar.is_calm(day)
        for number in range(4 if calm else 7):
            at = self._calendar.at(day, 8 + number * 1.3)
            if self._within(at):
                talk = coding.reviewer(self._world, "storefront", "review-action 1.4.0")
                forced = self._reached(0, 0, at)
                script = coding.reviewing(
                    talk, self._world, self._world.chance.randint(4, 8), forced=forced
                )
                self._world.begin(at, talk, script)

    def _support(self, day: date) -> None:
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for number in range(8 if calm else 14):
            at = self._calendar.at(day, 6 + 14 * (number + chance.random()) / (8 if calm else 14))
            if not self._within(at):
                continue
            clock = self._reached(0, 10, at) and not self._reached(2, 15, at)
            late = self._reached(2, 15, at)
            client = (
                "helpdesk 1.22.0" if clock else "helpdesk 1.22.1" if late else "helpdesk 1.21.4"
            )
            talk = services.supporter(self._world, client)
            turns = chance.randint(2, 7)
            away = 2 if number == 5 and turns > 3 and not clock else None
            script = services.supporting(talk, self._world, turns, at, clock=clock, away=away)
            self._world.begin(at, talk, script)
        for number in range(3 if calm else 6):
            at = self._calendar.at(day, 9 + number * 0.07)
            if self._within(at):
                mail = services.mailer(self._world, "mailroom 0.9.3")
                self._world.begin(at, mail, services.mailing(mail, self._world))

    def _evals(self, day: date) -> None:
        calm = self._calendar.is_calm(day)
        start = self._calendar.at(day, 2)
        late = self._reached(2, 0, start)
        client = "evals 2.6.0" if late else "evals 2.5.1"
        for number in range(16 if calm else 32):
            at = self._calendar.at(day, 2 + (number // 4) * 9 / 3600)
            if self._within(at):
                case = self._world.prose.uuid() if late else None
                talk = services.judge(self._world, client, services.handbook("shop", 150, 6), case)
                self._world.begin(at, talk, services.grading(talk, self._world))

    def _triage(self, day: date) -> None:
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for number in range(4 if calm else 6):
            at = self._calendar.at(day, 7.5 + number * 1.7)
            if not self._within(at):
                continue
            late = self._reached(1, 9, at)
            talk = services.triager(self._world, "triage 0.14.0" if late else "triage 0.13.2")
            talk.compares = late
            steps = chance.randint(8, 16)
            shuffled = tuple(chance.sample(range(3, steps), 2)) if late else ()
            script = services.triaging(talk, self._world, steps, shuffled)
            self._world.begin(at, talk, script)

    def _analysis(self, day: date) -> None:
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for number in range(2 if calm else 3):
            at = self._calendar.at(day, 8.2 + number * 2.6)
            if self._within(at):
                late = self._reached(3, 0, at)
                client = "notebook 5.1.0" if late else "notebook 5.0.8"
                talk = services.analyst(self._world, client)
                steps = chance.randint(7, 15)
                script = services.analysing(talk, self._world, steps, steps - 3 if late else None)
                self._world.begin(at, talk, script)

    def _field(self, day: date) -> None:
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for number in range(1 if calm else 2):
            at = self._calendar.at(day, 9.5 + number * 4)
            if self._within(at):
                steps = chance.randint(7, 13)
                talk = services.field(self._world, "field 0.3.1")
                beside = None if calm else steps // 2
                self._world.begin(at, talk, services.noting(talk, self._world, steps, beside))
