"""An edit in one line: what went and what came, within a little of what stayed."""

from __future__ import annotations

from rich.text import Text

from whycold.core.diagnosis import Found
from whycold.core.edit import common_prefix, common_suffix
from whycold.frontends.palette import BAD, GOOD, SOFT
from whycold.frontends.printable import clipped, printable
from whycold.frontends.reporting_look import Look

__all__ = ["edit_line"]

_LONGEST_WORD = 20
_LEAD = 24
_MARKS = 8
"""Cells that are kept for the marks, and for what follows."""


def edit_line(found: Found, width: int, look: Look) -> Text | None:
    """The edit in at most ``width`` cells; None when its text is not kept.

    Without colours the marks of a word diff tell the sides apart: ``[-went-]{+came+}``.
    """
    before, after = found.before, found.after
    if not before and not after:
        return None
    head, tail = _common(before, after)
    went, came = before[head : len(before) - tail], after[head : len(after) - tail]
    lead, trail = before[:head], before[len(before) - tail :]
    # the words that changed come first, then what stands before them
    spare = max(width - len(went) - len(came) - _MARKS, 0)
    if len(lead) > min(_LEAD, spare):
        lead = "…" + lead[len(lead) - min(_LEAD, spare) + 1 :] if spare > 1 else "…"
    room = max(8, (width - len(lead) - _MARKS) // (2 if went and came else 1))
    line = Text(printable(lead), style=SOFT, no_wrap=True)
    if went:
        line.append(_marked(went, "[-", "-]", room, look), style=f"{BAD} strike")
    if came:
        line.append(_marked(came, "{+", "+}", room, look), style=f"bold {GOOD}")
    line.append(printable(trail[:width]), style=SOFT)
    line.truncate(width, overflow="ellipsis")
    return line


def _marked(text: str, start: str, end: str, room: int, look: Look) -> str:
    shown = clipped(printable(text[: 2 * room]), room)
    return shown if look.colour else f"{start}{shown}{end}"


def _common(before: str, after: str) -> tuple[int, int]:
    """How many characters at both ends are shown as unchanged: whole words, where one word took
    the place of another.
    """
    head = common_prefix(before, after)
    tail = common_suffix(before, after, floor=head)
    if head + tail in (len(before), len(after)):
        return head, tail
    start = max(before.rfind(" ", 0, head), before.rfind("\n", 0, head)) + 1
    if head - start <= _LONGEST_WORD:
        head = start
    trail = before[len(before) - tail :]
    step = next((i for i, char in enumerate(trail) if char.isspace()), len(trail))
    return head, tail - step if step <= _LONGEST_WORD else tail
