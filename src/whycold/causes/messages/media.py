"""Images in the history."""

from __future__ import annotations

from whycold.causes.examples import agent, asks, history_pair, opening_pair, said, text
from whycold.causes.texts.partition import TextCause
from whycold.causes.texts.sides import images, sides, text_of
from whycold.causes.texts.words import quote, where
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import JsonMap
from whycold.core.diagnosis import Reason
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]


def _image(data: str) -> JsonMap:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


_SHOT, _OTHER = _image("iVBORw0KGgoAAAANSUhEUg=="), _image("iVBORw0KGgoAAAANSUhEUm==")
_LOOK = "Why is the total cut off in this picture?"
_PAGE = "Minutes of the first hour: the tests were read, the rounding was found wrong. " * 4


class ImageReplaced(TextCause):
    """Row 47: an image was taken out."""

    code = "image-replaced"
    reason = Reason.messages_changed
    title = "An old image is no longer sent as it was"
    what = (
        "An image in an old message was replaced by a placeholder, taken out, or encoded anew. The "
        "place of the image differs, and the whole conversation behind it is processed again."
    )
    advice = (
        "Leave images where they were sent; if they have to go, take out many at once and seldom, "
        "and store the encoded bytes instead of encoding the picture again."
    )
    rows = (47,)
    examples = (
        opening_pair("a placeholder", [text(_LOOK), _SHOT], [text(_LOOK), text("[image removed]")]),
        Example(
            "a screenshot in a tool result",
            agent(answer=[text("Screenshot:"), _SHOT]),
            agent(
                said("Done."),
                asks("Go on."),
                answer=[text("Screenshot:"), text("[screenshot omitted]")],
            ),
        ),
        opening_pair("encoded anew", [text(_LOOK), _SHOT], [text(_LOOK), _OTHER]),
    )
    near_misses = (
        opening_pair("a text became an image", [text(_PAGE), text(_LOOK)], [_SHOT, text(_LOOK)]),
        history_pair("a new image", [], [said("Done."), asks(text(_LOOK), _SHOT)]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """What stands there now."""
        had, left = ([i for block in blocks for i in images(block)] for blocks in (d.old, d.new))
        if len(left) >= len(had):
            return Evidence(f"the image in {where(d)} was encoded anew")
        shown = "\n".join(map(text_of, d.new)).strip().splitlines()
        if not shown or all(line in "\n".join(map(text_of, d.old)) for line in shown):
            return Evidence(f"an image was taken out of {where(d)}")
        return Evidence(f"an image in {where(d)} gave way to {quote(shown[-1])}")


class HistoryAsImages(TextCause):
    """Row 62: a rewriter that turns text into images."""

    code = "history-as-images"
    reason = Reason.messages_changed
    title = "Text of the history is sent as an image, or again as text"
    what = (
        "A layer between client and provider turns old messages into images to save tokens. It did "
        "so now, or no longer does since it was started again, and the prompt differs from there."
    )
    advice = (
        "Let that layer store what it made of each message and send the same again, also after a "
        "restart; or switch it off for conversations that profit from the cache."
    )
    rows = (62,)
    examples = (
        opening_pair("a text became an image", [text(_PAGE), text(_LOOK)], [_SHOT, text(_LOOK)]),
        opening_pair(
            "an image became text again", [_SHOT, text(_LOOK)], [text(_PAGE), text(_LOOK)]
        ),
        Example(
            "a tool result became an image",
            agent(answer=_PAGE),
            agent(said("Done."), asks("Go on."), answer=[_SHOT]),
        ),
    )
    near_misses = (
        opening_pair("a placeholder", [text(_LOOK), _SHOT], [text(_LOOK), text("[image removed]")]),
        opening_pair("only text", [text(_PAGE), text(_LOOK)], [text(_PAGE * 2), text(_LOOK)]),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        """In which direction."""
        if any(images(block) for block in d.new):
            what = quote(text_of(d.old[0]) if d.old else sides(d).old)
            return Evidence(f"the text {what} in {where(d)} is sent as an image now")
        return Evidence(f"an image in {where(d)} is sent as text again")


CAUSES: tuple[Cause, ...] = (ImageReplaced(), HistoryAsImages())
