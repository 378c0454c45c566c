"""Keeps the processes of ``whycold serve`` alive, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from whycold import __version__
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.config_settings import Config
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.serve_orders import Orders, reachable
from whycold.frontends.serve_parts import MODULES, Part, Said, encode
from whycold.frontends.serve_state import Running, ServeState

__all__ = ["Supervisor", "supervise"]

_log = logging.getLogger("whycold.serve")

_START_S: Final = 60.0
_END_S: Final = 15.0
"""How long a part may take to end, beside the time that calls under way are given."""
_HURRY_S: Final = 2.0
_BACKOFF_S: Final = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
_PROXY_BACKOFF_S: Final = _BACKOFF_S[:4]
"""Clients have no way to a provider while it is gone."""
_LONG_LIFE_S: Final = 30.0
"""A part that lived so long is started anew at once."""


@dataclass(slots=True)
class _Child:
    part: Part
    process: Process | None = None
    restarts: int = 0
    began: float = 0.0


class Supervisor:
    """One ``serve``. ``state`` is held already; ``listening`` is the dashboard's socket, ``token``
    what it asks for.
    """

    def __init__(
        self, config: Config, state: ServeState, listening: socket.socket, token: str | None
    ) -> None:
        self._config, self._state, self._listening = config, state, listening
        self._orders = Orders(config, listening, token)
        self._children = {part: _Child(part) for part in self._orders.parts}
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        self._started = time_text(now())

    def stop(self) -> None:
        """End in order; a second time: at once."""
        (self._hurry if self._stop.is_set() else self._stop).set()

    async def run(self, ready: Callable[[Running], None]) -> None:
        """Until ``stop``; ``ready`` is called once both ports answer. Raises UserError."""
        watching: list[asyncio.Task[None]] = []
        try:
            starting = [asyncio.create_task(self._start(child)) for child in self._all()]
            await _first_failure(starting)
            ready(self._noted())
            watching = [asyncio.create_task(self._keep(child)) for child in self._all()]
            await self._stop.wait()
        finally:
            self._stop.set()
            for task in watching:
                task.cancel()
            await self._end_all()
            self._orders.close()

    def _all(self) -> list[_Child]:
        return list(self._children.values())

    async def _start(self, child: _Child) -> None:
        """Start a part and wait until it is ready. Raises UserError."""
        child.began = asyncio.get_running_loop().time()
        child.process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", MODULES[child.part]),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(self._listening.fileno(),) if child.part is Part.dashboard else (),
            start_new_session=True,
        )
        assert process.stdin is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(encode(self._orders.of(child.part)))
            await process.stdin.drain()
        said = await _answer(process, child.part)
        if said.error is not None:
            raise UserError(said.error)
        if child.part is Part.proxy:
            # From now on this port, also where a free one was asked for.
            self._orders.port = said.port

    async def _keep(self, child: _Child) -> None:
        """Start a part anew whenever it ends."""
        loop = asyncio.get_running_loop()
        pauses, tries = _PROXY_BACKOFF_S if child.part is Part.proxy else _BACKOFF_S, 0
        while child.process is not None:
            code = await child.process.wait()
            if self._stop.is_set():
                return
            tries = 0 if loop.time() - child.began > _LONG_LIFE_S else tries + 1
            pause = pauses[min(tries, len(pauses) - 1)]
            _log.warning("the %s ended (%s); starting it again", child.part, _how(code))
            await asyncio.sleep(pause)
            try:
                await self._start(child)
            except UserError as error:
                _log.error("the %s cannot start: %s", child.part, error)
                continue
            child.restarts += 1
            self._noted()

    def _noted(self) -> Running:
        """What runs now, for others to read."""
        config, orders = self._config, self._orders
        host = reachable(config.host)
        running = Running(
            pid=os.getpid(),
            version=__version__,
            started=self._started,
            proxy=f"http://{host}:{orders.port}",
            dashboard=f"http://{host}:{orders.dashboard_port}",
            store=config.store,
            spool=config.spool.folder,
            processes={c.part.value: c.process.pid for c in self._all() if c.process is not None},
            restarts={c.part.value: c.restarts for c in self._all()},
        )
        try:
            self._state.write(running)
        except OSError as error:
            _log.warning("cannot note where this serve is: %s", error.strerror)
        return running

    async def _end_all(self) -> None:
        """The proxy first, so that the recorder sees all it wrote; those that read last."""
        drain = self._config.drain.total_seconds()
        for part, patience in (
            (Part.proxy, drain + _END_S),
            (Part.recorder, drain + _END_S),
            (Part.alerts, _END_S),
            (Part.diagnoser, _HURRY_S),
            (Part.dashboard, _HURRY_S),
        ):
            child = self._children.get(part)
            process = child.process if child is not None else None
            if process is not None and process.returncode is None:
                await self._end(process, patience)

    async def _end(self, process: Process, patience: float) -> None:
        ending = asyncio.ensure_future(process.wait())
        hurrying = asyncio.ensure_future(self._hurry.wait())
        _signal(process, signal.SIGTERM)
        await asyncio.wait(
            (ending, hurrying), timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        hurrying.cancel()
        if not ending.done():
            _signal(process, signal.SIGTERM)
            await asyncio.wait((ending,), timeout=_HURRY_S)
        if not ending.done():
            _signal(process, signal.SIGKILL)
            await ending


async def _first_failure(tasks: list[asyncio.Task[None]]) -> None:
    """Waits for all, or raises the error of the first that fails, the others cancelled."""
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _answer(process: Process, part: Part) -> Said:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise UserError(f"the {part} did not start within {_START_S:.0f} seconds") from None
    if not line:
        raise UserError(f"the {part} ended before it was ready ({_how(await process.wait())})")
    try:
        return msgspec.json.decode(line, type=Said)
    except msgspec.MsgspecError:
        raise UserError(f"the {part} answered what is not understood: {line[:80]!r}") from None


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _how(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


async def supervise(
    config: Config,
    state: ServeState,
    listening: socket.socket,
    ready: Callable[[Running], None],
    *,
    token: str | None = None,
    leash: int | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP, or until ``leash``, a descriptor, ends."""
    supervisor = Supervisor(config, state, listening, token)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    if leash is not None:
        _watch(loop, leash, supervisor.stop)
    await supervisor.run(ready)


def _watch(loop: asyncio.AbstractEventLoop, leash: int, stop: Callable[[], None]) -> None:
    def look() -> None:
        if not os.read(leash, 4096):
            loop.remove_reader(leash)
            stop()

    loop.add_reader(leash, look)
