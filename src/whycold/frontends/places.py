"""Divergences as they are shown: one place per value, edits of one value together, runs of whole
blocks together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from whycold.core.diagnosis import Diagnosis, Found, Verdict
from whycold.core.numbers import exact

__all__ = ["Place", "places"]


@dataclass(frozen=True)
class Place:
    """Divergences that are shown under one heading.

    ``role`` says what the first of them did to the cache. ``run`` is true for several whole blocks
    that came or went together.
    """

    edits: tuple[Found, ...]
    role: str
    run: bool = False

    @property
    def first(self) -> Found:
        """The divergence that gives the heading."""
        return self.edits[0]

    @property
    def count(self) -> str:
        """Where in the value, or how many edits or blocks; "" where there is nothing to say."""
        number = len(self.edits)
        if self.run:
            return f"{exact(number)} blocks {'added' if self.first.after else 'removed'}"
        if number > 1:
            return f"{exact(number)} edits"
        return f"character {exact(self.first.offset)}" if self.first.offset else ""


def places(told: Diagnosis) -> list[Place]:
    """All divergences of a diagnosis, grouped, in prefix order."""
    main = next((i for i, f in enumerate(told.divergences) if f.cause == told.cause), None)
    out: list[Place] = []
    at = 0
    for edits, run in _runs(told.divergences):
        inside = main is not None and at <= main < at + len(edits)
        out.append(Place(edits, _role(told, at, main, inside=inside), run))
        at += len(edits)
    return out


def _runs(divergences: Sequence[Found]) -> Iterator[tuple[tuple[Found, ...], bool]]:
    for key, group in groupby(divergences, _alike):
        edits = tuple(group)
        if key[0] == "whole":
            yield edits, len(edits) > 1
        else:
            yield edits, False


def _alike(found: Found) -> tuple[str, ...]:
    """Equal for divergences that belong under one heading."""
    if bool(found.before) != bool(found.after) and not found.offset and _is_block(found):
        return ("whole", found.section, found.cause, "added" if found.after else "removed")
    return ("value", found.path)


def _is_block(found: Found) -> bool:
    """Whether the path names a block, not a value inside one."""
    return found.path.endswith("]") and not found.path.startswith("settings")


def _role(told: Diagnosis, at: int, main: int | None, *, inside: bool) -> str:
    match told.verdict:
        case Verdict.hit | Verdict.first | Verdict.uncacheable:
            return "cost nothing here"
        case Verdict.unknown:
            return "breaks the prefix" if at == 0 else "would break it next"
        case Verdict.miss | Verdict.partial:
            if inside:
                return "broke the prefix"
            return "not the cause here" if main is None or at < main else "would break it next"
