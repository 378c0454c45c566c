"""What became of a whole conversation: compacted, begun anew, or cut at its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from whycold.causes.texts.passages import is_reminder, is_summary
from whycold.causes.texts.sides import text_of
from whycold.core.cause import Case
from whycold.core.content import as_map, as_text
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Block, Kind, Section

__all__ = ["Fate", "fate_of"]

_FEWEST_CUT = 2
"""Turns that a window drops at least: a question and its answer."""
_SUMMARY_KINDS = frozenset({"compaction", "compaction_summary", "context_compaction"})


@dataclass(frozen=True, slots=True)
class Fate:
    """``compacted``: a summary stands for what is gone; ``restarted``: nothing of the old
    conversation is left; ``rewound``: it went on otherwise from an earlier point; ``cut``: paths of
    the oldest blocks, dropped while later ones stayed; ``dropped``: number of messages that are
    wholly gone.
    """

    compacted: bool = False
    restarted: bool = False
    rewound: bool = False
    cut: frozenset[str] = frozenset()
    dropped: int = 0


def fate_of(case: Case) -> Fate:
    """What became of the conversation as a whole."""
    found = case.notes.get("fate")
    if not isinstance(found, Fate):
        found = case.notes["fate"] = _fate(case)
    return found


def _fate(case: Case) -> Fate:
    before = case.predecessor
    if before is None:
        return Fate()
    old = before.prompt.section(Section.messages)
    new = case.call.prompt.section(Section.messages)
    removed = _gone(case, old, new, rewritten=False)
    kept = {block.message for block in old if block.path not in removed}
    dropped = len({block.message for block in old} - kept)
    if _summarised(old, new) and dropped:
        return Fate(compacted=True, dropped=dropped)
    if _begun_anew(case, old, new):
        return Fate(restarted=True, dropped=dropped)
    if _rewound(case, old, new):
        return Fate(rewound=True, dropped=dropped)
    return Fate(cut=_window(old, removed), dropped=dropped)


def _summarised(old: Sequence[Block], new: Sequence[Block]) -> bool:
    """Whether a block that was not there before says that it stands for earlier messages."""
    known = {block.content for block in old}
    return any(
        _is_compaction(block) or (block.role != "assistant" and is_summary(text_of(block)))
        for block in new
        if block.content not in known
    )


def _is_compaction(block: Block) -> bool:
    value = as_map(block.value)
    return value is not None and as_text(value.get("type")) in _SUMMARY_KINDS


def _begun_anew(case: Case, old: Sequence[Block], new: Sequence[Block]) -> bool:
    """Whether no block of the old conversation is left, but for notes in its first message."""
    said = [block for block in old if not _is_note(block)]
    if not said or not new:
        return False
    left = {block.content for block in new}
    if any(block.content in left for block in said):
        return False
    return all(
        d.change is Change.removed or d.text is TextChange.rewritten or _answers(d)
        for d in case.divergences
        if d.section is Section.messages and not all(_is_note(block) for block in (*d.old, *d.new))
    )


def _answers(d: Divergence) -> bool:
    """Results of one tool at one place are told apart by ids only, which not every API has."""
    return all(block.kind is Kind.tool_result for block in (*d.old, *d.new))


def _rewound(case: Case, old: Sequence[Block], new: Sequence[Block]) -> bool:
    """Whether the end of the old conversation gave way to another question of the user.

    All from there on is gone, and at least one answer before it stayed."""
    told = {block.path for d in case.divergences for block in d.old}
    start = next((i for i, block in enumerate(old) if block.path in told), len(old))
    if start >= min(len(old), len(new)) or not all(_asks(b[start]) for b in (old, new)):
        return False
    gone = _gone(case, old, new, rewritten=True)
    return gone == frozenset(block.path for block in old[start:]) and any(
        block.role == "assistant" for block in old[:start]
    )


def _gone(
    case: Case, old: Sequence[Block], new: Sequence[Block], *, rewritten: bool
) -> frozenset[str]:
    """Paths of old blocks of which nothing is left, counting rewritten ones or not.

    Of very many changes only the first are told; what was not told is looked up by its content."""
    told = {block.path for d in case.divergences for block in d.old}
    left = {block.content for block in new}
    found = {block.path for block in old if block.path not in told and block.content not in left}
    for d in case.divergences:
        if d.change is Change.removed or (rewritten and d.text is TextChange.rewritten):
            found.update(block.path for block in d.old if block.section is Section.messages)
    return frozenset(found)


def _asks(block: Block) -> bool:
    """Whether the block begins a message in which the user says something."""
    return block.role == "user" and block.opens and block.kind is Kind.text


def _is_note(block: Block) -> bool:
    """Whether a client puts the block in front of any conversation."""
    return block.message == 0 and block.kind is Kind.text and is_reminder(text_of(block))


def _window(old: Sequence[Block], removed: frozenset[str]) -> frozenset[str]:
    """Paths of the oldest messages when they are gone together, the very first perhaps kept."""
    start = next((i for i, block in enumerate(old) if block.path in removed), None)
    if start is None or old[start].message > old[0].message + 1 or not old[start].opens:
        return frozenset()
    end = start
    while end < len(old) and old[end].path in removed:
        end += 1
    run = old[start:end]
    split = {block.message for block in old[end:]}
    roles = [block.role for block in run if block.message not in split]
    turns = sum(a != b for a, b in pairwise([None, *roles]))
    if end == len(old) or turns < _FEWEST_CUT:
        return frozenset()
    return frozenset(block.path for block in run)
