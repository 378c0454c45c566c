"""An import that the recorder of a running ``serve`` carries out, and what the two sides say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.importing_kinds import KINDS
from whycold.frontends.prices import price_list
from whycold.frontends.serve_parts import RecorderOrder
from whycold.ingest.desk import Steps, Work, Workplace
from whycold.ingest.importing import Imported, Importer, Progress
from whycold.ingest.orders import Order
from whycold.sources.files import Trouble
from whycold.sources.recorded import Source
from whycold.store.records import Capture

__all__ = ["Outcome", "importing", "order_of", "outcome_of", "progress_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the import of one kind: the ``files`` that were there, what came of them, and
    what could not be read.
    """

    files: int
    result: Imported
    troubles: list[Trouble]

    @classmethod
    def of(cls, source: Source, result: Imported) -> Outcome:
        """The outcome once a source was imported."""
        return cls(sum(len(g.files) for g in source.groups), result, list(source.troubles))


class _What(msgspec.Struct):
    source: str
    paths: list[str]


def order_of(source: str, paths: Sequence[Path]) -> dict[str, Json]:
    """What an order to import says."""
    return msgspec.to_builtins(_What(source, [str(path.absolute()) for path in paths]))


def progress_of(told: dict[str, Any]) -> Progress:
    """The progress that was told of an order."""
    return msgspec.convert(told, Progress)


def outcome_of(told: dict[str, Any]) -> Outcome:
    """The outcome that was told of an order."""
    return msgspec.convert(told, Outcome, dec_hook=lambda kind, value: kind(value))


def importing(place: Workplace, about: RecorderOrder) -> Work:
    """The work of an import."""
    prices = price_list(Path(about.prices) if about.prices is not None else None)

    def capture(project: str | None) -> Capture:
        return Capture(about.projects.get(project or "", about.capture))

    def work(order: Order) -> Steps:
        try:
            what = msgspec.convert(order.what, _What)
        except msgspec.MsgspecError as fault:
            raise UserError(f"the order to import cannot be understood: {fault}") from None
        kind = KINDS.get(what.source)
        if kind is None:
            raise UserError(f"the whycold serve that runs cannot read {what.source}; restart it")
        source = kind.read([Path(path) for path in what.paths])
        steps = Importer(place.store, capture, prices).steps(source, place.refresh)
        while True:
            try:
                progress = next(steps)
            except StopIteration as end:
                result: Imported = end.value
                break
            yield _plain(progress)
        return _plain(Outcome.of(source, result))

    return work


def _plain(value: object) -> dict[str, Any]:
    return msgspec.to_builtins(value, enc_hook=str)
