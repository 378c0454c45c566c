"""Both ends of a proxied connection, byte by byte: a scripted upstream, a raw client, a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import uvloop

from whycold.errors import UserError
from whycold.sources.proxy import Limits, ProxyConfig, ProxyServer, Upstream, serve
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_reader import SpoolReader
from whycold.sources.spool_record import Exchange
from whycold.sources.spool_writer import Reduce

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which a test that waits for the other side fails instead of hanging."""

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Wire:
    """A socket with a memory of what has been read too far."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self._held = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def some(self) -> bytes:
        """What comes next, b"" at the end."""
        if self._held:
            data, self._held = self._held, b""
            return data
        return self.sock.recv(65536)

    def until(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            piece = self.some()
            if not piece:
                raise EOFError(f"the connection ended after {data!r}")
            data += piece
        end = data.index(mark) + len(mark)
        self._held = data[end:]
        return data[:end]

    def exactly(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size:
            piece = self.some()
            if not piece:
                raise EOFError(f"the connection ended {size} bytes early")
            pieces.append(piece[:size])
            self._held = piece[size:]
            size -= len(pieces[-1])
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Everything up to the end."""
        pieces: list[bytes] = []
        while piece := self.some():
            pieces.append(piece)
        return b"".join(pieces)

    def message(self, *, bodiless: bool = False) -> tuple[bytes, bytes]:
        """A head, and the body as it comes over the wire."""
        head = self.until(b"\r\n\r\n")
        lower = head.lower()
        if bodiless:
            return head, b""
        if b"\r\ntransfer-encoding: chunked" in lower:
            return head, self.chunks()
        if b"\r\ncontent-length:" in lower:
            length = int(lower.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
            return head, self.exactly(length)
        if head.startswith(b"HTTP/1."):
            return head, self.rest()
        return head, b""

    def chunks(self) -> bytes:
        """A chunked body with its framing and trailers."""
        raw: list[bytes] = []
        while True:
            line = self.until(b"\r\n")
            raw.append(line)
            size = int(line.split(b";")[0], 16)
            if not size:
                break
            raw.append(self.exactly(size + 2))
        while (line := self.until(b"\r\n")) != b"\r\n":
            raw.append(line)
        return b"".join([*raw, b"\r\n"])

    def closed(self) -> bool:
        """Waits for the other side's end; whether it came in order."""
        try:
            while self.some():
                pass
        except ConnectionError:
            return False
        return True

    def reset(self) -> None:
        """Ends the connection the hard way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


Step = bytes | Callable[[Wire], object]


def request(wire: Wire) -> None:
    """A step: reads one request and forgets it."""
    wire.message()


def wait(event: threading.Event) -> Step:
    """A step: goes on when ``event`` is set."""

    def step(_: Wire) -> None:
        assert event.wait(PATIENCE)

    return step


class ScriptedUpstream:
    """A server on a free port: each connection runs the next script, the last one again and again.

    A script is a list of steps: bytes are sent, functions are called with the connection, which is
    closed at the end. A script ends early when its connection does."""

    def __init__(self, *scripts: Sequence[Step], tls: ssl.SSLContext | None = None) -> None:
        self.wires: list[Wire] = []
        self._scripts = list(scripts)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self.wires)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(sock)
            script = self._scripts[min(len(self.wires), len(self._scripts) - 1)]
            self.wires.append(wire)
            thread = threading.Thread(target=self._run, args=(wire, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, wire: Wire, script: Sequence[Step]) -> None:
        try:
            if self._tls is not None:
                wire.sock = self._tls.wrap_socket(wire.sock, server_side=True)
            for step in script:
                if isinstance(step, bytes):
                    wire.send(step)
                else:
                    step(wire)
        except (ConnectionError, EOFError, TimeoutError, ssl.SSLError):
            pass
        finally:
            wire.close()

    def close(self) -> None:
        # A thread in accept does not notice a close, only a shutdown.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        # Ended here, closed by the thread that uses it: a number must not be reused meanwhile.
        for wire in self.wires:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)
        for thread in (self._accepting, *self._threads):
            thread.join(PATIENCE)


class RunningProxy:
    """A proxy on its own thread, and what it has put on its spool."""

    def __init__(
        self,
        config: ProxyConfig,
        reduce: Reduce | None = None,
        loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    ) -> None:
        self.config = config
        self._reduce = reduce
        self._factory = loop
        self._ready = threading.Event()
        self._failure: UserError | OSError | None = None
        self.faults: list[str] = []
        self.loop: asyncio.AbstractEventLoop
        self.server: ProxyServer
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)
        if self._failure is not None:
            raise self._failure

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=self._factory) as runner:
            self.loop = runner.get_loop()
            self.loop.set_exception_handler(lambda _, ctx: self.faults.append(repr(ctx)))
            self._stop = asyncio.Event()
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            self.server = await serve(self.config, self._reduce)
        except (UserError, OSError) as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        await self._stop.wait()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url

    def call(self, work: Callable[[], object]) -> object:
        """Runs ``work`` on the proxy's own thread."""

        async def run() -> object:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    def stats(self) -> dict[str, int]:
        found = self.call(self.server.stats)
        assert isinstance(found, dict)
        return found

    def tasks(self) -> int:
        """Tasks on the proxy's event loop, but for the one that looks."""
        found = self.call(lambda: len(asyncio.all_tasks()) - 1)
        assert isinstance(found, int)
        return found

    def drain(self, deadline_s: float) -> bool:
        done = asyncio.run_coroutine_threadsafe(self.server.drain(deadline_s), self.loop)
        return done.result(PATIENCE + deadline_s)

    def connect(self) -> Wire:
        return Wire(socket.create_connection(("127.0.0.1", self.port), PATIENCE))

    def ask(self, data: bytes) -> bytes:
        """The whole answer on a connection of its own, which the client asks to be closed."""
        wire = self.connect()
        try:
            wire.send(data)
            return wire.rest()
        finally:
            wire.close()

    def until(self, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """The first ``stats`` for which ``holds``."""
        return eventually(self.stats, holds)

    def close(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self.server.close(), self.loop).result(PATIENCE)
            self.loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE)
        assert not self.faults, self.faults

    def recorded(self) -> list[Exchange]:
        """Ends the proxy; what it recorded."""
        self.close()
        assert self.config.spool is not None
        return spooled(self.config.spool.folder)


def spooled(folder: str | Path) -> list[Exchange]:
    """Everything on a spool, which must not be damaged."""
    reader = SpoolReader(folder)
    found = [item.exchange for item in reader.read()]
    assert not reader.damage
    return found


def eventually(look: Callable[[], T], holds: Callable[[T], bool]) -> T:
    """What ``look`` finds once it ``holds``; fails when that takes longer than PATIENCE."""
    give_up = time.monotonic() + PATIENCE
    while not holds(found := look()):
        assert time.monotonic() < give_up, f"still {found!r}"
        time.sleep(0.005)
    return found


def config(
    upstream: ScriptedUpstream | str,
    folder: Path | None = None,
    *,
    limits: Limits | None = None,
    **options: object,
) -> ProxyConfig:
    """A proxy whose upstreams are all ``upstream``, and whose spool is in ``folder``."""
    url = upstream if isinstance(upstream, str) else upstream.url
    names = ("anthropic", "openai", "gemini", "local")
    settings: dict[str, object] = {
        "port": 0,
        "upstreams": {name: Upstream.from_url(name, url) for name in names},
        "spool": SpoolConfig(folder=str(folder)) if folder else None,
        "limits": limits or Limits(),
    }
    return ProxyConfig(**(settings | options))  # pyright: ignore[reportArgumentType]


def post(
    body: bytes = b"{}",
    *lines: bytes,
    path: bytes = b"/v1/messages",
    method: bytes = b"POST",
    close: bool = True,
) -> bytes:
    """A request with a length."""
    head = [b"%b %b HTTP/1.1" % (method, path), b"Host: 127.0.0.1", *lines]
    if close:
        head.append(b"Connection: close")
    if body:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*head, b"", body])


def ok(body: bytes = b"ok", *lines: bytes) -> bytes:
    """A response with a length."""
    head = [b"HTTP/1.1 200 OK", *lines, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, b"", body])


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def upstream(
    *scripts: Sequence[Step], tls: ssl.SSLContext | None = None
) -> Iterator[ScriptedUpstream]:
    """A scripted upstream for the time of a ``with``."""
    server = ScriptedUpstream(*scripts, tls=tls)
    try:
        yield server
    finally:
        server.close()
