"""Bytes made smaller: small pieces with Deflate, which is quick to set up, others with Zstandard.

No dictionary is trained on what is kept: it would hold pieces of prompts that a deletion could not
reach.
"""

from __future__ import annotations

import sys
import zlib
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["expand", "squeeze", "zstd"]

_SMALLEST: Final = 48
_SMALL: Final = 1024
"""Bytes below which Deflate came out 4 % smaller and was read ten times faster (measured on
transcripts of coding agents)."""
_LEVEL: Final = 3
_DEFLATE: Final = b"\x78\x9c"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"

_compressor: Final = zstd.ZstdCompressor(level=_LEVEL)


def squeeze(data: bytes) -> bytes:
    """The data, compressed where that makes it shorter. It must not begin as compressed data does;
    no encoding of the store begins so.
    """
    if len(data) < _SMALLEST:
        return data
    if len(data) < _SMALL:
        smaller = zlib.compress(data)
    else:
        smaller = _compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)
    return smaller if len(smaller) < len(data) else data


def expand(data: bytes) -> bytes:
    """The data that ``squeeze`` was given."""
    if data[:2] == _DEFLATE:
        return zlib.decompress(data)
    return zstd.decompress(data) if data[:4] == _ZSTD else data
