"""LiteLLM's logs: standard logging payloads, rows of its spend logs, one file or line per call, and
the files that agents write of each call they make with it.

docs.litellm.ai, StandardLoggingPayload Specification; PyPI litellm 1.109.1 (2026-11-23).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from whycold.core.call import Call
from whycold.core.content import Json, as_list, as_map
from whycold.errors import UserError
from whycold.providers.body import decode
from whycold.sources.exchanged import Place, Reader
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.litellm_calls import Skipped, call_of_log
from whycold.sources.proxied import NotACall
from whycold.sources.recorded import Seen
from whycold.sources.recorded_files import Clock, Told, by_folder, first_time, read_whole

__all__ = ["LiteLlm", "mended"]

_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".log")
_SUFFIXES = (".json", ".json.gz", *_LINES)
_TIME = re.compile(
    rb'"(?:startTime|start_time|timestamp)"\s*:\s*(?:"([^"]{8,40})"|(\d{9,16}(?:\.\d+)?))'
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})?')


class _Log(NamedTuple):
    """A log of one call, and the bytes that it takes."""

    value: Json
    begins: int
    ends: int


class LiteLlm:
    """The logs under some folders, or in some files. Those of one folder are one history."""

    name = "litellm"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        self._reader = Reader(self.name)
        files = find_files(roots, _SUFFIXES, self.troubles)
        self.groups = by_folder(files, self._calls, _TIME)

    def _calls(self, file: FoundFile) -> Iterator[Seen]:
        told = Told(file, self.troubles)
        clock = Clock(first_time(file, _TIME))
        for number, log in enumerate(_logs(file, told), 1):
            try:
                call = _call(log.value, self._reader, clock, Place.of(file.path, number))
            except (NotACall, UserError) as error:
                told.skip(error)
                continue
            except Skipped:
                continue
            yield Seen(call, file.path, log.begins, log.ends)
        told.done()


def _call(value: Json, reader: Reader, clock: Clock, place: Place) -> Call:
    log = as_map(value)
    if log is None:
        raise UserError("no request with its response")
    return call_of_log(log, reader, clock, place)


def _logs(file: FoundFile, told: Told) -> Iterator[_Log]:
    """Every log of a file: of one that holds lines, one a line."""
    if file.path.name.endswith(_LINES):
        yield from _lines(file, told)
        return
    data = read_whole(file, told)
    if data is None:
        return
    first = data.partition(b"\n")[0]
    if len(first) < len(data.rstrip()) and _is_map(first):
        yield from _lines(file, told)
        return
    try:
        value = _read(data, told)
    except UserError as error:
        told.notes.append(str(error))
        return
    listed = as_list(value)
    found = (value,) if listed is None or not _holds_logs(listed) else listed
    size = file.size // max(1, len(found))
    yield from (_Log(one, i * size, (i + 1) * size) for i, one in enumerate(found))


def _lines(file: FoundFile, told: Told) -> Iterator[_Log]:
    lines = LineFile(file.path)
    for line in lines:
        if not line.strip():
            continue
        try:
            value = _read(line, told)
        except UserError as error:
            # a last line without its end is still being written
            if lines.ended:
                told.skip(error)
            continue
        yield _Log(value, lines.offset - len(line) - lines.ended, lines.offset)
    told.lines(lines)


def _is_map(line: bytes) -> bool:
    try:
        return as_map(decode(line)) is not None
    except UserError:
        return False


def _holds_logs(listed: Sequence[Json]) -> bool:
    """Whether a list is one of logs; a list of messages is none."""
    return any("role" not in whole for item in listed if (whole := as_map(item)) is not None)


def _read(data: bytes, told: Told) -> Json:
    """The value; backslashes that escape nothing are taken as they stand, and told."""
    try:
        return decode(data)
    except UserError:
        text = data.decode("utf-8", "surrogateescape")
        whole, count = mended(text)
        if not count:
            raise
        value = decode(whole.encode("utf-8", "surrogateescape"))
        told.notes.append(f"{count} broken escape{'s' if count > 1 else ''} taken literally")
        return value


def mended(text: str) -> tuple[str, int]:
    """JSON in which every backslash escapes something, and how many were doubled for that: whoever
    replaces names in a log can cut an escape in two.
    """
    count = 0

    def doubled(match: re.Match[str]) -> str:
        nonlocal count
        count += len(match[0]) == 1
        return match[0] if len(match[0]) > 1 else "\\\\"

    return _ESCAPE.sub(doubled, text), count
