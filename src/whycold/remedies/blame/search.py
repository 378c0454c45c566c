"""The commits and lines that an edit most likely comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from whycold.remedies.blame.patches import Hunk, read_hunks
from whycold.remedies.blame.ranking import Commit, Score, score
from whycold.remedies.blame.repository import Repository
from whycold.remedies.blame.suspect import Suspect
from whycold.remedies.blame.words import Sought, longest_common, sought_in, words_of

__all__ = ["Blame", "Line", "Suspected", "blame"]

_FORMAT = "--format=%x00%H%x1f%ct%x1f%an%x1f%s"
_BEFORE_GOOD = timedelta(days=14)
"""A commit may have waited so long to be released."""
_SLACK = timedelta(hours=1)
_EACH, _MOST = 40, 120
"""Commits that one piece of text may bring up, and all of them together."""
_WINDOW = 400
"""Commits of the time in question that are looked through one by one."""
_LINES, _MATCHES = 3, 200
_SHOW = ("show", "--no-ext-diff", "--no-textconv", "--no-color", "-U0", "-M", "--format=")
_LOG = ("log", "--no-ext-diff", "--no-textconv", "--no-color", "--no-merges", _FORMAT)
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
_ORDER_WORDS = (
    "sort|order|shuffle|random|reverse|set\\(|Set\\(|dict|keys|values|entries|items|listdir|glob"
    "|iterdir|readdir|append|insert|push|concat"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file of the checked-out commit."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Suspected:
    """A commit with how well it accounts for the edit, and where it does: path and line."""

    commit: Commit
    points: float
    reasons: tuple[str, ...]
    places: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Blame:
    """What was found, the likeliest first; both empty when nothing accounts for the edit.

    ``lines`` make the text today. ``notes`` say what stood in the way.
    """

    commits: tuple[Suspected, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def blame(
    repository: Repository,
    suspect: Suspect,
    tell: Callable[[int, int], None] = lambda done, total: None,
    most: int = 5,
) -> Blame:
    """Look for the origin of an edit; ``tell`` hears how many of how many commits are read."""
    if not suspect.searchable:
        return Blame((), (), ("the cause is no edit of a text: there is nothing to look for",))
    if repository.head is None:
        return Blame((), (), ("the repository has no commit yet",))
    sought = sought_in(suspect)
    found: dict[str, Suspected] = {}
    commits = list(_candidates(repository, suspect, sought))
    for number, commit in enumerate(commits):
        patch = repository.text(*_SHOW, commit.id, "--")
        scored = score(commit, read_hunks(patch), suspect, sought)
        if scored is not None:
            found[commit.id] = Suspected(
                commit, scored.points, scored.reasons, tuple(_places(scored, sought))
            )
        tell(number + 1, len(commits))
        if repository.is_late:
            break
    ranked = sorted(found.values(), key=lambda s: (-s.points, -s.commit.at.timestamp()))
    lines = _lines_today(repository, suspect, sought) if found else ()
    notes = list[str]()
    if repository.cut_off or repository.is_late:
        notes.append("the time was up before all commits were read: --timeout allows more")
    return Blame(tuple(ranked[:most]), lines, tuple(notes))


def _candidates(repository: Repository, suspect: Suspect, sought: Sought) -> Iterator[Commit]:
    """Commits that may have done it, each once: those of the time in question, then by text."""
    seen = set[str]()
    until = _stamp(suspect.first_bad + _SLACK)
    searches: list[tuple[str, ...]] = []
    if suspect.last_good is not None:
        since = f"--since={_stamp_of(suspect.last_good)}"
        searches.append((f"-n{_WINDOW}", until, since))
        if suspect.ordered:
            back = f"--since={_stamp_of(suspect.last_good - _BEFORE_GOOD)}"
            searches.append((f"-n{_EACH}", until, back, f"-G{_ORDER_WORDS}"))
    searches += [(f"-n{_EACH}", until, f"-S{probe}") for probe in sought.probes]
    searches += [(f"-n{_EACH}", until, f"-G{_escaped(probe)}") for probe in sought.probes[-3:]]
    for words in searches:
        for commit in _log(repository, words):
            if commit.id not in seen and len(seen) < _MOST + _WINDOW:
                seen.add(commit.id)
                yield commit


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _stamp(at: datetime) -> str:
    return f"--until={_stamp_of(at)}"


def _stamp_of(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _log(repository: Repository, words: tuple[str, ...]) -> Iterator[Commit]:
    for record in repository.text(*_LOG, *words, "HEAD", "--").split("\0")[1:]:
        parts = record.strip("\n").split("\x1f", 3)
        if len(parts) == 4 and parts[1].isdigit():
            id, at, author, subject = parts
            yield Commit(id, datetime.fromtimestamp(int(at), UTC), author, subject)


def _places(scored: Score, sought: Sought) -> Iterator[Line]:
    """In each hunk the line that holds most of the text around the edit."""
    around = [*sought.left, *sought.added, *sought.right, *sought.removed]
    for hunk in scored.hunks[:_LINES]:
        rows = [longest_common(around, words_of(line)) for line in hunk.came]
        best = max(range(len(rows)), key=rows.__getitem__, default=0)
        yield Line(hunk.path, hunk.line + best, _shown(hunk, best))


def _shown(hunk: Hunk, best: int) -> str:
    lines = [line for line in (*hunk.came[best:], *hunk.came, *hunk.gone) if line.strip()]
    return lines[0].strip()[:200] if lines else ""


def _lines_today(repository: Repository, suspect: Suspect, sought: Sought) -> tuple[Line, ...]:
    """The lines of the checked-out commit that hold most of the text around the edit."""
    around = [*sought.left, *sought.added, *sought.right]
    patterns = [word for probe in sought.probes for word in ("-e", probe)]
    if not patterns or repository.head is None:
        return ()
    words = ("grep", "-z", "-n", "-I", "-F", "--no-color", f"-m{_MATCHES}", *patterns)
    found: list[tuple[int, Line]] = []
    for text in repository.text(*words, repository.head, "--").split("\n")[:_MATCHES]:
        parts = text.split("\0", 2)
        if len(parts) == 3 and parts[1].isdigit():
            path = parts[0].partition(":")[2]
            row = longest_common(around, words_of(parts[2]))
            row += sum(name in parts[2] for name in suspect.names)
            found.append((row, Line(path, int(parts[1]), parts[2].strip()[:200])))
    found.sort(key=lambda item: (-item[0], item[1].path, item[1].line))
    return tuple(line for row, line in found[:_LINES] if row)
