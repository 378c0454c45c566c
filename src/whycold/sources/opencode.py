"""opencode's sessions: every call of every session, once, with what it goes on from.

What is stored is the conversation, not tools, system or markers; what comes before the first
message is unseen. Nor are titles stored, and ids of requests and replies.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from whycold.errors import UserError
from whycold.sources.files import Trouble, find_files
from whycold.sources.opencode_calls import CallWriter, Reported
from whycold.sources.opencode_prompts import Conversation, Turn
from whycold.sources.opencode_storage import Database, Folder, Session, Storage, told
from whycold.sources.recorded import Seen

__all__ = ["Opencode", "Tree"]

_MOST_MS = 253_402_300_799_000
"""The last millisecond that a date can have."""


class Opencode:
    """What opencode keeps under some folders, or in some files.

    ``groups`` are sessions with those of their subagents, oldest first. ``troubles`` grows as they
    are read.
    """

    name = "opencode"

    def __init__(self, roots: Sequence[Path]) -> None:
        self.troubles: list[Trouble] = []
        reported = Reported()
        trees: list[Tree] = []
        for storage in _storages(roots, self.troubles):
            found = _trees(storage.sessions(self.troubles))
            trees += [Tree(storage, tree, self.troubles, reported) for tree in found]
        self.groups = sorted(trees, key=lambda tree: tree.order)


def _storages(roots: Sequence[Path], troubles: list[Trouble]) -> Iterator[Storage]:
    """Databases, and folders that hold ``session``, ``message`` and ``part``."""
    found = find_files(roots, (".db",), troubles)
    given = {root for root in roots if root.is_file()}
    for file in found:
        if file.path in given or file.path.name.startswith("opencode"):
            yield Database(file.path)
    for root in roots:
        for place in (root, root / "storage"):
            if (place / "session").is_dir() and (place / "message").is_dir():
                yield Folder(place)


def _trees(sessions: Iterable[Session]) -> Iterator[list[Session]]:
    """Sessions with all that were started from them."""
    known = {session.id: session for session in sessions}
    trees: defaultdict[str, list[Session]] = defaultdict(list)
    for session in known.values():
        top, passed = session, {session.id}
        while top.parent in known and top.parent not in passed:
            top = known[top.parent]
            passed.add(top.id)
        # of sessions that name each other in a circle the first stands for all
        trees[top.id if top.parent not in passed else min(passed)].append(session)
    yield from trees.values()


class Tree:
    """A session and those of its subagents. ``size`` is about their bytes."""

    def __init__(
        self,
        storage: Storage,
        sessions: Iterable[Session],
        troubles: list[Trouble],
        reported: Reported,
    ) -> None:
        self._storage, self._troubles, self._reported = storage, troubles, reported
        self._sessions = sorted(sessions, key=lambda session: (session.created, session.id))
        self.files = tuple(session.file for session in self._sessions)
        self.size = sum(file.size for file in self.files)
        self.order = (self._sessions[0].created, self._sessions[0].id)

    def calls(self) -> Iterator[Seen]:
        """Every call, each behind the one that it goes on from; what cannot be read is passed over
        and told in ``troubles``, one line per session.
        """
        for session in self._sessions:
            bad: Counter[str] = Counter()
            writer = CallWriter(session, self._reported)
            try:
                for turn, begins, ends in self._turns(session, bad):
                    if turn.at is None or turn.at > _MOST_MS:
                        bad["a call without a time"] += 1
                    else:
                        yield Seen(writer.call(turn), session.file.path, begins, ends)
            except UserError as error:
                bad[str(error)] += 1
            if bad:
                self._troubles.append(Trouble(session.file.path, told(bad)))

    def _turns(self, session: Session, bad: Counter[str]) -> Iterator[tuple[Turn, int, int]]:
        conversation, done = Conversation(), 0
        for message in self._storage.messages(session, bad):
            for turn in conversation.take(message):
                yield turn, done, done + message.size
            done += message.size
