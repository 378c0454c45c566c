"""The proxy as a process of its own: configuration in, one line out when ready, SIGTERM drains."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

import msgspec

from whycold.errors import UserError
from whycold.sources.proxy.config import ProxyConfig
from whycold.sources.proxy.memory import keep_large_buffers
from whycold.sources.proxy.server import ProxyServer, serve
from whycold.sources.spool_writer import Reduce

if sys.platform != "win32":
    import resource

    import uvloop

__all__ = ["Ready", "decode_config", "encode_config", "run"]

# The spool's thread may hold the interpreter this long while the event loop waits for it.
_SWITCH_S: Final = 0.0005


class Ready(msgspec.Struct, frozen=True):
    """The line written to standard output, as JSON, when the port answers."""

    host: str
    port: int
    pid: int


def encode_config(config: ProxyConfig) -> bytes:
    """A configuration as one line of JSON, to hand to ``python -m whycold.sources.proxy``."""
    return msgspec.json.encode(config) + b"\n"


def decode_config(line: bytes) -> ProxyConfig:
    """The configuration that ``encode_config`` was given. Raises UserError."""
    try:
        return msgspec.json.decode(line, type=ProxyConfig)
    except msgspec.MsgspecError as error:
        raise UserError(f"the proxy's configuration cannot be read: {error}") from None


def run(
    config: ProxyConfig,
    reduce: Reduce | None = None,
    *,
    watch: int | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> None:
    """Serves until SIGTERM or SIGINT, then drains; a second signal ends at once.

    With ``watch``, a file descriptor, the end of its file drains too: a parent that holds the other
    end of a pipe cannot die and leave the proxy behind. Raises UserError."""
    logging.basicConfig(stream=sys.stderr, format="whycold proxy: %(message)s")
    keep_large_buffers()
    sys.setswitchinterval(_SWITCH_S)
    _allow_many_files()
    factory = uvloop.new_event_loop if sys.platform != "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(config, reduce, watch, clock))


async def _serve(
    config: ProxyConfig, reduce: Reduce | None, watch: int | None, clock: Callable[[], int]
) -> None:
    server = await serve(config, reduce, clock)
    stop = asyncio.Event()
    hurry = asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    if watch is not None:
        loop.add_reader(watch, _on_readable, watch, loop, stop)
    # What is there now stays: collections of garbage hold everything up and need not look at it.
    gc.collect()
    gc.freeze()
    sys.stdout.buffer.write(
        msgspec.json.encode(Ready(server.host, server.port, os.getpid())) + b"\n"
    )
    sys.stdout.buffer.flush()
    await stop.wait()
    await _drain(server, hurry)


def _on_readable(watch: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(watch, 4096):
        loop.remove_reader(watch)
        stop.set()


async def _drain(server: ProxyServer, hurry: asyncio.Event) -> None:
    draining = asyncio.ensure_future(server.drain())
    hurrying = asyncio.ensure_future(hurry.wait())
    await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
    hurrying.cancel()
    if not draining.done():
        draining.cancel()
        await server.close()


def _allow_many_files() -> None:
    """Every exchange takes two sockets; the usual soft limit of 1024 is soon reached."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            # Some systems give a hard limit that they do not accept back.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
