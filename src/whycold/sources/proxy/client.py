"""A client's connection: requests come in one after the other, each is given to a relay."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import cast

from whycold.sources.proxy.answering import AnsweringRelay, answered_api
from whycold.sources.proxy.answers import own_answer
from whycold.sources.proxy.config import Websockets
from whycold.sources.proxy.framing import MORE, BodyEnd, request_body
from whycold.sources.proxy.http1 import BadMessage, find_head
from whycold.sources.proxy.hub import Hub
from whycold.sources.proxy.relay import HOLD_PIPELINED, Relay
from whycold.sources.proxy.request_head import RequestHead, parse_request
from whycold.sources.proxy.routing import Route
from whycold.sources.proxy.tee import Tape
from whycold.sources.spool_counts import Count
from whycold.sources.spool_record import Capture

__all__ = ["ClientConnection"]

_RESET = struct.pack("ii", 1, 0)


class ClientConnection(asyncio.Protocol):
    """``quiet`` counts sweeps since something last moved; see ``sweep``."""

    __slots__ = (
        "_body",
        "_busy",
        "_clients",
        "_head_only",
        "_holds",
        "_hub",
        "_keep_alive",
        "_lingering",
        "_peer",
        "_relay",
        "_transport",
        "_waiting",
        "quiet",
        "write_paused",
    )

    def __init__(self, hub: Hub, clients: set[ClientConnection]) -> None:
        self.quiet = 0
        self.write_paused = False
        self._hub = hub
        self._clients = clients
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)
        self._peer: str | None = None
        self._relay: Relay | None = None
        self._body: BodyEnd | None = None
        self._waiting = b""
        self._holds = 0
        self._busy = False
        self._lingering = False
        self._head_only = False
        self._keep_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._hub.config.limits.buffer_bytes)
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        relay = self._relay
        if self._body is not None:
            self.quiet = 0
            self._take_body(self._body, data)
        elif self._lingering:
            return
        elif relay is not None and relay.is_tunnel:
            self.quiet = 0
            relay.request_data(data)
        else:
            self._waiting = self._waiting + data if self._waiting else data
            if relay is None:
                self._next()
            elif len(self._waiting) > self._hub.config.limits.pipeline_bytes:
                self.hold(HOLD_PIPELINED)

    def eof_received(self) -> None:
        self._lose()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.discard(self)
        self._lose()

    def _lose(self) -> None:
        """A client that ends its side is taken for gone: there is no telling whether it listens."""
        self._body = None
        self._waiting = b""
        self._lingering = True
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.client_lost()

    def pause_writing(self) -> None:
        self.write_paused = True
        if self._relay is not None:
            self._relay.client_full(True)

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._relay is not None:
            self._relay.client_full(False)

    # Requests

    def _next(self) -> None:
        """Takes the requests that have come, in order; each waits for the one before it."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting and self._relay is None and not self._lingering:
                if not self._take_head():
                    return
        finally:
            self._busy = False

    def _take_head(self) -> bool:
        """Whether a whole head was there."""
        data = self._waiting
        while data.startswith(b"\r\n"):
            data = data[2:]
        head = None
        self._head_only = False
        try:
            end = find_head(data, self._hub.config.limits.head_bytes)
            if end < 0:
                self._waiting = data
                return False
            self._waiting = data[end:]
            head = parse_request(data[:end])
            self._head_only = head.method == b"HEAD"
            route = self._route(head)
        except BadMessage as error:
            self._refuse(head, error)
        else:
            self._forward(head, route)
        return True

    def _route(self, head: RequestHead) -> Route:
        if self._hub.identity in head.via:
            raise BadMessage(508, "loop", "this request came from whycold itself: check upstreams")
        route = self._hub.router.route(head)
        if head.upgrade is not None:
            _refuse_websocket(head.upgrade, route)
        return route

    def _refuse(self, head: RequestHead | None, error: BadMessage) -> None:
        self._hub.counts[Count.refused] += 1
        self.quiet = 0
        # Without a body to wait for, what follows is the next request; else the end must come.
        keep = head is not None and head.length == 0 and head.keep_alive and not self._hub.draining
        self._say(error.status, error.code, error.message, keep=keep)
        if not keep:
            self._linger()

    def _forward(self, head: RequestHead, route: Route) -> None:
        """Takes what has come of the body, then hands the request over."""
        self.quiet = 0
        self._keep_alive = head.keep_alive
        body = None
        data = b""
        if head.length:
            body = request_body(head.length)
            data, self._waiting = self._waiting, b""
            try:
                end = body.take(data)
            except BadMessage as error:
                self._refuse(None, error)
                return
            if end != MORE:
                self._waiting = data[end:]
                data = data[:end]
                body = None
        self._body = body
        tape = self._tape(head, route)
        hub, asker = self._hub, self._hub.asker
        if asker is not None and (api := answered_api(head, route)) is not None:
            relay = AnsweringRelay(hub, asker, api, self, head, route, data, tape)
        else:
            relay = Relay(hub, self, head, route, data, tape)
        self._relay = relay
        relay.begin(body is None)
        if tape is not None and data:
            tape.add_request(data)

    def _tape(self, head: RequestHead, route: Route) -> Tape | None:
        tee = self._hub.tee
        if tee is None:
            return None
        upstream = route.upstream
        config = self._hub.config
        capture = config.capture if upstream.capture is None else upstream.capture
        if head.labels:
            capture = capture.strictest(config.project_capture.get(head.labels.get("project", "")))
        if capture is Capture.none:
            self._hub.counts[Count.unrecorded_capture] += 1
            return None
        if self._peer is None:
            peer = self._transport.get_extra_info("peername")
            self._peer = str(peer[0]) if peer else ""
        return tee.start(head, upstream.name, route.target, self._peer, capture)

    def _take_body(self, body: BodyEnd, data: bytes) -> None:
        relay = self._relay
        if relay is None:
            return
        try:
            end = body.take(data)
        except BadMessage as error:
            self._keep_alive = False
            relay.bad_request(error)
            return
        if end == MORE:
            relay.request_data(data)
            return
        if end < len(data):
            self._waiting = data[end:]
            data = data[:end]
        self._body = None
        relay.request_data(data)
        relay.request_ended()

    # What a relay asks for

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def hold(self, reason: int) -> None:
        if not self._holds and not self._transport.is_closing():
            self._transport.pause_reading()
        self._holds |= reason

    def release(self, reason: int) -> None:
        if not self._holds:
            return
        self._holds &= ~reason
        if not self._holds and not self._transport.is_closing():
            self._transport.resume_reading()

    def answer(self, status: int, code: str, message: str) -> None:
        keep = self._body is None and self._keep_alive and not self._hub.draining
        self._say(status, code, message, keep=keep)
        self.relay_ended(keep)

    def _say(self, status: int, code: str, message: str, *, keep: bool) -> None:
        self._transport.write(
            own_answer(status, code, message, close=not keep, head_only=self._head_only)
        )

    def relay_ended(self, keep: bool) -> None:
        self._relay = None
        self.quiet = 0
        self.release(self._holds)
        if keep and self._body is None and not self._hub.draining:
            self._next()
        else:
            self._linger()

    def switched(self) -> None:
        data, self._waiting = self._waiting, b""
        if data and self._relay is not None:
            self._relay.request_data(data)

    def cut(self, reset: bool) -> None:
        self._relay = None
        if reset:
            found = self._transport.get_extra_info("socket")
            if found is not None:
                with contextlib.suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        else:
            self._linger()

    def _linger(self) -> None:
        """Ends our side and waits for the other's: closing at once could take the answer back."""
        self._body = None
        self._waiting = b""
        self.quiet = 0
        self._lingering = True
        if self._transport.is_closing():
            return
        self.release(self._holds)
        try:
            self._transport.write_eof()
        except OSError:
            # The client reset the connection, and the event loop has not noticed yet.
            self._transport.abort()

    # What the server asks for

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, and none has begun to come."""
        return self._relay is None and not self._waiting

    def sweep(self, tick_s: float) -> None:
        """Called every ``tick_s``: ends what has been quiet for too long."""
        self.quiet += 1
        limits = self._hub.config.limits
        if self._relay is not None:
            limit = limits.idle_s
        elif self._lingering:
            limit = limits.linger_s
        else:
            limit = limits.header_s if self._waiting else limits.keep_alive_s
        if self.quiet * tick_s > limit:
            self._time_out()

    def _time_out(self) -> None:
        if self._relay is not None:
            self._relay.timed_out()
        elif self._lingering:
            self._transport.abort()
        elif self._waiting:
            self._hub.counts[Count.timed_out] += 1
            self._say(408, "client_timeout", "the request's head did not come in time", keep=False)
            self._linger()
        else:
            self._transport.close()

    def drain(self) -> None:
        """Ends the connection now if nothing is under way on it."""
        if self.is_idle:
            self._transport.close()

    def stop(self) -> None:
        """Ends the connection, whatever is under way on it."""
        if self._relay is not None:
            self._relay.stop()
        else:
            self._transport.abort()


def _refuse_websocket(protocol: bytes, route: Route) -> None:
    upstream = route.upstream
    if upstream.websockets is Websockets.refuse and protocol.lower() == b"websocket":
        raise BadMessage(
            426,
            "websocket_refused",
            f"no WebSocket to {upstream.name}, so that its calls are recorded: use HTTP "
            f"(upstreams.{upstream.name}.websockets)",
        )
