"""Which cause a change of system or messages belongs to: one answer for every divergence.

All causes of these two sections ask here, so that no two of them claim the same case.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from whycold.causes.texts.attribution import HEADER, header_owner
from whycold.causes.texts.history import Fate, fate_of
from whycold.causes.texts.passages import (
    Passage,
    is_placeholder,
    is_reminder,
    is_trailer,
    opening,
    passage_at,
)
from whycold.causes.texts.sides import Sides, images, sides, text_of
from whycold.causes.texts.words import line_at, near, value_at
from whycold.core.cause import Case, Cause, Evidence
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Change, Divergence
from whycold.core.edit import TextChange
from whycold.core.prompt import Block, Kind, Section
from whycold.core.volatile import Volatile

__all__ = ["TextCause", "of_same_kind", "owner"]

_SECTIONS = (Section.system, Section.messages)
_REPLY_CHANGES = frozenset(
    {
        Change.edited,
        Change.removed,
        Change.reshaped,
        Change.retyped,
        Change.replaced,
        Change.keys_reordered,
        Change.items_reordered,
    }
)
_BY_VOLATILE = {
    Volatile.time: "clock",
    Volatile.date: "date-rolled-over",
    Volatile.uuid: "random-id",
    Volatile.hash: "random-id",
    Volatile.random_id: "random-id",
    Volatile.counter: "counter",
    Volatile.token_budget: "token-budget",
    Volatile.path: "working-directory",
    Volatile.listing: "file-listing",
    Volatile.git: "git-state",
    Volatile.address: "runtime-context",
    Volatile.user: "user-data",
    Volatile.model_name: "model-named",
    Volatile.version: "client-updated",
}
_BY_PASSAGE = {
    Passage.git: "git-state",
    Passage.listing: "file-listing",
    Passage.tasks: "task-list",
    Passage.instructions: "instructions-rewritten",
    Passage.memory: "memory-recalled",
    Passage.runtime: "runtime-context",
    Passage.deferred: "deferred-tools",
}
"""Passages that say more of a change than the values in them."""
_BY_FIELD = {
    Passage.session: "session-named",
    Passage.directory: "working-directory",
    Passage.user: "user-data",
}
_OF_THE_DAY = re.compile(r"(?i)\b(?:today|current (?:date|time)|date(?: and time)?(?: is|:)|now)\b")
_MONTH = re.compile(r"[A-Z][a-z]{2,8}\.? \d{4}")
_OF_A_SESSION = re.compile(
    r"(?i)[/\\](?:te?mp|scratch\w*|sessions?|T|var[/\\]folders)[/\\]|[/\\][\w-]*[0-9a-f]{8,}"
)
_IDENTITY = re.compile(r"\W{0,3}(?:You are|You're|I am|I'm|Your name is)\b")
_SENTENCE_END = re.compile(r"[.!?]\s")
_EMPTY_THINKING = re.compile(r"(?:\s|</?think(?:ing)?>)+")
_EARLY = 400
_SHORTEST_MESSAGE = 12
_ID = re.compile(r"(?:\A|\.)(?:id|tool_use_id|tool_call_id|call_id|toolUseId)\Z")


class TextCause(Cause):
    """A cause of the two sections: subclasses say what happened once the case is theirs."""

    def explains(self, case: Case) -> Evidence | None:
        """The evidence when ``owner`` names this cause."""
        d = case.divergence
        if d is None or owner(case) != self.code:
            return None
        evidence = self.tell(case, d)
        reason = Reason.system_changed if d.section is Section.system else Reason.messages_changed
        return evidence if evidence.reason else replace(evidence, reason=reason)

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What is said of a case that is this cause's."""
        raise NotImplementedError


def of_same_kind(case: Case) -> tuple[Divergence, ...]:
    """Divergences of the call that the same cause claims, the one in question among them."""
    families = case.notes.get("families")
    if not isinstance(families, _Families):
        families = case.notes["families"] = _Families(case)
    return families.of(owner(case))


class _Families:
    """The divergences of a call by the cause that claims them."""

    def __init__(self, case: Case) -> None:
        self._by_owner: dict[str | None, list[Divergence]] = {}
        for d in case.divergences:
            self._by_owner.setdefault(owner(replace(case, divergence=d)), []).append(d)

    def of(self, code: str | None) -> tuple[Divergence, ...]:
        return tuple(self._by_owner.get(code, ()))


def owner(case: Case) -> str | None:
    """The code of the cause that claims the case; None for other sections and for obstacles."""
    d = case.divergence
    if d is None or case.obstacle is not None or d.section not in _SECTIONS:
        return None
    if d.old and d.old[0].kind is Kind.chained:
        return None
    key = f"owner {id(d)}"
    if key not in case.notes:
        case.notes[key] = _system(case, d) if d.section is Section.system else _messages(case, d)
    return str(case.notes[key])


def _system(case: Case, d: Divergence) -> str:
    if d.explicit_cache:
        return "explicit-cache-changed"
    texts = sides(d)
    lines = line_at(texts.old, texts.old_at)[:400], line_at(texts.new, texts.new_at)[:400]
    if d.volatile is Volatile.attribution or HEADER in "".join(lines):
        return header_owner(case, texts)
    if d.change is Change.reordered:
        return "system-reordered"
    if (code := _by_shape(d)) is not None:
        return code
    passage = _passage(d, texts)
    if passage is Passage.reminder or d.volatile is Volatile.token_budget or _hoisted(case, texts):
        return "system-message-moved"
    if passage is Passage.hook:
        return "memory-recalled"
    if (code := _by_meaning(d, texts, passage)) is not None:
        return code
    if _is_identity(d, texts):
        return "identity-differs"
    return _plain(d, "system")


def _messages(case: Case, d: Divergence) -> str:
    texts, fate = sides(d), fate_of(case)
    if d.change is not Change.reordered and (code := _by_fate(fate)) is not None:
        return code
    if _is_generated(case, d):
        return "reply-rerendered"
    if d.volatile is Volatile.attribution:
        return "attribution-in-history"
    if d.change is Change.reordered:
        return _reordered(d)
    if d.change is Change.reshaped:
        return "reshaped"
    if d.change is Change.removed and d.path in fate.cut:
        return "sliding-window"
    kinds = {block.kind for block in (*d.old, *d.new)}
    if (code := _by_kind(d, texts, kinds)) is not None:
        return code
    if (code := _by_shape(d)) is not None:
        return code
    return _said(case, d, texts)


def _by_fate(fate: Fate) -> str | None:
    """Causes of a conversation that is another one as a whole, or from some point on."""
    if fate.compacted:
        return "compacted"
    if fate.restarted:
        return "conversation-restarted"
    return "rewound" if fate.rewound else None


def _by_shape(d: Divergence) -> str | None:
    """Causes that need no look at what the text says."""
    if d.change is Change.reshaped:
        return "reshaped"
    if d.change is Change.keys_reordered:
        return "input-keys-reordered"
    if d.change is Change.items_reordered or d.text is TextChange.line_order:
        return "listing-reordered"
    return "whitespace" if d.text is TextChange.whitespace else None


def _is_generated(case: Case, d: Divergence) -> bool:
    """Whether the place lies in what an engine generated and keeps."""
    before = case.predecessor
    return (
        case.rules.keeps_reply
        and before is not None
        and d.change in _REPLY_CHANGES
        and d.kept >= len(before.prompt.blocks)
    )


def _reordered(d: Divergence) -> str:
    if all(block.kind is Kind.tool_result for block in d.old):
        return "tool-results-reordered"
    if any(block.role == "system" for block in d.old):
        return "system-message-moved"
    return "reminder-moved" if all(map(_is_note, d.old)) else "messages-reordered"


def _is_note(block: Block) -> bool:
    """Whether a block is a client's own text: a reminder or a listing."""
    text = text_of(block)
    return is_reminder(text) or opening(text) is not None


def _by_kind(d: Divergence, texts: Sides, kinds: set[Kind]) -> str | None:
    """Causes of blocks that are more than text."""
    pictured = [len(images(b)) for b in d.old], [len(images(b)) for b in d.new]
    if any(map(sum, pictured)) and (code := _pictured(d, *map(sum, pictured))) is not None:
        return code
    if kinds & {Kind.thinking, Kind.redacted_thinking}:
        return "thinking-dropped"
    if d.change in (Change.added, Change.removed):
        return None
    if _ID.search(d.path):
        return "random-id"
    if kinds == {Kind.tool_result}:
        return _tool_result(d, texts)
    if kinds == {Kind.tool_use} and d.change is not Change.keys_reordered:
        return "input-keys-reordered" if _same_arguments(texts) else "tool-call-edited"
    return None


def _same_arguments(texts: Sides) -> bool:
    """Whether arguments that are sent as a text hold the same values in another order."""
    if not (texts.old.startswith("{") and len(texts.old) == len(texts.new)):
        return False
    try:
        return bool(json.loads(texts.old) == json.loads(texts.new))
    except (ValueError, RecursionError):
        return False


def _pictured(d: Divergence, old: int, new: int) -> str | None:
    """Images that came, went or differ."""
    if d.change is Change.added:
        return None
    if old != new and _same_words(d):
        return "image-replaced" if new < old else None
    if old and new >= old and d.change is not Change.retyped:
        same = [images(b) for b in d.old] == [images(b) for b in d.new]
        return None if same else "image-replaced"
    words = text_of(d.new[0]) if d.new and new < old else text_of(d.old[0])
    if d.change is Change.removed or (new < old and _stands_for_image(words)):
        return "image-replaced"
    return "history-as-images" if words else "image-replaced"


def _same_words(d: Divergence) -> bool:
    """Whether there is text beside the images, the same on both sides."""
    words = "\n".join(map(text_of, d.old))
    return bool(words) and words == "\n".join(map(text_of, d.new))


def _stands_for_image(text: str) -> bool:
    return not text or any(is_placeholder(line) for line in text.splitlines()) or len(text) < 80


def _tool_result(d: Divergence, texts: Sides) -> str:
    if (code := _by_shape(d)) is not None:
        return code
    old, new = text_of(d.old[0]), text_of(d.new[0])
    cleared = len(new) < len(old) and (not new.strip() or is_placeholder(new))
    if cleared or _cut_short(old, new, texts.come):
        return "tool-results-cleared"
    return "tool-result-edited"


def _cut_short(old: str, new: str, come: str) -> bool:
    """Whether less than half is left, and a note says so."""
    return 2 * len(new) < len(old) and any(map(is_placeholder, come.splitlines()))


def _said(case: Case, d: Divergence, texts: Sides) -> str:
    """Causes of texts of the user, the client and the model."""
    role = next((block.role for block in (*d.new, *d.old)), None)
    if role == "assistant":
        if _EMPTY_THINKING.fullmatch(texts.gone + texts.come) and (texts.gone + texts.come).strip():
            return "reply-rerendered"
        return _plain(d, "message")
    changed = texts.come or texts.gone
    only_one = not (texts.gone.strip() and texts.come.strip())
    if only_one and is_trailer(changed):
        return "continue-trailer"
    passage = _passage(d, texts)
    if passage is Passage.command:
        return "local-command-output"
    if only_one and is_reminder(changed) and passage is not Passage.deferred:
        return _reminder(case, d, texts)
    return _by_meaning(d, texts, passage) or _plain(d, "message")


def _reminder(case: Case, d: Divergence, texts: Sides) -> str:
    """A whole reminder that came, went, or stands in another message now."""
    if texts.come.strip():
        return "message-inserted"
    gone = texts.gone.strip()
    new = case.call.prompt.section(Section.messages)
    return "reminder-moved" if any(gone in text_of(b) for b in new) else "reminder-dropped"


def _passage(d: Divergence, texts: Sides) -> Passage | None:
    """The passage that a change lies in on both sides, or that it puts in or takes out."""
    if d.change in (Change.added, Change.removed):
        return opening(texts.old or texts.new)
    begun = opening(texts.come) or opening(texts.gone)
    if begun is not None:
        return begun
    old = passage_at(texts.old, texts.old_at, texts.old_at + len(texts.gone))
    new = passage_at(texts.new, texts.new_at, texts.new_at + len(texts.come))
    return new if old is new else None


def _by_meaning(d: Divergence, texts: Sides, passage: Passage | None) -> str | None:
    """The cause by the passage, where that says more, else by the kind of value."""
    kind = d.volatile
    if kind is Volatile.date and not (_is_of_the_day(texts) or _has_a_day(texts)):
        kind = None
    by_kind = _BY_VOLATILE.get(kind) if kind is not None else None
    by_passage = _BY_PASSAGE.get(passage) if passage is not None else None
    by_field = _BY_FIELD.get(passage) if passage is not None else None
    if kind in (Volatile.time, Volatile.date) and (
        passage is Passage.runtime or _is_of_the_day(texts)
    ):
        return by_kind
    if kind in (Volatile.token_budget, Volatile.git):
        return by_kind
    if by_passage is not None:
        return by_passage
    if kind in (Volatile.time, Volatile.date, Volatile.version, Volatile.model_name):
        return by_kind
    if kind is Volatile.path and _OF_A_SESSION.search(near(texts)):
        return by_field or "session-named"
    return by_field or by_kind


def _has_a_day(texts: Sides) -> bool:
    """Whether a date is more than a month of a year, which does not roll over by itself."""
    return _MONTH.fullmatch(value_at(texts.new, texts.new_at, texts.come)) is None


def _is_of_the_day(texts: Sides) -> bool:
    return _OF_THE_DAY.search(near(texts)) is not None


def _hoisted(case: Case, texts: Sides) -> bool:
    """Whether a text that came into the system prompt was, or is, a message of role system."""
    come = texts.come.strip()
    if len(come) < _SHORTEST_MESSAGE:
        return False
    prompts = [case.call.prompt, *([case.predecessor.prompt] if case.predecessor else [])]
    return any(
        come in text_of(block) or text_of(block).strip() in come
        for prompt in prompts
        for block in prompt.section(Section.messages)
        if block.role == "system" and len(text_of(block)) >= _SHORTEST_MESSAGE
    )


def _is_identity(d: Divergence, texts: Sides) -> bool:
    """Whether the sentence differs, first of its line, that says who the model is."""
    if not texts.old or not texts.new or d.change in (Change.added, Change.removed):
        return False
    before = texts.old[texts.old.rfind("\n", 0, texts.old_at) + 1 : texts.old_at]
    lines = line_at(texts.old, texts.old_at), line_at(texts.new, texts.new_at)
    return (
        texts.old_at < _EARLY
        and _SENTENCE_END.search(before) is None
        and all(map(_IDENTITY.match, lines))
    )


def _plain(d: Divergence, section: str) -> str:
    """The general cause."""
    if d.change is Change.added:
        return "message-inserted" if section == "message" else "system-added"
    return f"{section}-removed" if d.change is Change.removed else f"{section}-edited"
