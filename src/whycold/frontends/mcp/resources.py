"""What an agent can read beside the tools: each cause, and the words that answers use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from whycold import causes
from whycold.core.cause import Cause
from whycold.errors import UserError
from whycold.frontends.shipped import GLOSSARY, shipped_text

__all__ = ["CAUSE_TEMPLATE", "RESOURCES", "read_resource"]

_CAUSES: Final = "whycold://causes"
_GLOSSARY: Final = "whycold://glossary"
CAUSE_TEMPLATE: Final = f"{_CAUSES}/{{code}}"
RESOURCES: Final = {
    _CAUSES: ("causes", "Every cause of a miss: its code, and what it is in a line."),
    _GLOSSARY: ("glossary", "The words that answers use, each for one thing."),
}
"""By address: a name, and what is there."""


def read_resource(uri: str) -> str:
    """The page at an address, as Markdown. Raises UserError."""
    if uri == _GLOSSARY:
        return shipped_text(GLOSSARY)
    if uri == _CAUSES:
        return "# Causes\n\n" + "".join(f"- `{c.code}` ({c.reason}): {c.title}\n" for c in _all())
    code = uri.removeprefix(f"{_CAUSES}/")
    found = next((cause for cause in _all() if cause.code == code), None)
    if found is None or code == uri:
        raise UserError(f"there is no {uri!r}; there are {', '.join(RESOURCES)}, {CAUSE_TEMPLATE}")
    return "\n\n".join(_page(found)) + "\n"


def _all() -> tuple[type[Cause] | Cause, ...]:
    return tuple(causes.ALL)


def _page(cause: type[Cause] | Cause) -> Iterator[str]:
    yield f"# {cause.code}"
    yield f"**{cause.title}.** {cause.what}"
    yield f"What to do: {cause.advice}"
    yield f"Reason: `{cause.reason}`"
    for head, examples in (("For example", cause.examples), ("Not this", cause.near_misses)):
        if examples:
            yield f"{head}: {'; '.join(example.name for example in examples)}."
