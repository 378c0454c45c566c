"""An upstream that answers with the usage of a simulated cache."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.simulated_cache import SimulatedCache

__all__ = ["Vendor"]


class Vendor(ThreadingHTTPServer):
    """An upstream with a cache, as the provider documents it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.cache = SimulatedCache()
        self.answered = 0
        self._thread = Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self.close()


class _Answer(BaseHTTPRequestHandler):
    server: Vendor  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        now = datetime.now(UTC)  # noqa: TID251
        self.server.answered += 1
        usage = self.server.cache.usage(body, now, now + timedelta(milliseconds=1), "account")
        answer = json.dumps(
            {
                "id": f"msg_{self.server.answered:04}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": "Yes."}],
                "stop_reason": "end_turn",
                "usage": usage,
            }
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass
