"""Two weeks of recorded traffic, made up: agents against a simulated cache, with known faults.

The same every time: two projects, two models, five causes, a release that brings one of them, and
calls of a provider that reports no reads.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.simulated_cache import SimulatedCache
from whycold.core.call import Call
from whycold.core.cost import Rates
from whycold.diagnose import PriceList, diagnose
from whycold.providers.registry import read_call, rules_for
from whycold.store.base import Store
from whycold.store.opening import open_store
from whycold.store.records import Capture, Record

END = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""When the last of it was recorded, and the time that the tests ask at."""
START = END - timedelta(days=14)
_TEXT = (
    "alder basin cedar delta ember fjord grove heath islet joist kelp larch marsh nacre orchid "
    "pebble quartz ridge slate thorn umber vale willow yarrow birch cliff dune fern gully heron"
)
WORDS = _TEXT.split()
PRICES = {
    "claude-opus-5": Rates(
        input=Decimal("0.000005"),
        cache_read=Decimal("0.0000005"),
        cache_write=Decimal("0.00000625"),
        cache_write_5m=Decimal("0.00000625"),
        cache_write_1h=Decimal("0.00001"),
        output=Decimal("0.000025"),
    ),
    "claude-sonnet-5": Rates(
        input=Decimal("0.000003"),
        cache_read=Decimal("0.0000003"),
        cache_write=Decimal("0.00000375"),
        cache_write_5m=Decimal("0.00000375"),
        cache_write_1h=Decimal("0.000006"),
        output=Decimal("0.000015"),
    ),
}
TOOLS = ("read_file", "search_docs", "run_tests", "edit_file")


def text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(words))


@dataclass
class Agent:
    """One conversation: ``send`` puts a request through the cache and keeps the call."""

    calls: list[Call]
    cache: SimulatedCache
    chance: random.Random
    now: datetime
    model: str
    origin: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    def open(self) -> None:
        # what a project's agents share is the same for all its conversations
        shared = random.Random(self.origin["project"])
        tools = [
            {
                "name": name,
                "description": f"{name}: Search the docs. {text(shared, 220)}",
                "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
            }
            for name in TOOLS
        ]
        date = f"Today is {self.now:%Y-%m-%d}."
        self.body = {
            "model": self.model,
            "max_tokens": 1000,
            "tools": tools,
            "system": [
                {"type": "text", "text": f"You help with the code. {text(shared, 700)}"},
                {"type": "text", "text": f"{date} {text(shared, 90)}"},
            ],
            "messages": [{"role": "user", "content": [part(self.chance, 40)]}],
        }

    def send(self, after: float = 40) -> None:
        self.now += timedelta(seconds=after)
        began = self.now + timedelta(seconds=2)
        body = copy.deepcopy(self.body)
        body["system"][-1]["cache_control"] = {"type": "ephemeral"}
        body["messages"][-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        usage = self.cache.usage(body, self.now, began, "account")
        number = int(self.now.timestamp() * 1000) << 22 | len(self.calls)
        answer = {"type": "message", "role": "assistant", "content": [part(self.chance, 30)]}
        self.calls.append(
            read_call(
                body,
                {**answer, "id": f"msg_{len(self.calls):05}", "usage": usage},
                id=format(number, "016x"),
                at=self.now,
                provider="anthropic",
                began=began,
                origin=self.origin | {"account": "account", "host": "anthropic"},
            )
        )
        self.body["messages"] += [
            {"role": "assistant", "content": answer["content"]},
            {"role": "user", "content": [part(self.chance, 120)]},
        ]


def part(chance: random.Random, words: int) -> dict[str, Any]:
    return {"type": "text", "text": text(chance, words)}


def tool_reworded(agent: Agent) -> None:
    tool = agent.body["tools"][1]
    tool["description"] = tool["description"].replace("the docs", "the handbook and docs")


def next_day(agent: Agent) -> None:
    block = agent.body["system"][1]
    day = f"{agent.now + timedelta(days=1):%Y-%m-%d}"
    block["text"] = f"Today is {day}.{block['text'][20:]}"


def message_lost(agent: Agent) -> None:
    del agent.body["messages"][1:3]


def other_model(agent: Agent) -> None:
    agent.model = agent.body["model"] = "claude-sonnet-5"


FAULTS = (next_day, tool_reworded, message_lost, other_model)


def conversations() -> Iterator[list[Call]]:
    """The calls of every conversation, each in the order in which they were sent."""
    cache, calls = SimulatedCache(), list[Call]()
    for day in range(14):
        for turn, project in enumerate(("shop", "shop", "desk")):
            chance = random.Random(f"{day}.{turn}")
            now = START + timedelta(days=day, hours=3 * turn, minutes=chance.randrange(60))
            release = "agent 4.12" if now >= END - timedelta(days=4) else "agent 4.11"
            model = "claude-opus-5" if project == "shop" else "claude-sonnet-5"
            origin = {
                "project": project,
                "session": f"{project}-{day:02}-{turn}",
                "agent": "main",
                "release": release,
            }
            agent = Agent(calls, cache, chance, now, model, origin)
            agent.open()
            for step in range(6 + day // 3):
                agent.send(20 * 60 if chance.random() < 0.08 else 40)
                if step == 3 and release == "agent 4.12" and project == "shop":
                    tool_reworded(agent)
                elif chance.random() < 0.12 + day / 100:
                    chance.choice(FAULTS[:1] + FAULTS[2:])(agent)
    yield calls
    yield list(unreported())


def unreported() -> Iterator[Call]:
    """A local server's calls, which say how long the prompt was and nothing of the cache."""
    chance = random.Random("local")
    messages = [{"role": "user", "content": text(chance, 600)}]
    for number in range(9):
        at = END - timedelta(days=2) + timedelta(minutes=number)
        body = {"model": "qwen3-coder", "messages": messages}
        answer = {"id": f"chatcmpl-{number}", "choices": [], "usage": {"prompt_tokens": 900}}
        yield read_call(
            body,
            answer,
            id=format((int(at.timestamp() * 1000) << 22) + number, "016x"),
            at=at,
            provider="openai",
            origin={"project": "desk", "session": "local", "host": "local"},
        )
        messages = [*messages, {"role": "assistant", "content": "Yes."}, dict(messages[0])]


def listed(call: Call) -> Rates | None:
    return PRICES.get(call.model or "")


def recorded(
    folder: Path, capture: Capture = Capture.full, price: PriceList | None = listed
) -> str:
    """Keep it all in a new store; its URL."""
    calls = [call for some in conversations() for call in some]
    by_id = {call.id: call for call in calls}
    told = diagnose(calls, rules_for, price)
    url = f"sqlite:///{folder / 'whycold.db'}"
    store: Store = open_store(url, write=True)
    store.write("made up", [Record(by_id[t.call], t, capture, 200, "proxy") for t in told])
    store.close()
    return url
