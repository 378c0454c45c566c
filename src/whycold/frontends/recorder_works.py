"""What the recorder of a running ``serve`` can be asked to do, beside recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from whycold.frontends.erase_work import deleting
from whycold.frontends.importing_work import importing
from whycold.frontends.otlp_work import receiving
from whycold.frontends.serve_parts import RecorderOrder
from whycold.ingest.desk import Work, Workplace

__all__ = ["WORKS", "Maker", "works"]

Maker: TypeAlias = Callable[[Workplace, RecorderOrder], Work]

WORKS: Mapping[str, Maker] = {
    "erase": deleting,
    "import": importing,
    "otlp": receiving,
}
"""By the kind of an order; ``frontends.serve_asking`` gives them."""


def works(order: RecorderOrder) -> Callable[[Workplace], Mapping[str, Work]]:
    """All of them, for the recorder that was given this order."""

    def at(place: Workplace) -> Mapping[str, Work]:
        return {kind: maker(place, order) for kind, maker in WORKS.items()}

    return at
