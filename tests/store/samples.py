# pyright: reportArgumentType=false, reportCallIssue=false
# Fields are filled from parametrised dicts, whose values have many types.
"""Calls with diagnoses to keep: made by hand, or by the engine from random conversations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests import edits
from tests.conversations import RENDER, Author
from whycold.core.call import Alteration, Call, ProviderError, ProviderVerdict, Reply, Said, Usage
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Grade, Reason, Verdict
from whycold.core.prompt import Block, Breakpoint, Kind, Links, Prompt, Section, Setting
from whycold.core.wording import summary
from whycold.diagnose import Engine
from whycold.providers.registry import read_call, rules_for
from whycold.store.records import Record

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def text(value: str, at: int, role: str = "user") -> Block:
    path = f"messages[{at}].content[0]"
    return Block(Section.messages, path, Kind.text, value, role=role, message=at, opens=True)


def talk(*texts: str) -> Prompt:
    """A prompt of a system text and one message per text."""
    system = Block(Section.system, "system[0]", Kind.text, "You are a test.")
    roles = ("user", "assistant")
    said = (text(each, i, roles[i % 2]) for i, each in enumerate(texts))
    return Prompt((system, *said))


def record(number: int = 0, **given: Any) -> Record:
    """A call of its own number and minute, a hit unless a verdict is given.

    Fields of Call, Usage, Diagnosis and Record go where they belong.
    """
    id = given.pop("id", f"call-{number}")
    usage = Usage(**{"input": 1000, "cache_read": 900, "output": 10} | taken(given, Usage))
    own = {"at": START + timedelta(minutes=number), "prompt": talk(f"question {number}")}
    own |= {"provider": "anthropic", "api": "anthropic.messages", "model": "claude-sonnet-5"}
    message = given.pop("message_id", f"msg_{id}")
    reply = given.pop("reply", Reply(message, "claude-sonnet-5", usage=usage, stop="end_turn"))
    call = Call(id=id, reply=reply, **own | taken(given, Call))
    kept = taken(given, Record)
    told = Diagnosis(
        call=call.id,
        at=call.at,
        api=call.api,
        provider=call.provider,
        model=call.model,
        summary="",
        usage=call.usage,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
        **{"verdict": Verdict.hit} | given,
    )
    return Record(call, replace(told, summary=summary(told)), **kept)


def taken(given: dict[str, Any], kind: type) -> dict[str, Any]:
    names = [name for name in given if name in kind.__dataclass_fields__]
    return {name: given.pop(name) for name in names}


def miss(number: int = 0, culprit: str = "c1", **given: Any) -> Record:
    """A call that missed 800 tokens by an edited tool."""
    found = Found(Section.tools, "tools[Bash].description", 4, "a", "b", "tool-edited", False, "")
    lost = {
        "verdict": Verdict.miss,
        "reason": Reason.tools_changed,
        "cause": "tool-edited",
        "title": f"the tool Bash changed for the {number}th time",
        "advice": "Keep it as it was.",
        "missed_tokens": 800,
        "missed_cost_usd": Decimal("0.00276"),
        "cache_read": 0,
        "divergences": (found,),
        "fingerprint": culprit,
    }
    return record(number, **lost | given)


def everything() -> Record:
    """A record in which no field has its default."""
    value = {"type": "x", "items": [1, 2.5, None, True, "ü\ud800"]}
    tool = Block(Section.tools, "tools[Bash]", Kind.tool, value, name="Bash", message=-1)
    image = Block(
        Section.messages,
        "messages[7].tool_calls[2]",
        Kind.image,
        value,
        role="critic",
        name="photo",
        message=7,
        opens=True,
        breakpoint=Breakpoint("1h", automatic=True),
        tokens=77,
    )
    prompt = Prompt(
        (tool, image),
        settings=(Setting("tool_choice", {"type": "auto"}),),
        links=Links(
            "resp_1",
            "msg_0",
            True,
            "key",
            "conversation",
            "msg_9",
            begins=True,
            undated=True,
            apart="tape.yaml",
        ),
        unseen=frozenset({Section.system}),
        inherits=frozenset({Section.tools}),
        opaque=2,
        stripped=1,
        asks=True,
    )
    usage = Usage(9000, 5000, 3000, 1000, 1500, 300, 200, 1000, 400, "priority", "fast", "us", True)
    reply = Reply(
        message_id="msg_01XFDUDYJgAACzvnptvVoYEL",
        model="model-20261001",
        host="Host B",
        usage=usage,
        verdict=ProviderVerdict(Said.changed, "tools_changed", 55),
        blocks=(text("Done.", 0, "assistant"),),
        stop="tool_use",
        error=ProviderError(529, "overloaded_error", "Overloaded, said «x»"),
        complete=False,
        alterations=(Alteration("thinking_dropped", "messages[3].content[0]", "a_mismatch"),),
    )
    call = Call(
        id="0b9c4a52-7a3e-4b5e-9d55-111111111111",
        at=START + timedelta(microseconds=123_456),
        provider="openrouter",
        api="openai.chat",
        model="model",
        prompt=prompt,
        reply=reply,
        began=START + timedelta(seconds=2),
        request_id="req_011CSHoEeqs5C35K2UUqR7Fy",
        project="shop",
        session="s1",
        agent="explore",
        release="2.1.0",
        account="f00d",
        host="openrouter.ai",
    )
    return Record(call, told_of(call), status=529, source="proxy", also=("other-id", "third"))


def told_of(call: Call) -> Diagnosis:
    found = Found(Section.tools, "tools[Bash]", 3, "a\ud800", "b", "tool-edited", True, "it", 9)
    counts = [
        BlockCount(Section.tools, "tools[Bash]", "Bash", None, 4000, True, None),
        BlockCount(
            Section.messages, "messages[7].tool_calls[2]", "photo", "critic", 5000, False, "1h"
        ),
    ]
    return Diagnosis(
        call=call.id,
        at=call.at,
        api=call.api,
        provider=call.provider,
        model=call.model,
        verdict=Verdict.partial,
        summary="A sentence of its own.",
        usage=call.usage,
        reason=Reason.tools_changed,
        cause="tool-edited",
        grade=Grade.confirmed,
        title="the description of Bash changed",
        advice="Leave it be.",
        expected=True,
        message_id=call.reply.message_id,
        request_id=call.request_id,
        project=call.project,
        session=call.session,
        agent=call.agent,
        release=call.release,
        predecessor="never-recorded",
        predecessor_message_id="msg_before",
        divergences=(found,),
        missed_tokens=800,
        missed_cost_usd=Decimal("0.0012345678901234"),
        at_stake_tokens=3,
        reusable_tokens=5800,
        broke_at=5000,
        gap=timedelta(seconds=61, microseconds=1),
        provider_reason="tools_changed",
        blocks=tuple(counts),
        ruled_out=("the clock",),
        opaque=2,
        fingerprint="0123456789abcdef",
        engine=7,
    )


def chains(count: int, length: int) -> list[Record]:
    """Conversations that grow by a text per call; every third call is a miss."""
    out: list[Record] = []
    for number in range(count):
        turn = number % length
        prompt = talk(*(f"said {number - turn + k} " * 30 for k in range(turn + 1)))
        make = miss if number % 3 == 0 else record
        before = f"call-{number - 1}" if turn else None
        session = f"s{number // length}"
        out.append(make(number, prompt=prompt, predecessor=before, session=session))
    return out


def conversation(seed: int, shape: str = "anthropic", turns: int = 6) -> list[Record]:
    """A conversation that grows, is edited now and then, and is diagnosed by the engine."""
    author, chance = Author(seed), random.Random(seed)
    now, engine, before = author.talk(), Engine(rules_for), 0
    out: list[Record] = []
    for turn in range(turns):
        if chance.random() < 0.3:
            made = chance.choice(edits.EDITS)(author, now, shape)
            now = made[0] if made is not None else now
        body = RENDER[shape](now)
        if shape == "anthropic" and isinstance(body.body["system"], list):
            body.body["system"][-1]["cache_control"] = {"type": "ephemeral"}
        total = 4000 + 100 * turn
        read = 0 if chance.random() < 0.2 else before
        call = read_call(
            body.body,
            {"id": f"msg_{seed}_{turn}", "content": [{"type": "text", "text": f"Yes, {turn}."}]},
            id=f"{seed:08x}{turn:024x}",
            at=START + timedelta(seconds=1000 * seed + 20 * turn),
            provider=body.provider,
            origin={"session": f"s{seed}", "project": f"p{seed % 3}"},
        )
        usage = Usage(total, read, total - read, total - read, 0, uncached=0, output=7)
        call = replace(call, reply=replace(call.reply, usage=usage))
        out.append(Record(call, engine.take(call)))
        before = total
        author.step(now.turns, now.tools)
    return out


def plain(records: Sequence[Record]) -> list[tuple[Call, Diagnosis]]:
    """What of records can be compared: a marker block's own object does not count."""
    return [(each.call, each.told) for each in records]
