"""The request as the cache sees it: settings, then blocks in the provider's render order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from operator import is_

from whycold.core.content import Json, digest, encode, same_as_sent, weigh

__all__ = ["Block", "Breakpoint", "Kind", "Links", "Prompt", "Section", "Setting"]


_BYTES = 4
"""Bytes that a token stands for, about."""


class Section(StrEnum):
    """A part of the prompt that providers invalidate as one."""

    settings = "settings"
    tools = "tools"
    system = "system"
    messages = "messages"


class Kind(StrEnum):
    """What a block is. Anything a provider adds later is ``opaque``: compared and counted, not
    understood. Of a ``chained`` one there is no content, only ids that name all up to there, too.
    """

    tool = "tool"
    text = "text"
    image = "image"
    document = "document"
    audio = "audio"
    tool_use = "tool_use"
    tool_result = "tool_result"
    thinking = "thinking"
    redacted_thinking = "redacted_thinking"
    cached_content = "cached_content"
    chained = "chained"
    opaque = "opaque"


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Where a cache entry is asked for.

    ``ttl`` is the lifetime as the provider names it ("5m", "1h", "30m"; None: the provider's
    default). ``automatic`` is true where the client asked for caching as such and the provider
    chooses the place.
    """

    ttl: str | None = None
    automatic: bool = False


@dataclass(frozen=True, init=False)
class Block:
    """The smallest unit of a section: one tool, one system block, one content block of a message.

    ``path`` names it (``tools[Bash]``, ``system[2]``, ``messages[4].content[0]``; the index is the
    one in the request's own list). ``value`` is its content without cache markers: a plain text
    block is a ``str``, whether it was sent as a string or as a block. ``message`` is the index of
    the message it belongs to, -1 outside messages; ``opens`` is true for the first block of its
    message. ``tokens`` is the provider's formula for content that is not text (images), else None.
    """

    section: Section
    path: str
    kind: Kind
    value: Json
    role: str | None = None
    name: str | None = None
    message: int = -1
    opens: bool = False
    breakpoint: Breakpoint | None = None
    tokens: int | None = None

    def __init__(
        self,
        section: Section,
        path: str,
        kind: Kind,
        value: Json,
        role: str | None = None,
        name: str | None = None,
        message: int = -1,
        opens: bool = False,
        breakpoint: Breakpoint | None = None,
        tokens: int | None = None,
    ) -> None:
        # a frozen class sets field by field, which takes three times as long; there are many blocks
        self.__dict__.update(
            section=section,
            path=path,
            kind=kind,
            value=value,
            role=role,
            name=name,
            message=message,
            opens=opens,
            breakpoint=breakpoint,
            tokens=tokens,
        )

    def at(self, path: str, message: int, *, opens: bool) -> Block:
        """The same content in another place, with all that was computed of it."""
        moved: Block = object.__new__(Block)
        fields = moved.__dict__
        fields.update(self.__dict__)
        fields["path"], fields["message"], fields["opens"] = path, message, opens
        if "digest" in fields:
            del fields["digest"]
        return moved

    @cached_property
    def encoded(self) -> bytes:
        """The content as comparable bytes, in sent order."""
        return encode(self.value)

    @cached_property
    def content(self) -> bytes:
        """Digest of the content alone: equal wherever in a message it stands."""
        return digest(self._head, self.encoded)

    @cached_property
    def digest(self) -> bytes:
        """Names the block with everything the cache key takes from it; markers are not content."""
        return digest(self.content, b"1" if self.opens else b"0")

    @cached_property
    def size(self) -> int:
        """Bytes of content, for weighing and for token estimates."""
        if self.kind is Kind.chained and self.tokens is not None:
            # its ids stand for more than they weigh
            return self.tokens * _BYTES
        return weigh(self.value)

    @property
    def text_path(self) -> str:
        """The path of the text itself, as it is shown to people."""
        return f"{self.path}.text" if isinstance(self.value, str) else self.path

    @property
    def _head(self) -> bytes:
        return f"{self.section}|{self.kind}|{self.role or ''}".encode("utf-8", "surrogatepass")

    def same(self, other: Block) -> bool:
        """Whether both stand for the same bytes in the same frame; quicker than digests for a
        single comparison.
        """
        return (
            self.kind is other.kind
            and self.opens == other.opens
            and self.role == other.role
            and self.section is other.section
            and same_as_sent(self.value, other.value)
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter outside the sections that may be part of the cache key, e.g. ``tool_choice``.
    None: not sent.
    """

    name: str
    value: Json


@dataclass(frozen=True, slots=True)
class Links:
    """What a request itself says of its past.

    ``continues`` is the id of the response whose context the server puts in front (OpenAI
    ``previous_response_id``, Anthropic threads); ``compares`` the id that the client asks the
    provider's diagnostics to compare with; ``asked`` whether diagnostics were asked for at all;
    ``cache_key`` the client's routing key (OpenAI ``prompt_cache_key``); ``conversation`` a
    server-side conversation id. ``follows`` is the id of the reply that the source puts before
    the request, or, where replies have none, our id of its call; ``begins``: the source knows
    that nothing stands before it. ``undated``: when it was sent is not recorded, only after
    what. ``apart`` names the recording outside of which its time or its content says nothing:
    it is held against calls of the same recording only.
    """

    continues: str | None = None
    compares: str | None = None
    asked: bool = False
    cache_key: str | None = None
    conversation: str | None = None
    follows: str | None = None
    begins: bool = False
    undated: bool = False
    apart: str | None = None


@dataclass(frozen=True)
class Prompt:
    """One request, read.

    ``blocks`` stand in render order. ``unseen`` names the sections that the source cannot see:
    nothing is ever said of them. ``inherits`` are sections that the server takes from the call in
    ``links.continues``. ``opaque`` counts blocks of unknown kind, ``stripped`` blocks that this
    provider takes out of its cache key. ``asks`` is true when the request asks for caching at all,
    None where the provider caches without being asked, or, with ``unseen`` sections, the source
    cannot see the markers.
    """

    blocks: tuple[Block, ...]
    settings: tuple[Setting, ...] = ()
    links: Links = field(default_factory=Links)
    unseen: frozenset[Section] = frozenset()
    inherits: frozenset[Section] = frozenset()
    opaque: int = 0
    stripped: int = 0
    asks: bool | None = None

    @cached_property
    def chain(self) -> tuple[bytes, ...]:
        """Per block, the digest of everything up to and including it: equal digests, equal
        prefixes.
        """
        older = self.__dict__.pop("_older", None)
        behind: list[Prompt] = [self]
        while older is not None and "chain" not in older.__dict__:
            behind.append(older)
            older = older.__dict__.pop("_older", None)
        while behind:
            made = behind.pop()
            chain = _gone_on(made.blocks, older) if older is not None else _chained(made.blocks)
            # what this cached property would keep, for each prompt on the way
            made.__dict__["chain"] = tuple(chain)
            older = made
        return self.__dict__["chain"]

    @cached_property
    def size(self) -> int:
        """Bytes of content in all blocks."""
        return sum([block.size for block in self.blocks])

    @cached_property
    def opening(self) -> tuple[Block, ...]:
        """The blocks that belong to no message."""
        return tuple(b for b in self.blocks if b.section is not Section.messages)

    def section(self, section: Section) -> tuple[Block, ...]:
        """The blocks of one section, in order."""
        return self._sections.get(section, ())

    @cached_property
    def _sections(self) -> dict[Section, tuple[Block, ...]]:
        found: dict[Section, list[Block]] = {}
        for block in self.blocks:
            found.setdefault(block.section, []).append(block)
        return {section: tuple(blocks) for section, blocks in found.items()}

    def going_on(self, older: Prompt) -> Prompt:
        """This prompt; its chain will begin with that of ``older`` as far as it holds the very same
        blocks.
        """
        self.__dict__["_older"] = older
        return self

    def setting(self, name: str) -> Json:
        """The value of a setting, None when it was not sent."""
        return next((s.value for s in self.settings if s.name == name), None)

    @cached_property
    def breakpoints(self) -> tuple[int, ...]:
        """Indexes of the blocks that carry a breakpoint."""
        return tuple(i for i, block in enumerate(self.blocks) if block.breakpoint is not None)

    def with_blocks(self, blocks: tuple[Block, ...]) -> Prompt:
        """The same request around other blocks."""
        return replace(self, blocks=blocks)


def _gone_on(blocks: tuple[Block, ...], older: Prompt) -> Iterator[bytes]:
    """The chain of blocks that begin with those of another prompt."""
    count = next(
        (i for i, same in enumerate(map(is_, blocks, older.blocks)) if not same),
        min(len(blocks), len(older.blocks)),
    )
    known = older.chain[:count]
    yield from known
    yield from _chained(blocks[count:], known[-1] if known else b"")


def _chained(blocks: Iterable[Block], link: bytes = b"") -> Iterator[bytes]:
    for block in blocks:
        link = digest(link, block.digest)
        yield link
