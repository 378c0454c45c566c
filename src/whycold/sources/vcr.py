"""Cassettes: HTTP that tests recorded (vcrpy and pytest-recording, VCR of Ruby and R, go-vcr).

Layouts: github kevin1024/vcrpy vcr/serialize.py, vcr/vcr lib/vcr/structs.rb, ropensci/vcr snapshots
of its serializers, dnaeon/go-vcr cassette/cassette.go (read 2026-11-23).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from whycold.core.content import as_list, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.sources.exchanged import Exchanged, Place, Reader, headers_of
from whycold.sources.files import FoundFile, Trouble, find_files
from whycold.sources.proxied import Elsewhere, NotACall
from whycold.sources.recorded import Seen
from whycold.sources.recorded_files import (
    Clock,
    Told,
    by_folder,
    first_time,
    read_whole,
    time_of,
)
from whycold.sources.vcr_yaml import Item, Value, items

__all__ = ["Vcr"]

_SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
_TIME = re.compile(
    rb"(?i)(?:\bdate|recorded_at)[\"']?:\s*(?:[\[-]\s*)?[\"']?"
    rb"(\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)"
)
_TOOK = (
    ("x-envoy-upstream-service-time", re.compile(r"(\d{1,9})")),
    ("openai-processing-ms", re.compile(r"(\d{1,9})")),
    ("server-timing", re.compile(r"dur=(\d{1,9})")),
)
"""Response headers that say how many milliseconds the answer took."""
_SAME = timedelta(seconds=1)
"""Dates of answers are whole seconds."""
_LISTS = ("interactions", "http_interactions", "responses")
_ENCODED, _PLAIN = ("base64_string", "raw_gzip", "raw"), ("string", "parsed_body")


class Vcr:
    """The cassettes under some folders, or in some files. Those of one folder are one history."""

    name = "vcr"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        self._reader = Reader(self.name)
        files = find_files(roots, _SUFFIXES, self.troubles)
        self.groups = by_folder(files, self._calls, _TIME)

    def _calls(self, file: FoundFile) -> Iterator[Seen]:
        told = Told(file, self.troubles)
        clock, answered, number = Clock(first_time(file, _TIME)), None, 0
        try:
            for number, item in enumerate(_items(file, told), 1):
                try:
                    found = exchanged(item.value, answered)
                    at = clock.at(found.at)
                    call = self._reader.call(found, at, Place.of(file.path, number))
                except Elsewhere:
                    continue
                except (NotACall, UserError) as error:
                    told.skip(error)
                    continue
                answered = call.began
                yield Seen(call, file.path, item.begins, item.ends)
        except UserError as error:
            told.notes.append(str(error))
        if not number and not told.notes and not told.skipped:
            told.notes.append("holds no exchange")
        told.done()


def _items(file: FoundFile, told: Told) -> Iterator[Item]:
    """The exchanges of a cassette. Raises UserError for what is none."""
    data = read_whole(file, told)
    if data is None:
        return
    if data.lstrip()[:1] not in (b"{", b"["):
        yield from items(data)
        return
    document: Value = decode(data)
    whole = as_map(document)
    if whole is not None:
        document = next((whole[name] for name in _LISTS if name in whole), None)
    found = as_list(document)
    if found is None:
        raise UserError("holds no list of exchanges, so it is no cassette")
    size = file.size // max(1, len(found))
    yield from (Item(value, i * size, (i + 1) * size) for i, value in enumerate(found))


def exchanged(item: Value, before: datetime | None) -> Exchanged:
    """The exchange of one item; ``before`` is when the answer before it came. Raises NotACall."""
    whole = as_map(item) or {}
    request, response = as_map(whole.get("request")), as_map(whole.get("response"))
    if request is None:
        raise NotACall("holds no request")
    came = headers_of((response or {}).get("headers"))
    began, took = _times(came, whole, response or {})
    at = began - took if began is not None else None
    if at is not None and before is not None and timedelta(0) <= before - at <= _SAME:
        # it was sent when the answer before it was there
        at = before + timedelta(microseconds=1)
    method = (as_text(request.get("method")) or "POST").lstrip(":")
    return Exchanged(
        url=_address(request),
        method=method,
        sent=headers_of(request.get("headers")),
        request=_body(request),
        status=_status(response),
        came=came,
        response=_body(response or {}),
        at=at,
        began=max(at, began) if at is not None and began is not None else None,
    )


def _address(request: Mapping[str, Value]) -> str:
    url = as_text(request.get("uri")) or as_text(request.get("url"))
    if url is None and (host := as_text(request.get("host"))) is not None:
        # vcrpy before 1.0
        url = f"{request.get('protocol') or 'https'}://{host}{request.get('path') or ''}"
    return url or ""


def _status(response: Mapping[str, Value] | None) -> int | None:
    if response is None:
        return None
    status = response.get("status")
    whole = as_map(status)
    code = whole.get("code") if whole is not None else response.get("code") or status
    word = str(code).partition(" ")[0]
    return int(word) if len(word) == 3 and word.isdecimal() else None


def _times(
    came: Mapping[str, str], whole: Mapping[str, Value], response: Mapping[str, Value]
) -> tuple[datetime | None, timedelta]:
    """When the answer came, and how long it took as far as its headers tell."""
    took = timedelta(0)
    for name, pattern in _TOOK:
        if (found := pattern.search(came.get(name, ""))) is not None:
            took = timedelta(milliseconds=int(found[1]))
            break
    else:
        # go-vcr: a text such as "1.204s", or nanoseconds
        lasted = response.get("duration")
        if isinstance(lasted, str) and re.fullmatch(r"\d{1,6}(?:\.\d{1,9})?s", lasted):
            took = timedelta(seconds=float(lasted[:-1]))
        elif isinstance(lasted, int) and 0 < lasted < 10**13:
            took = timedelta(microseconds=lasted // 1000)
    return time_of(came.get("date")) or time_of(whole.get("recorded_at")), took


def _body(message: Mapping[str, Value]) -> bytes:
    """The bytes of a body: text, bytes, or an object that says how it is kept."""
    body = message.get("body")
    if body is None:
        # cassettes that people are to read hold the JSON itself
        body = message.get("parsed_body")
    whole = as_map(body)
    if whole is not None and (encoded := _first(whole, _ENCODED)) is not None:
        return _unencoded(encoded)
    if whole is not None and not whole.keys().isdisjoint(_PLAIN):
        body = _first(whole, _PLAIN)
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return json.dumps(body).encode("ascii") if as_map(body) or as_list(body) else b""


def _first(whole: Mapping[str, Value], names: Sequence[str]) -> Value:
    return next((found for name in names if (found := whole.get(name)) is not None), None)


def _unencoded(text: Value) -> bytes:
    try:
        return text if isinstance(text, bytes) else base64.b64decode(str(text))
    except (binascii.Error, ValueError):
        raise NotACall("a body is no base64") from None
