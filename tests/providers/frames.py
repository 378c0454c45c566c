"""Frames of an AWS event stream, made for tests."""

import base64
import binascii
import json
import struct


def text_header(name: str, value: str) -> bytes:
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw


def framed(payload: bytes, headers: bytes = b"") -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    checked = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return checked + struct.pack(">I", binascii.crc32(checked))


def event(kind: str, body: object, message: str = "event") -> bytes:
    name = ":event-type" if message == "event" else ":exception-type"
    headers = text_header(":message-type", message) + text_header(name, kind)
    return framed(json.dumps(body).encode(), headers)


def chunk(body: bytes) -> bytes:
    return event("chunk", {"bytes": base64.b64encode(body).decode(), "p": "abcdef"})
