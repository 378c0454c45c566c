"""Contents kept once, by their digest, and prompts as what they add to an earlier prompt.

A content is counted by those that refer to it and goes with the last of them. A segment is a
prompt: the leading blocks it shares with its parent's prompt, then its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from whycold.core.content import Json
from whycold.core.prompt import Block
from whycold.store.codec import (
    content_numbers,
    decode_blocks,
    decode_value,
    encode_blocks,
    encode_value,
)
from whycold.store.recent import Recent
from whycold.store.sqlite_database import Database
from whycold.store.squeeze import expand, squeeze

__all__ = ["BlockReader", "BlockWriter"]

_DEEPEST: Final = 64
"""Segments to be read for one prompt at most; the next one is written out whole."""
_BYTES_AT_HAND: Final = 32 << 20
_DIGESTS_AT_HAND: Final = 50_000
_LEAST_WEIGHT: Final = 4096


class _Segment(NamedTuple):
    id: int
    parent: int | None
    shared: int
    total: int
    depth: int
    blocks: bytes


class BlockReader:
    """Reads prompts back. Equal leading blocks of prompts that grew from each other are the same
    objects.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._values: Recent[int, Json] = Recent(_BYTES_AT_HAND)
        self._trails: Recent[int, tuple[Block, ...]] = Recent(_BYTES_AT_HAND)

    def prompt(self, segment: int) -> tuple[Block, ...]:
        """The blocks of a prompt, without markers."""
        path: list[_Segment] = []
        at: int | None = segment
        while at is not None and at not in self._trails:
            row = self._db.one(
                "SELECT id, parent, shared, total, depth, blocks FROM segment WHERE id = ?", (at,)
            )
            if row is None:
                break
            path.append(_Segment(*row))
            at = path[-1].parent
        blocks = () if at is None else self._trails.get(at) or ()
        own: list[Block] = []
        for step in reversed(path):
            own = decode_blocks(expand(step.blocks), self.value) if step.blocks else []
            blocks = (*blocks[: step.shared], *own)
        if path:
            self._trails.put(segment, blocks, _weight(own))
        return blocks

    def value(self, number: int) -> Json:
        """What the content of that number holds."""
        if number in self._values:
            return self._values.get(number)
        data = self.bytes(number)
        value = decode_value(data)
        self._values.put(number, value, len(data) + _LEAST_WEIGHT)
        return value

    def bytes(self, number: int) -> bytes:
        """The content of that number, as it was kept."""
        return expand(self._db.value("SELECT z FROM content WHERE id = ?", (number,)) or b"sgone")

    def reply(self, data: bytes) -> tuple[Block, ...]:
        """The blocks of a reply."""
        return tuple(decode_blocks(expand(data), self.value)) if data else ()


class BlockWriter:
    """Keeps and lets go of contents and prompts, inside the caller's transactions.

    ``forget`` must be called when a transaction failed or others have written.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: Recent[bytes, int] = Recent(_DIGESTS_AT_HAND)
        self._prompts: Recent[int, tuple[Block, ...]] = Recent(_BYTES_AT_HAND)
        self._again: Counter[int] = Counter()

    def forget(self) -> None:
        """Take nothing for granted about the file."""
        self._numbers.clear()
        self._prompts.clear()
        self._again.clear()

    def flush(self) -> None:
        """Write what was held back within the transaction."""
        self._db.many(
            "INSERT INTO shared VALUES (?, ?)"
            " ON CONFLICT (id) DO UPDATE SET extra = extra + excluded.extra",
            sorted(self._again.items()),
        )
        self._again.clear()

    def keep(self, digest: bytes, data: bytes) -> int:
        """The number of a content, which is written if it is new."""
        number = self._known(digest)
        return self._new(digest, data) if number is None else number

    def keep_blocks(self, blocks: Iterable[Block]) -> bytes:
        """Blocks with their contents kept, as bytes; empty for none."""
        kept = [(self._keep_block(block), block) for block in blocks]
        return squeeze(encode_blocks(kept)) if kept else b""

    def keep_prompt(self, blocks: tuple[Block, ...], near: int | None) -> int:
        """The number of a new segment for these blocks; ``near`` is one with a similar prompt."""
        parent, shared, depth = self._parent(blocks, near)
        own = self.keep_blocks(blocks[shared:])
        self._db.run(
            "INSERT INTO segment (parent, shared, total, depth, owned, blocks)"
            " VALUES (?, ?, ?, ?, 1, ?)",
            (parent, shared, len(blocks), depth, own),
        )
        segment = self._db.last_number
        self._prompts.put(segment, blocks, _weight(blocks[shared:]))
        return segment

    def release_prompt(self, segment: int) -> int:
        """Let go of a call's prompt; what others share of it stays. Contents that went."""
        self._db.run("UPDATE segment SET owned = 0 WHERE id = ?", (segment,))
        gone, at = 0, segment
        while at:
            self._prompts.drop(at)
            removed, at = self._prune(at)
            gone += removed
        return gone

    def release_blocks(self, data: bytes) -> int:
        """Let go of what ``keep_blocks`` gave. Contents that went."""
        return self.release(content_numbers(expand(data))) if data else 0

    def release(self, numbers: Iterable[int]) -> int:
        """Let go of one reference to each content. How many had no other and went."""
        # a reference that is not written yet must not be taken for none
        if self._again:
            self.flush()
        gone = 0
        for number in numbers:
            extra = self._db.value("SELECT extra FROM shared WHERE id = ?", (number,))
            if extra is None:
                self._db.run("DELETE FROM content WHERE id = ?", (number,))
                gone += 1
            elif extra == 1:
                self._db.run("DELETE FROM shared WHERE id = ?", (number,))
            else:
                self._db.run("UPDATE shared SET extra = ? WHERE id = ?", (extra - 1, number))
        if gone:
            self._numbers.clear()
        return gone

    def _prune(self, segment: int) -> tuple[int, int | None]:
        """Drop what nobody uses of a segment whose call is gone: contents that went, and the
        parent if it is the next to be looked at.
        """
        row = self._db.one(
            "SELECT id, parent, shared, total, depth, blocks FROM segment"
            " WHERE id = ? AND owned = 0",
            (segment,),
        )
        if row is None:
            return 0, None
        found = _Segment(*row)
        used = self._db.value("SELECT max(shared) FROM segment WHERE parent = ?", (segment,))
        if used is None:
            self._db.run("DELETE FROM segment WHERE id = ?", (segment,))
            return self.release_blocks(found.blocks), found.parent
        if used >= found.total:
            return 0, None
        # children need the beginning; the rest was said in the call that is gone
        data = expand(found.blocks)
        numbers = content_numbers(data)
        left = used - found.shared
        frames = decode_blocks(data, lambda _: None)[:left]
        own = squeeze(encode_blocks(zip(numbers[:left], frames, strict=True)))
        self._db.run("UPDATE segment SET total = ?, blocks = ? WHERE id = ?", (used, own, segment))
        return self.release(numbers[left:]), None

    def _keep_block(self, block: Block) -> int:
        number = self._known(block.content)
        return self._new(block.content, encode_value(block)) if number is None else number

    def _known(self, digest: bytes) -> int | None:
        number = self._numbers.get(digest)
        if number is None:
            number = self._db.value("SELECT id FROM content WHERE hash = ?", (digest,))
            if number is None:
                return None
            self._numbers.put(digest, number)
        self._again[number] += 1
        return number

    def _new(self, digest: bytes, data: bytes) -> int:
        self._db.run("INSERT INTO content (hash, z) VALUES (?, ?)", (digest, squeeze(data)))
        number = self._db.last_number
        self._numbers.put(digest, number)
        return number

    def _parent(self, blocks: tuple[Block, ...], near: int | None) -> tuple[int | None, int, int]:
        """The segment to build on, how many blocks it shares, and the depth of the new one."""
        shared = 0
        while near is not None:
            row = self._db.one(
                "SELECT parent, shared, total, depth FROM segment WHERE id = ?", (near,)
            )
            if row is None:
                break
            parent, from_parent, total, depth = row
            shared = shared or min(_common(self._at_hand(near), blocks), total)
            if not shared:
                break
            if shared > from_parent:
                # too long a chain is slow to read; a whole list of numbers is a few bytes a block
                return (near, shared, depth + 1) if depth < _DEEPEST else (None, 0, 0)
            # all that is shared comes from further up, and this one may go before that does
            near = parent
        return None, 0, 0

    def _at_hand(self, segment: int) -> tuple[Block, ...]:
        held = self._prompts.get(segment)
        return BlockReader(self._db).prompt(segment) if held is None else held


def _common(old: Sequence[Block], new: Sequence[Block]) -> int:
    """How many leading blocks are the same in everything but their markers."""
    shared = 0
    for a, b in zip(old, new, strict=False):
        if a is not b and not (
            a.digest == b.digest
            and a.path == b.path
            and a.name == b.name
            and a.message == b.message
            and a.tokens == b.tokens
        ):
            break
        shared += 1
    return shared


def _weight(blocks: Sequence[Block]) -> int:
    """Memory that a prompt needs beyond what it shares with the one before."""
    return _LEAST_WEIGHT + sum(block.size for block in blocks)
