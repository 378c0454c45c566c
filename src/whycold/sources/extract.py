"""What is left of a call whose text may not be kept: its shape, under keyed digests, as bytes.

What one version writes another reads: fields are only ever added at the end, with a default.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from whycold.core.call import Call, ProviderError, ProviderVerdict, Reply, Usage
from whycold.core.content import Json, as_list, as_map
from whycold.core.prompt import Block, Breakpoint, Kind, Links, Prompt, Section, Setting
from whycold.core.tokens import estimate

__all__ = ["BadExtract", "decode_extract", "encode_extract", "hashed", "without_prompt"]

_HASHED: Final = "hashed"
_FRAME: Final = 4
_WORD: Final = re.compile(r"[\w.:/-]{1,32}\Z", re.ASCII)
"""A setting's value that is a word of the API and no text of the user's."""
_MOST_MEMBERS: Final = 4
_ALL: Final = frozenset({Section.tools, Section.system, Section.messages})


class BadExtract(ValueError):
    """Bytes that no version of this wrote."""


class _Block(msgspec.Struct, array_like=True, frozen=True):
    section: Section
    path: str
    kind: Kind
    digest: str
    role: str | None
    name: str | None
    message: int
    opens: bool
    breakpoint: Breakpoint | None
    tokens: int | None


class _Extract(msgspec.Struct, array_like=True, frozen=True):
    api: str
    provider: str
    model: str | None
    session: str | None
    settings: tuple[tuple[str, Any], ...]
    blocks: tuple[_Block, ...]
    links: Links
    unseen: frozenset[Section]
    inherits: frozenset[Section]
    opaque: int
    stripped: int
    asks: bool | None
    message_id: str | None
    answered_by: tuple[str | None, str | None]
    usage: Usage
    verdict: ProviderVerdict | None
    reply: tuple[_Block, ...]
    stop: str | None
    error: tuple[int | None, str | None] | None
    complete: bool


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Extract).decode


def hashed(call: Call, key: bytes) -> Call:
    """The call with a digest under ``key`` in place of everything that may be text.

    Names of tools, ids and words of the API stay. What a block counts for stays in its ``tokens``.
    """
    prompt = call.prompt
    return replace(
        call,
        prompt=replace(
            prompt,
            blocks=tuple(_hashed_block(block, key) for block in prompt.blocks),
            settings=tuple(Setting(s.name, _word(s.value, key)) for s in prompt.settings),
        ),
        reply=replace(
            call.reply, blocks=tuple(_hashed_block(block, key) for block in call.reply.blocks)
        ),
    )


def without_prompt(call: Call) -> Call:
    """The call with nothing of what was sent or generated."""
    asks = call.prompt.asks
    return replace(
        call,
        prompt=Prompt((), unseen=_ALL, asks=asks),
        reply=replace(call.reply, blocks=()),
    )


def encode_extract(call: Call) -> bytes:
    """A call that ``hashed`` or ``without_prompt`` gave; what an exchange tells itself is left out,
    and so is what a provider says of an error.
    """
    prompt, reply = call.prompt, call.reply
    return _pack(
        _Extract(
            call.api,
            call.provider,
            call.model,
            call.session,
            tuple((s.name, s.value) for s in prompt.settings),
            tuple(map(_packed, prompt.blocks)),
            prompt.links,
            prompt.unseen,
            prompt.inherits,
            prompt.opaque,
            prompt.stripped,
            prompt.asks,
            reply.message_id,
            (reply.model, reply.host),
            reply.usage,
            reply.verdict,
            tuple(map(_packed, reply.blocks)),
            reply.stop,
            (reply.error.status, reply.error.kind) if reply.error else None,
            reply.complete,
        )
    )


def decode_extract(data: bytes, id: str, at: datetime) -> Call:
    """The call, without what its exchange tells. Raises BadExtract."""
    try:
        found = _unpack(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadExtract(f"its extract cannot be read: {error}") from None
    model, host = found.answered_by
    return Call(
        id=id,
        at=at,
        provider=found.provider,
        api=found.api,
        model=found.model,
        session=found.session,
        prompt=Prompt(
            blocks=tuple(map(_unpacked, found.blocks)),
            settings=tuple(Setting(name, cast("Json", value)) for name, value in found.settings),
            links=found.links,
            unseen=found.unseen,
            inherits=found.inherits,
            opaque=found.opaque,
            stripped=found.stripped,
            asks=found.asks,
        ),
        reply=Reply(
            message_id=found.message_id,
            model=model,
            host=host,
            usage=found.usage,
            verdict=found.verdict,
            blocks=tuple(map(_unpacked, found.reply)),
            stop=found.stop,
            error=ProviderError(*found.error, "") if found.error else None,
            complete=found.complete,
        ),
    )


def _hashed_block(block: Block, key: bytes) -> Block:
    tokens = max(0, round(estimate(block)) - _FRAME)
    return replace(block, value=_digest(block.content, key), tokens=tokens)


def _digest(content: bytes, key: bytes) -> Mapping[str, Json]:
    return {_HASHED: hashlib.blake2b(content, key=key[:64], digest_size=16).hexdigest()}


def _word(value: Json, key: bytes) -> Json:
    if _is_word(value):
        return value
    return _digest(repr(value).encode("utf-8", "surrogatepass"), key)


def _is_word(value: Json) -> bool:
    if isinstance(value, str):
        return _WORD.match(value) is not None
    members = as_map(value)
    if members is not None:
        inside = [*members, *members.values()]
        return len(members) <= _MOST_MEMBERS and all(map(_is_word, inside))
    items = as_list(value)
    return items is None or (len(items) <= _MOST_MEMBERS and all(map(_is_word, items)))


def _packed(block: Block) -> _Block:
    value = as_map(block.value) or {}
    return _Block(
        block.section,
        block.path,
        block.kind,
        str(value[_HASHED]),
        block.role,
        block.name,
        block.message,
        block.opens,
        block.breakpoint,
        block.tokens,
    )


def _unpacked(packed: _Block) -> Block:
    return Block(
        section=packed.section,
        path=packed.path,
        kind=packed.kind,
        value={_HASHED: packed.digest},
        role=packed.role,
        name=packed.name,
        message=packed.message,
        opens=packed.opens,
        breakpoint=packed.breakpoint,
        tokens=packed.tokens,
    )
