"""A receiver of messages on this machine, over http or https."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Got", "Hook", "hook", "verified"]


@dataclass(frozen=True)
class Got:
    """A message as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hook:
    """What came, and what is answered: ``status`` with ``headers`` and ``text``."""

    url: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict[str, str])
    text: bytes = b""
    got: list[Got] = field(default_factory=list[Got])

    def events(self) -> list[str]:
        return [one.said["type"].removeprefix("alert.") for one in self.got]


@contextmanager
def hook(tls: ssl.SSLContext | None = None, port: int = 0) -> Generator[Hook]:
    """Answers on a port of 127.0.0.1 for the time of a ``with``."""
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            made.got.append(Got(self.path, named, body))
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(made.text)))
            self.end_headers()
            self.wfile.write(made.text)

        def log_message(self, format: str, *args: object):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def verified(got: Got, key: bytes) -> bool:
    """As docs/alerts.md tells receivers to verify."""
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(f"v1,{digest}", got.headers["webhook-signature"])
