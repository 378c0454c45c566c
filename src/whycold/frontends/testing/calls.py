"""The calls of a test, recorded in memory."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.core.prompt import Section
from whycold.diagnose import diagnose
from whycold.errors import UserError
from whycold.frontends.prices import price_list
from whycold.frontends.recording import http_clients
from whycold.frontends.testing.listening import Listening
from whycold.frontends.testing.stability import assert_prefix_stable
from whycold.providers.registry import rules_for
from whycold.sources.programs.album import Album
from whycold.sources.programs.hooks import Attached, Places, attach, copying
from whycold.sources.proxied import Elsewhere, NotACall, read_proxied
from whycold.sources.served import Served
from whycold.sources.spool_record import Capture

__all__ = ["Calls"]

_T = TypeVar("_T")
_SESSION = "test"


class Calls:
    """What a test's clients have asked, and what they were answered.

    Three ways in: ``record`` for a client of an SDK or of httpx, ``transport`` for one that is made
    with a transport, ``base_url`` for anything else that speaks HTTP."""

    def __init__(self) -> None:
        self._album = Album(secrets.token_bytes(32))
        self._attached = Attached(self._album, Places({}, Capture.full, {}), dict)
        self._known: list[object] = []
        self._listening: list[Listening] = []

    def record(self, client: _T) -> _T:
        """Record what this client asks from now on; returns it. Raises UserError."""
        found = list(http_clients(client))
        if not found:
            raise UserError(
                f"a {type(client).__name__} has no httpx client that could be recorded; "
                "give it whycold_calls.base_url(…)"
            )
        for one in found:
            if not any(one is known for known in self._known):
                self._known.append(one)
                attach(one, self._attached)
        return client

    def transport(self, inner: Any) -> Any:  # noqa: ANN401 - of whichever package it comes from
        """A transport that does what ``inner`` does and records; for clients that are made with
        one, such as ``httpx.MockTransport``. Raises TypeError."""
        return copying(inner, self._attached)

    def base_url(self, upstream: str) -> str:
        """An address of this machine that leads to ``upstream``, with what passes recorded. It
        answers until the calls are looked at for the first time. Raises UserError."""
        listening = Listening(upstream, self._album)
        self._listening.append(listening)
        return listening.url

    def read(self) -> list[Call]:
        """The calls to models so far, in order. Raises UserError where recording failed."""
        for listening in self._listening:
            listening.close()
        self._album.end()
        for fault in self._album.faults:
            raise UserError(f"a call could not be recorded: {fault!r}")
        calls: list[Call] = []
        for exchange in self._album.exchanges:
            try:
                call = read_proxied(exchange, Served({})).call
            except Elsewhere:
                continue
            except NotACall as why:
                raise UserError(f"{exchange.target}: {why}") from None
            calls.append(call)
        return calls

    def diagnoses(self) -> list[Diagnosis]:
        """The calls so far, diagnosed, in order.

        A conversation that goes on from no earlier one owes what they have in common all the same:
        it is held against the call before it, as far as tools, system prompt and settings go."""
        calls, prices = self.read(), price_list(None)
        alone = diagnose(calls, rules_for, prices)
        together = diagnose([replace(c, session=_SESSION) for c in calls], rules_for, prices)
        return [
            one if one.predecessor is not None else _opening(other)
            for one, other in zip(alone, together, strict=True)
        ]

    def assert_prefix_stable(self, allow: Collection[str] = ()) -> None:
        """See ``stability.assert_prefix_stable``."""
        __tracebackhide__ = True
        assert_prefix_stable(self, allow)

    def __len__(self) -> int:
        return len(self.read())

    def close(self) -> None:
        """Lets go of what listens."""
        for listening in self._listening:
            listening.close()


def _opening(told: Diagnosis) -> Diagnosis:
    """What holds of a new conversation: other messages are no edit."""
    opening = tuple(one for one in told.divergences if one.section is not Section.messages)
    return replace(told, divergences=opening)
