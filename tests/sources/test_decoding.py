"""Content codings come off a copy of a body, whole or cut, within bounds."""

import gzip
import zlib

import brotli
import pytest
from backports import zstd

from whycold.sources.decoding import Undecodable, decoded

TEXT = b'{"model": "m", "messages": []}' * 40_000


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT, quality=2),
    "zstd": zstd.compress(TEXT),
    "identity": TEXT,
    "": TEXT,
}


@pytest.mark.parametrize("coding", PACKED)
def test_a_packed_body_is_unpacked(coding: str) -> None:
    assert decoded(PACKED[coding], coding) == TEXT


def test_deflate_without_its_wrapper_is_understood() -> None:
    assert decoded(raw_deflate(TEXT), "deflate") == TEXT


def test_codings_are_taken_off_last_one_first() -> None:
    assert decoded(gzip.compress(PACKED["br"]), "br, gzip") == TEXT


def test_gzip_members_and_zstd_frames_may_follow_one_another() -> None:
    assert decoded(PACKED["gzip"] * 2, "gzip") == TEXT * 2
    assert decoded(PACKED["zstd"] * 2, "zstd") == TEXT * 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_cut_body_gives_what_can_be_read(coding: str) -> None:
    packed = PACKED[coding]
    for size in (1, len(packed) // 2, len(packed) - 1):
        assert TEXT.startswith(decoded(packed[:size], coding))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bytes_that_are_not_packed_are_refused(coding: str) -> None:
    with pytest.raises(Undecodable, match=coding):
        decoded(b"\xfenot packed at all", coding)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_refused(coding: str) -> None:
    with pytest.raises(Undecodable, match="more than 1 MB"):
        decoded(PACKED[coding], coding, most=1 << 20)


def test_an_unknown_coding_is_refused() -> None:
    with pytest.raises(Undecodable, match="lzma"):
        decoded(TEXT, "lzma")
