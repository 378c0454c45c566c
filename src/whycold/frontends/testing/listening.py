"""A recording proxy in a thread of the test's own process, to one upstream."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from typing import Final

from whycold.errors import UserError
from whycold.sources.programs.album import Album
from whycold.sources.proxy.config import ProxyConfig, Upstream
from whycold.sources.proxy.server import serve
from whycold.sources.spool import SpoolConfig
from whycold.sources.spool_record import Exchange

__all__ = ["Listening"]

_PATIENCE_S: Final = 30.0
_NAME: Final = "upstream"


class Listening:
    """Listens until ``close``, which waits for what is under way. ``url`` leads to the upstream.
    Nothing gets to disk: what the proxy would write goes into the album."""

    def __init__(self, upstream: str, album: Album) -> None:
        self.url = ""
        self._upstream, self._album = Upstream.from_url(_NAME, upstream), album
        self._ready, self._error = threading.Event(), ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="whycold-test-proxy", daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE_S) or self._error:
            raise UserError(self._error or "the recording proxy did not start")

    def close(self) -> None:
        """Ends it in order; done twice, nothing happens."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="whycold-") as folder:
            asyncio.run(self._serve(folder))

    async def _serve(self, folder: str) -> None:
        self._loop = asyncio.get_running_loop()
        spool = SpoolConfig(folder=folder, gather_s=0.0)
        config = ProxyConfig(port=0, upstreams={_NAME: self._upstream}, spool=spool)
        try:
            server = await serve(config, self._kept)
        except UserError as error:
            self._error = str(error)
            self._ready.set()
            return
        self.url = f"{server.url}/to/{_NAME}"
        self._ready.set()
        await self._stop.wait()
        await server.drain()

    def _kept(self, exchange: Exchange) -> Exchange | None:
        self._album.add(exchange)
        return None
