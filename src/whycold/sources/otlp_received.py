"""OTLP as it comes over the network: documents of which the next may tell more of the same call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from whycold.core.content import JsonMap
from whycold.sources.files import FoundFile, Trouble
from whycold.sources.otlp_calls import Around, surroundings
from whycold.sources.otlp_joining import Joining
from whycold.sources.otlp_kinds import Part, part_of
from whycold.sources.otlp_telemetry import read_telemetry
from whycold.sources.recorded import Seen

__all__ = ["Received", "looked_over"]

_HERE = Path("POST")


def looked_over(document: JsonMap) -> tuple[bool, Counter[str]]:
    """Whether a document tells of any call, or of what calls were made for; and what of it cannot
    be read, by reason.
    """
    skipped = Counter[str]()
    useful = False
    for record in read_telemetry(document, skipped):
        part = part_of(record)
        if part is Part.around:
            useful = useful or surroundings(record) != Around()
        else:
            useful = useful or part is not None
    return useful, skipped


class Received:
    """One document as a source of calls, with all that is remembered of those before it."""

    name = "otlp"

    def __init__(self, joining: Joining, document: JsonMap, size: int) -> None:
        self.troubles: list[Trouble] = []
        self.files: Sequence[FoundFile] = ()
        self.size = size
        self.groups = [self]
        self._joining, self._document = joining, document

    def calls(self) -> Iterator[Seen]:
        """The calls that the document tells of; those that were told of before, again."""
        for record in read_telemetry(self._document, Counter()):
            self._joining.take(record, _HERE, 0, self.size)
        yield from self._joining.news()
