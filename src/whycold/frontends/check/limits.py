"""Limits, and which of them some calls pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec

from whycold.core.numbers import exact, usd
from whycold.errors import UserError
from whycold.frontends.check.counted import Broken, Counted

__all__ = ["Baseline", "Checked", "Limits", "Outcome", "check"]

_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Baseline:
    """The culprits that are known and accepted, by their ids."""

    culprits: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """From a file that ``write`` wrote. Raises UserError."""
        try:
            with path.open("rb") as file:
                given = msgspec.json.decode(file.read(_MOST_BYTES), type=_File)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); write it with --update-baseline"
            ) from None
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise UserError(f"{path} is no baseline of whycold check: {error}") from None
        return cls(frozenset(given.culprits))

    @staticmethod
    def write(path: Path, broken: Sequence[Broken]) -> None:
        """Accept what is broken now. Raises UserError."""
        culprits = {
            one.id: {"cause": one.latest.cause, "path": one.path, "title": one.latest.title}
            for one in sorted(broken, key=lambda one: one.id)
        }
        text = json.dumps({"whycold_baseline": 1, "culprits": culprits}, indent=2) + "\n"
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from None


class _File(msgspec.Struct):
    whycold_baseline: int
    culprits: dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be at most, or must be at least; None: no limit.

    ``max_cost_usd`` in USD, ``min_read_ratio`` from 0 to 1; ``baseline``: no other culprits.
    """

    max_misses: int | None = None
    max_missed_tokens: int | None = None
    max_cost_usd: Decimal | None = None
    min_read_ratio: float | None = None
    baseline: Baseline | None = None

    @property
    def is_none(self) -> bool:
        """Whether no limit was given."""
        return self == Limits()


@dataclass(frozen=True, slots=True)
class Checked:
    """One limit held against the calls: its ``name``, ``passed`` when it is kept, and in words what
    was found and what is allowed. ``blamed`` are the culprits that it is about.
    """

    name: str
    passed: bool
    words: str
    blamed: tuple[Broken, ...] = ()


Outcome = tuple[Checked, ...]


def check(counted: Counted, limits: Limits) -> Outcome:
    """Every limit that was given, held against the calls."""
    out: list[Checked] = []
    broken = counted.broken
    if (most := limits.max_misses) is not None:
        words = f"{_times(counted.misses)} missed, {_none(most)} may"
        out.append(Checked("max-misses", counted.misses <= most, words, broken))
    if (tokens := limits.max_missed_tokens) is not None:
        words = f"{exact(counted.missed_tokens)} tokens missed, {exact(tokens)} may"
        out.append(Checked("max-missed-tokens", counted.missed_tokens <= tokens, words, broken))
    if (cost := limits.max_cost_usd) is not None:
        words = f"misses cost {usd(counted.missed_cost_usd)}, {usd(cost)} may be"
        out.append(Checked("max-cost", counted.missed_cost_usd <= cost, words, broken))
    if (least := limits.min_read_ratio) is not None:
        out.append(_ratio(counted, least))
    if limits.baseline is not None:
        fresh = tuple(one for one in broken if one.id not in limits.baseline.culprits)
        many = "1 culprit is" if len(fresh) == 1 else f"{exact(len(fresh))} culprits are"
        words = f"{many} not in the baseline" if fresh else "all culprits are in the baseline"
        out.append(Checked("baseline", not fresh, words, fresh))
    return tuple(out)


def _ratio(counted: Counted, least: float) -> Checked:
    ratio = counted.totals.read_ratio
    if ratio is None:
        words = "no call reports what it read, so that the read ratio is not known"
        return Checked("min-read-ratio", False, words, counted.broken)
    words = f"{100 * ratio:.1f}% read from the cache, at least {100 * least:.1f}% must be"
    return Checked("min-read-ratio", ratio >= least, words, counted.broken)


def _times(count: int) -> str:
    return "1 call" if count == 1 else f"{exact(count)} calls"


def _none(count: int) -> str:
    return exact(count) if count else "none"
