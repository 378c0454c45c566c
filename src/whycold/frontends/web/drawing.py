"""Pages as HTML: one environment of templates, and what the frame around every page needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from whycold import __version__
from whycold.core.diagnosis import Reason
from whycold.frontends.web import phrases
from whycold.frontends.web.address import Address
from whycold.frontends.web.asking import Ask
from whycold.frontends.web.pages.page import Page
from whycold.store.answers import Dimension

__all__ = ["STATIC", "STYLE", "Frame", "draw", "draw_error", "style"]

STATIC = Path(__file__).parent / "static"
STYLE = "whycold.css"
"""All styles as one file, so that a page waits for one answer before it is drawn."""
_STYLES = (
    "base.css",
    "parts.css",
    "tables.css",
    "charts.css",
    "lists.css",
    "call.css",
    "culprit.css",
    "session.css",
    "releases.css",
    "settings.css",
)
_MENUS = (Dimension.project, Dimension.model, Dimension.agent, Dimension.release)
_CHOICES = 300
"""Values that a menu offers; further ones can be reached from the tables."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around a page: the navigation and the look; None as the page: an error's.

    ``saved`` pages stand alone in one file: styles within, no script.
    """

    nav: tuple[Page, ...]
    page: Page | None
    address: Address
    theme: str = ""
    saved: bool = False
    origin: str = ""

    @property
    def scripts(self) -> tuple[str, ...]:
        """What the page needs beside the scripts of every page."""
        return self.page.scripts if self.page is not None else ()

    @property
    def twins(self) -> tuple[str, ...]:
        """The endings under which the page is there as well."""
        if self.page is None:
            return ()
        known = {"json": self.page.data, "csv": self.page.rows}
        return tuple(ending for ending, answer in known.items() if answer is not None)


def draw(frame: Frame, ask: Ask, found: Mapping[str, object]) -> str:
    """The page as HTML."""
    page = frame.page
    assert page is not None
    template = _environment().get_template(f"{page.name}.html")
    about: dict[str, object] = {"frame": frame, "page": page, "ask": ask}
    about |= {"address": ask.address, "now": ask.now}
    if page.filtered and not page.part:
        about["choices"] = {by.value: ask.query.choices(by)[:_CHOICES] for by in _MENUS}
    return template.render({**about, **found})


def draw_error(frame: Frame, status: int, message: str, *, fresh: bool) -> str:
    """A page that says why there is none; ``fresh``: because nothing was ever recorded."""
    about: dict[str, object] = {"frame": frame, "status": status, "message": message}
    about["fresh"] = fresh
    about |= {"page": None, "address": frame.address}
    return _environment().get_template("error.html").render(about)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # jinja2 types neither of the two
    filters = cast("dict[str, object]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    known = cast("dict[str, object]", environment.globals)  # pyright: ignore[reportUnknownMemberType]
    filters.update(phrases.FILTERS)
    known.update(phrases.GLOBALS)
    known.update({"version": __version__, "static": _static, "style": STYLE})
    known.update({"inlined": _inlined, "reasons": tuple(Reason)})
    return environment


@cache
def _static(name: str) -> str:
    """The address of a static file, another one whenever its content is another."""
    content = style().encode() if name == STYLE else (STATIC / name).read_bytes()
    digest = blake2b(content, digest_size=6).hexdigest()
    return f"/static/{name}?v={digest}"


@cache
def style() -> str:
    """What the address of ``STYLE`` answers."""
    return "\n".join((STATIC / name).read_text("utf-8") for name in _STYLES)


@cache
def _inlined() -> Markup:
    """The styles of a saved page; its fonts are those of the reader."""
    text = style()
    start, end = text.find("@font-face"), text.find("/* end of fonts */")
    # written by us, and without the one thing that would end a style element
    assert "</" not in text
    return Markup(text[:start] + text[end:])
