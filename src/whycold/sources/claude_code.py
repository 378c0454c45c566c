"""Claude Code's transcripts: every call of every session, once, with what it goes on from.

A transcript shows messages, not tools, system or cache markers; what comes before the first message
is unseen. Nor does it say when a request was sent: the last record before the answer stands for it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from whycold.core.content import as_map, as_text
from whycold.errors import UserError
from whycold.sources.claude_code_calls import CallWriter, project_of
from whycold.sources.claude_code_records import read_record
from whycold.sources.claude_code_threads import Threads, Turn
from whycold.sources.files import FoundFile, LineFile, Trouble, find_files
from whycold.sources.recorded import Seen

__all__ = ["ClaudeCode", "Session"]

_SUFFIXES = (".jsonl", ".jsonl.gz")
_NO_TRANSCRIPTS = frozenset({"tool-results", "memory", "file-history"})
_OTHER_FILES = frozenset({"history.jsonl", "journal.jsonl"})
_SUBAGENTS = "subagents"
_AGENT = "agent-"
_HEAD = 64 << 10
_TIME = re.compile(rb'"timestamp":\s*"([0-9T:.Z+-]+)"')
_SESSION = re.compile(rb'"sessionId":\s*"([^"]+)"')


class ClaudeCode:
    """The transcripts under some folders, or in some files.

    ``groups`` are sessions, in the order in which they are to be read: of two that hold the same
    call the one that was made from the other comes later. ``troubles`` grows as they are read.
    """

    name = "claude-code"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        given = {root for root in roots if root.is_file()}
        found = find_files(roots, _SUFFIXES, self.troubles)
        files = [file for file in found if file.path in given or _is_transcript(file.path)]
        groups: defaultdict[tuple[Path, str], list[FoundFile]] = defaultdict(list)
        for file in files:
            groups[_session_of(file.path)].append(file)
        sessions = [Session(tuple(group), self.troubles) for group in groups.values()]
        self.groups = sorted(sessions, key=lambda session: session.order)


class Session:
    """The files of one session: its own, then those of its subagents. ``size`` in bytes."""

    def __init__(self, files: Iterable[FoundFile], troubles: list[Trouble]) -> None:
        self.files = tuple(sorted(files, key=lambda f: (_is_agent(f.path), str(f.path))))
        self.size = sum(file.size for file in self.files)
        self.order = min((_span(file.path), str(file.path)) for file in self.files)
        self._troubles = troubles
        self._project: str | None = None

    def calls(self) -> Iterator[Seen]:
        """Every call, each behind the one that it goes on from; what cannot be read is passed over
        and told in ``troubles``, one line per file.
        """
        threads = Threads()
        agents = {id: kind for file in self.files for id, kind in _agent_of(file.path)}
        writer: CallWriter | None = None
        try:
            for file in self.files:
                for turn in self._turns(file, threads):
                    if writer is None:
                        writer = CallWriter(self._project, agents, threads.tasks)
                    yield Seen(writer.call(turn), file.path, turn.begins, turn.ends)
        finally:
            threads.close()

    def _turns(self, file: FoundFile, threads: Threads) -> Iterator[Turn]:
        lines, bad = LineFile(file.path), Counter[str]()
        for line in lines:
            try:
                record = read_record(line)
            except UserError as error:
                # a last line without its end is still being written, if it is a record at all
                if line.strip() and (lines.ended or line[:1] != b"{"):
                    bad[" ".join(str(error).split())[:80]] += 1
                continue
            if self._project is None:
                self._project = project_of(record.cwd)
            begins = lines.offset - len(line) - lines.ended
            yield from threads.take(record, begins, lines.offset)
        yield from threads.rest()
        if threads.untimed:
            bad["a call without a time"], threads.untimed = threads.untimed, 0
        self._tell(file, lines, bad)

    def _tell(self, file: FoundFile, lines: LineFile, bad: Counter[str]) -> None:
        told = [lines.trouble] if lines.trouble else []
        if lines.too_long:
            bad["too long"] = lines.too_long
        told += [f"{count} skipped: {why}" for why, count in bad.most_common(3)]
        if told:
            self._troubles.append(Trouble(file.path, "; ".join(told)))


def _is_transcript(path: Path) -> bool:
    return path.name not in _OTHER_FILES and _NO_TRANSCRIPTS.isdisjoint(path.parts[-4:-1])


def _is_agent(path: Path) -> bool:
    return path.name.startswith(_AGENT)


def _session_of(path: Path) -> tuple[Path, str]:
    """The project's folder and the session that a file belongs to.

    Subagents stand in ``SESSION/subagents/``, and with Claude Code 2.0 beside the session's file.
    """
    parts = path.parts
    if _is_agent(path) and _SUBAGENTS in parts:
        at = len(parts) - 1 - parts[::-1].index(_SUBAGENTS)
        return Path(*parts[: at - 1]), parts[at - 1]
    if _is_agent(path) and (named := _SESSION.search(_ends(path)[0])) is not None:
        return path.parent, named[1].decode("ascii", "replace")
    return path.parent, path.name.partition(".")[0]


def _agent_of(path: Path) -> Iterator[tuple[str, str]]:
    """The id of a file's agent with the kind that it is, from the file beside it."""
    if not _is_agent(path):
        return
    try:
        with path.with_name(f"{path.name.partition('.')[0]}.meta.json").open("rb") as file:
            kind = as_text((as_map(msgspec.json.decode(file.read(_HEAD))) or {}).get("agentType"))
    except (OSError, msgspec.DecodeError):
        return
    if kind:
        yield path.name.partition(".")[0].removeprefix(_AGENT), kind


def _span(path: Path) -> tuple[str, str]:
    """The first and the last time in a file, "" where there is none at its ends.

    What was copied keeps its time, so that a copy of a session begins like it and ends later.
    """
    head, tail = _ends(path)
    first, times = _TIME.search(head), _TIME.findall(tail)
    return first[1].decode() if first else "", times[-1].decode() if times else ""


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file; none of one that cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(0, path.stat().st_size - _HEAD))
            return head, file.read(_HEAD)
    except OSError:
        return b"", b""
