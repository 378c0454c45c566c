"""One call as one self-contained page, without a server."""

from __future__ import annotations

from datetime import datetime

from whycold.frontends.filters import read_asked
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.address import Address, place
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.drawing import Frame, draw
from whycold.frontends.web.pages import call
from whycold.query import Query

__all__ = ["saved_call"]


def saved_call(query: Query, id: str, now: datetime, origin: str) -> str:
    """The page of a call: styles within, no script, nothing loaded from elsewhere. Its links lead
    to the dashboard at ``origin``. Raises UserError for a call that is not there.
    """
    address = Address(place("calls", id), {})
    ask = Ask(query, Dashboard("", ""), read_asked({}, now), address, {"id": id}, now)
    frame = Frame((), call.PAGE, address, saved=True, origin=origin)
    return draw(frame, ask, call.PAGE.show(ask))
