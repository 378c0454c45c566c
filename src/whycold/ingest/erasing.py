"""Deleting calls for good: from the spool, the store, and what is remembered of them."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.ingest.desk import Steps, Workplace
from whycold.store.answers import Erase
from whycold.store.base import Store

__all__ = ["erasing", "order_of", "what_of"]

_SLICES: Final = 2
"""Short transactions in one step."""
_REFRESHED: Final = 32
"""Steps of remembering anew in one of ours: until then what comes in is held against what is gone.
"""
_TRIES, _PAUSE_S = 50, 0.1
"""How often, and how long apart, readers are given time to let go of old pages."""


def order_of(what: Erase) -> dict[str, Json]:
    """What an order to erase says."""
    return msgspec.to_builtins(what)


def what_of(order: object) -> Erase:
    """What an order says. Raises UserError."""
    try:
        return msgspec.convert(order, Erase)
    except msgspec.MsgspecError as fault:
        raise UserError(f"the order to erase cannot be understood: {fault}") from None


def erasing(place: Workplace, what: Erase) -> Steps:
    """Delete calls, those on the spool included, in short steps.

    The outcome: ``calls`` that went, ``quotes``: calls that stay and lost what they quoted of
    those, ``purged``: whether the last bytes left the disk, which a reader can hold up.
    """
    if what == Erase():
        raise UserError("say what to erase: a session, a project, an account or a time")
    told: dict[str, Json] = {"calls": 0, "quotes": 0, "purged": False}
    for _ in place.emptied():
        yield told
    yield from _erased(place.store, what, told)
    for number, _ in enumerate(place.refresh(None)):
        if number % _REFRESHED == 0:
            yield told
    # a call that was recorded until then may have been held against one that is gone
    yield from _erased(place.store, what, told)
    for _ in range(_TRIES):
        if told["purged"]:
            break
        time.sleep(_PAUSE_S)
        yield from _erased(place.store, what, told)
    return told


def _erased(store: Store, what: Erase, told: dict[str, Json]) -> Steps:
    calls, quotes, done = told["calls"], told["quotes"], False
    assert isinstance(calls, int)
    assert isinstance(quotes, int)
    while not done:
        swept = store.erase(what, _SLICES)
        calls, quotes, done = calls + swept.calls, quotes + swept.texts, swept.done
        told |= {"calls": calls, "quotes": quotes, "purged": swept.purged}
        yield told
    return told
