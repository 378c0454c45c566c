"""Bytes made smaller with Zstandard.

No dictionary is trained on what is kept: it would hold pieces of prompts that a deletion could not
reach.
"""

from __future__ import annotations

import sys
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["expand", "squeeze", "zstd"]

_LEVEL: Final = 3
_SMALLEST: Final = 48
_MAGIC: Final = b"\x28\xb5\x2f\xfd"

_compressor: Final = zstd.ZstdCompressor(level=_LEVEL)


def squeeze(data: bytes) -> bytes:
    """The data, compressed where that makes it shorter. It must not begin like a Zstandard frame,
    as no encoding of the store does.
    """
    if len(data) < _SMALLEST:
        return data
    smaller = _compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)
    return smaller if len(smaller) < len(data) else data


def expand(data: bytes) -> bytes:
    """The data that ``squeeze`` was given."""
    return zstd.decompress(data) if data[:4] == _MAGIC else data
