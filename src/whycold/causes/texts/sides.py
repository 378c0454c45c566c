"""A divergence as two texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from whycold.core.content import Json, as_list, as_map, as_text, encode
from whycold.core.divergence import Divergence
from whycold.core.prompt import Block, Kind

__all__ = ["Sides", "images", "sides", "text_of"]

_FARTHEST = 200
_IMAGES = frozenset({"image", "image_url", "input_image", "computer_screenshot"})


@dataclass(frozen=True, slots=True)
class Sides:
    """The two texts of a divergence, "" where there is none.

    ``gone`` and ``come`` are what differs, at ``old_at`` and ``new_at`` of the whole texts.
    """

    old: str
    new: str
    gone: str
    come: str
    old_at: int = 0
    new_at: int = 0


def sides(d: Divergence) -> Sides:
    """The texts of a divergence: of the value that was edited, or of the blocks as a whole."""
    if d.old_text is not None and d.new_text is not None and d.edits:
        old, new, first, last = d.old_text, d.new_text, d.edits[0], d.edits[-1]
        was, now = (first.before_start, last.before_end), (first.after_start, last.after_end)
        back = _to_line_start(old, *was) if now[0] == now[1] else 0
        back = _to_line_start(new, *now) if was[0] == was[1] else back
        was, now = (was[0] - back, was[1] - back), (now[0] - back, now[1] - back)
        return Sides(old, new, old[slice(*was)], new[slice(*now)], was[0], now[0])
    old, new = "\n".join(map(text_of, d.old)), "\n".join(map(text_of, d.new))
    return Sides(old, new, old, new)


def _to_line_start(text: str, start: int, end: int) -> int:
    """How far a piece that was put in or taken out can be moved back to begin with its line.

    A reminder between reminders could as well begin in the middle of the one before it."""
    back = 0
    while start - back > 0 and text[start - back - 1] != "\n":
        if back > _FARTHEST or text[start - back - 1] != text[end - back - 1]:
            return 0
        back += 1
    return back


def text_of(block: Block) -> str:
    """The text of a block as the model reads it: of a tool result its output; "" without any."""
    if isinstance(block.value, str):
        return block.value
    value = as_map(block.value)
    return "\n".join(_texts(value)) if value is not None else ""


_CONTENT = ("text", "thinking", "content", "output", "result", "response")
_FRAMES = ("functionResponse", "toolResult")


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif (whole := as_map(value)) is not None:
        for key in (*_CONTENT, *_FRAMES):
            yield from _texts(whole.get(key))
    else:
        for item in as_list(value) or ():
            yield from _texts(item)


def images(block: Block) -> list[bytes]:
    """The images in a block, tool results included, as comparable bytes."""
    if block.kind is Kind.image:
        return [block.encoded]
    return [encode(image) for image in _images(block.value)]


def _images(value: Json) -> Iterator[Mapping[str, Json]]:
    whole = as_map(value)
    if whole is not None:
        if as_text(whole.get("type")) in _IMAGES or "inlineData" in whole or "image" in whole:
            yield whole
            return
        for key in ("content", "output", "response", *_FRAMES):
            yield from _images(whole.get(key))
    for item in as_list(value) or ():
        yield from _images(item)
