"""Pages as a test asks for them, and a store in which every word is somebody else's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from tests.frontends.web.asked import Answer, ask
from tests.store.samples import miss, record
from tests.traffic import END
from whycold.core.diagnosis import Found
from whycold.core.prompt import Section
from whycold.frontends.web import serving
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.server import application
from whycold.store.opening import open_store

__all__ = ["HOSTILE", "get", "hostile_store", "html", "shown_as_text"]

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m'\"&\U0001f4a3"


def get(url: str, target: str, **headers: str) -> Answer:
    """An answer at the time of the made-up traffic's end."""
    with patch.object(serving, "now", lambda: END):
        answer = ask(application(Dashboard(url, "no-spool")), target, headers=headers)
    assert answer is not None
    return answer


def html(url: str, target: str) -> str:
    answer = get(url, target)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("text/html"), target
    return answer.body.decode()


def hostile_store(folder: Path) -> str:
    """Two calls whose names, texts and ids are hostile; the URL of their store."""
    url = f"sqlite:///{folder}/hostile.db"
    store = open_store(url, write=True)
    path = f"tools[{HOSTILE}].description"
    found = Found(Section.tools, path, 4, HOSTILE, f"b{HOSTILE}", "tool-edited", False, HOSTILE)
    at = END - timedelta(hours=1)
    names = dict.fromkeys(("project", "model", "agent", "release", "session"), HOSTILE)
    bad = miss(1, at=at, culprit="c0ffee", divergences=(found,), title=HOSTILE, **names)
    bad = replace(bad, told=replace(bad.told, advice=HOSTILE, predecessor="call-0"))
    store.write("hostile", [record(0, at=at - timedelta(minutes=9), **names), bad])
    store.close()
    return url


def shown_as_text(page: str) -> bool:
    """Whether a page holds the hostile text, and not as what it would like to be; fields that a
    form sends back hold it as it is.
    """
    page = re.sub(r' type="hidden" name="[a-z]+" value="[^"]*"', "", page)
    assert "<script>alert" not in page
    assert not re.search("[\u202e\x1b]", page)
    return "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\x1b[31m" in page
