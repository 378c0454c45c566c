"""Every exchange in corpus/ is read as its expected.json says, however its stream is cut.

A case is a folder ``corpus/<name>/<case>/``, where ``name`` is a key of ``PROVIDERS`` below. It
holds ``request.json``, perhaps ``headers.json`` (the request's, names in lower case), and at most
one of ``response.json``, ``stream.sse``, ``stream.bin``. This writes expected.json, to be reviewed:

    .venv/bin/python tests/providers/test_corpus.py NAME/CASE ...
"""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from whycold.core.call import Reply
from whycold.core.content import Json
from whycold.core.prompt import Block, Links, Prompt
from whycold.providers.anthropic import ANTHROPIC_MESSAGES
from whycold.providers.anthropic_rules import ANTHROPIC, BEDROCK_ANTHROPIC
from whycold.providers.base import Dialect, Wire
from whycold.providers.bedrock import BEDROCK_CONVERSE
from whycold.providers.bedrock_rules import BEDROCK
from whycold.providers.body import decode_map
from whycold.providers.compatible import DIALECTS as COMPATIBLE
from whycold.providers.engines import DIALECTS as ENGINES
from whycold.providers.gemini import GEMINI_GENERATE
from whycold.providers.gemini_rules import GEMINI, VERTEX
from whycold.providers.openai_chat import OPENAI_CHAT
from whycold.providers.openai_responses import OPENAI_RESPONSES
from whycold.providers.openai_rules import AZURE_OPENAI, OPENAI

CORPUS = Path(__file__).parent / "corpus"

PROVIDERS: dict[str, tuple[Wire, Dialect]] = {
    "anthropic": (ANTHROPIC_MESSAGES, ANTHROPIC),
    "bedrock": (BEDROCK_CONVERSE, BEDROCK),
    "bedrock-anthropic": (ANTHROPIC_MESSAGES, BEDROCK_ANTHROPIC),
    "gemini": (GEMINI_GENERATE, GEMINI),
    "vertex": (GEMINI_GENERATE, VERTEX),
    "openai": (OPENAI_CHAT, OPENAI),
    "openai-responses": (OPENAI_RESPONSES, OPENAI),
    "azure": (OPENAI_CHAT, AZURE_OPENAI),
    "llama.cpp-responses": (OPENAI_RESPONSES, ENGINES[0]),
    **{dialect.name: (OPENAI_CHAT, dialect) for dialect in (*COMPATIBLE, *ENGINES)},
}

CASES = sorted(path.parent for path in CORPUS.glob("*/*/request.json"))
STREAMED = [case for case in CASES if any(case.glob("stream.*"))]
ANSWERED = [case for case in CASES if (case / "response.json").exists()]


def name_of(case: Path) -> str:
    return case.relative_to(CORPUS).as_posix()


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_request_is_read_as_expected(case: Path):
    assert request_of(case) == expected_of(case)["request"]


@pytest.mark.parametrize("case", ANSWERED, ids=name_of)
def test_a_response_is_read_as_expected(case: Path):
    assert response_of(case) == expected_of(case)["reply"]


@pytest.mark.parametrize("size", [1, 7, sys.maxsize], ids=["1 byte", "7 bytes", "whole"])
@pytest.mark.parametrize("case", STREAMED, ids=name_of)
def test_a_stream_is_read_as_expected_in_chunks_of(case: Path, size: int):
    assert stream_of(case, size) == expected_of(case)["reply"]


@pytest.mark.parametrize("case", STREAMED, ids=name_of)
def test_a_stream_that_is_cut_anywhere_is_no_error_and_not_complete(case: Path):
    length = len(stream_bytes(case))
    complete = [stream_of(case, until=end)["complete"] for end in range(0, length // 2, 11)]
    assert not any(complete)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_shape_of_a_request_tells_its_wire_format(case: Path):
    body = decode_map((case / "request.json").read_bytes())
    grades = {wire.name: wire.looks_like(body) for wire, _ in PROVIDERS.values()}
    assert best(grades) == [PROVIDERS[case.parent.name][0].name]


@pytest.mark.parametrize("case", ANSWERED, ids=name_of)
def test_the_shape_of_a_response_tells_its_wire_format(case: Path):
    body = decode_map((case / "response.json").read_bytes())
    grades = {wire.name: wire.answers(body) for wire, _ in PROVIDERS.values()}
    if "error" not in body:  # many servers share one shape of error
        assert best(grades) == [PROVIDERS[case.parent.name][0].name]


def test_every_folder_of_the_corpus_has_its_provider():
    assert {case.parent.name for case in CASES} <= set(PROVIDERS)


def best(grades: dict[str, int]) -> list[str]:
    highest = max(grades.values())
    return [name for name, grade in grades.items() if grade == highest and grade > 0]


def expected_of(case: Path) -> dict[str, Any]:
    return json.loads((case / "expected.json").read_text("utf-8"))


def request_of(case: Path) -> dict[str, Any]:
    wire, dialect = PROVIDERS[case.parent.name]
    body = decode_map((case / "request.json").read_bytes())
    headers = case / "headers.json"
    sent = json.loads(headers.read_text("utf-8")) if headers.exists() else {}
    return {"model": wire.model(body)} | prompt_shown(wire.read_request(body, dialect, sent))


def response_of(case: Path) -> dict[str, Any]:
    wire, dialect = PROVIDERS[case.parent.name]
    return reply_shown(wire.read_reply(decode_map((case / "response.json").read_bytes()), dialect))


def stream_bytes(case: Path) -> bytes:
    return next(case.glob("stream.*")).read_bytes()


def stream_of(case: Path, size: int = sys.maxsize, until: int | None = None) -> dict[str, Any]:
    wire, dialect = PROVIDERS[case.parent.name]
    data = stream_bytes(case)[:until]
    reader = wire.stream(dialect)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reply_shown(reader.finish())


def prompt_shown(prompt: Prompt) -> dict[str, Any]:
    return {
        "blocks": [block_shown(block) for block in prompt.blocks],
        "settings": {setting.name: setting.value for setting in prompt.settings},
        "links": set_fields(prompt.links, Links()),
        "unseen": sorted(prompt.unseen),
        "inherits": sorted(prompt.inherits),
        "opaque": prompt.opaque,
        "stripped": prompt.stripped,
        "asks": prompt.asks,
    }


def block_shown(block: Block) -> dict[str, Any]:
    plain = Block(block.section, block.path, block.kind, block.value)
    shown = set_fields(block, plain)
    if block.breakpoint is not None:
        mark = block.breakpoint
        shown["breakpoint"] = f"{'automatic ' * mark.automatic}{mark.ttl or 'default'}"
    return {
        "path": block.path,
        "section": block.section.value,
        "kind": block.kind.value,
        "value": short(block.value),
    } | shown


def reply_shown(reply: Reply) -> dict[str, Any]:
    shown = set_fields(reply, Reply(complete=not reply.complete))
    shown["usage"] = set_fields(reply.usage, type(reply.usage)())
    shown["blocks"] = [block_shown(block) for block in reply.blocks]
    if reply.alterations:
        shown["alterations"] = [[told.kind, told.path, told.reason] for told in reply.alterations]
    for name in ("verdict", "error"):
        part = getattr(reply, name)
        shown[name] = part and {field.name: getattr(part, field.name) for field in fields(part)}
    return shown


def set_fields(value: Any, default: Any) -> dict[str, Any]:
    names = (field.name for field in fields(value))
    return {n: getattr(value, n) for n in names if getattr(value, n) != getattr(default, n)}


def short(value: Json) -> Json:
    """The value with long strings cut, so that expected.json stays fit for review."""
    match value:
        case str() if len(value) > 120:
            return f"{value[:60]}… ({len(value)} characters)"
        case dict():
            return {key: short(child) for key, child in value.items()}
        case list() | tuple():
            return [short(child) for child in value]
        case _:
            return value


def write(case: Path) -> None:
    expected: dict[str, Any] = {"request": request_of(case)}
    if case in ANSWERED:
        expected["reply"] = response_of(case)
    elif case in STREAMED:
        expected["reply"] = stream_of(case)
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (case / "expected.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    for named in sys.argv[1:]:
        write(CORPUS / named)
