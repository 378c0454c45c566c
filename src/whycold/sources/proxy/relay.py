"""One request on its way to an upstream, and its response on the way back."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from whycold.sources.proxy.framing import MORE, BodyEnd, ChunkContent, response_body
from whycold.sources.proxy.http1 import CHUNKED, UNTIL_CLOSE, BadMessage, find_head
from whycold.sources.proxy.hub import Hub
from whycold.sources.proxy.outbox import Outbox
from whycold.sources.proxy.request_head import RequestHead
from whycold.sources.proxy.response_head import ResponseHead, parse_response
from whycold.sources.proxy.routing import Route
from whycold.sources.proxy.tee import Tape
from whycold.sources.proxy.upstream import UpstreamConnection
from whycold.sources.spool_counts import Count
from whycold.sources.spool_record import Cut

__all__ = ["HOLD_DIALING", "HOLD_PIPELINED", "HOLD_UPSTREAM_FULL", "ClientSide", "Relay"]

_CLOSE: Final = b"Connection: close"

# Why a client is not read from for now; the reasons are added up.
HOLD_DIALING: Final = 1
HOLD_UPSTREAM_FULL: Final = 2
HOLD_PIPELINED: Final = 4


class ClientSide(Protocol):
    """The connection that a relay answers to."""

    quiet: int
    write_paused: bool

    def write(self, data: bytes) -> None: ...

    def hold(self, reason: int) -> None: ...

    def release(self, reason: int) -> None: ...

    def answer(self, status: int, code: str, message: str) -> None:
        """Gives the proxy's own answer and ends the relay."""
        ...

    def relay_ended(self, keep: bool) -> None:
        """The response went out; ``keep`` when another request may come over the connection."""
        ...

    def switched(self) -> None:
        """From here on both sides speak another protocol."""
        ...

    def cut(self, reset: bool) -> None:
        """Ends the connection in the middle of a response; with ``reset`` so that its end cannot
        be taken for the response's."""
        ...


class Relay:
    """Writes what comes from one side to the other, then gives the tape its reference.

    ``data`` is what had come of the request's body when its head was complete."""

    __slots__ = (
        "_answer_head",
        "_body",
        "_client",
        "_content",
        "_dial",
        "_head",
        "_head_bytes",
        "_hub",
        "_keep_client",
        "_outbox",
        "_request_done",
        "_retried",
        "_route",
        "_tape",
        "_tunnel",
        "_via",
    )

    def __init__(
        self,
        hub: Hub,
        client: ClientSide,
        head: RequestHead,
        route: Route,
        data: bytes,
        tape: Tape | None,
    ) -> None:
        self._hub = hub
        self._client = client
        self._head = head
        self._route = route
        self._tape = tape
        via = None
        if not route.upstream.vendor:
            via = head.via + b", " + hub.identity if head.via else hub.identity
        self._via = via
        self._outbox = Outbox(hub, head.forwarded(route.target, route.authority, via), data)
        self._dial: asyncio.Task[None] | None = None
        self._retried = False
        self._request_done = False
        self._head_bytes = b""
        self._answer_head: ResponseHead | None = None
        self._body: BodyEnd | None = None
        self._content: ChunkContent | None = None
        self._keep_client = False
        self._tunnel = False

    def begin(self, ended: bool) -> None:
        """Sends the request's head and ``data``, now or as soon as there is a connection;
        ``ended`` when that is all of it."""
        hub = self._hub
        head = self._head
        # What cannot be kept to be sent again gets a connection that cannot be stale.
        repeatable = head.upgrade is None and head.length <= hub.replay_left
        connection = hub.pool.take(self._route.upstream) if repeatable else None
        if connection is None:
            self._dial = hub.pool.dial(self._route.upstream, self)
        else:
            self._attach(connection)
        if ended:
            self.request_ended()

    def request_data(self, data: bytes) -> None:
        """The next part of the request's body."""
        if self._outbox.add(data):
            self._client.hold(HOLD_DIALING)
        if self._tape is not None:
            self._tape.add_request(data)

    def request_ended(self) -> None:
        """The request's body is complete."""
        self._request_done = True
        if self._tape is not None:
            self._tape.sent()

    # The upstream's side

    def dialed(self, connection: UpstreamConnection) -> None:
        self._dial = None
        self._attach(connection)

    def dial_failed(self, code: str, message: str) -> None:
        self._dial = None
        self._fail(508 if code == "loop" else 502, code, message)

    def _attach(self, connection: UpstreamConnection) -> None:
        connection.borrower = self
        self._outbox.attach(connection)
        if self._client.write_paused:
            connection.pause(True)
        self._client.release(HOLD_DIALING)

    def upstream_data(self, data: bytes) -> None:
        client = self._client
        client.quiet = 0
        body = self._body
        if body is None:
            if self._tunnel:
                client.write(data)
            else:
                self._take_head(data)
            return
        self._pass_on(body, data, b"")

    def _pass_on(self, body: BodyEnd, data: bytes, head: bytes) -> None:
        """Gives the client ``head``, if it has not gone out yet, and the next part of the body."""
        try:
            end = body.take(data)
        except BadMessage:
            self._cut_by_upstream()
            return
        if 0 <= end < len(data):
            # More than the response was said to be: what is over is not passed on.
            data = data[:end]
            body.exact = False
        out = data if self._content is None else self._content.take(data)
        self._client.write(head + out if head else out)
        if self._tape is not None:
            self._tape.add_response(data)
        if end != MORE:
            self._complete(body)

    def _take_head(self, data: bytes) -> None:
        self._outbox.forget()
        data = self._head_bytes + data if self._head_bytes else data
        while True:
            try:
                end = find_head(data, self._hub.config.limits.head_bytes)
                if end < 0:
                    self._head_bytes = data
                    return
                answer = parse_response(data[:end], self._head.method)
            except BadMessage as error:
                self._fail(502, "bad_response", f"the upstream's answer: {error.message}")
                return
            data = data[end:]
            if answer.status == 101:
                self._switch_protocols(answer, data)
                return
            if answer.status >= 200:
                break
            if self._head.minor == 1:
                self._client.write(answer.forwarded())
        self._head_bytes = b""
        self._begin_answer(answer, data)

    def _begin_answer(self, answer: ResponseHead, data: bytes) -> None:
        self._answer_head = answer
        length = answer.length
        plain = length == CHUNKED and self._head.minor == 0
        self._keep_client = (
            self._head.keep_alive and length != UNTIL_CLOSE and not self._hub.draining
        )
        if plain:
            self._content = ChunkContent()
            answer.kept = [ln for ln in answer.kept if ln[:18].lower() != b"transfer-encoding:"]
        head = answer.forwarded() if self._keep_client else answer.forwarded(_CLOSE)
        if self._tape is not None:
            self._tape.answered(answer.status, answer.lines, length == CHUNKED)
        body = response_body(length)
        if length == 0:
            body.exact = not data
            self._client.write(head)
            self._complete(body)
        elif data:
            self._body = body
            self._pass_on(body, data, head)
        else:
            self._body = body
            self._client.write(head)

    def _complete(self, body: BodyEnd) -> None:
        answer = self._answer_head
        assert answer is not None
        connection = self._outbox.take_connection()
        if connection is not None:
            if self._request_done and body.exact and answer.keep_alive:
                self._hub.pool.give(self._route.upstream, connection, answer.keep_alive_s)
            else:
                connection.abort()
        self._finish_tape()
        self._client.relay_ended(self._keep_client and body.exact)

    def _switch_protocols(self, answer: ResponseHead, data: bytes) -> None:
        if self._head.upgrade is None:
            self._fail(502, "bad_response", "the upstream switched protocols without being asked")
            return
        self._tunnel = True
        self._hub.counts[Count.unrecorded_upgrade] += 1
        if self._tape is not None:
            self._tape.discard()
            self._tape = None
        self._client.write(answer.forwarded())
        if data:
            self._client.write(data)
        self._client.switched()

    @property
    def is_tunnel(self) -> bool:
        """Whether both sides now speak something else than HTTP/1.1."""
        return self._tunnel

    def upstream_lost(self, error: Exception | None) -> None:
        if self._answer_head is not None:
            if self._answer_head.length == UNTIL_CLOSE and error is None and self._body is not None:
                self._complete(self._body)
            else:
                self._cut_by_upstream()
        elif self._tunnel:
            self._outbox.take_connection()
            self._client.relay_ended(keep=False)
        elif not self._retried and self._outbox.detach():
            self._retry()
        else:
            where = f"upstream {self._route.upstream.name}"
            self._fail(502, "upstream_closed", f"{where} closed the connection without an answer")

    def _retry(self) -> None:
        self._retried = True
        self._hub.counts[Count.retried] += 1
        if self._tape is not None:
            self._tape.retried = True
        self._client.release(HOLD_UPSTREAM_FULL)
        self._dial = self._hub.pool.dial(self._route.upstream, self)

    def upstream_full(self, full: bool) -> None:
        if full:
            self._client.hold(HOLD_UPSTREAM_FULL)
        else:
            self._client.release(HOLD_UPSTREAM_FULL)

    # Ends out of order

    def _fail(self, status: int, code: str, message: str) -> None:
        """Nothing was passed on yet, so the client can be told."""
        self._let_go()
        self._hub.counts[Count.refused if status < 500 else Count.upstream_failed] += 1
        if self._tape is not None:
            self._tape.own_answer = code
        self._finish_tape()
        self._client.answer(status, code, message)

    def _cut_by_upstream(self) -> None:
        until_close = self._answer_head is not None and self._answer_head.length == UNTIL_CLOSE
        self._let_go()
        self._hub.counts[Count.upstream_cut] += 1
        if self._tape is not None:
            self._tape.cut = Cut.upstream
        self._finish_tape()
        self._client.cut(reset=until_close or self._content is not None)

    def bad_request(self, error: BadMessage) -> None:
        """The request's body turned out not to be well-formed."""
        if self._answer_head is None:
            self._fail(error.status, error.code, error.message)
        else:
            self.stop()

    def client_lost(self) -> None:
        """The client is gone: so is the call."""
        if self._tunnel:
            connection = self._outbox.take_connection()
            if connection is not None:
                connection.transport.close()
            return
        self._let_go()
        self._hub.counts[Count.client_cut] += 1
        if self._tape is not None:
            self._tape.cut = Cut.client
        self._finish_tape()

    def timed_out(self) -> None:
        """Nothing moved for longer than an exchange may be silent."""
        self._hub.counts[Count.timed_out] += 1
        if self._tunnel:
            self._let_go()
            self._client.cut(reset=False)
        elif self._answer_head is None:
            if self._request_done:
                self._fail(504, "upstream_timeout", "the upstream did not answer in time")
            else:
                self._fail(408, "client_timeout", "the request's body did not come in time")
        else:
            self.stop()

    def stop(self) -> None:
        """Ends the exchange where it is, by the proxy's own decision."""
        self._let_go()
        if self._tape is not None:
            self._tape.cut = Cut.proxy
        self._finish_tape()
        self._client.cut(reset=True)

    def client_full(self, full: bool) -> None:
        """The client takes no more for now (True), or again (False)."""
        self._outbox.pause(full)

    def _let_go(self) -> None:
        if self._dial is not None:
            self._dial.cancel()
            self._dial = None
        self._outbox.let_go()

    def _finish_tape(self) -> None:
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.finish()
