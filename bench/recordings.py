"""Calls that other people recorded, as calls of the engine, with what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from whycold.core.call import Call
from whycold.core.content import JsonMap, digest
from whycold.errors import UserError
from whycold.providers.registry import DIALECTS, guess, read_call

__all__ = ["Recording", "Source", "provider_at", "with_model"]


@dataclass(frozen=True)
class Recording:
    """One exchange with a model's API.

    ``id`` names it wherever it is kept: the same exchange in two files has one id. ``at`` is when
    the request was sent, ``began`` when its answer came, both UTC. ``account`` names whose cache it
    is; ``headers`` are the request's, names in lower case.
    """

    id: str
    file: str
    request: JsonMap
    response: JsonMap | bytes
    at: datetime
    began: datetime | None = None
    provider: str | None = None
    account: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Source:
    """A folder of recordings: each exchange once, and beside it the call that was read from it.

    ``unread`` counts requests to a model's API that could not be read, ``others`` HTTP requests to
    something else, ``repeated`` exchanges that stand in one more file. ``notes`` are one line each.
    """

    name: str
    recordings: list[Recording] = field(default_factory=list[Recording])
    calls: list[Call] = field(default_factory=list[Call])
    unread: int = 0
    others: int = 0
    repeated: int = 0
    notes: list[str] = field(default_factory=list[str])

    def add(self, found: Recording) -> None:
        """Take a recording and read it; one that cannot be read is counted and noted."""
        if any(known.id == found.id for known in self.recordings):
            self.repeated += 1
            return
        try:
            call = _call(found)
        except UserError as error:
            self.unread += 1
            self.notes.append(f"{found.file}: {error}")
            return
        self.recordings.append(found)
        self.calls.append(call)


def _call(found: Recording) -> Call:
    account = digest(found.account.encode()).hex() if found.account else None
    return read_call(
        found.request,
        found.response,
        id=found.id,
        at=found.at,
        provider=found.provider,
        headers=found.headers,
        began=found.began,
        origin={"account": account} if account else {},
    )


def provider_at(url: str, request: JsonMap) -> str | None:
    """The provider by the address that the request was sent to; None where its shape must tell."""
    host = urlsplit(url).hostname or ""
    for name, dialect in DIALECTS.items():
        if any(host == known or host.endswith(f".{known}") for known in dialect.hosts):
            try:
                guess(request, name)
            except UserError:
                continue
            return name
    return None


def with_model(url: str, request: JsonMap) -> JsonMap:
    """The request with the model where only its address names it: ``…/models/NAME:generateContent``
    (Gemini), ``…/model/NAME/invoke`` and ``…/model/NAME/converse`` (Bedrock).
    """
    steps = urlsplit(url).path.split("/")
    for step, name in pairwise(steps):
        if step in ("model", "models") and name:
            key = "modelId" if steps[-1].startswith("converse") else "model"
            # a colon ends the name on Gemini; on Bedrock it is a part of it, sent as %3A
            return {key: unquote(name.partition(":")[0]), **request}
    return request
