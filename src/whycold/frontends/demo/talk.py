"""A conversation of the demo as its client holds it, and the formats that it can be sent in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from whycold.core.content import Json, JsonMap
from whycold.frontends.demo.caches import Sent
from whycold.frontends.demo.pieces import Message, Piece, Spent

__all__ = ["Answer", "Format", "Recorder", "Talk", "Times", "ToolText", "Use", "Who"]


@dataclass(frozen=True, slots=True)
class Use:
    """A tool that the model calls."""

    id: str
    name: str
    given: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says, and which tools it calls."""

    text: str
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolText:
    """A tool as its author wrote it; ``schema`` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Who:
    """Where a call comes from and goes to. ``client`` is the program with its version."""

    project: str
    agent: str | None
    client: str
    upstream: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """When a request was sent and when its answer began; ``number`` tells two of one time apart."""

    sent: datetime
    began: datetime
    number: int


class Format(Protocol):
    """A wire format: how a client writes requests, and a provider its answers."""

    target: str

    def tool(self, tool: ToolText) -> Piece:
        """A tool's definition."""
        ...

    def system(self, text: str) -> Piece:
        """A block of the system prompt."""
        ...

    def asked(self, *texts: str) -> Message:
        """What a person says."""
        ...

    def said(self, answer: Answer) -> Message:
        """The model's answer, as it is sent back."""
        ...

    def results(self, results: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
        """What tools gave, by the ids of their calls."""
        ...

    def request(self, talk: Talk) -> bytes:
        """The body of a request."""
        ...

    def seen(self, talk: Talk, at: datetime, began: datetime) -> Sent:
        """The same as the cache sees it, sent and answered at these times."""
        ...

    def response(self, talk: Talk, spent: Spent, id: str) -> tuple[str, bytes]:
        """The type and the body of the response."""
        ...


class Recorder(Protocol):
    """Writes down what the client of a conversation knows of its calls, in ``records``."""

    records: list[JsonMap]

    def take(self, talk: Talk, times: Times, spent: Spent, id: str, request_id: str) -> None:
        """A request that is answered: its times, its tokens, the ids of the answer."""
        ...


@dataclass(slots=True)
class Talk:
    """One conversation.

    ``answer`` is what the model says to the next request, and ``begins`` after how many seconds.
    ``settings`` stand beside the prompt. ``marks`` are the lifetimes asked for behind the system
    prompt and behind the last message, "" for no marker. With ``compares`` the provider is asked
    for its own diagnosis, and ``verdict`` is what it says. ``last`` is the id of the last response,
    ``tokens`` what the last request held. ``lost``: the provider forgets what it keeps of the
    conversation before the next one; ``refused``: it is overloaded and refuses that one.
    ``transcript`` is who writes it down instead of a proxy.
    """

    who: Who
    session: str
    format: Format
    model: str
    tools: list[Piece] = field(default_factory=list[Piece])
    system: list[Piece] = field(default_factory=list[Piece])
    messages: list[Message] = field(default_factory=list[Message])
    settings: dict[str, Json] = field(default_factory=dict[str, Json])
    marks: tuple[str, str] = ("", "")
    answer: Answer = Answer("")
    begins: float = 2.0
    compares: bool = False
    verdict: Json = None
    last: str | None = None
    tokens: int = 0
    lost: bool = False
    refused: bool = False
    transcript: Recorder | None = None

    @property
    def reply(self) -> Message:
        """The next answer as a message."""
        return self.format.said(self.answer)

    def asked(self, *texts: str) -> None:
        """Add what a person says."""
        self.messages.append(self.format.asked(*texts))

    def results(self, *results: str) -> None:
        """Add what the tools of the last answer gave, in the order in which they were called."""
        ids = (use.id for use in self.answer.uses)
        self.messages += self.format.results([*zip(ids, results, strict=True)])
