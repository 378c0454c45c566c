"""Requests and usages that the examples of this family share."""

from __future__ import annotations

from whycold.causes.examples import TASK, agent, asks, body, said, text, wrote
from whycold.core.call import Usage
from whycold.core.content import JsonMap

__all__ = [
    "AGAIN",
    "LOG",
    "LONG",
    "LOST",
    "NEXT",
    "PLAIN",
    "SYSTEM_MARKED",
    "WAS",
    "behind",
    "neither",
    "note",
    "refusal",
    "steps",
    "subagent",
    "unmarked_end",
]

NEXT = asks("Then run them again, please.")
AGAIN = (asks(TASK), said("Where?"), asks("In CI."))
WAS, LOST = wrote(48_200), wrote(48_700)
PLAIN = [text("You are a careful programmer.")]
SYSTEM_MARKED = [text("You are a careful programmer.", mark=True)]


def neither(tokens: int) -> Usage:
    """Nothing read and nothing written, and both reported."""
    return Usage(input=tokens, cache_read=0, cache_write=0, uncached=tokens, output=200)


LOG = "line of a log that was pasted here\n" * 600
LONG = [text("You are a careful programmer who reads before writing. " * 350, mark=True)]


def behind(tokens: int, *, wrote: int, read: int = 0) -> Usage:
    """A prompt of which a part stands behind the last marker, neither read nor written."""
    rest = tokens - wrote - read
    return Usage(input=tokens, cache_read=read, cache_write=wrote, uncached=rest, output=180)


def subagent(*more: JsonMap) -> JsonMap:
    """A subagent whose system prompt alone is marked, with a long unmarked first message."""
    return body(asks(LOG * 3), *more, system=LONG)


def unmarked_end() -> JsonMap:
    """The conversation of ``agent``, one turn later and without the marker at its end."""
    request = dict(agent(said("Both fail."), NEXT))
    del request["cache_control"]
    return request


def note() -> JsonMap:
    """A system message inside the conversation."""
    return {"role": "system", "content": "The task tools have not been used recently."}


def steps(count: int) -> list[JsonMap]:
    """Turns of one text block each, two for every step."""
    return [
        message
        for i in range(count)
        for message in (said(f"Step {i} is done."), asks(f"Go on with step {i + 1}."))
    ]


def refusal(count: int) -> JsonMap:
    message = f"A maximum of 4 blocks with cache_control may be provided. Found {count}."
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
