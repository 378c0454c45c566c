"""What nothing proves."""

from __future__ import annotations

from datetime import timedelta

from whycold.causes.examples import agent, asks, tool, wrote
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.diagnosis import Reason

__all__ = ["CAUSES", "UNEXPLAINED"]

_NEXT = asks("Then run them again, please.")


class Unexplained(Cause):
    """Nobody claims the case; it is the last resort of the catalogue, so it never claims by
    itself.
    """

    code = "unexplained"
    reason = Reason.unexplained
    title = "Nothing recorded explains the loss"
    what = (
        "Tokens that were there to be read were not read, and none of the known causes fits what "
        "was recorded: not an edit, not a marker, not the time, not the place."
    )
    advice = (
        "Look at what was ruled out; if it happens again with the same shape, record with full "
        "capture and compare."
    )
    examples = (
        Example(
            "sent at once, and nobody saw when the call before was answered",
            before=agent(),
            after=agent(_NEXT),
            was=wrote(48_200),
            now=wrote(48_700),
            gap=timedelta(seconds=1),
            began=None,
        ),
        Example(
            "more was read than the edit could leave",
            before=agent(tools=[tool("Read"), tool("Write")]),
            after=agent(_NEXT, tools=[tool("Read", "Reads any file."), tool("Write")]),
            was=wrote(48_200),
            now=wrote(48_700, read=21_000),
        ),
    )
    near_misses = (
        Example(
            "sent after the call before was answered",
            before=agent(),
            after=agent(_NEXT),
            was=wrote(48_200),
            now=wrote(48_700),
            gap=timedelta(seconds=10),
            began=timedelta(seconds=2),
        ),
        Example(
            "nothing was lost",
            before=agent(),
            after=agent(_NEXT),
            was=wrote(48_200),
            now=wrote(48_700, read=48_200),
        ),
    )

    def explains(self, case: Case) -> Evidence | None:
        """Never: see ``evidence``."""
        return None

    def evidence(self, case: Case) -> Evidence:
        """What is said of a case that nobody claims."""
        if case.divergence is not None and case.obstacle is None:
            return Evidence(f"{case.divergence.path} is not what it was")
        return Evidence("nothing recorded explains it")


UNEXPLAINED = Unexplained()
CAUSES: tuple[Cause, ...] = (UNEXPLAINED,)
