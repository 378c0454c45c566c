"""What happens to coding sessions: pauses, and what users and the client do."""

from __future__ import annotations

import msgspec

from whycold.core.content import Json
from whycold.frontends.demo import systems, toolbox
from whycold.frontends.demo.coding import SONNET, Event, explorer, exploring
from whycold.frontends.demo.pieces import Message, piece
from whycold.frontends.demo.talk import Talk, ToolText
from whycold.frontends.demo.world import World

__all__ = [
    "changed_model",
    "cleared",
    "compacted",
    "connected",
    "lost",
    "out_of_sandbox",
    "paused",
    "searched",
    "told",
]

_CLEARED = "[Old tool result content cleared]"
_LEFT = 12


def paused(minutes: float) -> Event:
    """The person is away."""

    def event(talk: Talk, world: World) -> float:
        return minutes * 60 + world.chance.uniform(0, 50)

    return event


def out_of_sandbox(reason: str) -> Event:
    """The user lets commands out of the sandbox, once, and the client says so in the tool;
    ``reason`` is what the provider takes the miss for.
    """

    def event(talk: Talk, world: World) -> float:
        tool = next(tool for tool in toolbox.CODER if tool.name == "Bash")
        text = tool.description.replace(toolbox.SANDBOX, toolbox.OUT_OF_SANDBOX)
        before = talk.format.tool(tool)
        after = talk.format.tool(ToolText(tool.name, text, tool.schema))
        if before in talk.tools:
            talk.tools[talk.tools.index(before)] = after
            talk.verdict = _said(reason, talk)
        return 0

    return event


def connected(talk: Talk, world: World) -> float:
    """An MCP server has connected at last, and its tools are put in."""
    talk.tools = [*map(talk.format.tool, toolbox.GITHUB), *talk.tools]
    return 0


def changed_model(talk: Talk, world: World) -> float:
    """The user goes on with a cheaper model."""
    talk.model = SONNET
    return 0


def compacted(talk: Talk, world: World) -> float:
    """A summary takes the place of the conversation."""
    summary = " ".join(world.prose.remark() for _ in range(30))
    talk.messages = [talk.format.asked(systems.COMPACTED.format(summary), world.prose.follow_up())]
    return 20


def cleared(talk: Talk, world: World) -> float:
    """The client takes old results out, to save room."""
    for number, message in enumerate(talk.messages[:-_LEFT]):
        parts = [msgspec.json.decode(part.data) for part in message.pieces]
        if any(part["type"] == "tool_result" for part in parts):
            emptied = (
                piece({**part, "content": _CLEARED}, "user")
                if part["type"] == "tool_result"
                else piece(part, "user")
                for part in parts
            )
            talk.messages[number] = Message(message.role, tuple(emptied))
    return 0


def lost(talk: Talk, world: World) -> float:
    """The provider loses what it kept."""
    talk.lost = True
    return 0


def searched(steps: int) -> Event:
    """A subagent searches, while the session waits for it."""

    def event(talk: Talk, world: World) -> float:
        child = explorer(world, talk)
        world.later(child, exploring(child, world, steps))
        return steps * 9.0

    return event


def told(reason: str, event: Event) -> Event:
    """The same, and the provider gives its own reason for what is missed."""

    def both(talk: Talk, world: World) -> float:
        wait = event(talk, world)
        talk.verdict = _said(reason, talk)
        return wait

    return both


def _said(reason: str, talk: Talk) -> Json:
    """The provider's diagnosis, for one who asked for it."""
    return {"cache_miss_reason": {"type": reason, "cache_missed_input_tokens": talk.tokens}}
