"""What nothing proves."""

from __future__ import annotations

from whycold.core.cause import Case, Cause, Evidence
from whycold.core.diagnosis import Reason

__all__ = ["CAUSES", "UNEXPLAINED"]


class Unexplained(Cause):
    """Nobody claims the case; it is the last resort of the catalogue, so it never claims by
    itself.
    """

    code = "unexplained"
    reason = Reason.unexplained
    title = "Nothing recorded explains the loss"
    what = (
        "The prompt begins with all of its predecessor's, the entry should have been alive and "
        "within reach, and still tokens were not read."
    )
    advice = (
        "Look at what was ruled out; if it happens again with the same shape, record with full "
        "capture and compare."
    )

    def explains(self, case: Case) -> Evidence | None:
        """Never: see ``evidence``."""
        return None

    def evidence(self, case: Case) -> Evidence:
        """What is said of a case that nobody claims."""
        return Evidence("nothing recorded explains it")


UNEXPLAINED = Unexplained()
CAUSES: tuple[Cause, ...] = (UNEXPLAINED,)
