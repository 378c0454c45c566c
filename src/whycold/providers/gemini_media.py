"""How many tokens an image takes on Gemini; for other media nothing in a request tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

from whycold.core.content import JsonMap, as_map, as_text
from whycold.core.prompt import Kind
from whycold.providers.images import base64_image_size

__all__ = ["media_tokens"]

_TILE_TOKENS = 258
_SMALL = 384
_TILE = 768
_DEFAULT = 1120
_BY_LEVEL: Mapping[str, int] = {"low": 280, "medium": 560, "high": 1120, "ultra_high": 2240}

_TILED = re.compile(r"gemini-(1\.|2\.)")


def media_tokens(part: JsonMap, kind: Kind, model: str | None) -> int | None:
    """Tokens of an image part; None for other media. An unknown model counts as a new one.

    Up to Gemini 2.5, 258 for an image of at most 384 x 384 pixels, else 258 for each tile of 768 x
    768 (ai.google.dev/gemini-api/docs/tokens). From Gemini 3 on 280, 560, 1,120 or 2,240 by media
    resolution, 1,120 where none is set (ai.google.dev, Gemini 3 guide). Both read 2026-11-23.
    """
    if kind is not Kind.image:
        return None
    if model is None or not _TILED.search(model):
        setting = as_map(part.get("mediaResolution")) or {}
        level = (as_text(setting.get("level")) or "").lower().removeprefix("media_resolution_")
        return _BY_LEVEL.get(level, _DEFAULT)
    source = as_map(part.get("inlineData")) or {}
    size = base64_image_size(as_text(source.get("data")) or "")
    if size is None or max(size) <= _SMALL:
        return _TILE_TOKENS
    return -(-size[0] // _TILE) * -(-size[1] // _TILE) * _TILE_TOKENS
