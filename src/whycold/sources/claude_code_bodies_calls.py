"""A request and a response that Claude Code wrote down, as a call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from whycold.core.call import Call, Reply
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text, digest
from whycold.core.prompt import Prompt, Section
from whycold.errors import UserError
from whycold.providers.anthropic_rules import NAME
from whycold.providers.base import Dialect
from whycold.providers.body import decode_map
from whycold.providers.registry import DIALECTS, WIRES, guess
from whycold.providers.turns import Prepared, Turns
from whycold.sources.claude_code_calls import project_of
from whycold.sources.files import FoundFile, Trouble
from whycold.sources.recorded_files import Told, read_whole

__all__ = ["BodyReader", "Origin", "session_of"]

_STARTS = {"msg_bdrk_": "bedrock-anthropic", "msg_vrtx_": "vertex-anthropic"}
"""Beginnings of message ids by who answered."""
_BILLING = "x-anthropic-billing-header:"
_VERSION = re.compile(r"cc_version=(\d+\.\d+\.\d+)")
_FOLDER = re.compile(r"[Ww]orking directory: (\S.*)")
_REMINDER = "<system-reminder>"
_MAIN = ("sdk", "repl_main_thread")
_TICK = timedelta(microseconds=1)
_AGENT = re.compile(r"agent:(?:builtin:|custom:?|default$)?")


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a call beside its bodies: when its answer had come, its session, which part
    of Claude Code asked, the request id.
    """

    at: datetime | None = None
    session: str | None = None
    asked_by: str | None = None
    request_id: str | None = None


class _Head(msgspec.Struct, gc=False):
    betas: list[str] = []


_head = msgspec.json.Decoder(_Head).decode


class BodyReader:
    """Reads the calls of one group, in the order of time; ``troubles`` hears of what is wrong with
    a file.
    """

    def __init__(self, troubles: list[Trouble]) -> None:
        self._troubles = troubles
        self._turns = Turns()
        self._projects: dict[str | None, str] = {}
        self._last: datetime | None = None

    def call(self, request: FoundFile | None, response: FoundFile, origin: Origin) -> Call | None:
        """The call; None when its response cannot be read."""
        answer = self._answer(response)
        if answer is None:
            return None
        id, model = as_text(answer.get("id")), as_text(answer.get("model"))
        dialect = _dialect(model, id)
        body, prompt = self._request(request, dialect)
        reply = WIRES[NAME].read_reply(answer, dialect)
        request_id = origin.request_id or _request_id(response.path.name)
        session = origin.session or session_of(body)
        billing = next((t for t in _texts(body.get("system")) if t.startswith(_BILLING)), "")
        version = _VERSION.search(billing)
        return Call(
            id=_id(request_id, reply, response.path.name),
            at=self._when(request, response, origin),
            provider=dialect.name,
            api=NAME,
            model=WIRES[NAME].model(body) or reply.model,
            prompt=prompt,
            reply=reply,
            request_id=request_id,
            project=self._project(session, body),
            session=session,
            agent=_agent(origin.asked_by, billing),
            release=f"claude-cli {version[1]}" if version else None,
        )

    def _answer(self, file: FoundFile) -> JsonMap | None:
        told, answer = Told(file, self._troubles), None
        try:
            answer = decode_map(read_whole(file, told) or b"")
        except UserError as error:
            told.skip(error)
        told.done()
        return answer

    def _request(self, file: FoundFile | None, dialect: Dialect) -> tuple[JsonMap, Prompt]:
        """The request as far as it had to be read, and its prompt; unseen where there is none."""
        if file is not None:
            told = Told(file, self._troubles)
            try:
                raw = read_whole(file, told) or b""
                headers = {"anthropic-beta": ",".join(_betas(raw))}
                made = self._turns.read(
                    NAME, raw, headers, lambda whole: Prepared(WIRES[NAME], dialect, whole)
                )
                return made[0].request, made[1]
            except UserError as error:
                told.skip(error)
            finally:
                told.done()
        return {}, Prompt((), unseen=frozenset(Section))

    def _when(self, request: FoundFile | None, response: FoundFile, origin: Origin) -> datetime:
        """When the request was sent: when its file was written, unless that is later than its
        answer came, as in a copy of the folder. It is later than the request before it.
        """
        times = [_written(file) for file in (request, response) if file is not None]
        at = min([*times, origin.at] if origin.at is not None else times)
        if self._last is not None and at <= self._last:
            at = self._last + _TICK
        self._last = at
        return at

    def _project(self, session: str | None, body: JsonMap) -> str | None:
        """The project of a session: by the folder that Claude Code tells the model of first."""
        if session not in self._projects:
            told = (match for text in _told(body) if (match := _FOLDER.search(text)) is not None)
            found = next((project_of(match[1].strip()) for match in told), None)
            if found is None:
                return None
            self._projects[session] = found
        return self._projects[session]


def _betas(raw: bytes) -> list[str]:
    """The beta headers, which are written down with the body."""
    try:
        return _head(raw).betas
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []


def _written(file: FoundFile) -> datetime:
    return datetime.fromtimestamp(file.mtime // 1000 / 1e6, UTC)


def _dialect(model: str | None, message_id: str | None) -> Dialect:
    """Who answered, as far as ids and model names tell: Claude Code works with others, too."""
    for start, name in _STARTS.items():
        if (message_id or "").startswith(start):
            return DIALECTS[name]
    return guess({"model": model, "messages": [], "system": [], "anthropic_version": ""})[1]


def _request_id(name: str) -> str | None:
    """The request id that a response's file is named after; others have a random name."""
    stem = name.partition(".")[0]
    return stem if stem.startswith("req_") else None


def _id(request_id: str | None, reply: Reply, name: str) -> str:
    named = (request_id or name, reply.message_id or "")
    return digest(b"claude-code-bodies", *(n.encode("utf-8", "surrogatepass") for n in named)).hex()


def session_of(body: JsonMap) -> str | None:
    """The session that a request names: in a JSON text, or, of old versions, behind a mark."""
    user = as_text((as_map(body.get("metadata")) or {}).get("user_id")) or ""
    if user.startswith("{"):
        try:
            return as_text(decode_map(user).get("session_id")) or None
        except UserError:
            return None
    return user.rpartition("_session_")[2] or None if "_session_" in user else None


def _texts(content: Json) -> Iterator[str]:
    """The texts of a system prompt or of a message's content."""
    if isinstance(content, str):
        yield content
    for block in as_list(content) or ():
        if (text := as_text((as_map(block) or {}).get("text"))) is not None:
            yield text


def _told(body: JsonMap) -> Iterator[str]:
    """What Claude Code itself tells the model of where it runs."""
    yield from _texts(body.get("system"))
    first = as_map(next(iter(as_list(body.get("messages")) or ()), None)) or {}
    yield from (text for text in _texts(first.get("content")) if text.startswith(_REMINDER))


def _agent(asked_by: str | None, billing: str) -> str | None:
    """What asked: the kind of a subagent, or the task of a call beside the conversation."""
    if asked_by is None:
        return "subagent" if "cc_is_subagent=true" in billing else None
    if asked_by.startswith(_MAIN):
        return None
    return _AGENT.sub("", asked_by) or "subagent"
