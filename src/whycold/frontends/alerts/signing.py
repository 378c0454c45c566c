"""Signatures by which a receiver knows that a message is ours, and new.

As Standard Webhooks 1.0.0 has it (github.com/standard-webhooks/standard-webhooks,
spec/standard-webhooks.md, read 2026-11-23): HMAC-SHA256 over ``id.timestamp.body``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from whycold.frontends.config_alerts import secret_bytes

__all__ = ["signed"]


def signed(id: str, body: bytes, at: datetime, secret: str | None) -> dict[str, str]:
    """The headers of a message; without a secret all but the signature."""
    seconds = str(int(at.timestamp()))
    headers = {"webhook-id": id, "webhook-timestamp": seconds}
    if secret is None:
        return headers
    content = b".".join((id.encode(), seconds.encode(), body))
    digest = hmac.new(secret_bytes(secret), content, hashlib.sha256).digest()
    return headers | {"webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}
