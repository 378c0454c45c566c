"""Known edits: each changes one place of a talk and says what must be found."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.conversations import SCHEMA_KEY, Author, Part, Rendered, Talk, Turn

SECTIONS = ("settings", "tools", "system", "messages")


@dataclass
class Expected:
    """``path`` may be a prefix of the path found (``exactly`` false); ``cause`` None: not asked."""

    section: str
    path: str
    offset: int | None
    cause: str | None
    exactly: bool = True


Found = Callable[[Rendered, Rendered], Expected]
Made = tuple[Talk, Found] | None
Edit = Callable[[Author, Talk, str], Made]
"""From an author, a talk and a shape: the edited talk, and what must be found in its rendering."""


def _text_place(chance: random.Random, text: str) -> tuple[str, int]:
    """The text with one word exchanged, and the first character that differs."""
    words = text.split(" ")
    at = chance.randrange(1, len(words))
    old = words[at]
    new = "Xylem" if "\n" not in old else "Xylem\nXylem"
    changed = " ".join([*words[:at], new, *words[at + 1 :]])
    return changed, next(i for i, (a, b) in enumerate(zip(text, changed, strict=False)) if a != b)


def tool_description(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    new.tools[i].description, offset = _text_place(author.random, talk.tools[i].description)
    return new, lambda was, now: Expected(
        "tools", f"{was.tools[i]}.description", offset, "tool-edited"
    )


def tool_parameter_text(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    key = author.random.choice(list(talk.tools[i].properties))
    value = talk.tools[i].properties[key]["description"]
    new.tools[i].properties[key]["description"], offset = _text_place(author.random, value)
    tail = f"{SCHEMA_KEY[shape]}.properties.{key}.description"
    return new, lambda was, now: Expected("tools", was.tools[i] + tail, offset, "tool-edited")


def tool_retyped(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    key = author.random.choice(list(talk.tools[i].properties))
    new.tools[i].properties[key]["description"] = 7
    tail = f"{SCHEMA_KEY[shape]}.properties.{key}.description"
    return new, lambda was, now: Expected("tools", was.tools[i] + tail, 0, "tool-edited")


def tool_appended(author: Author, talk: Talk, shape: str) -> Made:
    new = talk.copy()
    new.tools.append(author.tool(9))
    return new, lambda was, now: Expected("tools", now.tools[-1], 0, "tools-added")


def tool_inserted(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    new.tools.insert(i, author.tool(9))
    return new, lambda was, now: Expected("tools", now.tools[i], 0, "tools-added")


def tool_dropped(author: Author, talk: Talk, shape: str) -> Made:
    if len(talk.tools) < 2:
        return None
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    del new.tools[i]
    return new, lambda was, now: Expected("tools", was.tools[i], 0, "tools-removed")


def tools_swapped(author: Author, talk: Talk, shape: str) -> Made:
    if len(talk.tools) < 2:
        return None
    new = talk.copy()
    i = author.random.randrange(len(talk.tools) - 1)
    new.tools[i], new.tools[i + 1] = new.tools[i + 1], new.tools[i]
    return new, lambda was, now: Expected("tools", "tools", 0, "tools-reordered")


def tool_renamed(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    new.tools[i].name = "renamed_" + talk.tools[i].name
    return new, lambda was, now: Expected("tools", now.tools[i], 0, "tool-renamed")


def tool_keys_reordered(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    properties = talk.tools[i].properties
    new.tools[i].properties = dict(reversed(list(properties.items())))
    path = f"{SCHEMA_KEY[shape]}.properties"
    return new, lambda was, now: Expected("tools", was.tools[i] + path, None, "tool-keys-reordered")


def tool_list_reordered(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.tools))
    new.tools[i].required.reverse()
    path = f"{SCHEMA_KEY[shape]}.required"
    return new, lambda was, now: Expected("tools", was.tools[i] + path, None, "tool-list-reordered")


def system_word(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.system))
    new.system[i], offset = _text_place(author.random, talk.system[i])
    return new, lambda was, now: Expected(
        "system", f"{was.system[i]}.text", offset, "system-edited"
    )


def system_clock(author: Author, talk: Talk, shape: str) -> Made:
    i = author.random.randrange(len(talk.system))
    old, new = talk, talk.copy()
    head = f"{author.text(3)} Current time: "
    old.system[i] = f"{head}2026-11-23T10:15:04Z. {talk.system[i]}"
    new.system[i] = old.system[i].replace("10:15:04", "10:17:31")
    offset = len(head) + len("2026-11-23T10:1")
    return new, lambda was, now: Expected("system", f"{was.system[i]}.text", offset, "clock")


def system_whitespace(author: Author, talk: Talk, shape: str) -> Made:
    new, i = talk.copy(), author.random.randrange(len(talk.system))
    old = talk.system[i]
    at = old.index(" ")
    new.system[i] = f"{old[:at]} {old[at:]}"
    return new, lambda was, now: Expected("system", f"{was.system[i]}.text", None, None)


def message_word(author: Author, talk: Talk, shape: str) -> Made:
    places = _places(talk, "text")
    new, (t, p) = talk.copy(), author.random.choice(places)
    new.turns[t].parts[p].text, offset = _text_place(author.random, talk.turns[t].parts[p].text)
    return new, lambda was, now: Expected(
        "messages", f"{was.parts[t, p]}.text", offset, "message-edited"
    )


def message_removed(author: Author, talk: Talk, shape: str) -> Made:
    """An answer without tool calls and the question that follows it are dropped."""
    plain = [
        t
        for t in range(1, len(talk.turns) - 2)
        if talk.turns[t].role == "assistant" and {p.kind for p in talk.turns[t].parts} == {"text"}
    ]
    if not plain:
        return None
    new, t = talk.copy(), author.random.choice(plain)
    del new.turns[t : t + 2]
    return new, lambda was, now: Expected("messages", was.parts[t, 0], 0, None)


def message_inserted(author: Author, talk: Talk, shape: str) -> Made:
    new, t = talk.copy(), author.random.randrange(1, len(talk.turns))
    if talk.turns[t].role != "assistant":
        return None
    said = Turn("assistant", [Part("text", author.text(6))])
    new.turns[t:t] = [said, Turn("user", [Part("text", author.text(6))])]
    return new, lambda was, now: Expected("messages", now.parts[t, 0], 0, None)


def results_swapped(author: Author, talk: Talk, shape: str) -> Made:
    many = [
        t for t, turn in enumerate(talk.turns) if [p.kind for p in turn.parts[:2]] == ["result"] * 2
    ]
    if not many:
        return None
    new, t = talk.copy(), author.random.choice(many)
    parts = new.turns[t].parts
    parts[0], parts[1] = parts[1], parts[0]
    return new, lambda was, now: Expected(
        "messages", was.parts[t, 0], None, "tool-results-reordered", exactly=False
    )


def input_keys_reordered(author: Author, talk: Talk, shape: str) -> Made:
    uses = [(t, p) for t, p in _places(talk, "use") if len(talk.turns[t].parts[p].input) > 1]
    if not uses:
        return None
    new, (t, p) = talk.copy(), author.random.choice(uses)
    old = talk.turns[t].parts[p].input
    new.turns[t].parts[p].input = dict(reversed(list(old.items())))
    return new, lambda was, now: Expected(
        "messages", was.parts[t, p], None, "input-keys-reordered", exactly=False
    )


def result_cleared(author: Author, talk: Talk, shape: str) -> Made:
    results = _places(talk, "result")
    if not results:
        return None
    new, (t, p) = talk.copy(), author.random.choice(results)
    new.turns[t].parts[p].text = "[Old tool result content cleared]"
    return new, lambda was, now: Expected(
        "messages", was.parts[t, p], None, "tool-results-cleared", exactly=False
    )


def model(author: Author, talk: Talk, shape: str) -> Made:
    new = talk.copy()
    new.model = "n"
    return new, lambda was, now: Expected("settings", "settings.model", None, "model-changed")


def tool_choice(author: Author, talk: Talk, shape: str) -> Made:
    if shape != "anthropic":
        return None
    new = talk.copy()
    new.choice = "any"
    return new, lambda was, now: Expected(
        "settings", "settings.tool_choice", None, "tool-choice-changed"
    )


def _places(talk: Talk, kind: str) -> list[tuple[int, int]]:
    return [
        (t, p)
        for t, turn in enumerate(talk.turns)
        for p, part in enumerate(turn.parts)
        if part.kind == kind
    ]


EDITS: tuple[Edit, ...] = (
    tool_description,
    tool_parameter_text,
    tool_retyped,
    tool_appended,
    tool_inserted,
    tool_dropped,
    tools_swapped,
    tool_renamed,
    tool_keys_reordered,
    tool_list_reordered,
    system_word,
    system_clock,
    system_whitespace,
    message_word,
    message_removed,
    message_inserted,
    results_swapped,
    input_keys_reordered,
    result_cleared,
    model,
    tool_choice,
)


def markers_moved(author: Author, talk: Talk) -> Talk:
    """The same talk with a cache marker on another message."""
    new = talk.copy()
    new.marked = (author.random.randrange(len(talk.turns)),)
    return new


def written_otherwise(author: Author, talk: Talk) -> Talk:
    """The same talk with strings sent as blocks, or the other way round."""
    new = talk.copy()
    new.as_strings = not talk.as_strings
    return new
