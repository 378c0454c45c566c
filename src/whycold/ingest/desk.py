"""The recorder's desk: carries out orders in small steps, between batches of the spool."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from whycold.errors import UserError
from whycold.ingest.orders import Order, Orders, Told
from whycold.store.base import Damaged, Store, Unavailable
from whycold.store.records import Record

__all__ = ["Desk", "Refresh", "Steps", "Work", "Workplace"]

_log = logging.getLogger("whycold.recorder")

_DEATHS: Final = 5
"""Processes that must have died during an order before it is given up."""
_REST: Final = 20
"""Steps that are left out when the store cannot be written: a second, while nothing else is to do.
"""

Steps: TypeAlias = Generator[dict[str, Any], None, dict[str, Any]]
"""Progress, step by step, then the outcome: what can be written as JSON."""
Work: TypeAlias = Callable[[Order], Steps]
"""How a kind of order is carried out. Each step is short, for recording waits meanwhile, and done
again it changes nothing: an order is begun anew after a crash. Raises UserError for what cannot be
done, ``Unavailable`` for what can be done later.
"""

Refresh: TypeAlias = Callable[[Sequence[Record] | None], Generator[None, None, bool]]
"""Small steps; see ``Ingest.refresh``."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a work has at hand: the ``store``, which it may write between two yields, and
    ``refresh``, to be run through once calls were added (a few may be named) or removed: from then
    on calls that are recorded are diagnosed among those that are there now. ``emptied``, run
    through, leaves nothing on the spool of what was recorded before: it is in the store.
    """

    store: Store
    refresh: Refresh
    emptied: Callable[[], Iterator[None]]


class Desk:
    """Takes one order after the other. ``works`` says how each kind is carried out.

    An order that is taken away while it is under way ends between two steps; one that several
    processes died of is given up, and its asker told.
    """

    def __init__(self, orders: Orders, works: Mapping[str, Work]) -> None:
        self._orders, self._works = orders, works
        self._order: Order | None = None
        self._steps: Steps | None = None
        self._rest = 0
        orders.tidy()

    def step(self) -> bool:
        """Do one step; false when there is nothing to do, or it cannot be done now."""
        if self._rest:
            self._rest -= 1
            return False
        if self._order is None and (looked := self._begin()) is not None:
            return looked
        order, steps = self._order, self._steps
        assert order is not None
        assert steps is not None
        if not self._orders.waits(order):
            self.close()
            return True
        try:
            progress = next(steps)
            if not order.quiet:
                self._orders.tell(order, progress)
        except StopIteration as end:
            self._end(order, Told(outcome=end.value or {}))
        except (Unavailable, OSError) as fault:
            # nothing was kept of this step; all is begun again when asked next
            _log.warning("order %s waits: %s", order.id, fault)
            self.close()
            self._rest = _REST
            return False
        except Damaged:
            raise
        except UserError as fault:
            self._end(order, Told(error=str(fault)))
        except Exception as fault:  # noqa: BLE001
            # What was read was written by others; recording must go on whatever it brings about.
            _log.error("order %s (%s) failed", order.id, order.kind, exc_info=fault)
            why = f"whycold failed ({type(fault).__name__}); its log says more"
            self._end(order, Told(error=why))
        return True

    def close(self) -> None:
        """Let go of what is under way; it is begun again later."""
        if self._steps is not None:
            self._steps.close()
        if self._order is not None:
            self._orders.spared(self._order)
        self._order = self._steps = None

    def _begin(self) -> bool | None:
        """None once an order is under way; else whether there was something to do."""
        order = self._orders.first()
        if order is None:
            return False
        work = self._works.get(order.kind)
        if work is None:
            self._orders.end(order.id, Told(error=f"nobody here can {order.kind}"))
            return True
        try:
            deaths = self._orders.tried(order)
        except OSError as fault:
            _log.warning("order %s waits: %s", order.id, fault)
            self._rest = _REST
            return False
        if deaths >= _DEATHS:
            _log.error("order %s (%s) is given up: the recorder died of it", order.id, order.kind)
            self._orders.end(order.id, Told(error="the recorder died of it again and again"))
            return True
        self._order, self._steps = order, work(order)
        return None

    def _end(self, order: Order, told: Told) -> None:
        self._orders.end(order.id, told, quiet=order.quiet)
        self._order = self._steps = None
