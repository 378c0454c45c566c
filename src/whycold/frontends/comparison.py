"""Two files to one diagnosis, for ``whycold diff``."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from whycold.core.call import Call
from whycold.core.cost import Rates
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import diagnose_pair
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.providers.body import decode_map
from whycold.providers.exchange import Exchange, read_exchange
from whycold.providers.registry import rules_for
from whycold.rates import Overrides, rates_for

__all__ = ["Comparison", "read_file"]

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


def read_file(path: Path) -> Exchange:
    """A request body or recorded exchange from a file, ``-`` for standard input; UserError names
    the file.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    try:
        return read_exchange(data)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


class Comparison:
    """Diagnoses one request against another, whatever else they have to do with each other."""

    def __init__(self, provider: str | None = None, prices: Path | None = None) -> None:
        self._provider = provider
        self._overrides = _overrides(prices) if prices is not None else None

    def of(self, before: Exchange, after: Exchange) -> Diagnosis:
        """The diagnosis of ``after``; times that were not recorded count as one after the other."""
        first = before.call("before", _UNDATED, self._provider)
        second = after.call("after", first.at + timedelta(seconds=1), self._provider)
        if first.api != second.api:
            raise UserError(
                f"the two requests are of different APIs ({first.api} and {second.api}); "
                "compare requests of one API"
            )
        dated = before.at is not None and after.at is not None
        if not dated:
            second = replace(second, at=first.at + timedelta(seconds=1))
        told = diagnose_pair(first, second, rules_for, self._price)
        return told if dated else replace(told, gap=None)

    def _price(self, call: Call) -> Rates | None:
        at = call.at if call.at > _UNDATED + timedelta(days=1) else now()
        return rates_for(call.provider, call.model or "", at, call.usage, self._overrides)


def _overrides(path: Path) -> Overrides:
    try:
        return Overrides(decode_map(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
