"""Traces of chained block ids: what serving engines and gateways export instead of text.

Each id stands for as many tokens as a block has, and for all before them, too. Read are sessions
with nested subagents (github callanjfox/kv-cache-tester docs/trace_replay_tester.md), and lines of
one request each (github kvcache-ai/Mooncake, FAST'25 traces, and
alibaba-edu/qwen-bailian-usagetraces-anon; all 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from whycold.core.content import as_map
from whycold.errors import UserError
from whycold.providers.body import decode, decode_map
from whycold.sources.blocks_calls import Chains, Writer
from whycold.sources.blocks_requests import Request, block_size_in, requests_of
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.recorded import Seen
from whycold.sources.recorded_files import Folder, Told, read_whole

__all__ = ["Blocks"]

_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_SUFFIXES = (".json", ".json.gz", *_LINES)


class Blocks:
    """The traces under some folders, or in some files. Each file is a history of its own: their
    clocks have nothing in common.
    """

    name = "blocks"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        files = find_files(roots, _SUFFIXES, self.troubles)
        self.groups = [Folder([file], self._calls) for file in files]

    def _calls(self, file: FoundFile) -> Iterator[Seen]:
        """What is alike in all requests is looked for first, so the file is read twice."""
        chains, told = Chains(block_size_in(file.path.name)), Told(file, self.troubles)
        last = 0.0
        whole = None if file.path.name.endswith(_LINES) else list(_whole(file, told))
        for request in _listed(file, Told(file, [])) if whole is None else whole:
            chains.add(request)
            last = max(last, request.at or 0.0)
        written = datetime.fromtimestamp(file.mtime // 1_000_000_000, UTC)
        begins = written - timedelta(seconds=last)
        writer = Writer(chains, begins)
        for request in _listed(file, told) if whole is None else whole:
            yield Seen(writer.call(request), file.path, request.begins, request.ends)
        told.done()


def _whole(file: FoundFile, told: Told) -> Iterator[Request]:
    """The requests of a document, in the order of time."""
    data = read_whole(file, told)
    if data is None:
        return
    try:
        found = sorted(requests_of(decode_map(data), file.path.name), key=lambda r: r.at or 0.0)
    except UserError as error:
        if _are_lines(data):
            yield from _listed(file, told)
        else:
            told.notes.append(str(error))
        return
    share = file.size // max(1, len(found))
    for number, request in enumerate(found):
        yield request.standing(number * share, (number + 1) * share)


def _are_lines(data: bytes) -> bool:
    first, _, rest = data.partition(b"\n")
    try:
        return bool(rest.strip()) and as_map(decode(first)) is not None
    except UserError:
        return False


def _listed(file: FoundFile, told: Told) -> Iterator[Request]:
    """The requests of a file of lines, in its order."""
    lines = LineFile(file.path)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        begins = lines.offset - len(line) - lines.ended
        try:
            found: Iterable[Request] = list(requests_of(decode_map(line), file.path.name, number))
        except UserError as error:
            # a last line without its end is still being written
            if lines.ended:
                told.skip(error)
            continue
        for request in found:
            yield request.standing(begins, lines.offset)
    told.lines(lines)
