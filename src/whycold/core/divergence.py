"""A place where two prompts part."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from whycold.core.content import Json
from whycold.core.edit import CONTEXT, Edit, TextChange
from whycold.core.prompt import Block, Kind, Section
from whycold.core.volatile import Volatile

__all__ = ["Change", "Divergence"]


class Change(StrEnum):
    """What happened at a divergence.

    ``edited``: a text or value differs; ``added``, ``removed``: a block is there in one prompt
    only; ``reordered``: the same blocks in another order; ``keys_reordered``: the same object with
    its keys in another order; ``items_reordered``: the same list items in another order;
    ``renamed``: the same tool under another name; ``reshaped``: the same text cut into other blocks
    or messages; ``retyped``: another kind of block or JSON type; ``replaced``: another block
    altogether; ``set``: a setting differs.
    """

    edited = "edited"
    added = "added"
    removed = "removed"
    reordered = "reordered"
    keys_reordered = "keys_reordered"
    items_reordered = "items_reordered"
    renamed = "renamed"
    reshaped = "reshaped"
    retyped = "retyped"
    replaced = "replaced"
    set = "set"


@dataclass(frozen=True)
class Divergence:
    """One place where the prompt parts from its predecessor's.

    - ``section``, ``path``, ``offset``: where; the offset counts characters in the value at
      ``path``
    - ``before``, ``after``: the differing text with a little context, at most 400 characters each
      ("" where absent)
    - ``change``: what happened; ``text``: how a text changed; ``volatile``: the kind of value that
      stands there
    - ``kept``: leading blocks of the predecessor that stand before this place; ``kept_inside``:
      characters of the next block that are still the same
    - ``old``, ``new``: the blocks concerned, as they were and as they are (empty where there is
      none)
    - ``old_text``, ``new_text``: the whole value at ``path`` when it is a text; ``edits``: every
      edit within it
    - ``setting``: the name of the setting, for ``Change.set``; ``old_value``, ``new_value``: its
      values
    - ``certain``: false where the provider's documentation leaves open whether this voids anything
    """

    section: Section
    path: str
    offset: int
    before: str
    after: str
    change: Change
    kept: int
    kept_inside: int = 0
    text: TextChange | None = None
    volatile: Volatile | None = None
    old: tuple[Block, ...] = ()
    new: tuple[Block, ...] = ()
    old_text: str | None = None
    new_text: str | None = None
    edits: tuple[Edit, ...] = ()
    setting: str | None = None
    old_value: Json = None
    new_value: Json = None
    certain: bool = True

    @property
    def explicit_cache(self) -> bool:
        """Whether the name of an explicit cache came, went or changed."""
        return any(
            block.kind is Kind.cached_content and isinstance(block.value, str)
            for block in (*self.old, *self.new)
        )

    @property
    def rest(self) -> int | None:
        """Characters of the old text behind what ``before`` shows; None unless it is one edit of a
        text.
        """
        if self.old_text is None or len(self.edits) != 1:
            return None
        return max(0, len(self.old_text) - self.edits[0].before_end - CONTEXT)
