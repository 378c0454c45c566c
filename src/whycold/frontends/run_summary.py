"""The three lines that ``whycold run`` ends with: what was read, what missed, where to look."""

from __future__ import annotations

import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from whycold.core.numbers import percent, short, usd
from whycold.errors import UserError
from whycold.frontends.diagnosis_json import time_text
from whycold.frontends.printable import printable
from whycold.ingest.progress import Progress, behind
from whycold.query import Culprit, Query, known_cost
from whycold.store.answers import Filters, Totals
from whycold.store.base import Store
from whycold.store.opening import open_store

__all__ = ["summary", "wait_until_kept"]

_PATIENCE_S: Final = 10.0
_STEP_S: Final = 0.1
_QUIET: Final = 5
"""Looks at an empty spool, one after the other, that show that nothing more comes: the proxy
writes what has ended within a fraction of a second."""
_LONGEST: Final = 120


def wait_until_kept(url: str, spool: Path) -> None:
    """Until what has ended is in the store, or some seconds have passed."""
    quiet = 0
    for _ in range(int(_PATIENCE_S / _STEP_S)):
        time.sleep(_STEP_S)
        quiet = quiet + 1 if _is_kept(url, spool) else 0
        if quiet >= _QUIET:
            return


def _is_kept(url: str, spool: Path) -> bool:
    try:
        store = open_store(url, write=False)
    except UserError:
        return False
    try:
        return behind(spool, Progress.read(store.state())) == 0
    except UserError:
        return False
    finally:
        store.close()


def summary(
    url: str, since: datetime, until: datetime, session: str | None, *, chosen: bool = False
) -> list[str]:
    """What is told of the calls between two times: those of a session, if any are.

    ``session`` is None when no other program's calls can be among them. A store that was
    ``chosen`` is named in the command that shows more. Raises UserError.
    """
    store = open_store(url, write=False)
    try:
        filters = Filters(since=since, until=until)
        own = Filters(since=since, until=until, session=session)
        labelled = session is not None and store.totals(own).calls > 0
        lines = _told(store, own if labelled else filters, mixed=bool(session) and not labelled)
        if chosen and store.totals(filters).calls:
            lines[-1] += f" --store {shlex.quote(url)}"
        return lines
    finally:
        store.close()


def _told(store: Store, filters: Filters, *, mixed: bool) -> list[str]:
    totals = store.totals(filters)
    if not totals.calls:
        return [
            "no call of the program went through.",
            "It may take its address from somewhere else than the environment: docs/clients.md",
            "lists what some programs want.",
        ]
    doubt = " (other programs' calls in that time included)" if mixed else ""
    lines = [f"{_read(totals)}{doubt}"]
    culprits = Query(store).culprits(filters, 1) if totals.misses else ()
    lines.append(_why(culprits[0], totals) if culprits else _nothing(totals))
    words = f"--session {filters.session}" if filters.session else _within(filters)
    lines.append(f"More: whycold {'misses' if totals.misses else 'report'} {words}")
    return lines


def _read(totals: Totals) -> str:
    calls = f"{totals.calls} call{'' if totals.calls == 1 else 's'}"
    if not totals.reporting:
        return f"{calls}; the provider reports no reads of the cache."
    share = percent(totals.cache_read, totals.reporting_input)
    return f"{calls}, {share} of {short(totals.reporting_input)} input tokens read from the cache."


def _nothing(totals: Totals) -> str:
    if not totals.reporting:
        return f"About {short(totals.at_stake_tokens)} tokens could not be read because of edits."
    return "Nothing that could have been read was missed."


def _why(culprit: Culprit, totals: Totals) -> str:
    """The misses, and the dearest edit among them."""
    row = culprit.row
    misses = f"{totals.misses} miss{'' if totals.misses == 1 else 'es'}"
    cost = known_cost(totals)
    lost = f"{short(totals.missed_tokens)} tokens" + (f", {usd(cost)}" if cost is not None else "")
    title = printable(row.title or row.cause or "unexplained")
    path = f" ({printable(row.path)})" if row.path else ""
    share = "" if row.misses == totals.misses else f" in {row.misses} of them"
    ends = f"{path}{share}."
    return f"{misses}, {lost}: {_cut(title, max(40, _LONGEST - len(ends)))}{ends}"


def _within(filters: Filters) -> str:
    assert filters.since is not None
    assert filters.until is not None
    return f"--since {time_text(filters.since)} --until {time_text(filters.until)}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
