"""``whycold import --watch``: what is written down from now on, until it is interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.text import Text

from whycold.core.numbers import exact, span
from whycold.frontends.importing_found import Asked, Found, looked_for
from whycold.frontends.importing_told import outcome_line, tell_troubles
from whycold.frontends.importing_work import Outcome
from whycold.sources.files import Trouble

__all__ = ["watch"]

_PAUSE_S: Final = 1.0
_SHARE: Final = 10
"""A look at all files may take this part of the time."""


def watch(asked: Asked, take: Callable[[Found], Outcome], console: Console, seen: set[str]) -> None:
    """Import what comes in until Ctrl-C; ``take`` imports one kind, quietly.

    ``seen`` are the troubles that were told before.
    """
    console.print(Text("Watching for new calls; Ctrl-C ends it.", style="dim"))
    began, added = time.monotonic(), 0
    try:
        before = None
        while True:
            looking = time.monotonic()
            now = asked.state()
            if now != before:
                for found in looked_for(asked).found:
                    outcome = take(found)
                    added += outcome.result.added
                    _tell(found, outcome, console, seen)
            before = now
            time.sleep(max(_PAUSE_S, _SHARE * (time.monotonic() - looking)))
    except KeyboardInterrupt:
        whole = span(time.monotonic() - began)
        calls = f"{exact(added)} new call{'' if added == 1 else 's'}"
        console.print(Text(f"Watched for {whole}: {calls}."), soft_wrap=True)


def _tell(found: Found, outcome: Outcome, console: Console, seen: set[str]) -> None:
    result = outcome.result
    if result.added or result.amended or result.joined:
        console.print(outcome_line(found.kind.title, outcome), soft_wrap=True)
    news: list[Trouble] = [one for one in outcome.troubles if str(one) not in seen]
    seen.update(map(str, news))
    tell_troubles(news)
