"""Two files to one diagnosis, for ``whycold diff``."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from whycold.core.call import Call
from whycold.core.cost import Rates
from whycold.core.diagnosis import Diagnosis
from whycold.core.numbers import span
from whycold.diagnose import diagnose_pair
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.providers.body import MAX_BYTES, decode_map
from whycold.providers.exchange import Exchange, read_exchange
from whycold.providers.registry import WIRES, dialect, rules_for
from whycold.rates import Overrides, rates_for

__all__ = ["STANDARD_INPUT", "Compared", "Comparison", "read_file"]

STANDARD_INPUT = Path("-")
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Compared:
    """The diagnosis of the second request. ``at`` is its own time, None when it was not recorded;
    ``notes`` say what was missing or odd in the files.
    """

    told: Diagnosis
    at: datetime | None
    notes: tuple[str, ...] = ()


def read_file(path: Path) -> Exchange:
    """A request body or recorded exchange from a file, ``-`` for standard input; UserError names
    the file.
    """
    with _naming(path):
        return read_exchange(_bytes_of(path))


@dataclass(frozen=True)
class _Side:
    """One of the two requests; ``name`` is what it is called in a note."""

    name: str
    exchange: Exchange
    call: Call

    @property
    def notes(self) -> list[str]:
        call, answered = self.call, self.exchange.response is not None
        if not answered or call.usage.input is not None or call.reply.error is not None:
            return []
        return [f"the response in {self.name} holds no usage that can be read"]


class Comparison:
    """Diagnoses one request against another, whatever else they have to do with each other.

    ``provider`` names whose cache rules hold, ``prices`` a file of the user's own prices; UserError
    for a name that nobody has and for a file that holds no prices.
    """

    def __init__(self, provider: str | None = None, prices: Path | None = None) -> None:
        self._provider = dialect(provider).name if provider is not None else None
        self._overrides = _overrides(prices) if prices is not None else None

    def files(self, before: Path, after: Path) -> Compared:
        """As ``of`` for two files, with what was odd in them; UserError names the one at fault."""
        if before == after == STANDARD_INPUT:
            raise UserError("BEFORE and AFTER are both -, and standard input can be read only once")
        sides: list[_Side] = []
        for name, path in (("BEFORE", before), ("AFTER", after)):
            exchange = read_file(path)
            with _naming(path):
                sides.append(self._side(name, exchange))
        return self._compared(*sides)

    def of(self, before: Exchange, after: Exchange) -> Diagnosis:
        """The diagnosis of ``after``; times that were not recorded count as one after the other."""
        return self._compared(self._side("BEFORE", before), self._side("AFTER", after)).told

    def compared(self, before: Exchange, after: Exchange) -> Compared:
        """As ``of``, with what was odd in the two; UserError names the one at fault."""
        sides: list[_Side] = []
        for name, exchange in (("before", before), ("after", after)):
            with _naming(Path(name)):
                sides.append(self._side(name.upper(), exchange))
        return self._compared(*sides)

    def _side(self, name: str, exchange: Exchange) -> _Side:
        _must_be_a_request(exchange)
        return _Side(name, exchange, exchange.call(name.lower(), _UNDATED, self._provider))

    def _compared(self, before: _Side, after: _Side) -> Compared:
        first, second = before.call, after.call
        if first.api != second.api:
            raise UserError(
                f"the two requests are of different APIs ({first.api} and {second.api}); "
                "compare requests of one API"
            )
        notes = [*before.notes, *after.notes]
        dated = before.exchange.at is not None and after.exchange.at is not None
        if dated and second.at < first.at:
            early = span((first.at - second.at).total_seconds())
            notes.append(f"AFTER was sent {early} before BEFORE: perhaps the two are swapped")
            dated = False
        if not dated:
            second = replace(second, at=first.at + timedelta(seconds=1))
        told = diagnose_pair(first, second, rules_for, self._price, dated=dated)
        return Compared(told, after.exchange.at, tuple(notes))

    def _price(self, call: Call) -> Rates | None:
        at = call.at if call.at > _UNDATED + timedelta(days=1) else now()
        return rates_for(call.provider, call.model or "", at, call.usage, self._overrides)


def _must_be_a_request(exchange: Exchange) -> None:
    """What has a response's shape and no request's is told apart from what is neither."""
    body = exchange.request
    if exchange.response is None and not any(w.looks_like(body) for w in WIRES.values()):
        answers = next((w.name for w in WIRES.values() if w.answers(body)), None)
        if answers is not None:
            raise UserError(
                f"is a response ({answers}), not a request: give the request's body, or both as "
                '{"request": …, "response": …}'
            )


def _bytes_of(path: Path) -> bytes:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


@contextmanager
def _naming(path: Path) -> Generator[None]:
    """Puts a file's name in front of what is wrong with it."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _overrides(path: Path) -> Overrides:
    with _naming(path):
        return Overrides(decode_map(_bytes_of(path)))
