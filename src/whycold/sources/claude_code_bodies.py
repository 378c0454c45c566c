"""The folder that Claude Code writes whole requests and responses into (OTEL_LOG_RAW_API_BODIES).

Each stands in a file of its own, of all sessions; 2.1.330 says in ``index.jsonl`` which belong
together, older ones do not (what 2.1.330 wrote when it was run, 2026-11-23; Monitoring in the docs
of Claude Code). Claude Code takes the text of thoughts out of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from whycold.core.content import JsonMap, as_text
from whycold.errors import UserError
from whycold.providers.body import decode_map
from whycold.sources.claude_code_bodies_calls import BodyReader, Origin
from whycold.sources.claude_code_bodies_pairs import paired
from whycold.sources.claude_code_records import read_time
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.recorded import Seen

__all__ = ["Bodies", "ClaudeCodeBodies"]

_INDEX = "index.jsonl"
_EARLY = datetime.min.replace(tzinfo=UTC)
_REQUEST, _RESPONSE = ".request.json", ".response.json"


@dataclass(frozen=True, slots=True)
class _Line:
    """What the index says of one call."""

    request: str | None
    response: str | None
    origin: Origin


class ClaudeCodeBodies:
    """What Claude Code wrote into some folders.

    ``groups`` are sessions as far as an index names them, and all else of a folder. ``troubles``
    grows as they are read.
    """

    name = "claude-code-bodies"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        found = find_files(roots, (_REQUEST, _RESPONSE, _INDEX), self.troubles)
        folders: defaultdict[Path, dict[str, FoundFile]] = defaultdict(dict)
        for file in found:
            folders[file.path.parent][file.path.name] = file
        groups = [
            group for folder, files in folders.items() for group in self._groups(folder, files)
        ]
        self.groups = sorted(groups, key=lambda group: group.order)

    def _groups(self, folder: Path, files: Mapping[str, FoundFile]) -> Iterator[Bodies]:
        sessions: defaultdict[str, list[_Line]] = defaultdict(list)
        for line in self._index(files.get(_INDEX)):
            if line.response in files:
                sessions[line.origin.session or ""].append(line)
        named: set[str] = set()
        for lines in sessions.values():
            told = {n: files[n] for x in lines for n in (x.request, x.response) if n in files and n}
            named |= told.keys()
            yield Bodies(told, lines, self.troubles)
        rest = {
            name: file
            for name, file in files.items()
            if name not in named and name.endswith((_REQUEST, _RESPONSE))
        }
        if rest:
            yield Bodies(rest, None, self.troubles)

    def _index(self, file: FoundFile | None) -> Iterator[_Line]:
        if file is None:
            return
        lines, bad = LineFile(file.path), 0
        for raw in lines:
            try:
                yield _line(decode_map(raw))
            except UserError:
                bad += lines.ended and bool(raw.strip())
        told = [lines.trouble] if lines.trouble else []
        told += [f"{bad} skipped: is not JSON"] if bad else []
        if told:
            self.troubles.append(Trouble(file.path, "; ".join(told)))


def _line(whole: JsonMap) -> _Line:
    text = {name: as_text(value) or None for name, value in whole.items()}
    origin = Origin(
        at=read_time(text.get("timestamp")),
        session=text.get("session_id"),
        asked_by=text.get("query_source"),
        request_id=text.get("request_id"),
    )
    return _Line(text.get("request_file"), text.get("response_file"), origin)


class Bodies:
    """Files of one folder that are read together; ``lines`` is what the index says of them, None
    where nothing does. ``size`` in bytes.
    """

    def __init__(
        self, files: Mapping[str, FoundFile], lines: list[_Line] | None, troubles: list[Trouble]
    ) -> None:
        self._by_name, self._lines, self._troubles = files, lines, troubles
        self.files = tuple(sorted(files.values(), key=lambda file: (file.mtime, str(file.path))))
        self.size = sum(file.size for file in self.files)
        times = [line.origin.at for line in lines or () if line.origin.at is not None]
        first = min(times).timestamp() if times else self.files[0].mtime / 1e9
        self.order = (first, str(self.files[0].path))

    def calls(self) -> Iterator[Seen]:
        """Every call; what cannot be read is passed over and told in ``troubles``, one line per
        file.
        """
        reader, waiting = BodyReader(self._troubles), 0
        for line in self._told():
            response = self._by_name.get(line.response or "")
            if response is None:
                waiting += 1
                continue
            request = self._by_name.get(line.request or "")
            call = reader.call(request, response, line.origin)
            if call is not None:
                yield Seen(call, response.path, 0, response.size)
        if waiting:
            what = f"{waiting} skipped: a request without a response, cut off or still running"
            self._troubles.append(Trouble(self.files[0].path.parent, what))

    def _told(self) -> Iterable[_Line]:
        if self._lines is not None:
            return sorted(self._lines, key=lambda line: line.origin.at or _EARLY)
        requests = [file for file in self.files if file.path.name.endswith(_REQUEST)]
        responses = [file for file in self.files if file.path.name.endswith(_RESPONSE)]
        return [
            _Line(
                request.path.name if request is not None else None,
                response.path.name if response is not None else None,
                Origin(),
            )
            for request, response in paired(requests, responses)
        ]
