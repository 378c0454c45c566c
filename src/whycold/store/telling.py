"""A diagnosis as bytes: what facts hold of it, what goes with the texts, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

import msgspec

from whycold.core.call import Alteration, Call, ProviderError, ProviderVerdict, Said
from whycold.core.diagnosis import BlockCount, Diagnosis, Found, Grade
from whycold.core.prompt import Block, Section
from whycold.core.wording import summary
from whycold.store.codec import from_json, to_json
from whycold.store.measures import sized
from whycold.store.numbering import clean, pack_id, pico_usd, unpack_id, usd_of

__all__ = [
    "More",
    "decode_counts",
    "decode_more",
    "decode_texts",
    "encode_counts",
    "encode_more",
    "encode_texts",
    "more_of",
    "title_without_texts",
    "told_facts",
    "told_from",
]

_GRADES: Final = (None, Grade.confirmed, Grade.consistent, Grade.inferred, Grade.contradicted)
_SAID: Final = (None, Said.changed, Said.unchanged, Said.hit, Said.inconclusive)
_MICRO: Final = timedelta(microseconds=1)

_FOUND: Final = (
    *("section", "path", "offset", "before", "after", "cause", "expected", "title"),
    "rest",
)
_COUNT: Final = ("section", "path", "name", "role", "tokens", "cached", "breakpoint")
"""Fields as they are written, one after the other: add at the end only."""

_pack = msgspec.msgpack.Encoder().encode
_unpack_counts = msgspec.msgpack.Decoder(list[int]).decode


class More(msgspec.Struct, array_like=True, frozen=True):
    """Facts of a call that nothing is summed or searched by. Written as a list without the
    defaults at its end, so what most calls have stands first; add at the end only.

    ``own``, ``message``, ``request``, ``before``: packed ids, the last one the predecessor's;
    ``began``, ``gap``: microseconds from sending to the answer and since the predecessor;
    ``beyond``: reusable tokens less those that were read; ``grade``; ``engine``: its version;
    ``broke_at``; ``path``; ``expected``; ``also``: other ids; ``before_message``: the predecessor's
    message id where it is not known here; ``cost``: one finer than is summed; ``fingerprint``: of a
    call that is no miss; ``said``: the provider's verdict; ``refused``: status and kind of its
    error; ``reason``: the one it gave; ``opaque``; ``replied``: the model stands in the reply only;
    ``altered``: kind, path and reason of what the provider did to the request.
    """

    own: bytes
    message: bytes | None = None
    request: bytes | None = None
    before: bytes | None = None
    began: int | None = None
    gap: int | None = None
    beyond: int | None = None
    grade: int = 0
    engine: int = 1
    broke_at: int | None = None
    path: str | None = None
    expected: bool = False
    also: tuple[bytes, ...] = ()
    before_message: bytes | None = None
    cost: str | None = None
    fingerprint: str | None = None
    said: tuple[int, str | None, int | None] | None = None
    refused: tuple[int | None, str | None] | None = None
    reason: str | None = None
    opaque: int = 0
    replied: bool = False
    altered: tuple[tuple[str, str | None, str | None], ...] = ()

    @property
    def call(self) -> str:
        """Our id of the call."""
        return unpack_id(self.own)

    @property
    def others(self) -> tuple[str, ...]:
        """Other ids under which whycold knows the call."""
        return tuple(map(unpack_id, self.also))

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id of the call, our own first, the provider's last."""
        provider = (id for id in (self.message, self.request) if id is not None)
        return tuple(map(unpack_id, (self.own, *self.also, *provider)))

    @property
    def message_id(self) -> str | None:
        """The provider's id of the response."""
        return _id(self.message)

    @property
    def request_id(self) -> str | None:
        """The provider's id of the request."""
        return _id(self.request)

    @property
    def verdict(self) -> ProviderVerdict | None:
        """The provider's own diagnosis."""
        said = _SAID[self.said[0]] if self.said is not None else None
        if self.said is None or said is None:
            return None
        return ProviderVerdict(said, self.said[1], self.said[2])

    @property
    def alterations(self) -> tuple[Alteration, ...]:
        """What the provider says it did to the request."""
        return tuple(Alteration(*told) for told in self.altered)


_DEFAULTS: Final = msgspec.structs.astuple(More(b""))

decode_more: Final = msgspec.msgpack.Decoder(More).decode
"""Further facts from their bytes."""


def encode_more(more: More) -> bytes:
    """Further facts as bytes."""
    values = msgspec.structs.astuple(more)
    end = len(values)
    while values[end - 1] == _DEFAULTS[end - 1]:
        end -= 1
    return _pack(values[:end])


def more_of(
    call: Call, told: Diagnosis, also: Sequence[str], *, message_known: bool, miss: bool
) -> More:
    """The further facts of a call. ``message_known``: the predecessor's message id is found by its
    own; ``miss``: its fingerprint is kept as a culprit's.
    """
    verdict, error = call.reply.verdict, call.reply.error
    first = told.divergences[0] if told.divergences else None
    reusable, read = sized(told.reusable_tokens), sized(call.usage.cache_read)
    return More(
        own=_packed(call.id),
        message=_maybe(call.reply.message_id),
        request=_maybe(call.request_id),
        before=_maybe(told.predecessor),
        began=(call.began - call.at) // _MICRO if call.began is not None else None,
        gap=told.gap // _MICRO if told.gap is not None else None,
        beyond=None if reusable is None else reusable - (read or 0),
        grade=_GRADES.index(told.grade),
        engine=told.engine,
        broke_at=sized(told.broke_at),
        path=clean(first.path) if first is not None else None,
        expected=told.expected,
        also=tuple(map(_packed, also)),
        before_message=None if message_known else _maybe(told.predecessor_message_id),
        cost=_fine(told.missed_cost_usd),
        fingerprint=None if miss else _label(told.fingerprint),
        said=(_SAID.index(verdict.said), _label(verdict.reason), sized(verdict.missed_tokens))
        if verdict is not None
        else None,
        refused=(error.status, _label(error.kind)) if error is not None else None,
        reason=_label(told.provider_reason),
        opaque=told.opaque,
        replied=call.model is None and told.model is not None,
        altered=tuple(
            (_label(told.kind) or "", _label(told.path), _label(told.reason))
            for told in call.reply.alterations
        ),
    )


def told_facts(more: More, read: int | None, cost: Decimal | None) -> dict[str, Any]:
    """What ``more`` holds of a diagnosis, by its fields. ``read`` and ``cost`` are those of the
    call's sums.
    """
    return {
        "call": more.call,
        "grade": _GRADES[more.grade],
        "expected": more.expected,
        "message_id": more.message_id,
        "request_id": more.request_id,
        "predecessor": _id(more.before),
        "predecessor_message_id": _id(more.before_message),
        "missed_cost_usd": Decimal(more.cost) if more.cost is not None else cost,
        "reusable_tokens": None if more.beyond is None else more.beyond + (read or 0),
        "broke_at": more.broke_at,
        "gap": None if more.gap is None else timedelta(microseconds=more.gap),
        "provider_reason": more.reason,
        "opaque": more.opaque,
        "engine": more.engine,
    }


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


def decode_texts(data: bytes) -> tuple[dict[str, Any], str | None]:
    """The fields of a diagnosis that ``encode_texts`` holds, and the provider's error message.
    ``summary`` is None where it follows from the rest.
    """
    title, ruled_out, divergences, error, said = from_json(data)
    return {
        "title": title,
        "ruled_out": tuple(ruled_out),
        "divergences": tuple(Found(**_named(_FOUND, values)) for values in divergences),
        "summary": said,
    }, error


def told_from(values: dict[str, Any]) -> Diagnosis:
    """A diagnosis of its fields, its summary said again where it is missing."""
    if values.get("summary") is None:
        values["summary"] = ""
        values["summary"] = summary(Diagnosis(**values))
    return Diagnosis(**values)


def title_without_texts(cause: str | None, path: str | None) -> str | None:
    """What there is to say of a change when nothing of the prompt may be quoted."""
    return f"{cause} at {path}" if cause and path else cause


def encode_counts(told: Diagnosis, blocks: Sequence[Block]) -> bytes:
    """The tokens per block; in full where they are not those of ``blocks``, in order."""
    if not told.blocks:
        return b""
    if _follow(told.blocks, blocks, told.usage.cache_read):
        return b"t" + _pack([block.tokens for block in told.blocks])
    return b"f" + to_json(
        [[b.section, b.path, b.name, b.role, b.tokens, b.cached, b.breakpoint] for b in told.blocks]
    )


def decode_counts(data: bytes, blocks: Sequence[Block], read: int | None) -> tuple[BlockCount, ...]:
    """The tokens per block from ``encode_counts``; ``read`` is what was read from the cache."""
    if not data:
        return ()
    if data[:1] == b"t":
        return tuple(_counted(blocks, _unpack_counts(data[1:]), read))
    return tuple(BlockCount(**_named(_COUNT, values)) for values in from_json(data[1:]))


def _follow(counts: Sequence[BlockCount], blocks: Sequence[Block], read: int | None) -> bool:
    """Whether all but the tokens is what ``_counted`` would say again."""
    if len(counts) != len(blocks):
        return False
    end = 0
    for count, block in zip(counts, blocks, strict=True):
        end += count.tokens
        marker = block.breakpoint
        if (
            count.path != block.path
            or count.cached is not (None if read is None else end <= read)
            or count.section is not block.section
            or count.name != block.name
            or count.role != block.role
            or count.breakpoint != (None if marker is None else marker.ttl or "default")
        ):
            return False
    return True


def _counted(blocks: Sequence[Block], tokens: Sequence[int], read: int | None) -> list[BlockCount]:
    """Counts as the engine makes them: cached is what ends within what was read."""
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
        for block, count, end in zip(blocks, tokens, accumulate(tokens), strict=False)
    ]


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Values by their names; what an older version did not write is left to the default."""
    out = dict(zip(names, values, strict=False))
    out["section"] = Section(out["section"])
    return out


def _packed(id: str) -> bytes:
    return pack_id(clean(id))


def _maybe(id: str | None) -> bytes | None:
    return None if id is None else _packed(id)


def _id(data: bytes | None) -> str | None:
    return None if data is None else unpack_id(data)


def _label(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _fine(cost: Decimal | None) -> str | None:
    """The cost as text where the sums hold it less exactly."""
    return None if cost is None or usd_of(pico_usd(cost)) == cost else str(cost)
