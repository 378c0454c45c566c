"""The attribution header of Claude Code: what of it changed, and who changed it.

``x-anthropic-billing-header: cc_version=2.1.101.e51; cc_entrypoint=cli; cch=a5145;`` stands in the
first system block. ``cch`` differs per request; the version's suffix is made from the first user
message (motiful/cc-cache-audit; Claude Code docs, LLM gateway protocol, read 2026-11-23).
"""

from __future__ import annotations

import re

from whycold.causes.texts.sides import Sides
from whycold.core.cause import Case
from whycold.core.prompt import Prompt, Section

__all__ = ["HEADER", "Header", "header", "header_owner"]

HEADER = "x-anthropic-billing-header"
_VERSION = re.compile(r"cc_version=(\d+)\.(\d+)\.(\d+)(?:\.([\w-]+))?")
_LINE = re.compile(rf"{HEADER}:?[^\n]{{0,400}}")


class Header:
    """One header's fields: ``version`` as three numbers, ``suffix`` behind them."""

    def __init__(self, line: str) -> None:
        self.line = line
        found = _VERSION.search(line)
        self.version = tuple(map(int, found.group(1, 2, 3))) if found else None
        self.suffix = found[4] if found else None

    @property
    def release(self) -> str:
        """The version as it is written, "" without one."""
        return ".".join(map(str, self.version or ()))


def header(text: str) -> Header | None:
    """The first attribution header in a text."""
    found = _LINE.search(text)
    return Header(found[0]) if found else None


def header_owner(case: Case, texts: Sides) -> str:
    """Which cause a changed header in the system prompt belongs to."""
    old, new = header(texts.old), header(texts.new)
    if old is None or new is None or old.version is None or new.version is None:
        return "attribution-header"
    before = case.predecessor
    if old.version != new.version:
        released = (before.release if before else None, case.call.release)
        same_client = released[0] is not None and released[0] == released[1]
        return (
            "attribution-relayed" if same_client or new.version < old.version else "client-updated"
        )
    if old.suffix == new.suffix:
        return "attribution-header"
    if before is not None and _first_words(before.prompt) == _first_words(case.call.prompt):
        return "attribution-relayed"
    return "attribution-suffix"


def _first_words(prompt: Prompt) -> bytes | None:
    """What the suffix is made from, as far as it names one text: the first user message."""
    blocks = prompt.section(Section.messages)
    return next((block.content for block in blocks if block.role == "user"), None)
