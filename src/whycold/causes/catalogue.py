"""Real causes that no recording of calls can show, and why (docs/causes.md prints them)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NOT_VISIBLE"]

NOT_VISIBLE: Mapping[int, str] = {
    53: (
        "Both prompts are the same to the byte; that the provider keeps no entry for one with "
        "letters outside ASCII near its beginning shows in no call, so such a loss is told as the "
        "provider's."
    ),
    65: (
        "A call that a client writes down more than once is still one call at the provider. What "
        "is told apart by message id when calls are read in never comes to be a miss."
    ),
    66: (
        "A count that is left out says nothing: whycold keeps it apart from 0, gives the verdict "
        "unknown, and names no cause for a loss that nobody reported."
    ),
}
"""Row of the catalogue of real causes -> why it cannot be told from calls."""
