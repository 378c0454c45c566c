"""Every page, in the order of the navigation."""

from __future__ import annotations

from whycold.frontends.web.pages import (
    call,
    culprit,
    culprits,
    misses,
    overview,
    releases,
    search,
    session,
    sessions,
    settings,
)
from whycold.frontends.web.pages.page import Page

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    culprits.PAGE,
    culprit.PAGE,
    misses.NEW,
    misses.PAGE,
    call.TEXT,
    call.PAGE,
    sessions.PAGE,
    session.PAGE,
    releases.PAGE,
    settings.PAGE,
    search.PAGE,
)
