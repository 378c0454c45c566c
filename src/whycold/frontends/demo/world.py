"""The demo's world: conversations that go on at their own pace, in front of simulated caches."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from whycold.frontends.demo.caches import AutomaticCache, MarkedCache, SlotCache
from whycold.frontends.demo.exchanges import exchanged, refused
from whycold.frontends.demo.pieces import Spent
from whycold.frontends.demo.prose import Prose
from whycold.frontends.demo.talk import Talk, Times
from whycold.sources.spool_record import Exchange

__all__ = ["Script", "World"]

Script = Iterator[float]
"""A conversation as it is played: before each request the seconds that pass until it is sent."""

_MINIMUM = 512
_AGAIN_S = 4.0


@dataclass(order=True, slots=True)
class _Due:
    """``ready``: a request stands ready to be sent; else the script says what is next."""

    at: datetime
    number: int
    talk: Talk
    script: Script
    ready: bool


class World:
    """Plays conversations, all that goes on at a time in the order of time.

    ``prose`` is what ids and texts are made by; ``now`` is how late it is.
    """

    def __init__(self, prose: Prose) -> None:
        self.prose = prose
        self.now = datetime.min.replace(tzinfo=UTC)
        self._due: list[_Due] = []
        self._count = 0
        self._anthropic = MarkedCache(_MINIMUM)
        self._openai = AutomaticCache(1, timedelta(minutes=30), 1024, writes=True)
        self._deepseek = AutomaticCache(64, timedelta(days=14), 64, writes=False)
        self._slots = SlotCache(1)

    @property
    def chance(self) -> random.Random:
        """The one source of chance."""
        return self.prose.chance

    def begin(self, at: datetime, talk: Talk, script: Script) -> None:
        """Let a conversation begin at that time."""
        self._push(at, talk, script, ready=False)

    def later(self, talk: Talk, script: Script) -> None:
        """Let a conversation begin now, from within another one."""
        self._push(self.now, talk, script, ready=False)

    def play(self, until: datetime) -> Iterator[Exchange]:
        """Every exchange, by the time of its request; what would be sent later is not."""
        while self._due and self._due[0].at < until:
            due = heapq.heappop(self._due)
            self.now = due.at
            if due.ready and (sent := self._sent(due.talk)) is not None:
                yield sent
            if due.ready and due.talk.refused:
                due.talk.refused = False
                again = due.at + timedelta(seconds=_AGAIN_S)
                self._push(again, due.talk, due.script, ready=True)
            elif (wait := next(due.script, None)) is not None:
                at = due.at + timedelta(microseconds=round(wait * 1e6))
                self._push(at, due.talk, due.script, ready=True)

    def _push(self, at: datetime, talk: Talk, script: Script, *, ready: bool) -> None:
        self._count += 1
        heapq.heappush(self._due, _Due(at, self._count, talk, script, ready))

    def _sent(self, talk: Talk) -> Exchange | None:
        """The exchange of the next request; None where only a transcript tells of it."""
        self._count += 1
        times = Times(self.now, self.now + timedelta(seconds=talk.begins), self._count)
        request_id = f"req_01{self.prose.word(20)}"
        if talk.refused:
            return refused(talk, times, request_id)
        request = talk.format.request(talk) if talk.transcript is None else b""
        spent = self._spent(talk, times)
        id = self._message_id(talk)
        kind, response = talk.format.response(talk, spent, id)
        if talk.transcript is not None:
            talk.transcript.take(talk, times, spent, id, request_id)
        talk.last, talk.tokens = id, spent.total
        made = exchanged(talk, times, request, kind, response, request_id)
        talk.messages.append(talk.reply)
        talk.verdict = None
        return made if talk.transcript is None else None

    def _spent(self, talk: Talk, times: Times) -> Spent:
        seen = talk.format.seen(talk, times.sent, times.began)
        match talk.who.upstream:
            case "anthropic":
                cache = self._anthropic
            case "openai":
                cache = self._openai
            case "deepseek":
                cache = self._deepseek
            case _:
                return self._slots.take(seen, talk.reply.pieces[0])
        if talk.lost:
            cache.forget(seen)
            talk.lost = False
        return cache.take(seen)

    def _message_id(self, talk: Talk) -> str:
        match talk.who.upstream:
            case "anthropic":
                return f"msg_01{self.prose.word(22)}"
            case "openai":
                return f"resp_{self.chance.getrandbits(192):048x}"
            case _:
                return f"chatcmpl-{self.prose.word(24)}"
