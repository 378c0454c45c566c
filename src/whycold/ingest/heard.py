"""What is known of a call beside itself, for those who are told of it as soon as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from whycold.sources.spool_record import Exchange

__all__ = ["Heard"]


@dataclass(frozen=True, slots=True)
class Heard:
    """``ended`` is when the answer's last byte came; ``traceparent`` the request's header of that
    name, which names the trace and the span that the call was made in."""

    ended: datetime
    traceparent: str | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> Heard:
        """From the exchange of a call."""
        found = next((v for name, v in exchange.request_headers if name == "traceparent"), None)
        return cls(datetime.fromtimestamp(exchange.ended / 1e9, UTC), found)
