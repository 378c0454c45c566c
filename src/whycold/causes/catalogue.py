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
}
"""Row of the catalogue of real causes -> why it cannot be told from calls."""
