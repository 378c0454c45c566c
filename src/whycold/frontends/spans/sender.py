"""Sends spans from a thread of its own: recording never waits for whoever takes them."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from http.client import HTTPException
from typing import Final

import msgspec

from whycold import __version__
from whycold.core.content import Json
from whycold.frontends.spans.span import request_of, span_of
from whycold.ingest.heard import Heard
from whycold.store.records import Record

__all__ = ["Sender"]

_log = logging.getLogger("whycold.otel")

_MOST_WAITING: Final = 8192
_BATCH: Final = 256
_GATHER_S: Final = 0.5
_PATIENCE_S: Final = 10.0
_TRIES: Final = 4
_PAUSE_S: Final = 1.0
_LATER: Final = frozenset((408, 429, 500, 502, 503, 504))
_PATH: Final = "/v1/traces"


class Sender:
    """``tell`` takes a diagnosed call and returns at once. What the receiver does not take is tried
    again a few times; what does not fit into the queue is dropped. Both are counted and logged.

    ``endpoint`` is the collector's address, with or without ``/v1/traces``."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        self.sent = self.dropped = 0
        base = endpoint.rstrip("/")
        self._url = base if base.endswith(_PATH) else base + _PATH
        self._headers = {**headers, "content-type": "application/json"}
        self._waiting: deque[tuple[Record, Heard | None]] = deque()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._in_trouble = False
        self._thread = threading.Thread(target=self._run, name="whycold-otel", daemon=True)
        self._thread.start()

    def tell(self, record: Record, heard: Heard | None) -> None:
        """A call was kept with its diagnosis."""
        if len(self._waiting) >= _MOST_WAITING:
            self._drop(1, "the queue is full")
            return
        self._waiting.append((record, heard))
        self._wake.set()

    def close(self, timeout_s: float = 5.0) -> None:
        """Sends what waits, for as long as that."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            if not self._waiting and self._closing.is_set():
                return
            self._wake.wait()
            self._wake.clear()
            self._closing.wait(_GATHER_S)
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                spans = [span for one in some if (span := span_of(*one)) is not None]
                if spans:
                    self._send(spans)

    def _send(self, spans: list[dict[str, Json]]) -> None:
        body = msgspec.json.encode(request_of(spans, __version__))
        why = ""
        for attempt in range(_TRIES):
            if attempt and self._closing.wait(_PAUSE_S * 2 ** (attempt - 1)):
                break
            why, again = self._post(body)
            if not why:
                self.sent += len(spans)
                self._in_trouble = False
                return
            if not again:
                break
        self._drop(len(spans), why)

    def _post(self, body: bytes) -> tuple[str, bool]:
        """Why it was not taken, "" where it was, and whether another try is worth it."""
        request = urllib.request.Request(self._url, body, self._headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                answer.read(65536)
        except urllib.error.HTTPError as error:
            error.close()
            return f"it answers {error.code}", error.code in _LATER
        except (OSError, HTTPException) as error:
            return str(error), True
        return "", False

    def _drop(self, number: int, why: str) -> None:
        self.dropped += number
        if not self._in_trouble:
            self._in_trouble = True
            _log.warning("spans are lost that %s should take: %s", self._url, why)
