"""HTTP archives of browsers and proxies (HAR 1.2, w3c.github.io/web-performance, 2012-08-14): their
calls to models. One archive is one history.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from whycold.core.content import Json, as_list, as_map, as_text
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.sources.exchanged import Exchanged, Place, Reader, headers_of
from whycold.sources.files import FoundFile, Trouble, find_files
from whycold.sources.proxied import Elsewhere, NotACall
from whycold.sources.recorded import Seen
from whycold.sources.recorded_files import (
    Clock,
    Folder,
    Told,
    first_time,
    read_whole,
    time_of,
)

__all__ = ["Har"]

_SUFFIXES = (".har", ".har.gz")
_TIME = re.compile(rb'"startedDateTime"\s*:\s*"([^"]{10,40})"')
_BEFORE_ANSWER = ("blocked", "dns", "connect", "send", "wait")
_LONGEST = 86_400_000


class Har:
    """The archives under some folders, or in some files. ``groups`` are archives, oldest first."""

    name = "har"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        self._reader = Reader(self.name)
        files = find_files(roots, _SUFFIXES, self.troubles)
        files.sort(key=lambda f: (first_time(f, _TIME), str(f.path)))
        self.groups = [Folder([file], self._calls) for file in files]

    def _calls(self, file: FoundFile) -> Iterator[Seen]:
        told = Told(file, self.troubles)
        clock = Clock(first_time(file, _TIME))
        try:
            entries = _entries(file, told)
        except UserError as error:
            told.notes.append(str(error))
            entries = ()
        size = file.size // max(1, len(entries))
        for number, entry in enumerate(entries):
            try:
                found = _exchanged(as_map(entry) or {})
                at = clock.at(found.at)
                call = self._reader.call(found, at, Place.of(file.path, number))
            except Elsewhere:
                continue
            except (NotACall, UserError) as error:
                told.skip(error)
                continue
            yield Seen(call, file.path, number * size, (number + 1) * size)
        told.done()


def _entries(file: FoundFile, told: Told) -> Sequence[Json]:
    """The entries of an archive, in the order of their times. Raises UserError for what is none."""
    data = read_whole(file, told)
    if data is None:
        return ()
    found = as_list((as_map(decode_map(data).get("log")) or {}).get("entries"))
    if found is None:
        raise UserError("is JSON, but no HTTP archive: it has no log.entries")
    # browsers list what has ended first; what has no time stays where it is
    times = [time_of((as_map(entry) or {}).get("startedDateTime")) for entry in found]
    if None in times:
        return found
    order = sorted(range(len(found)), key=lambda i: (times[i], i))
    return [found[i] for i in order]


def _exchanged(entry: Mapping[str, Json]) -> Exchanged:
    request, response = as_map(entry.get("request")), as_map(entry.get("response")) or {}
    if request is None:
        raise NotACall("holds no request")
    content = as_map(response.get("content")) or {}
    status = response.get("status")
    at = time_of(entry.get("startedDateTime"))
    return Exchanged(
        url=as_text(request.get("url")) or "",
        method=as_text(request.get("method")) or "POST",
        sent=headers_of(request.get("headers")),
        request=_body(as_map(request.get("postData")) or {}),
        # browsers write 0 where no answer came
        status=status if isinstance(status, int) and status > 0 else None,
        came=headers_of(response.get("headers")),
        response=_body(content),
        at=at,
        began=_began(at, as_map(entry.get("timings"))) if status else None,
        cut="_error" in response and bool(response["_error"]),
    )


def _began(at: datetime | None, timings: Mapping[str, Json] | None) -> datetime | None:
    """When the answer began: behind all that is spent before its first byte, in milliseconds; -1
    stands for what does not apply.
    """
    if at is None or timings is None or not isinstance(timings.get("wait"), (int, float)):
        return None
    spent = [
        value for name in _BEFORE_ANSWER if isinstance(value := timings.get(name), (int, float))
    ]
    total = sum(max(0.0, float(value)) for value in spent)
    return at + timedelta(milliseconds=total) if total < _LONGEST else None


def _body(content: Mapping[str, Json]) -> bytes:
    text = as_text(content.get("text")) or ""
    if as_text(content.get("encoding")) == "base64":
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            raise NotACall("a body is no base64") from None
    return text.encode("utf-8", "surrogatepass")
