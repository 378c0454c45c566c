"""Why a prefix is lost: every cause, in prompt order, and who claims a case."""

from __future__ import annotations

from whycold.causes import limits, messages, settings, system, tools, unexplained
from whycold.core.cause import Case, Cause, Evidence

__all__ = ["ALL", "claim", "claims"]

ALL: tuple[Cause, ...] = (
    *settings.CAUSES,
    *tools.CAUSES,
    *system.CAUSES,
    *messages.CAUSES,
    *limits.CAUSES,
    *unexplained.CAUSES,
)


def claims(case: Case) -> list[tuple[Cause, Evidence]]:
    """Every cause that claims the case; more than one is a fault of the catalogue."""
    return [(cause, evidence) for cause in ALL if (evidence := cause.explains(case)) is not None]


def claim(case: Case) -> tuple[Cause, Evidence]:
    """The cause that accounts for the case; the last one, "unexplained", takes what nobody
    claims.
    """
    return next(iter(claims(case)), None) or (
        unexplained.UNEXPLAINED,
        unexplained.UNEXPLAINED.evidence(case),
    )
