"""The size of a picture from the first bytes of its file, without decoding it."""

from __future__ import annotations

import base64
import binascii

__all__ = ["base64_image_size", "image_size"]

_HEAD = 512 * 1024
"""Base64 characters that are decoded: past the colour profiles that cameras put in front."""

_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG start-of-frame markers; C4, C8 and CC in their range are tables (ITU-T T.81, table B.1)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, WebP or JPEG file, None for anything else.

    The beginning of the file is enough; bytes that are cut off or broken give None.
    """
    if data.startswith(_PNG) and data[12:16] == b"IHDR":
        size = _number(data[16:20]), _number(data[20:24])
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        size = _little(data[6:8]), _little(data[8:10])
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = _webp(data)
    elif data.startswith(b"\xff\xd8"):
        size = _jpeg(data)
    else:
        return None
    return size if size[0] > 0 and size[1] > 0 else None


def base64_image_size(text: str) -> tuple[int, int] | None:
    """As ``image_size`` for a file in base64, of which only the beginning is decoded."""
    head = text[:_HEAD]
    try:
        return image_size(base64.b64decode(head[: len(head) & ~3]))
    except (binascii.Error, ValueError):
        return None


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            return _little(data[24:27]) + 1, _little(data[27:30]) + 1
        case b"VP8L":
            bits = _little(data[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
        case _:
            return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _FRAMES:
            return _number(data[at + 7 : at + 9]), _number(data[at + 5 : at + 7])
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + max(2, _number(data[at + 2 : at + 4]))
    return 0, 0
