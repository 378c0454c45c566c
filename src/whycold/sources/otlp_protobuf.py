"""OTLP's protobuf form: requests to the same documents as the JSON form, and the answers to them.

``protobuf`` and ``opentelemetry-proto`` are imported when the first of them comes: 20 MB of memory.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from whycold.core.content import JsonMap, as_map
from whycold.errors import UserError

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["Signal", "answer", "failure", "read_protobuf"]


class Signal(StrEnum):
    """What is sent to a path of its own."""

    traces = "traces"
    logs = "logs"


def read_protobuf(signal: Signal, data: bytes) -> JsonMap:
    """A request as the document that the JSON form would be, ids in base64. Raises UserError."""
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError

    try:
        message = _request(signal, data)
    except DecodeError:
        raise UserError(f"is no protobuf of OTLP {signal}") from None
    try:
        return as_map(MessageToDict(message)) or {}
    except (ValueError, RecursionError):
        raise UserError(f"holds what OTLP {signal} cannot hold") from None


def _request(signal: Signal, data: bytes) -> Message:
    # the same fields under the same numbers as the requests have that exporters send
    if signal is Signal.traces:
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

        return TracesData.FromString(data)
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

    return LogsData.FromString(data)


def answer(rejected: int, why: str) -> bytes:
    """The answer to a request of which ``rejected`` records were left out; empty when none was."""
    if not rejected:
        return b""
    text = why.encode("utf-8", "replace")
    # ExportPartialSuccess of every signal: 1 the number, 2 the message; it is field 1 of the answer
    partial = b"\x08" + _varint(rejected) + b"\x12" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(partial)) + partial


def failure(why: str) -> bytes:
    """A refusal as google.rpc.Status, of which only the message is set (field 2)."""
    text = why.encode("utf-8", "replace")
    return b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
