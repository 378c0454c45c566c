"""How many prompt tokens an image takes on OpenAI's models, from its size and detail.

The estimate only weighs an image against the text around it: base64 must not count as text.
Sources: OpenAI guide Images and vision, section Calculating costs, for the tile formula and its
constants; openai-python issue 2851 for which models count patches (both read 2026-11-23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from whycold.core.content import JsonMap, as_map, as_text
from whycold.providers.images import base64_image_size

__all__ = ["image_tokens"]

_UNSEEN_SIZE = (1024, 1024)
"""Stands in for an image behind a URL or file id, whose size the request does not tell."""

_PATCH = 32
_MOST_PATCHES = 1536
_PATCHED: Mapping[str, float] = {
    "gpt-4.1-mini": 1.62,
    "gpt-4.1-nano": 2.46,
    "gpt-5-mini": 1.62,
    "gpt-5-nano": 2.46,
    "o4-mini": 1.72,
}
"""Tokens per patch of 32 by 32 pixels."""

_TILED: Mapping[str, tuple[int, int]] = {
    "gpt-4o-mini": (2833, 5667),
    "gpt-5": (70, 140),
    "o1": (75, 150),
    "o3": (75, 150),
}
"""Tokens once per image and per tile of 512 by 512 pixels."""

_TILED_ELSE = (85, 170)


def image_tokens(part: JsonMap, model: str | None) -> int:
    """Tokens of an image part (``image_url`` or ``input_image``), about.

    Its size is read from a data URL; an image behind a link counts as 1,024 by 1,024. Models whose
    formula is not published are counted like GPT-4o.
    """
    name = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", (model or "").rpartition("/")[2])
    inner = as_map(part.get("image_url")) or part
    url = as_text(inner.get("url")) or as_text(part.get("image_url")) or ""
    detail = as_text(inner.get("detail")) or as_text(part.get("detail"))
    size = _size(url)
    if name in _PATCHED:
        return round(_patches(*size) * _PATCHED[name])
    base, tile = _TILED.get(name, _TILED_ELSE)
    return base if detail == "low" else base + tile * _tiles(*size)


def _size(url: str) -> tuple[int, int]:
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:"):
        return _UNSEEN_SIZE
    return base64_image_size(data) or _UNSEEN_SIZE


def _tiles(width: int, height: int) -> int:
    """Tiles after the image was made to fit 2,048 pixels, then 768 on its shorter side."""
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return -(-round(width * scale) // 512) * -(-round(height * scale) // 512)


def _patches(width: int, height: int) -> int:
    return min(_MOST_PATCHES, -(-width // _PATCH) * -(-height // _PATCH))
