"""What the JSON API answers: the same questions, words and values as the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.datastructures import QueryParams

from whycold import __version__
from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import now
from whycold.frontends.csv_tables import csv_text, miss_rows, report_rows
from whycold.frontends.culprits_data import LISTED, culprit_json, culprit_table
from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.filters import FILTERS, MOST_ITEMS, read_asked
from whycold.frontends.releases_data import COMPARED, SPAN, change_json, change_table
from whycold.frontends.report_json import report_json
from whycold.frontends.web.asking import NotThere, one_of
from whycold.frontends.web.store_access import StoreAccess
from whycold.ingest.progress import Progress, behind
from whycold.query import Change, Culprit, MarkerKind, Query, Report, State
from whycold.store.answers import CulpritOrder
from whycold.store.base import Damaged, Missing, Unavailable
from whycold.store.records import Page

__all__ = ["Api"]

_PAGED = ("limit", "cursor")


class Api:
    """Answers as plain values; every method may raise UserError."""

    def __init__(self, spool: str, access: StoreAccess) -> None:
        self._spool, self._access = Path(spool), access

    def report(self, given: QueryParams) -> dict[str, Json]:
        """The panel of a period, with the one before."""
        return report_json(self._report(given))

    def report_csv(self, given: QueryParams) -> str:
        """The same as a table."""
        return csv_text(report_rows(self._report(given)))

    def misses(self, given: QueryParams) -> dict[str, Json]:
        """The latest misses, newest first, and the cursor of the next page."""
        page = self._misses(given)
        return {"items": [as_json(kept.told) for kept in page.items], "next": page.next}

    def misses_csv(self, given: QueryParams) -> str:
        """The same as a table."""
        return csv_text(miss_rows(kept.told for kept in self._misses(given).items))

    def culprits(self, given: QueryParams) -> dict[str, Json]:
        """Misses by the edit behind them, dearest first."""
        return {"items": [culprit_json(culprit) for culprit in self._culprits(given)]}

    def culprits_csv(self, given: QueryParams) -> str:
        """The same as a table."""
        return csv_text(culprit_table(self._culprits(given)))

    def culprit(self, id: str, given: QueryParams) -> dict[str, Json]:
        """One culprit, with the sums of the calls that fit. Raises NotThere."""
        asked = read_asked(_words(given, ()), now())

        def find(query: Query) -> dict[str, Json]:
            try:
                return culprit_json(query.culprit(id, asked.filters))
            except (Missing, Unavailable, Damaged):
                raise
            except UserError as error:
                raise NotThere(str(error)) from None

        return self._access.ask(lambda query, _: find(query))

    def releases(self, given: QueryParams) -> dict[str, Json]:
        """What changed when, newest first, and whether calls were different from then on."""
        return {"items": [change_json(change, SPAN) for change in self._changes(given)]}

    def releases_csv(self, given: QueryParams) -> str:
        """The same as a table."""
        return csv_text(change_table(self._changes(given)))

    def call(self, id: str) -> dict[str, Json]:
        """One call with its blocks. Raises NotThere."""

        def find(query: Query) -> dict[str, Json]:
            try:
                record = query.call(id)
            except UserError as error:
                raise NotThere(str(error)) from None
            return as_json(record.told, blocks=True) | {"capture": record.capture}

        return self._access.ask(lambda query, _: find(query))

    def health(self) -> dict[str, Json]:
        """Whether the parts work: what is on the spool and not in the store, and what is wrong."""
        out: dict[str, Json] = {"status": "ok", "version": __version__}
        try:
            progress = self._access.ask(lambda _, store: Progress.read(store.state()))
            out["behind_bytes"] = behind(self._spool, progress)
        except UserError as error:
            out |= {"status": "degraded", "store": str(error)}
        return out

    def _report(self, given: QueryParams) -> Report:
        asked = read_asked(_words(given, ()), now())
        return self._access.ask(lambda query, _: query.report(asked.period, asked.filters))

    def _misses(self, given: QueryParams) -> Page:
        asked = read_asked(_words(given, _PAGED), now())
        return self._access.ask(
            lambda query, _: query.misses(asked.filters, asked.cursor, asked.limit)
        )

    def _culprits(self, given: QueryParams) -> Sequence[Culprit]:
        words = {"limit": str(LISTED)} | dict(_words(given, ("state", "sort", "limit")))
        asked = read_asked(words, now())
        state = one_of(State, "state", words.get("state"))
        order = one_of(CulpritOrder, "sort", words.get("sort")) or CulpritOrder.cost
        return self._access.ask(
            lambda query, _: query.culprits(asked.filters, asked.limit, state, order)
        )

    def _changes(self, given: QueryParams) -> Sequence[Change]:
        words = {"limit": str(COMPARED)} | dict(_words(given, ("kind", "limit")))
        asked = read_asked(words, now())
        kind = one_of(MarkerKind, "kind", words.get("kind"))

        def found(query: Query) -> Sequence[Change]:
            markers = query.markers(asked.filters, MOST_ITEMS)
            wanted = [marker for marker in markers if kind is None or marker.kind is kind]
            return [query.before_after(m, asked.filters, SPAN) for m in wanted[: asked.limit]]

        return self._access.ask(lambda query, _: found(query))


def _words(given: QueryParams, more: tuple[str, ...]) -> Mapping[str, str]:
    """The parameters. Raises UserError for names that mean nothing: their filter would be missed
    in silence.
    """
    known = (*FILTERS, *more)
    for name in given:
        if name not in known:
            raise UserError(f"there is no parameter {name!r}; there are {', '.join(known)}")
    return dict(given)
