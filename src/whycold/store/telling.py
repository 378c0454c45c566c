"""A diagnosis as bytes: what facts hold of it, what goes with the texts, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

import msgspec

from whycold.core.call import Call, ProviderError, ProviderVerdict, Said
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Grade
from whycold.core.prompt import Block, Section
from whycold.core.wording import summary
from whycold.store.codec import from_json, to_json
from whycold.store.numbering import clean, micros, pack_id, pico_usd, unpack_id, usd_of

__all__ = [
    "More",
    "decode_counts",
    "decode_texts",
    "encode_counts",
    "encode_texts",
    "more_of",
    "title_without_texts",
    "told_from",
]

_GRADES: Final = (None, Grade.confirmed, Grade.consistent, Grade.inferred, Grade.contradicted)
_SAID: Final = (None, Said.changed, Said.unchanged, Said.hit, Said.inconclusive)
_MOST: Final = 1 << 40

_pack = msgspec.msgpack.Encoder().encode
_unpack_counts = msgspec.msgpack.Decoder(list[int]).decode


class More(msgspec.Struct, omit_defaults=True, frozen=True):
    """Facts of a call that nothing is summed or searched by. Names are one letter each: they are
    written with every call.

    ``c``, ``m``, ``q``, ``o``: our id, message id, request id, other ids; ``p``, ``n``: the
    predecessor's id and, where it is not known here, its message id; ``b``, ``g``: microseconds
    from sending to the answer and since the predecessor; ``r``: reusable tokens; ``k``: where the
    prefix broke; ``d``, ``e``: grade, expected; ``w``: a cost finer than is summed; ``x``: path;
    ``f``: fingerprint of a call that is no miss; ``v``: the provider's verdict; ``h``: status and
    kind of its error; ``s``: the reason it gave; ``z``: opaque blocks; ``y``: the engine's version;
    ``a``: the model stands in the reply only.
    """

    c: bytes
    m: bytes | None = None
    q: bytes | None = None
    o: tuple[bytes, ...] = ()
    p: bytes | None = None
    n: bytes | None = None
    b: int | None = None
    g: int | None = None
    r: int | None = None
    k: int | None = None
    d: int = 0
    e: bool = False
    w: str | None = None
    x: str | None = None
    f: str | None = None
    v: tuple[int, str | None, int | None] | None = None
    h: tuple[int | None, str | None] | None = None
    s: str | None = None
    z: int = 0
    y: int = 1
    a: bool = False

    @property
    def call(self) -> str:
        """Our id of the call."""
        return unpack_id(self.c)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id of the call, our own first."""
        provider = (id for id in (self.m, self.q) if id is not None)
        return tuple(map(unpack_id, (self.c, *self.o, *provider)))

    @property
    def message_id(self) -> str | None:
        """The provider's id of the response."""
        return _id(self.m)

    @property
    def request_id(self) -> str | None:
        """The provider's id of the request."""
        return _id(self.q)

    @property
    def began(self) -> timedelta | None:
        """From sending to the first byte of the answer."""
        return _span(self.b)

    @property
    def verdict(self) -> ProviderVerdict | None:
        """The provider's own diagnosis."""
        if self.v is None:
            return None
        said = _SAID[self.v[0]]
        return ProviderVerdict(said, self.v[1], self.v[2]) if said is not None else None


def more_of(
    call: Call, told: Diagnosis, also: Sequence[str], *, message_known: bool, miss: bool
) -> More:
    """The further facts of a call. ``message_known``: the predecessor's message id is found by its
    own; ``miss``: its fingerprint is kept as a culprit's.
    """
    verdict, error = call.reply.verdict, call.reply.error
    first = told.divergences[0] if told.divergences else None
    return More(
        c=_packed(call.id),
        m=_maybe(call.reply.message_id),
        q=_maybe(call.request_id),
        o=tuple(map(_packed, also)),
        p=_maybe(told.predecessor),
        n=None if message_known else _maybe(told.predecessor_message_id),
        b=micros(call.began) - micros(call.at) if call.began is not None else None,
        g=told.gap // timedelta(microseconds=1) if told.gap is not None else None,
        r=_small(told.reusable_tokens),
        k=_small(told.broke_at),
        d=_GRADES.index(told.grade),
        e=told.expected,
        w=_fine(told.missed_cost_usd),
        x=clean(first.path) if first is not None else None,
        f=None if miss or told.fingerprint is None else clean(told.fingerprint),
        v=(_SAID.index(verdict.said), _label(verdict.reason), _small(verdict.missed_tokens))
        if verdict is not None
        else None,
        h=(error.status, _label(error.kind)) if error is not None else None,
        s=_label(told.provider_reason),
        z=told.opaque,
        y=told.engine,
        a=call.model is None and told.model is not None,
    )


def told_from(facts: Diagnosis, more: More, cost: Decimal | None) -> Diagnosis:
    """``facts`` completed by what ``more`` holds; its texts are still to come."""
    return replace(
        facts,
        grade=_GRADES[more.d],
        expected=more.e,
        message_id=more.message_id,
        request_id=more.request_id,
        predecessor=_id(more.p),
        predecessor_message_id=_id(more.n),
        missed_cost_usd=Decimal(more.w) if more.w is not None else cost,
        reusable_tokens=more.r,
        broke_at=more.k,
        gap=_span(more.g),
        provider_reason=more.s,
        opaque=more.z,
        fingerprint=facts.fingerprint or more.f,
        engine=more.y,
    )


def encode_texts(told: Diagnosis, error: ProviderError | None) -> bytes:
    """What of a diagnosis may quote the prompt, but for the advice, which is often the same.

    Empty when there is nothing beyond what can be said again from the facts.
    """
    rest: list[Any] = [
        told.title,
        list(told.ruled_out),
        [
            [d.section, d.path, d.offset, d.before, d.after, d.cause, d.expected, d.title, d.rest]
            for d in told.divergences
        ],
        error.message if error is not None else None,
        None if told.summary == summary(told) else told.summary,
    ]
    return to_json(rest) if any(rest) else b""


def decode_texts(
    data: bytes, facts: Diagnosis, path: str | None, advice: str | None
) -> tuple[Diagnosis, str | None]:
    """``facts`` with its texts, and the provider's error message. ``path`` is what is said where
    they have been dropped.
    """
    if not data:
        facts = replace(facts, title=title_without_texts(facts.cause, path))
        return replace(facts, summary=summary(facts)), None
    title, ruled_out, divergences, error, said = from_json(data)
    told = replace(
        facts,
        title=title,
        advice=advice,
        ruled_out=tuple(ruled_out),
        divergences=tuple(Found(Section(first), *rest) for first, *rest in divergences),
    )
    return replace(told, summary=said if said is not None else summary(told)), error


def title_without_texts(cause: str | None, path: str | None) -> str | None:
    """What there is to say of a change when nothing of the prompt may be quoted."""
    return f"{cause} at {path}" if cause and path else cause


def encode_counts(told: Diagnosis, blocks: Sequence[Block]) -> bytes:
    """The tokens per block; in full where they are not those of ``blocks``, in order."""
    if not told.blocks:
        return b""
    tokens = [block.tokens for block in told.blocks]
    if tuple(_counted(blocks, tokens, told.usage.cache_read)) == told.blocks:
        return b"t" + _pack(tokens)
    return b"f" + to_json(
        [[b.section, b.path, b.name, b.role, b.tokens, b.cached, b.breakpoint] for b in told.blocks]
    )


def decode_counts(data: bytes, blocks: Sequence[Block], read: int | None) -> tuple[BlockCount, ...]:
    """The tokens per block from ``encode_counts``; ``read`` is what was read from the cache."""
    if not data:
        return ()
    if data[:1] == b"t":
        return tuple(_counted(blocks, _unpack_counts(data[1:]), read))
    return tuple(BlockCount(Section(first), *rest) for first, *rest in from_json(data[1:]))


def _counted(blocks: Sequence[Block], tokens: Sequence[int], read: int | None) -> list[BlockCount]:
    """Counts as the engine makes them: cached is what ends within what was read."""
    if len(blocks) != len(tokens):
        return []
    return [
        BlockCount(
            block.section,
            block.path,
            block.name,
            block.role,
            count,
            None if read is None else end <= read,
            (block.breakpoint.ttl or "default") if block.breakpoint is not None else None,
        )
        for block, count, end in zip(blocks, tokens, accumulate(tokens), strict=True)
    ]


def _packed(id: str) -> bytes:
    return pack_id(clean(id))


def _maybe(id: str | None) -> bytes | None:
    return None if id is None else _packed(id)


def _id(data: bytes | None) -> str | None:
    return None if data is None else unpack_id(data)


def _label(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _small(number: int | None) -> int | None:
    return None if number is None else max(-_MOST, min(number, _MOST))


def _span(span: int | None) -> timedelta | None:
    return None if span is None else timedelta(microseconds=span)


def _fine(cost: Decimal | None) -> str | None:
    """The cost as text where the sums hold it less exactly."""
    return None if cost is None or usd_of(pico_usd(cost)) == cost else str(cost)
