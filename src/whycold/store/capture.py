"""What a capture mode lets through; everything else is taken out before it is written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from whycold.core.call import Reply
from whycold.core.content import Json, as_list, as_map, as_text
from whycold.core.diagnosis import Diagnosis
from whycold.core.prompt import Block, Prompt, Section, Setting
from whycold.core.tokens import estimate
from whycold.core.wording import summary
from whycold.store.records import Capture, Record
from whycold.store.telling import title_without_texts

__all__ = ["hashed_block", "hashed_prompt", "reduced"]

_HASHED: Final = "hashed"
_DIGEST: Final = re.compile(r"[0-9a-f]{32}\Z")
_KEYWORD: Final = 32
"""Characters of a setting's value that is still a word of the API and no text of the user's."""
_FRAME: Final = 4
_UNSEEN: Final = Prompt((), unseen=frozenset({Section.tools, Section.system, Section.messages}))


def reduced(record: Record, key: bytes) -> Record:
    """The record without what its capture mode keeps out; ``key`` is what digests are made with.

    Names of tools and the paths of changes stay in every mode.
    """
    if record.capture is Capture.full:
        return record
    call, told = record.call, _without_texts(record.told)
    prompt, blocks = call.prompt, call.reply.blocks
    # done here as well, whatever the source has taken out: a promise about the disk is kept last
    if record.capture is Capture.hash:
        prompt = hashed_prompt(prompt, key)
        blocks = tuple(hashed_block(block, key) for block in blocks)
    else:
        if prompt != _UNSEEN:
            prompt = replace(_UNSEEN, asks=prompt.asks)
        if told.blocks:
            told = replace(told, blocks=())
        blocks = ()
    reply = _without_message(call.reply, blocks)
    if prompt is not call.prompt or reply is not call.reply:
        call = replace(call, prompt=prompt, reply=reply)
    return replace(record, call=call, told=told)


def hashed_prompt(prompt: Prompt, key: bytes) -> Prompt:
    """The prompt with a keyed digest in place of everything that may be text. A digest stays."""
    return replace(
        prompt,
        blocks=tuple(hashed_block(block, key) for block in prompt.blocks),
        settings=tuple(Setting(s.name, _setting(s.value, key)) for s in prompt.settings),
    )


def hashed_block(block: Block, key: bytes) -> Block:
    """The block with ``{"hashed": digest}`` as its value, and the tokens it would count for."""
    if _is_hashed(block.value):
        return block
    tokens = max(0, round(estimate(block)) - _FRAME)
    return replace(block, value=_hashed(block.content, key), tokens=tokens)


def _hashed(content: bytes, key: bytes) -> Mapping[str, Json]:
    return {_HASHED: hashlib.blake2b(content, key=key[:64], digest_size=16).hexdigest()}


def _is_hashed(value: Json) -> bool:
    found = as_map(value)
    if found is None or len(found) != 1:
        return False
    digest = as_text(found.get(_HASHED))
    return digest is not None and _DIGEST.match(digest) is not None


def _setting(value: Json, key: bytes) -> Json:
    if _is_hashed(value) or _is_keyword(value):
        return value
    return _hashed(Setting.__name__.encode() + repr(value).encode("utf-8", "surrogatepass"), key)


def _is_keyword(value: Json) -> bool:
    """Whether a setting's value is too short to be anything but a word of the API."""
    if isinstance(value, str):
        return len(value) <= _KEYWORD
    inner = as_list(value) if as_map(value) is None else list((as_map(value) or {}).values())
    return inner is None or (len(inner) <= 4 and all(map(_is_keyword, inner)))


def _without_texts(told: Diagnosis) -> Diagnosis:
    if told.title is None and not told.divergences and told.advice is None:
        return told
    path = told.divergences[0].path if told.divergences else None
    told = replace(
        told,
        title=title_without_texts(told.cause, path),
        advice=None,
        divergences=tuple(replace(d, before="", after="", title="") for d in told.divergences),
    )
    return replace(told, summary=summary(told))


def _without_message(reply: Reply, blocks: tuple[Block, ...]) -> Reply:
    error = reply.error
    if error is not None and error.message:
        error = replace(error, message="")
    if error is reply.error and blocks == reply.blocks:
        return reply
    return replace(reply, blocks=blocks, error=error)
