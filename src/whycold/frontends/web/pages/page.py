"""What a page is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from whycold.core.content import Json
from whycold.frontends.csv_tables import Cell
from whycold.frontends.web.asking import Ask

__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """One address of the dashboard.

    ``path`` may hold ids in braces (``/calls/{id}``). ``show`` gives what the template
    ``NAME.html`` is drawn from. ``data`` and ``rows`` are the twins under ``PATH.json`` and
    ``PATH.csv``; None: there is none. ``title`` is the name in the navigation, which lists the
    pages with a ``key``: the letter that leads there after ``g``. ``own`` are words of the address
    beside the filters. ``filtered`` pages show the bar of filters and the period. ``scripts`` are
    static files that it needs beside those of every page.
    All may raise UserError: ``NotThere`` becomes 404, what a store raises 503, others 400.
    """

    name: str
    path: str
    title: str
    show: Callable[[Ask], Mapping[str, object]]
    data: Callable[[Ask], Json] | None = None
    rows: Callable[[Ask], Iterable[Sequence[Cell]]] | None = None
    key: str = ""
    own: tuple[str, ...] = ()
    filtered: bool = True
    scripts: tuple[str, ...] = ()
    part: bool = False
    """A part of a page that is fetched on demand: drawn without the frame around it."""
