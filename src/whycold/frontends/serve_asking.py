"""Having a running ``serve`` do what only it can do: it alone writes the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config_settings import Config
from whycold.frontends.serve_state import running
from whycold.ingest.orders import Orders

__all__ = ["asked"]

_LOOK_S: Final = 0.05


def asked(
    config: Config,
    kind: str,
    what: dict[str, Json],
    tell: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any] | None:
    """Give an order to the ``serve`` of this store and wait for its outcome; None when none runs,
    or it ended before the order was done: then the store is free to be written here.

    ``tell`` hears of the progress. An interrupt takes the order away. Raises UserError when it
    cannot be done.
    """
    if running(config.state_file) is None:
        return None
    orders = Orders(config.orders_folder)
    id = orders.give(kind, what)
    try:
        while True:
            # looked at first: what was told before it ended counts
            runs = running(config.state_file) is not None
            told = orders.told(id)
            if told is not None and told.error is not None:
                raise UserError(told.error)
            if told is not None and told.outcome is not None:
                return told.outcome
            if not runs:
                return None
            if told is not None:
                tell(told.progress)
            time.sleep(_LOOK_S)
    finally:
        orders.take(id)
