"""The days of those who code with an agent: their sessions, and what happens in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from whycold.frontends.demo import coding
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
    told,
)
from whycold.frontends.demo.talk import Talk
from whycold.frontends.demo.transcripts import Transcript
from whycold.frontends.demo.world import World

__all__ = ["CodingDays"]

_NEW, _OLD = "coder 3.9.0", "coder 3.8.2"
_SEARCHES = 0.55
_FRESH_AIR, _LUNCH = 0.4, 0.2


class CodingDays:
    """Lets the sessions of a day begin."""

    def __init__(self, world: World, calendar: Calendar) -> None:
        self._world, self._calendar = world, calendar

    def begin(self, day: date) -> list[Talk]:
        """Every session of a day; those that only transcripts tell of are given back."""
        calm = self._calendar.is_calm(day)
        for project, count in (("storefront", 2 if calm else 5), ("payments", 2 if calm else 3)):
            self._sessions(day, project, count)
        if day == self._calendar.workdays[1]:
            self._late(day)
        return [*self._written(day)]

    def _sessions(self, day: date, project: str, count: int) -> None:
        chance = self._world.chance
        for number in range(count):
            at = self._calendar.at(day, 7 + 9 * (number + chance.random()) / count)
            if not self._calendar.within(at):
                continue
            new = self._calendar.reached(f"{_NEW} in {project}", at)
            steps = chance.randint(16, 42)
            talk = coding.coder(self._world, project, _NEW if new else _OLD, at.date())
            events = self._events(talk, steps) | self._planned(day, number, steps)
            talk.compares = new and project == "storefront"
            self._world.begin(at, talk, coding.coding(talk, self._world, steps, events))
            named = coding.title(self._world, talk)
            self._world.begin(at + timedelta(seconds=0.4), named, iter([0.0]))

    def _events(self, talk: Talk, steps: int) -> dict[int, Event]:
        """What happens in a session as chance has it, by its step."""
        chance = self._world.chance
        events: dict[int, Event] = {}
        if chance.random() < _SEARCHES:
            events[chance.randint(4, 8)] = searched(chance.randint(5, 10))
        if chance.random() < _FRESH_AIR:
            events[chance.randint(9, steps - 1)] = paused(chance.choice((7, 11, 18, 25)))
        if chance.random() < _LUNCH:
            events[chance.randint(9, steps - 1)] = paused(chance.choice((64, 75, 90)))
        if talk.who.client == _NEW and chance.random() < 0.75:
            events[chance.randint(10, steps - 2)] = out_of_sandbox("tools_changed")
        return events

    def _planned(self, day: date, number: int, steps: int) -> dict[int, Event]:
        """What happens on certain days of the week, whatever chance has in mind."""
        work = self._calendar.workdays
        if day not in work:
            return {}
        events: dict[tuple[int, int], dict[int, Event]] = {
            (0, 0): {5: connected},
            (0, 1): {steps - 3: told("messages_changed", compacted)},
            (0, 2): {steps - 4: told("messages_changed", cleared)},
            (1, 1): {steps - 5: told("model_changed", changed_model)},
            (1, 2): {steps - 2: lost},
            (2, 1): {steps - 3: told("messages_changed", compacted)},
            (2, 2): {9: out_of_sandbox("messages_changed")},
            (3, 0): {steps - 3: told("messages_changed", cleared)},
            (3, 2): {steps - 4: told("model_changed", changed_model)},
        }
        return events.get((work.index(day), number), {})

    def _late(self, day: date) -> None:
        """A session over midnight."""
        at = self._calendar.at(day, 23.87)
        talk = coding.coder(self._world, "payments", _OLD, day)
        self._world.begin(at, talk, coding.coding(talk, self._world, 44))

    def _written(self, day: date) -> Iterator[Talk]:
        """Sessions of people who do not go through the proxy."""
        chance, calm = self._world.chance, self._calendar.is_calm(day)
        for number in range(1 if calm else 2):
            at = self._calendar.at(day, 8.5 + 4 * number)
            if self._calendar.within(at):
                talk = coding.coder(self._world, "mobile-app", "claude-cli 2.1.197", day)
                talk.transcript = Transcript()
                steps = chance.randint(14, 26)
                events: dict[int, Event] = {} if calm else {steps // 2: connected}
                self._world.begin(at, talk, coding.coding(talk, self._world, steps, events))
                yield talk
