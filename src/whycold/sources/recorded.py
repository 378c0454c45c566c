"""What others recorded, as an import takes it: sources, their groups of files, calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from whycold.core.call import Call
from whycold.sources.files import FoundFile, Trouble

__all__ = ["Group", "Seen", "Source"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A call, and where its answer stands: the bytes of ``file`` from ``begins`` to ``ends``.

    ``again``: it was given before, and more is known of it now.
    """

    call: Call
    file: Path
    begins: int
    ends: int
    again: bool = False


class Group(Protocol):
    """Files that have to be read together, such as those of one session."""

    @property
    def files(self) -> Sequence[FoundFile]:
        """The files, in the order in which they are read."""
        ...

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        ...

    def calls(self) -> Iterator[Seen]:
        """Every call, each behind those that it goes on from; ids are the same every time."""
        ...


class Source(Protocol):
    """One kind of recording.

    Of two groups that hold the same call, the one that has it from the other comes later.
    ``troubles`` grows as groups are read.
    """

    @property
    def name(self) -> str:
        """A word for it, as on the command line."""
        ...

    @property
    def groups(self) -> Sequence[Group]:
        """What was found."""
        ...

    @property
    def troubles(self) -> Sequence[Trouble]:
        """What could not be read, one line per file."""
        ...
