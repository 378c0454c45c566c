"""The size of a picture from the first bytes of its file."""

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whycold.providers.images import base64_image_size, image_size

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
WEBP = b"RIFF\0\0\0\0WEBP"
JPEG_FRAME = struct.pack(">BBHBHH", 0xFF, 0xC2, 17, 8, 480, 640)
EXIF = b"\xff\xe1" + struct.pack(">H", 2 + 300) + b"\xff\xc0" * 150


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PNG, id="PNG"),
        pytest.param(GIF, id="GIF"),
        pytest.param(GIF.replace(b"89a", b"87a"), id="old GIF"),
        pytest.param(WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 640, 480), id="WebP, lossy"),
        pytest.param(
            WEBP + b"VP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 639 | 479 << 14),
            id="WebP, lossless",
        ),
        pytest.param(WEBP + b"VP8X" + bytes(8) + b"\x7f\x02\x00\xdf\x01\x00", id="WebP, extended"),
        pytest.param(b"\xff\xd8" + JPEG_FRAME, id="JPEG"),
        pytest.param(b"\xff\xd8" + EXIF + JPEG_FRAME, id="JPEG behind camera data"),
        pytest.param(b"\xff\xd8\xff\x01\xff\xff" + JPEG_FRAME[1:], id="JPEG with fill bytes"),
    ],
)
def test_the_size_of_every_format_is_read(data: bytes):
    assert image_size(data) == (640, 480)


@pytest.mark.parametrize(
    "data",
    [b"", b"BM" + bytes(60), PNG[:18], GIF[:7], WEBP + b"ALPH", b"\xff\xd8", b"\xff\xd8" + EXIF],
)
def test_another_format_or_a_file_that_is_cut_has_no_size(data: bytes):
    assert image_size(data) is None


@given(st.sampled_from([PNG[:12], GIF[:6], WEBP, WEBP + b"VP8L", b"\xff\xd8\xff"]), st.binary())
def test_broken_files_are_no_error(start: bytes, rest: bytes):
    size = image_size(start + rest)
    assert size is None or min(size) > 0


def test_base64_is_decoded_as_far_as_needed():
    assert base64_image_size(base64.b64encode(PNG + bytes(1_000_000)).decode()) == (640, 480)


@pytest.mark.parametrize("text", ["", "!", "=", "é", "iVBORw0KGgo", "\ud800"])
def test_what_is_no_base64_has_no_size(text: str):
    assert base64_image_size(text) is None
