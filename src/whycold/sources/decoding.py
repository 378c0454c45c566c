"""Content codings taken off a copy of a body: gzip, deflate, br, zstd; bounded, never raising."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli  # pyright: ignore[reportMissingTypeStubs]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["MOST", "Undecodable", "decoded"]

MOST = 256 << 20
"""Bytes that a body may unpack to; what follows is left out."""
_STEP = 1 << 20
_BROTLI: Any = brotli
"""The package says nothing of its types."""


class Undecodable(Exception):
    """A coding that is not known, or bytes that are not in it; says which in one line."""


def decoded(body: bytes, codings: str, most: int = MOST) -> bytes:
    """The body without its content codings (a Content-Encoding header, last one applied last).

    A cut body gives what can be read of it. Raises Undecodable.
    """
    for name in reversed([c.strip().lower() for c in codings.split(",") if c.strip()]):
        if name == "identity":
            continue
        unpack = _UNPACK.get(name)
        if unpack is None:
            raise Undecodable(f"content coding {name[:40]!r} is not known")
        body = _bounded(unpack(body), name, most)
    return body


def _bounded(pieces: Iterator[bytes], name: str, most: int) -> bytes:
    out: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            out.append(piece)
            size += len(piece)
            if size > most:
                raise Undecodable(f"the body unpacks to more than {most >> 20} MB")
    except (zlib.error, zstd.ZstdError, _BROTLI.error) as error:
        if not out:
            raise Undecodable(f"the body is not {name}: {error}") from None
    return b"".join(out)


def _zlib(wbits: int) -> Callable[[bytes], Iterator[bytes]]:
    def unpack(body: bytes) -> Iterator[bytes]:
        engine = zlib.decompressobj(wbits)
        while body:
            piece = engine.decompress(body, _STEP)
            yield piece
            body = engine.unconsumed_tail
            if engine.eof and (body := engine.unused_data):
                engine = zlib.decompressobj(wbits)  # gzip members may follow one another

    return unpack


def _deflate(body: bytes) -> Iterator[bytes]:
    """Both things that go by the name: the zlib format, and the bare stream."""
    wrapped = body[:1] and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _zlib(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)(body)


def _brotli(body: bytes) -> Iterator[bytes]:
    engine = _BROTLI.Decompressor()
    while True:
        yield engine.process(body, output_buffer_limit=_STEP)
        body = b""
        if engine.is_finished() or engine.can_accept_more_data():
            return


def _zstd(body: bytes) -> Iterator[bytes]:
    while body:
        engine = zstd.ZstdDecompressor()
        while not engine.eof:
            piece = engine.decompress(body, _STEP)
            yield piece
            body = b""
            if engine.needs_input and not piece:
                return
        body = engine.unused_data  # frames may follow one another


_UNPACK: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _zlib(zlib.MAX_WBITS | 16),
    "x-gzip": _zlib(zlib.MAX_WBITS | 16),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
