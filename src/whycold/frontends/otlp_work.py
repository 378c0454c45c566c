"""Telemetry that came to the dashboard's port, brought in by the recorder."""

from __future__ import annotations

from pathlib import Path

from whycold.frontends.prices import price_list
from whycold.frontends.serve_parts import RecorderOrder
from whycold.ingest.desk import Steps, Work, Workplace
from whycold.ingest.importing import Importer
from whycold.ingest.orders import Order
from whycold.providers.body import decode_map
from whycold.sources.otlp_joining import Joining
from whycold.sources.otlp_received import Received
from whycold.store.records import Capture

__all__ = ["receiving"]


def receiving(place: Workplace, about: RecorderOrder) -> Work:
    """The work of an order that holds an OTLP document.

    What was heard before is remembered, so that a call is known by all that is told of it, in
    however many documents.
    """
    prices = price_list(Path(about.prices) if about.prices is not None else None)
    joining = Joining()

    def capture(project: str | None) -> Capture:
        return Capture(about.projects.get(project or "", about.capture))

    def work(order: Order) -> Steps:
        payload = order.payload()
        source = Received(joining, decode_map(payload), len(payload))
        for progress in Importer(place.store, capture, prices).steps(source, place.refresh):
            yield {"added": progress.added}
        return {}

    return work
