"""Plain lines for everybody: ``{"request": …, "response": …, "at": …}``, one call each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from whycold.core.call import Call
from whycold.core.content import Json, JsonMap, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode, decode_map
from whycold.providers.registry import guess
from whycold.sources.exchanged import Exchanged, Place, Reader, fingerprint, headers_of
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.proxied import Elsewhere, NotACall
from whycold.sources.recorded import Seen
from whycold.sources.recorded_files import Clock, Told, by_folder, first_time, time_of

__all__ = ["PATHS", "Jsonl"]

PATHS: Mapping[str, str] = {
    "anthropic.messages": "/v1/messages",
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "gemini.generate": "/v1beta/models/-:generateContent",
    "bedrock.converse": "/model/-/converse",
}
"""Where each wire format is sent to."""
_SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_TIME = re.compile(rb'"(?:at|timestamp)"\s*:\s*(?:"([^"]{8,40})"|(\d{9,16}(?:\.\d+)?))')
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ORIGIN = ("project", "session", "agent", "release", "request_id")


class Jsonl:
    """The files of lines under some folders. Those of one folder are one history."""

    name = "jsonl"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        self._reader = Reader(self.name)
        files = find_files(roots, _SUFFIXES, self.troubles)
        self.groups = by_folder(files, self._calls, _TIME)

    def _calls(self, file: FoundFile) -> Iterator[Seen]:
        told, lines = Told(file, self.troubles), LineFile(file.path)
        clock = Clock(first_time(file, _TIME))
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                call = _call(line, self._reader, clock, Place.of(file.path, number))
            except (NotACall, UserError) as error:
                # a last line without its end is still being written
                if lines.ended:
                    told.skip(error)
                continue
            begins = lines.offset - len(line) - lines.ended
            yield Seen(call, file.path, begins, lines.offset)
        told.lines(lines)
        told.done()


def _call(line: bytes, reader: Reader, clock: Clock, place: Place) -> Call:
    """The call of a line. Raises NotACall and UserError."""
    document, body = _parts(line)
    if "request" not in document:
        raise UserError('holds no "request"')
    found, provider = _exchanged(document, body), as_text(document.get("provider"))
    at = clock.at(found.at)
    try:
        call = reader.call(found, at, place, provider)
    except Elsewhere:
        # a gateway has addresses of its own: the body tells what it is
        request = decode_map(found.request)
        wire, known = guess(request, provider)
        host = found.url.split("/")[2] if found.url.count("/") > 1 else ""
        there = replace(found, url=f"https://{host}{PATHS[wire.name]}")
        call = reader.call(there, at, place, provider or (known.name if not host else None))
    said = {name: text for name in _ORIGIN if (text := as_text(document.get(name)))}
    account = as_text(document.get("account"))
    return replace(
        call, **said, **({"account": fingerprint(account)} if account is not None else {})
    )


def _parts(line: bytes) -> tuple[JsonMap, bytes | None]:
    """A line, and the bytes of its request where that is a bare body: they need not be read here,
    for most of them stand in the line before, too. Raises UserError.
    """
    try:
        parts = _MEMBERS.decode(line)
        body = bytes(parts.get("request", b""))
        if body[:1] != b"{" or "body" in _MEMBERS.decode(body):
            return decode_map(line), None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decode_map(line), None
    document = {n: decode(bytes(part)) for n, part in parts.items() if n != "request"}
    return {**document, "request": {}}, body


def _exchanged(document: JsonMap, body: bytes | None) -> Exchanged:
    sent, request = _message(document["request"])
    came, response = _message(document.get("response"))
    sent |= headers_of(document.get("headers"))
    came |= headers_of(document.get("response_headers"))
    status = document.get("status")
    at = document.get("at")
    usage = document.get("usage")
    if response is None and as_map(usage) is not None:
        response = {"usage": usage}
    return Exchanged(
        url=as_text(document.get("url")) or "",
        sent=sent,
        request=_bytes(request) if body is None else body,
        status=status if isinstance(status, int) else 200,
        came=came,
        response=_bytes(response),
        at=time_of(document.get("timestamp") if at is None else at) or time_of(came.get("date")),
        began=time_of(document.get("began")),
        cut=document.get("complete") is False,
    )


def _message(value: Json) -> tuple[dict[str, str], Json]:
    """Headers and body, of a bare body or of an object that holds both."""
    whole = as_map(value)
    if whole is None or "body" not in whole:
        return {}, value
    return headers_of(whole.get("headers")), whole["body"]


def _bytes(body: Json) -> bytes:
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode(
        "utf-8", "surrogatepass"
    )
