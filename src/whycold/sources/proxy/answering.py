"""A relay of calls that may ask for cache diagnostics, to an upstream that gives none.

The request is held until it is all there: its question has to be out before the first byte goes on.
It is compared while the upstream works, and nothing ever waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from whycold.sources.proxy.asked import Api, answer_of, api_of, filled, question
from whycold.sources.proxy.asking import Asker, Came, Sent
from whycold.sources.proxy.config import Diagnostics
from whycold.sources.proxy.framing import MORE, BodyEnd, ChunkContent
from whycold.sources.proxy.http1 import CHUNKED, UNTIL_CLOSE, BadMessage
from whycold.sources.proxy.hub import Hub
from whycold.sources.proxy.outbox import Outbox
from whycold.sources.proxy.relay import ClientSide, Relay
from whycold.sources.proxy.request_head import RequestHead
from whycold.sources.proxy.response_head import ResponseHead
from whycold.sources.proxy.routing import Route
from whycold.sources.proxy.splicing import EventSplicer, Splicer, WholeSplicer
from whycold.sources.proxy.tee import Tape
from whycold.sources.spool_record import dechunk

__all__ = ["AnsweringRelay", "answered_api"]

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_FRAMING: Final = (b"content-length", b"transfer-encoding", b"trailer")
_TOLD: Final = (b"anthropic-beta", b"x-grok-conv-id")
_CAME: Final = (b"server", b"content-encoding")
_BETA: Final = b"anthropic-beta"
_OWN_BETA: Final = b"cache-diagnosis-"
"""How the name of the beta began, while the diagnostics were one (Claude docs, Cache diagnostics,
beta text of August and September 2026)."""


def answered_api(head: RequestHead, route: Route) -> Api | None:
    """The API whose diagnostics are answered for a request, if they are.

    A vendor's own address answers itself. A request that is encoded passes as it is.
    """
    upstream = route.upstream
    if upstream.diagnostics is not Diagnostics.answer or upstream.vendor:
        return None
    if head.method != b"POST" or head.minor == 0 or head.upgrade is not None:
        return None
    return None if _value(head.lines, b"content-encoding") else api_of(route.target)


class AnsweringRelay(Relay):
    """``_held`` is the body so far, None once it went on; ``_number`` names the request to the
    process that compares, None where it is not to know of it.
    """

    __slots__ = (
        "_api",
        "_asked",
        "_asker",
        "_came",
        "_chunks",
        "_framed",
        "_held",
        "_number",
        "_raw",
        "_size",
        "_splicer",
    )

    def __init__(
        self,
        hub: Hub,
        asker: Asker,
        api: Api,
        client: ClientSide,
        head: RequestHead,
        route: Route,
        data: bytes,
        tape: Tape | None,
    ) -> None:
        super().__init__(hub, client, head, route, b"", tape)
        self._asker, self._api = asker, api
        self._held: list[bytes] | None = [data]
        self._size = len(data)
        self._number: int | None = None
        self._asked = False
        self._came: list[bytes] = []
        self._raw = 0
        self._splicer: Splicer | None = None
        self._chunks: ChunkContent | None = None
        self._framed = False

    # The request

    def begin(self, ended: bool) -> None:
        if any(_name(line) == b"expect" for line in self._head.kept):
            self._head.kept = [ln for ln in self._head.kept if _name(ln) != b"expect"]
            if not ended:
                self._client.write(_CONTINUE)
        if ended:
            self.request_ended()

    def request_data(self, data: bytes) -> None:
        held = self._held
        if held is None:
            super().request_data(data)
            return
        if self._tape is not None:
            self._tape.add_request(data)
        held.append(data)
        self._size += len(data)
        if self._size > self._hub.config.limits.asked_bytes:
            # too long to be held: it goes on as it is, and nobody answers
            self._go_on(b"".join(held), ended=False)

    def request_ended(self) -> None:
        held = self._held
        if held is None:
            super().request_ended()
            return
        raw = b"".join(held)
        body = dechunk(raw) if self._head.length == CHUNKED else raw
        found = question(self._api, body)
        if found.known:
            self._ask(body)
        if found.body is None:
            self._go_on(raw, ended=True)
            return
        self._head.length = len(found.body)
        if self._tape is not None:
            self._tape.diagnosed = True
        self._asked = found.asked
        self._head.kept = _without_question(self._head.kept, len(found.body))
        self._go_on(found.body, ended=True)

    def _ask(self, body: bytes) -> None:
        head, route, tee = self._head, self._route, self._hub.tee
        account = tee.redactor.account(head.credential, route.target) if tee is not None else None
        self._number = number = self._asker.number()
        headers = _named(_beta_free(head.lines), _TOLD)
        target = route.target.decode("latin-1")
        self._asker.ask(Sent(number, route.upstream.name, account, target, headers, body))

    def _go_on(self, data: bytes, *, ended: bool) -> None:
        hub, head, route = self._hub, self._head, self._route
        self._held = None
        self._outbox = Outbox(hub, head.forwarded(route.target, route.authority, self._via), data)
        super().begin(ended)

    # The response

    def _begin_answer(self, answer: ResponseHead, data: bytes) -> None:
        splicer = self._splicer_for(answer)
        if splicer is not None:
            self._splicer = splicer
            self._chunks = ChunkContent() if answer.length == CHUNKED else None
            self._framed = answer.length != UNTIL_CLOSE
            if self._framed:
                answer.in_chunks()
        super()._begin_answer(answer, data)

    def _splicer_for(self, answer: ResponseHead) -> Splicer | None:
        """What puts the answer into a response; None where it cannot have one."""
        coding = _value(answer.lines, b"content-encoding").strip().lower()
        if not self._asked or answer.status != 200 or not answer.length:
            return None
        if coding not in (b"", b"identity"):
            return None
        kind = _value(answer.lines, b"content-type").partition(b";")[0].strip().lower()
        if kind == b"text/event-stream":
            return EventSplicer(self._api, self._filled)
        return WholeSplicer(self._filled) if kind == b"application/json" else None

    def _filled(self, reply: bytes) -> bytes | None:
        number = self._number
        compared = self._asker.answer(number) if number is not None else None
        return filled(self._api, reply, lambda whole: answer_of(self._api, compared, whole))

    def _pass_on(self, body: BodyEnd, data: bytes, head: bytes) -> None:
        if self._number is not None:
            self._copy(data)
        splicer = self._splicer
        if splicer is None:
            super()._pass_on(body, data, head)
            return
        try:
            end = body.take(data)
        except BadMessage:
            self._cut_by_upstream()
            return
        if 0 <= end < len(data):
            data = data[:end]
            body.exact = False
        out = splicer.take(data if self._chunks is None else self._chunks.take(data))
        self._client.write(head + self._chunk(out))
        if self._tape is not None:
            self._tape.add_response(data)
        if end != MORE:
            self._complete(body)

    def _copy(self, data: bytes) -> None:
        self._raw += len(data)
        if self._raw <= self._hub.config.limits.asked_bytes:
            self._came.append(data)

    def _chunk(self, out: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(out), out) if self._framed and out else out

    def _flush(self) -> bytes:
        """What the splicer still holds."""
        splicer, self._splicer = self._splicer, None
        return self._chunk(splicer.finish()) if splicer is not None else b""

    def _complete(self, body: BodyEnd) -> None:
        if self._splicer is not None:
            self._client.write(self._flush() + (b"0\r\n\r\n" if self._framed else b""))
        super()._complete(body)

    def _cut_by_upstream(self) -> None:
        if left := self._flush():
            self._client.write(left)
        super()._cut_by_upstream()

    def _finish_tape(self) -> None:
        """The end, whatever it was: what came back makes the request one that can be named."""
        number, self._number = self._number, None
        if number is not None:
            self._asker.tell(self._what_came(number))
        self._came.clear()
        super()._finish_tape()

    def _what_came(self, number: int) -> Came:
        answer = self._answer_head
        if answer is None or self._raw > self._hub.config.limits.asked_bytes:
            return Came(number, 0, {}, b"")
        raw = b"".join(self._came)
        content = dechunk(raw) if answer.length == CHUNKED else raw
        return Came(number, answer.status, _named(answer.lines, _CAME), content)


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def _value(lines: Iterable[bytes], name: bytes) -> bytes:
    return next((ln.partition(b":")[2].strip() for ln in lines if _name(ln) == name), b"")


def _named(lines: Iterable[bytes], names: Iterable[bytes]) -> dict[str, str]:
    return {
        _name(ln).decode("latin-1"): ln.partition(b":")[2].strip().decode("latin-1")
        for ln in lines
        if _name(ln) in names
    }


def _beta_free(lines: Iterable[bytes]) -> Iterable[bytes]:
    """The lines without the diagnostics' own beta, which is no part of the prompt."""
    for line in lines:
        if _name(line) != _BETA:
            yield line
            continue
        name, _, value = line.partition(b":")
        betas = [beta.strip() for beta in value.split(b",")]
        if left := [beta for beta in betas if beta and not beta.startswith(_OWN_BETA)]:
            yield name + b": " + b",".join(left)


def _without_question(kept: list[bytes], size: int) -> list[bytes]:
    """A request's header lines once its question is out: another length, and a coding of the
    response in which it can be answered.
    """
    gone = (*_FRAMING, b"accept-encoding")
    lines = [line for line in _beta_free(kept) if _name(line) not in gone]
    return [*lines, b"Accept-Encoding: identity", b"Content-Length: %d" % size]
