"""The long texts that agents read with every request; the same for all who read them."""

from __future__ import annotations

import random
from functools import lru_cache

from whycold.frontends.demo.prose import Prose

__all__ = ["SHOP_ARTICLES", "corrected", "handbook"]

SHOP_ARTICLES = 130

_WAS = "offer to send it again before you offer money"
_IS = "send it again at once, and offer money only when that fails, too"


@lru_cache
def handbook(name: str, articles: int) -> str:
    """A handbook of so many articles, about 150 tokens each."""
    return Prose(random.Random(f"handbook {name}")).handbook(articles, 6)


def corrected(text: str) -> str:
    """A handbook in which one sentence of one article was put right."""
    at = text.index(_WAS, len(text) // 3)
    return text[:at] + _IS + text[at + len(_WAS) :]
