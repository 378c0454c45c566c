"""What the proxy says itself when there is nothing to pass on: one line of JSON, marked as its own.

The shape is one that both the Anthropic and the OpenAI SDKs show the message of.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

__all__ = ["own_answer"]


def own_answer(status: int, code: str, message: str, *, close: bool, head_only: bool) -> bytes:
    """A whole response with ``x-whycold-error: code``; to a HEAD request without its body."""
    error = {"type": "whycold_proxy_error", "code": code, "message": message}
    body = msgspec.json.encode({"type": "error", "error": error}) + b"\n"
    last = "connection: close\r\n" if close else ""
    if status == HTTPStatus.UPGRADE_REQUIRED:
        # RFC 9110 15.5.22: such an answer names what is to be spoken
        last = f"upgrade: HTTP/1.1\r\nconnection: upgrade{', close' if close else ''}\r\n"
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        f"x-whycold-error: {code}\r\n"
        f"{last}\r\n"
    )
    return head.encode("latin-1") + (b"" if head_only else body)
