"""What may happen between two requests, and where the second then parts from the first.

Each ``Edit`` gives the two bodies for each API and the place that a diagnosis must name. That the
engine itself parts there is what test_ground_truth.py proves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.llama.bodies import Body, body, message_index
from tests.llama.engine.answer import Api
from tests.llama.prompt import NEUTRAL, Prompt, Text, Tool, ToolUse

__all__ = ["EDITS", "NOWHERE", "Edit", "Place"]

Change = Callable[[Prompt], Prompt]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the second request.

    ``section`` is named as in whycold; ``none`` where the prompts do not part. ``block`` is a
    tool's name, or the number of a message among the neutral prompt's own; None: the section as a
    whole. ``leaf`` is the rest of the path, left out where the APIs spell it differently.
    ``call`` is true for a tool call behind a text: an item of its own in Responses.
    """

    section: Literal["none", "tools", "system", "messages"]
    block: str | int | None = None
    leaf: str = ""
    call: bool = False

    def path(self, api: Api, prompt: Prompt) -> str | None:
        """How a path that names this place begins; None where the prompts do not part.

        Named as in whycold: the index of a message is the one in the API's own list, and leading
        system messages and ``instructions`` are ``system[0]``.
        """
        match self.section, self.block:
            case "none", _:
                return None
            case "system", _:
                return "system[0].text"
            case "messages", int(message):
                item = int(self.call and api is Api.responses)
                return f"messages[{message_index(api, prompt, message) + item}]{self.leaf}"
            case _, None:
                return self.section
            case _, block:
                return f"{self.section}[{block}]{self.leaf}"


NOWHERE = Place("none")
_SYSTEM = Place("system")
_TEXT = ".content[0].text"


def _unchanged(prompt: Prompt) -> Prompt:
    return prompt


@dataclass(frozen=True, slots=True)
class Edit:
    """A pair of requests that differ in one way.

    - ``start`` makes the first request's prompt of the neutral one, ``change`` the second's of the
      first's
    - ``turn``: the second also carries the reply to the first and another question
    - ``settings``: what the second body says besides, by API
    - ``place``: where the second parts from the first; ``places``: the same by API, where that
      matters
    - ``apis``: the APIs that can say it
    - ``unused``: the APIs over which the second request asks the engine to leave its cache alone
    """

    name: str
    start: Change = _unchanged
    change: Change = _unchanged
    turn: bool = False
    settings: Mapping[Api, Body] = field(default_factory=dict[Api, Body])
    place: Place = NOWHERE
    places: Mapping[Api, Place] = field(default_factory=dict[Api, Place])
    apis: tuple[Api, ...] = tuple(Api)
    unused: frozenset[Api] = frozenset()

    def at(self, api: Api) -> Place:
        """Where the second request parts from the first over this API."""
        return self.places.get(api, self.place)

    def path(self, api: Api) -> str | None:
        """How the path that a diagnosis must name begins; None where there is nothing to name."""
        return self.at(api).path(api, self._second("…"))

    def first(self, api: Api) -> Body:
        """The body of the first request."""
        return body(api, self.start(NEUTRAL))

    def second(self, api: Api, reply: str) -> Body:
        """The body of the second request; ``reply`` is what the first was answered."""
        return body(api, self._second(reply)) | self.settings.get(api, {})

    def _second(self, reply: str) -> Prompt:
        changed = self.change(self.start(NEUTRAL))
        return changed.with_turn(reply) if self.turn else changed


# --- Changes ---------------------------------------------------------------------------------


def _system(edit: Callable[[str], str]) -> Change:
    return lambda prompt: replace(prompt, system=edit(prompt.system))


def _one_character(text: str) -> str:
    middle = text.index("slow", len(text) // 2)
    return f"{text[:middle]}slew{text[middle + 4 :]}"


def _in_front(text: str) -> Change:
    return _system(lambda system: f"{text}\n{system}")


def _billing(version: str, cch: str) -> str:
    """The text that Claude Code puts before its system text, in a block of its own."""
    return f"x-anthropic-billing-header: cc_version={version}; cc_entrypoint=cli; cch={cch};"


def _header(version: str, cch: str) -> Change:
    return lambda prompt: replace(prompt, header=_billing(version, cch))


def _tools(edit: Callable[[tuple[Tool, ...]], tuple[Tool, ...]]) -> Change:
    return lambda prompt: replace(prompt, tools=edit(prompt.tools))


def _described(name: str) -> Change:
    def edit(tool: Tool) -> Tool:
        longer = f"{tool.description} Ask before you do."
        return replace(tool, description=longer) if tool.name == name else tool

    return _tools(lambda tools: tuple(map(edit, tools)))


def _keys_turned(value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(list(value.items())[::-1])


def _schema_keys(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    first = tools[0]
    properties = _keys_turned(first.schema["properties"])
    return (replace(first, schema={**first.schema, "properties": properties}), *tools[1:])


def _said(message: int, *texts: str) -> Change:
    return lambda prompt: prompt.with_parts(message, *map(Text, texts))


def _arguments_turned(prompt: Prompt) -> Prompt:
    text, use = prompt.messages[_CALL].parts
    assert isinstance(use, ToolUse)
    return prompt.with_parts(_CALL, text, replace(use, arguments=_keys_turned(use.arguments)))


def _in_all(settings: Body) -> Mapping[Api, Body]:
    return dict.fromkeys(Api, settings)


# llama-server overwrites the value of cch in Messages bodies (tools/server/server-chat.cpp, pull
# request 21793); it must have 5 characters and a semicolon.
_MASKED = {Api.messages: NOWHERE}
_LIST_FILES = Tool("list_files", "List the files of a folder.", NEUTRAL.tools[0].schema)
_CALL = 3
_LAST = len(NEUTRAL.messages) - 1
_QUESTION = "Mend that line, then run the build again and tell me the result."
_REMINDER = "<system-reminder>\nThe list of things to do is empty.\n</system-reminder>"

# --- The table -------------------------------------------------------------------------------

EDITS = (
    Edit("identical repeat"),
    Edit("appended turn", turn=True),
    Edit("one character changed mid system", change=_system(_one_character), place=_SYSTEM),
    Edit(
        "first tool's description changed",
        change=_described("read_file"),
        place=Place("tools", "read_file", ".description"),
    ),
    Edit(
        "last tool's description changed",
        change=_described("run_command"),
        place=Place("tools", "run_command", ".description"),
    ),
    Edit("tool order swapped", change=_tools(lambda two: two[::-1]), place=Place("tools")),
    Edit(
        "tool added at the end",
        change=_tools(lambda tools: (*tools, _LIST_FILES)),
        place=Place("tools", "list_files"),
    ),
    Edit(
        "key order in a tool's schema changed",
        change=_tools(_schema_keys),
        place=Place("tools", "read_file"),
    ),
    Edit(
        "first user message changed",
        change=_said(0, "The build of the client stops at its third step. Find out why."),
        place=Place("messages", 0, _TEXT),
    ),
    Edit(
        "last user message changed",
        change=_said(_LAST, "Mend that line, then show it to me."),
        place=Place("messages", _LAST, _TEXT),
    ),
    Edit(
        "two oldest messages dropped",
        change=lambda prompt: replace(prompt, messages=prompt.messages[2:]),
        place=Place("messages", 0),
    ),
    Edit(
        "cch changed, and a turn",
        start=_header("2.1.101.e51", "a5145"),
        change=_header("2.1.101.e51", "0b7f2"),
        turn=True,
        place=_SYSTEM,
        places=_MASKED,
    ),
    Edit(
        "cch changed in the first line of the system text, and a turn",
        start=_in_front(_billing("2.1.101.e51", "a5145")),
        change=_system(lambda system: system.replace("cch=a5145", "cch=0b7f2", 1)),
        turn=True,
        place=_SYSTEM,
        places=_MASKED,
    ),
    Edit(
        "cch of 7 characters instead of 5, and a turn",
        start=_header("2.1.101.e51", "a5145"),
        change=_header("2.1.101.e51", "0b7f2c9"),
        turn=True,
        place=_SYSTEM,
    ),
    Edit(
        "cc_version changed, and a turn",
        start=_header("2.1.101.e51", "a5145"),
        change=_header("2.1.101.9c0", "a5145"),
        turn=True,
        place=_SYSTEM,
    ),
    Edit(
        "clock at the start of system, and a turn",
        start=_in_front("The time is 10:41:07 on 2026-11-23."),
        change=_system(lambda system: system.replace("10:41:07", "10:42:31", 1)),
        turn=True,
        place=_SYSTEM,
    ),
    Edit(
        "system-reminder of the last user message removed, and a turn",
        start=_said(_LAST, _QUESTION, _REMINDER),
        change=_said(_LAST, _QUESTION),
        turn=True,
        place=Place("messages", _LAST),
    ),
    Edit("temperature changed", settings=_in_all({"temperature": 0.7})),
    Edit(
        "number of tokens to write changed",
        settings={
            Api.messages: {"max_tokens": 9},
            Api.chat: {"max_tokens": 9},
            Api.responses: {"max_output_tokens": 9},
        },
    ),
    Edit(
        "stop sequence added",
        settings={Api.messages: {"stop_sequences": ["zzz"]}, Api.chat: {"stop": ["zzz"]}},
        apis=(Api.messages, Api.chat),
    ),
    Edit("metadata added", settings=_in_all({"metadata": {"user_id": "someone"}})),
    Edit(
        "tool_choice changed",
        settings={
            Api.messages: {"tool_choice": {"type": "any"}},
            Api.chat: {"tool_choice": "required"},
            Api.responses: {"tool_choice": "required"},
        },
    ),
    Edit(
        "cache_control moved",
        start=lambda prompt: replace(prompt, marker="system"),
        change=lambda prompt: replace(prompt, marker="last message"),
        apis=(Api.messages,),
    ),
    Edit(
        "strings sent as single text blocks",
        change=lambda prompt: replace(prompt, strings=False),
    ),
    Edit(
        "one text block split in two",
        change=_said(0, "The build of the client stops", " at its second step. Find out why."),
        place=Place("messages", 0),
    ),
    Edit(
        "key order of a tool call's input changed",
        change=_arguments_turned,
        place=Place("messages", _CALL, call=True),
    ),
    Edit(
        "cache_prompt switched off, and a turn",
        turn=True,
        settings=_in_all({"cache_prompt": False}),
        # The converter of Messages bodies drops the field.
        unused=frozenset({Api.chat, Api.responses}),
    ),
)
