"""How the model may answer: with which tools, in which form, with citations, with images."""

from __future__ import annotations

from whycold.causes.examples import TASK, agent, asks, chat, responses, said, tool, wrote
from whycold.causes.settings.names import SettingCause, changed
from whycold.core.cause import Case, Cause, Evidence, Example
from whycold.core.content import Json, JsonMap, as_map, as_text, encode, same_as_sent
from whycold.core.divergence import Divergence

__all__ = ["CAUSES"]

_NEXT = asks("Then run them again, please.")
_WAS, _LOST = wrote(31_400), wrote(31_900)
_KEPT = wrote(31_900, read=31_400)
_OPENING_KEPT = wrote(31_900, read=9_800)
_AGAIN = (asks(TASK), said("Where?"), asks("In CI."))


def _schema(*fields: str) -> JsonMap:
    return {
        "type": "json_schema",
        "schema": {"type": "object", "properties": {field: {} for field in fields}},
    }


def _document(*, cited: bool) -> JsonMap:
    source: JsonMap = {"type": "text", "media_type": "text/plain", "data": "Minutes of May."}
    citations: JsonMap = {"citations": {"enabled": True}} if cited else {}
    return {
        "role": "user",
        "content": [{"type": "document", "source": source, **citations}, "What was decided?"],
    }


_PICTURE: JsonMap = {
    "type": "image",
    "source": {"type": "url", "url": "https://example.com/screen.png"},
}


class ToolChoiceChanged(SettingCause):
    code = "tool-choice-changed"
    title = "Another tool choice"
    what = (
        "Which tools the model must, may or must not use was switched, or whether it may call "
        "several at once. On Anthropic this voids the messages; tools and system stay."
    )
    advice = (
        "Leave the tool choice as it is and say in the last message what is wanted. On OpenAI the "
        "values none and allowed_tools keep the prefix."
    )
    rows = (64,)
    examples = (
        Example(
            "a tool is forced for one request",
            before=agent(tool_choice={"type": "auto"}),
            after=agent(_NEXT, tool_choice={"type": "tool", "name": "Read"}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "only one call at a time",
            before=chat(),
            after=chat(*_AGAIN, parallel_tool_calls=False),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the choice that OpenAI keeps the prefix for",
            before=chat(),
            after=chat(*_AGAIN, tool_choice="none"),
            was=wrote(6_200),
            now=wrote(6_400, read=6_200),
            provider="openai",
        ),
        Example(
            "the tool was taken away instead",
            before=agent(tools=[tool("Read"), tool("Write")]),
            after=agent(_NEXT, tools=[tool("Read")]),
            was=_WAS,
            now=_LOST,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        if "parallel" in (d.setting or ""):
            return Evidence(changed(d.setting or "", d.old_value, d.new_value))
        return Evidence(changed("the tool choice", _choice(d.old_value), _choice(d.new_value)))


def _choice(chosen: Json) -> Json:
    """A tool choice in a word or two, where it is one of the common shapes."""
    whole = as_map(chosen)
    if whole is None:
        return chosen
    named = as_text(whole.get("name")) or as_text((as_map(whole.get("function")) or {}).get("name"))
    kind = as_text(whole.get("type")) or as_text(whole.get("mode"))
    return f"the tool {named}" if named else kind or chosen


class OutputFormatChanged(SettingCause):
    code = "output-format-changed"
    title = "Another output format or schema"
    what = (
        "The schema that the answer must follow is part of the prompt. A call with another one, or "
        "with none, does not share the prefix of the call before."
    )
    advice = (
        "Use one schema for a whole conversation; for a last answer in another form, add a tool or "
        "ask for the form in the last message. Build the schema with its keys in a fixed order."
    )
    examples = (
        Example(
            "a schema for the final answer",
            before=agent(),
            after=agent(_NEXT, output_config={"format": _schema("verdict")}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "one more field in the schema",
            before=responses(text={"format": {"name": "a", **_schema("verdict")}}),
            after=responses(*_AGAIN, text={"format": {"name": "a", **_schema("verdict", "why")}}),
            was=wrote(6_200),
            now=wrote(6_400),
            provider="openai",
        ),
    )
    near_misses = (
        Example(
            "the effort, which stands beside the format",
            before=agent(output_config={"effort": "low", "format": _schema("verdict")}),
            after=agent(_NEXT, output_config={"effort": "high", "format": _schema("verdict")}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "the default format, spelled out",
            before=responses(),
            after=responses(*_AGAIN, text={"format": {"type": "text"}}),
            was=wrote(6_200),
            now=wrote(6_400, read=6_200),
            provider="openai",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        was, now = _schema_in(d.old_value), _schema_in(d.new_value)
        if was is None and now is None:
            return Evidence(changed("the output format", d.old_value, d.new_value))
        if was is None or now is None:
            does = "has" if was is None else "no longer has"
            return Evidence(f"the output {does} to follow a schema")
        if same_as_sent(was, now):
            return Evidence("the output format changed around the same schema")
        if encode(was, sort_keys=True) == encode(now, sort_keys=True):
            return Evidence("the keys of the output schema came in another order")
        return Evidence("the output has to follow another schema")


def _schema_in(chosen: Json) -> Json:
    """The JSON schema in an output format, whichever API's; the schema itself is one, too."""
    whole = as_map(chosen)
    for name in ("schema", "json_schema", "structure", "jsonSchema"):
        if whole is not None and name in whole:
            return _schema_in(whole[name])
    return chosen if whole is not None and ("properties" in whole or "$ref" in whole) else None


class CitationsChanged(SettingCause):
    code = "citations-changed"
    title = "Citations switched on or off"
    what = (
        "Citations change the system prompt that the provider itself writes, so system and "
        "messages are lost when the first document asks for them, or the last one no longer does."
    )
    advice = "Decide once per conversation: ask for citations on every document, or on none."
    examples = (
        Example(
            "the first document with citations",
            before=agent(first=[{"type": "text", "text": TASK}]),
            after=agent(_document(cited=True), first=[{"type": "text", "text": TASK}]),
            was=_WAS,
            now=_LOST,
        ),
        Example(
            "the documents are sent again without them",
            before=agent(_document(cited=True), said("To wait."), asks("Why?")),
            after=agent(_document(cited=False), said("To wait."), asks("Why?"), said("."), _NEXT),
            was=_WAS,
            now=_LOST,
        ),
    )
    near_misses = (
        Example(
            "a document without citations",
            before=agent(),
            after=agent(_document(cited=False)),
            was=_WAS,
            now=_KEPT,
        ),
        Example(
            "a second document with citations",
            before=agent(_document(cited=True)),
            after=agent(_document(cited=True), said("To wait."), _document(cited=True)),
            was=_WAS,
            now=_KEPT,
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        return Evidence(f"citations were switched {'on' if d.new_value else 'off'}")


class ImagesChanged(SettingCause):
    code = "images-changed"
    title = "The first image, or no image any more"
    what = (
        "Whether there is an image anywhere in the request voids the cached messages on Anthropic: "
        "with the first one that comes, and when the last one is gone."
    )
    advice = (
        "Expect the messages to be read anew with the first image. Keep images in the history once "
        "they are there: taking the last one out costs the same again."
    )
    examples = (
        Example(
            "the first screenshot of the conversation",
            before=agent(),
            after=agent({"role": "user", "content": [_PICTURE, "What is wrong here?"]}),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
        Example(
            "the first picture in a tool's result",
            before=agent(said("I take a screenshot."), asks("Do.")),
            after=agent(
                said("I take a screenshot."),
                asks("Do."),
                said({"type": "tool_use", "id": "toolu_02", "name": "Read", "input": {}}),
                asks({"type": "tool_result", "tool_use_id": "toolu_02", "content": [_PICTURE]}),
            ),
            was=_WAS,
            now=_OPENING_KEPT,
        ),
    )
    near_misses = (
        Example(
            "a second image",
            before=agent({"role": "user", "content": [_PICTURE, "What is wrong here?"]}),
            after=agent(
                {"role": "user", "content": [_PICTURE, "What is wrong here?"]},
                said("The button."),
                {"role": "user", "content": [_PICTURE, "And now?"]},
            ),
            was=_WAS,
            now=_KEPT,
        ),
        Example(
            "an image for OpenAI, which has no such rule",
            before=chat(),
            after=chat(
                *_AGAIN,
                said("Show me."),
                asks({"type": "image_url", "image_url": {"url": "https://example.com/s.png"}}),
            ),
            was=wrote(6_200),
            now=wrote(7_400, read=6_200),
            provider="openai",
        ),
    )

    def tell(self, case: Case, d: Divergence) -> Evidence:
        if d.new_value:
            return Evidence("the first image came into the conversation")
        return Evidence("the last image left the conversation")


CAUSES: tuple[Cause, ...] = (
    ToolChoiceChanged(),
    OutputFormatChanged(),
    CitationsChanged(),
    ImagesChanged(),
)
