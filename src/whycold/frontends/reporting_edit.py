"""An edit in one line: what went and what came, within a little of what stayed."""

from __future__ import annotations

from rich.text import Text

from whycold.core.diagnosis import Found
from whycold.core.edit import common_prefix, common_suffix
from whycold.frontends.palette import BAD, GOOD, SOFT
from whycold.frontends.printable import clipped, printable
from whycold.frontends.reporting_look import Look

__all__ = ["edit_line", "shared_ends"]

_LONGEST_WORD = 20
_LEAD = 24
_BESIDE = 10
"""Cells that are kept for the marks, and for a sign that more follows."""


def edit_line(found: Found, width: int, look: Look) -> Text | None:
    """The edit in at most ``width`` cells; None when its text is not kept.

    Without colours the marks of a word diff tell the sides apart: ``[-went-]{+came+}``.
    """
    before, after = found.before, found.after
    if not before and not after:
        return None
    head, tail = shared_ends(before, after)
    went, came = before[head : len(before) - tail], after[head : len(after) - tail]
    lead, trail = before[:head], before[len(before) - tail :]
    # the words that changed come first, then what stands before them
    most = min(_LEAD, max(width - len(went) - len(came) - _BESIDE, 1))
    lead = lead if len(lead) <= most else f"…{lead[len(lead) - most + 1 :]}"
    room = max(width - len(lead) - _BESIDE, 16)
    line = Text(printable(lead), style=SOFT, no_wrap=True)
    for text, other, marks, style in (
        (went, came, "[--]", f"{BAD} strike"),
        (came, went, "{++}", f"bold {GOOD}"),
    ):
        if text:
            shown = clipped(printable(text[: 2 * room]), max(room - len(other), room // 2))
            line.append(shown if look.colour else f"{marks[:2]}{shown}{marks[2:]}", style=style)
    line.append(printable(trail[:width]), style=SOFT)
    line.truncate(width, overflow="ellipsis")
    return line


def shared_ends(before: str, after: str) -> tuple[int, int]:
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
