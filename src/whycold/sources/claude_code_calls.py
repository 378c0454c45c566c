"""Turns of a transcript to calls: the prompt as far as it is recorded, usage, verdict, origin."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from whycold.core.call import Call, Reply
from whycold.core.content import Json, JsonMap, as_list, as_map, as_text, digest
from whycold.core.prompt import Block, Kind, Links, Prompt, Section, Setting
from whycold.providers.anthropic_blocks import Place, read_block
from whycold.providers.anthropic_reply import read_usage, read_verdict
from whycold.providers.anthropic_rules import NAME, is_sharp
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS, guess
from whycold.sources.claude_code_records import ABSENT, Message, Record
from whycold.sources.claude_code_threads import Part, Turn

__all__ = ["CallWriter", "project_of"]

_UNSEEN = frozenset({Section.settings, Section.tools, Section.system})
_RECENT = 128
"""Prompts that are held to build the next one on; an older one is built anew when it is needed."""
_WORKTREES = "/.claude/worktrees/"


@dataclass(slots=True)
class _Built:
    """A prompt with the number of its last message, who says it, and in how many blocks."""

    prompt: Prompt
    message: int
    role: str | None
    count: int


class CallWriter:
    """Makes calls of the turns of one session.

    ``project`` is its project, ``agents`` maps ids of agents to the kinds of agent that they are,
    ``tasks`` the prompts of subagents likewise.
    """

    def __init__(self, project: str | None, agents: dict[str, str], tasks: dict[str, str]) -> None:
        self._project, self._agents, self._tasks = project, agents, tasks
        self._names: dict[str, str] = {}
        self._sharp = True
        self._recent: deque[Turn] = deque()

    def call(self, turn: Turn) -> Call:
        """The call of a turn that is whole and has a time."""
        first, last = turn.first, turn.last
        assert first is not None and last is not None and last.message is not None
        assert turn.at is not None
        message = last.message
        dialect = _provider(message.model, message.id)
        self._sharp = _is_sharp(message.model)
        return Call(
            id=digest(b"claude-code", *map(_bytes, _identity(turn))).hex(),
            at=turn.at,
            provider=dialect.name,
            api=NAME,
            model=message.model,
            prompt=self._prompt(turn),
            reply=self._reply(turn, message, dialect),
            request_id=last.request_id,
            project=self._project,
            session=_session(first),
            agent=self._agent(turn, first),
            release=f"claude-cli {first.version}" if first.version else None,
        )

    def _reply(self, turn: Turn, message: Message, dialect: Dialect) -> Reply:
        body: JsonMap = {}
        if message.diagnostics is not ABSENT:
            body = {"diagnostics": message.diagnostics}
        return Reply(
            message_id=message.id,
            model=message.model,
            usage=read_usage(message.usage or {}, dialect),
            verdict=read_verdict(body),
            blocks=self._said(turn),
            stop=message.stop_reason,
        )

    def _said(self, turn: Turn) -> tuple[Block, ...]:
        """The blocks of a turn's reply."""
        if turn.reply is None:
            turn.reply = tuple(
                self._block(item, f"content[{i}]", "assistant", -1, i == 0)
                for i, item in enumerate(turn.content)
            )
        return turn.reply

    def _prompt(self, turn: Turn) -> Prompt:
        waiting = [turn]
        while (before := waiting[-1].before) is not None and before.key and before.built is None:
            waiting.append(before)
        built = None
        while waiting:
            built = self._build(waiting.pop())
        assert built is not None
        return built.prompt

    def _build(self, turn: Turn) -> _Built:
        before, first = turn.before, turn.first
        assert before is not None and first is not None
        older: _Built | None = before.built
        growing = _Growing(older)
        if older is not None:
            growing.said(self._said(before))
        # what a compaction took over stands behind its summary
        parts: Iterable[Part | Turn] = turn.parts
        if before.kept:
            parts = (*turn.parts[:1], *before.kept, *turn.parts[1:])
        for part in parts:
            if isinstance(part, Turn):
                growing.said(self._said(part))
            else:
                growing.told(part, self._block)
        prompt = Prompt(
            (*(older.prompt.blocks if older is not None else ()), *growing.blocks),
            settings=tuple(_settings(first)),
            links=_links(turn, before),
            unseen=_UNSEEN | {Section.messages} if turn.gap else _UNSEEN,
            opaque=growing.opaque,
        )
        if older is not None:
            prompt.going_on(older.prompt)
        built = turn.built = _Built(prompt, growing.message, growing.role, growing.count)
        self._recent.append(turn)
        if len(self._recent) > _RECENT:
            self._recent.popleft().built = None
        return built

    def _block(self, item: Json, path: str, role: str, message: int, opens: bool) -> Block:
        """A content block; those of which nothing has to be taken out are read at once."""
        if type(item) is str:
            return Block(Section.messages, path, Kind.text, item, role, None, message, opens)
        whole: JsonMap = item if isinstance(item, dict) else {}
        kind = whole.get("type")
        if "cache_control" in whole or None in whole.values():
            kind = None
        value: Json = whole
        name: Json = None
        if kind == "text" and len(whole) == 2 and type(whole.get("text")) is str:
            known, value = Kind.text, whole["text"]
        elif kind == "tool_use":
            known, name = Kind.tool_use, whole.get("name")
            self._names[as_text(whole.get("id")) or ""] = as_text(name) or ""
        elif kind == "tool_result" and type(whole.get("content")) is str:
            known, name = Kind.tool_result, self._names.get(as_text(whole.get("tool_use_id")) or "")
        elif kind == "thinking":
            known = Kind.thinking
        else:
            place = Place(Section.messages, path, role, message, opens, self._sharp)
            return read_block(item, place, self._names)
        called = as_text(name) or None
        return Block(Section.messages, path, known, value, role, called, message, opens)

    def _agent(self, turn: Turn, first: Record) -> str | None:
        """The kind of subagent, else its id; None for the main conversation."""
        if not first.is_sidechain and first.agent_id is None:
            return None
        kind = first.attribution_agent or self._agents.get(first.agent_id or "")
        return kind or self._tasks.get(_task(turn) or "") or first.agent_id or "subagent"


class _Growing:
    """Blocks of a prompt as its messages come."""

    def __init__(self, older: _Built | None) -> None:
        self.blocks: list[Block] = []
        self.opaque = older.prompt.opaque if older is not None else 0
        self.message = older.message if older is not None else -1
        self.role: str | None = older.role if older is not None else None
        self.count = older.count if older is not None else 0

    def said(self, blocks: Sequence[Block]) -> None:
        """Go on with a reply."""
        if not blocks:
            return
        opens, message, count = self._opens("assistant"), self.message, self.count
        for block in blocks:
            path = f"messages[{message}].content[{count}]"
            self.blocks.append(block.at(path, message, opens=opens))
            opens, count = False, count + 1
            self.opaque += block.kind is Kind.opaque
        self.count = count

    def told(self, part: Part, read: Callable[[Json, str, str, int, bool], Block]) -> None:
        """Go on with what was said to the model; what is said in a row is one message."""
        items = _items(part)
        if not items:
            return
        opens, message = self._opens("user"), self.message
        for item in items:
            path = f"messages[{message}].content[{self.count}]"
            if part.note is None:
                block = read(item, path, "user", message, opens)
                self.opaque += block.kind is Kind.opaque
            else:
                at = message, opens
                block = Block(Section.messages, path, Kind.text, item, "user", part.note, *at)
            self.blocks.append(block)
            opens, self.count = False, self.count + 1

    def _opens(self, role: str) -> bool:
        if role == self.role:
            return False
        self.message, self.role, self.count = self.message + 1, role, 0
        return True


def _items(part: Part) -> Sequence[Json]:
    items = as_list(part.content)
    return (part.content,) if items is None else items


def _links(turn: Turn, before: Turn) -> Links:
    follows = before.message_id
    return Links(
        compares=follows if turn.diagnosed else None,
        asked=turn.diagnosed,
        follows=follows,
        begins=follows is None and not turn.gap,
    )


def _settings(record: Record) -> Iterable[Setting]:
    model = _model(record)
    if model is not None:
        yield Setting("model", model)
    usage = record.message.usage if record.message is not None else None
    speed = as_text((usage or {}).get("speed"))
    if speed is not None:
        yield Setting("speed", speed)
    if record.effort is not None:
        yield Setting("output_config.effort", record.effort)


def _model(record: Record) -> str | None:
    return record.message.model if record.message is not None else None


def _identity(turn: Turn) -> tuple[str, str]:
    """What names a call in every copy of its records."""
    message = turn.last.message if turn.last is not None else None
    return turn.key or "", (message.id if message is not None else None) or ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _session(record: Record) -> str | None:
    """The session that a call was made in; a copy names it, too."""
    origin = as_text((as_map(record.forked_from) or {}).get("sessionId"))
    return origin or record.session_id


def _task(turn: Turn) -> str | None:
    """What the first message of a subagent's conversation says."""
    while turn.before is not None and turn.before.key is not None:
        turn = turn.before
    return next(
        (text for part in turn.parts for text in _items(part) if isinstance(text, str)), None
    )


def project_of(folder: str | None) -> str | None:
    """A project by the folder that a session was started in: its last name, which tells projects
    apart for the user and says less about them than the whole path. A worktree is its
    repository's.
    """
    if not folder:
        return None
    whole = folder.replace("\\", "/") if ":" in folder[:3] or folder[:2] == "\\\\" else folder
    path = PurePosixPath(whole.partition(_WORKTREES)[0])
    return path.name or None


def _provider(model: str | None, message_id: str | None) -> Dialect:
    """Who answered, as far as ids and model names tell: Claude Code works with others, too."""
    if (message_id or "").startswith("msg_bdrk_"):
        return DIALECTS["bedrock-anthropic"]
    return _usual(model)


_is_sharp = lru_cache(maxsize=256)(is_sharp)


@lru_cache(maxsize=256)
def _usual(model: str | None) -> Dialect:
    body: JsonMap = {"model": model, "messages": [], "system": [], "anthropic_version": ""}
    return guess(body)[1]
