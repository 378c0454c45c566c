"""A folder of cassettes and logs as `whycold import` reads it, held against a count made apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sources.recorded.independent_count import totals
from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.litellm import LiteLlm
from whycold.sources.vcr import Vcr

__all__ = ["Imported", "imported"]


@dataclass(frozen=True)
class Imported:
    """The diagnoses of a folder, each call once; its ``totals``, and those counted ``apart``."""

    told: tuple[Diagnosis, ...]
    totals: Counter[str]
    apart: Counter[str]

    def alike(self, others: Sequence[Diagnosis]) -> int:
        """How many diagnoses say the same as others of the same answers."""
        known = Counter(map(_said, others))
        return (Counter(map(_said, self.told)) & known).total()


def _said(told: Diagnosis) -> tuple[object, ...]:
    return told.message_id, told.verdict, told.cause, told.missed_tokens, told.usage


def imported(folder: Path) -> Imported:
    found: dict[str, tuple[Call, Diagnosis]] = {}
    cassettes = any(folder.rglob("*.y*ml"))
    for group in (Vcr([folder]) if cassettes else LiteLlm([folder])).groups:
        engine = Engine(rules_for)
        for call in sorted((seen.call for seen in group.calls()), key=lambda c: c.order):
            found.setdefault(call.id, (call, engine.take(call)))
    used = [call.usage for call, _ in found.values()]
    counted = Counter(
        calls=len(used),
        input=sum(u.input or 0 for u in used),
        read=sum(u.cache_read or 0 for u in used),
        written=sum(u.cache_write or 0 for u in used),
        output=sum(u.output or 0 for u in used),
    )
    told = tuple(diagnosis for _, diagnosis in found.values())
    return Imported(told, counted, totals("vcr" if cassettes else "litellm", folder))
