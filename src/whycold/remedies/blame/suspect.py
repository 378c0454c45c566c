"""What is looked for in a repository: a text that changed, and when it did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from whycold.core.content import Json
from whycold.core.diagnosis import Diagnosis, Found
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import Edit, find_edits
from whycold.core.prompt import Block

__all__ = ["Suspect", "suspect_of"]

_NAMED = re.compile(r"\[([^\]\d][^\]]*)\]")
_MARKER_CAUSES = {
    "breakpoint-missing": ("cache_control",),
    "breakpoint-early": ("cache_control",),
    "breakpoint-moving": ("cache_control",),
    "lookback-exceeded": ("cache_control",),
    "too-many-breakpoints": ("cache_control",),
    "markers-dropped": ("cache_control",),
    "ttl-downgraded": ("cache_control", "ttl"),
    "ttl-changed": ("cache_control", "ttl"),
    "cache-disabled": ("cache_control",),
}
"""What stands in code that places markers."""
_ORDER = frozenset({Change.reordered, Change.keys_reordered, Change.items_reordered})
_ORDER_CAUSES = frozenset(
    {
        "tools-reordered",
        "tool-keys-reordered",
        "tool-list-reordered",
        "listing-reordered",
        "system-reordered",
        "messages-reordered",
        "input-keys-reordered",
        "tool-results-reordered",
    }
)


@dataclass(frozen=True, slots=True)
class Suspect:
    """An edit whose origin is looked for.

    ``before`` and ``after`` are the texts around it (whole values where they are kept), ``edits``
    where they part; both are "" where the cause is no edit of a text. ``names`` are words that
    stand near it in code: a tool, a setting, a field. ``ordered``: only the order changed.
    ``last_good`` is when the predecessor of the first miss was sent, ``first_bad`` when the first
    miss was; UTC. ``releases`` are those of the two.
    """

    path: str | None
    cause: str | None
    before: str
    after: str
    edits: tuple[Edit, ...]
    names: tuple[str, ...]
    ordered: bool
    volatile: bool
    last_good: datetime | None
    first_bad: datetime
    releases: tuple[str | None, str | None] = (None, None)

    @property
    def searchable(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.before or self.after or self.names)


def suspect_of(
    told: Diagnosis, changes: Sequence[Divergence], last_good: datetime | None, good: str | None
) -> Suspect:
    """What to look for, from the diagnosis of the first miss.

    ``changes`` hold whole values, where they are kept; ``last_good`` and ``good`` are the time and
    the release of the predecessor.
    """
    found = next((f for f in told.divergences if f.cause == told.cause), None)
    names = _MARKER_CAUSES.get(told.cause or "", ())
    whole = next((c for c in changes if found is not None and c.path == found.path), None)
    before, after, edits = _texts(found, whole)
    if found is not None:
        names += _names(found, whole)
    ordered = told.cause in _ORDER_CAUSES or (whole is not None and whole.change in _ORDER)
    return Suspect(
        path=found.path if found is not None else None,
        cause=told.cause,
        before=before,
        after=after,
        edits=edits,
        names=tuple(dict.fromkeys(name for name in names if name)),
        ordered=ordered,
        volatile=whole is not None and whole.volatile is not None,
        last_good=last_good,
        first_bad=told.at,
        releases=(good, told.release),
    )


def _texts(found: Found | None, whole: Divergence | None) -> tuple[str, str, tuple[Edit, ...]]:
    if found is None:
        return "", "", ()
    if whole is not None and whole.old_text is not None and whole.new_text is not None:
        return whole.old_text, whole.new_text, whole.edits
    if whole is not None and whole.change is Change.set:
        return str(whole.old_value or ""), str(whole.new_value or ""), ()
    if whole is not None and (whole.old or whole.new):
        return _prose(whole.old), _prose(whole.new), ()
    # Of what is not kept, the excerpts are there.
    before, after = found.before.strip("…"), found.after.strip("…")
    return before, after, tuple(find_edits(before, after))


def _prose(blocks: Sequence[Block]) -> str:
    return "\n".join(text for block in blocks for text in _strings(block.value))


def _strings(value: Json) -> list[str]:
    """Every text in a value, and every key."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in (key, *_strings(item))]
    if isinstance(value, Sequence):
        return [text for item in value for text in _strings(item)]
    return []


def _names(found: Found, whole: Divergence | None) -> tuple[str, ...]:
    """Tools by their names, a setting by its own."""
    names = list(_NAMED.findall(found.path))
    if whole is not None:
        names += [block.name for block in (*whole.old, *whole.new) if block.name]
        if whole.setting is not None:
            names.append(whole.setting)
    if found.path.startswith("settings."):
        names.append(found.path.removeprefix("settings.").split(".")[0])
    return tuple(names)
