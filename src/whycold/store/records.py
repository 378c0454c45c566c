"""What is put into a store and what comes out of it, call by call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis

__all__ = ["Capture", "Kept", "Page", "Record", "Written"]


class Capture(StrEnum):
    """How much of a call is kept.

    ``full``: prompt, reply and diagnosis; ``hash``: keyed digests where text would be; ``usage``:
    counts and verdict only; ``none``: nothing, the call is left out.
    """

    full = "full"
    hash = "hash"
    usage = "usage"
    none = "none"

    @property
    def has_blocks(self) -> bool:
        """Whether the blocks of prompts and replies are kept, as text or as digests."""
        return self in (Capture.full, Capture.hash)


@dataclass(frozen=True, slots=True)
class Record:
    """One call with its diagnosis, as it is written and as it is read back.

    ``told`` is the diagnosis of ``call``. ``capture`` says how much of it is kept; the store takes
    out what the mode forbids. ``status`` is the HTTP status, ``source`` a word for where the call
    was seen. ``also`` are ids by which the same call is known elsewhere, each as good as its own.
    ``amends``: a call that is already there is replaced, and all sums with it; without it the one
    that is there stays.
    """

    call: Call
    told: Diagnosis
    capture: Capture = Capture.full
    status: int | None = None
    source: str | None = None
    also: tuple[str, ...] = ()
    amends: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: calls ``added``, ``amended``, and already ``known``.

    ``fresh`` is false, and so is the whole, when a batch of that token was written before; then
    nothing was changed.
    """

    fresh: bool = True
    added: int = 0
    amended: int = 0
    known: int = 0

    def __bool__(self) -> bool:
        return self.fresh


@dataclass(frozen=True, slots=True)
class Kept:
    """A call in a list.

    ``rid`` grows with time and orders calls; ``told`` is its diagnosis without ``blocks``;
    ``capture`` says what of it is there now: a call whose prompt has been dropped is back to
    ``usage``.
    """

    rid: int
    told: Diagnosis
    capture: Capture
    began: datetime | None = None
    account: str | None = None
    host: str | None = None
    status: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Calls, newest first, and the cursor of the page behind it: None on the last one."""

    items: tuple[Kept, ...]
    next: str | None
