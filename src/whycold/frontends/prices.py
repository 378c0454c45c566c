"""Prices of calls, the user's own before those that come along."""

from __future__ import annotations

from pathlib import Path

from whycold.diagnose import PriceList
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.rates import Overrides, rates_for

__all__ = ["price_list"]


def price_list(path: Path | None) -> PriceList:
    """USD per token for a call; ``path`` is a LiteLLM-style JSON file. Raises UserError."""
    own = _read(path) if path is not None else None
    return lambda call: rates_for(call.provider, call.model or "", call.at, call.usage, own)


def _read(path: Path) -> Overrides:
    try:
        return Overrides(decode_map(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
