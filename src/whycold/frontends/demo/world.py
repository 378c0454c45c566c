"""The demo's world: conversations that go on at their own pace, in front of simulated caches."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from whycold.frontends.demo.caches import AutomaticCache, MarkedCache, SlotCache
from whycold.frontends.demo.pieces import Spent
from whycold.frontends.demo.prose import Prose
from whycold.frontends.demo.talk import Talk
from whycold.sources.spool_record import Body, Exchange

__all__ = ["HOSTS", "Script", "World"]

Script = Iterator[float]
"""A conversation as it is played: before each request the seconds that pass until it is sent."""

HOSTS = {
    "anthropic": "api.anthropic.com",
    "openai": "api.openai.com",
    "deepseek": "api.deepseek.com",
    "workstation": "127.0.0.1",
}
"""Where the demo's upstreams are; nothing is ever sent there."""
_MINIMUM = 512
_ID_BITS = 22
_US = 1000


@dataclass(order=True, slots=True)
class _Due:
    at: datetime
    number: int
    talk: Talk
    script: Script


class World:
    """Plays conversations, all that goes on at a time in the order of time.

    ``prose`` is what ids and texts are made by.
    """

    def __init__(self, prose: Prose) -> None:
        self.prose = prose
        self._due: list[_Due] = []
        self._count = 0
        self._now = datetime.min.replace(tzinfo=UTC)
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
        self._next(at, talk, script)

    def later(self, talk: Talk, script: Script) -> None:
        """Let a conversation begin now, from within another one."""
        self._next(self._now, talk, script)

    def play(self, until: datetime) -> Iterator[Exchange]:
        """Every exchange, by the time of its request; what would be sent later is not."""
        while self._due and self._due[0].at < until:
            due = heapq.heappop(self._due)
            self._now = due.at
            yield self._sent(due.talk, due.at)
            self._next(due.at, due.talk, due.script)

    def _next(self, at: datetime, talk: Talk, script: Script) -> None:
        wait = next(script, None)
        if wait is not None:
            self._count += 1
            due = at + timedelta(microseconds=round(wait * 1e6))
            heapq.heappush(self._due, _Due(due, self._count, talk, script))

    def _sent(self, talk: Talk, at: datetime) -> Exchange:
        began = at + timedelta(seconds=talk.begins)
        request = talk.format.request(talk)
        spent = self._spent(talk, at, began)
        id = self._message_id(talk)
        kind, response = talk.format.response(talk, spent, id)
        started = _nanoseconds(at)
        self._count += 1
        server = (("server", "llama.cpp"),) if talk.who.upstream == "workstation" else ()
        exchange = Exchange(
            id=(started // 1_000_000 << _ID_BITS) | self._count % (1 << _ID_BITS),
            started=started,
            sent=started + 3_000_000,
            answered=_nanoseconds(began),
            ended=_nanoseconds(began) + 2_400_000_000,
            upstream=talk.who.upstream,
            method="POST",
            target=talk.format.target,
            request_headers=(
                ("content-type", "application/json"),
                ("user-agent", talk.who.client.replace(" ", "/")),
            ),
            status=200,
            response_headers=(
                ("content-type", kind),
                ("request-id", f"req_01{self.prose.word(20)}"),
                *server,
            ),
            request=Body(parts=(request,), wire_size=len(request)),
            response=Body(parts=(response,), wire_size=len(response)),
            labels=_labels(talk),
            account=talk.who.account,
        )
        talk.last, talk.tokens = id, spent.total
        talk.messages.append(talk.reply)
        talk.verdict = None
        return exchange

    def _spent(self, talk: Talk, at: datetime, began: datetime) -> Spent:
        seen = talk.format.seen(talk, at, began)
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
            cache.forget(seen, 0)
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


def _labels(talk: Talk) -> dict[str, str]:
    labels = {"project": talk.who.project, "session": talk.session, "release": talk.who.client}
    return labels | ({"agent": talk.who.agent} if talk.who.agent else {})


def _nanoseconds(at: datetime) -> int:
    return (int(at.timestamp()) * 1_000_000 + at.microsecond) * _US
