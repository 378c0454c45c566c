"""What each call leaves in the cache: at which prefix, how many tokens, from when and until
when.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from whycold.core.call import Call
from whycold.core.prompt import Block, Kind, Section
from whycold.core.rules import CacheRules, Isolation, OptIn, Ttl
from whycold.core.tokens import Counts

__all__ = ["Entry", "entries", "positions_between", "reach", "sent_back", "unheard", "unmarked"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached prefix.

    ``blocks`` leading blocks of the prompt of the call that left it, ``tokens`` of them (``exact``
    when counted by the provider). ``anywhere`` is true where any shorter prefix can be read too.
    ``usable_from`` is when it can be read (None: not known, taken as at once), ``expires`` when it
    is gone (None: no stated lifetime); both UTC.
    """

    call: str
    blocks: int
    tokens: int
    exact: bool
    anywhere: bool
    ttl: Ttl | None
    written: datetime
    usable_from: datetime | None
    expires: datetime | None

    def alive(self, at: datetime) -> bool:
        """Whether it had not expired at that time."""
        return self.expires is None or at <= self.expires

    def readable(self, at: datetime) -> bool:
        """Whether it had not expired and its writer had begun to answer."""
        return self.alive(at) and (self.usable_from is None or self.usable_from <= at)

    def used(self, at: datetime) -> Entry:
        """The entry after a read, which starts its lifetime anew."""
        if self.ttl is None or not self.ttl.refreshed:
            return self
        # not by dataclasses.replace, which takes ten times as long: a read refreshes many
        return Entry(
            self.call,
            self.blocks,
            self.tokens,
            self.exact,
            self.anywhere,
            self.ttl,
            self.written,
            self.usable_from,
            at + self.ttl.lifetime + _GRACE,
        )

    def shortened(self, blocks: int, tokens: int) -> Entry:
        """The part of it that holds fewer blocks, where any shorter prefix can be read."""
        return replace(self, blocks=blocks, tokens=tokens, exact=False)


def entries(call: Call, rules: CacheRules, counts: Counts) -> tuple[Entry, ...]:
    """The entries that a call leaves, shortest first; none for a refused call or one below the
    minimum.
    """
    usage, blocks = call.usage, call.prompt.blocks
    if call.reply.error is not None or not blocks:
        return ()
    if call.prompt.asks is False and rules.isolation is not Isolation.server:
        return ()
    if rules.minimum is not None and counts.reported and counts.total < rules.minimum:
        return ()
    marked = call.prompt.breakpoints
    if unmarked(call, rules):
        return (_at_the_end(call, rules, counts),) if usage.cache_write or usage.cache_read else ()
    if rules.opt_in is OptIn.explicit or (rules.opt_in is OptIn.both and marked):
        if usage.cache_write == 0 and not usage.cache_read:
            return ()
        left = [_entry(call, rules, counts, index + 1, blocks[index]) for index in marked]
        if usage.cache_read is not None and usage.cache_write is not None and left:
            # what was read and written ends at the last marker; a few framing tokens may follow it
            left[-1] = replace(left[-1], tokens=usage.cache_read + usage.cache_write, exact=True)
        return tuple(left)
    return (_entry(call, rules, counts, len(blocks), None),)


def _entry(
    call: Call, rules: CacheRules, counts: Counts, blocks: int, marked: Block | None
) -> Entry:
    asked = marked.breakpoint.ttl if marked is not None and marked.breakpoint else None
    sure = counts.until(blocks)
    if not counts.is_exact(blocks):
        sure = int(sure * (1 - _ESTIMATE_ERROR))
    ttl = rules.ttl(_granted(call, sure, asked) if marked else _asked(call, rules))
    return Entry(
        call=call.id,
        blocks=blocks,
        tokens=counts.until(blocks),
        exact=counts.is_exact(blocks),
        anywhere=marked is None,
        ttl=ttl,
        written=call.at,
        usable_from=call.began if rules.usable_when_begun else None,
        expires=call.at + ttl.lifetime + _GRACE if ttl else None,
    )


def unmarked(call: Call, rules: CacheRules) -> bool:
    """Whether the provider wants markers, and the source does not show where they were."""
    prompt = call.prompt
    return rules.opt_in is OptIn.explicit and prompt.asks is None and bool(prompt.unseen)


def _at_the_end(call: Call, rules: CacheRules, counts: Counts) -> Entry:
    """The longest entry of a call whose markers are not recorded: what was read and written.

    It is taken to end with the prompt, its lifetime is the one that was written last; one that was
    only read has one that is not known.
    """
    usage = call.usage
    last = "5m" if usage.cache_write_5m else "1h" if usage.cache_write_1h else None
    ttl = rules.ttl(last) if last is not None else None
    counted = usage.cache_read is not None and usage.cache_write is not None
    return Entry(
        call=call.id,
        blocks=len(call.prompt.blocks),
        tokens=(usage.cache_read or 0) + (usage.cache_write or 0) if counted else counts.total,
        exact=counted,
        anywhere=False,
        ttl=ttl,
        written=call.at,
        usable_from=call.began if rules.usable_when_begun else None,
        expires=call.at + ttl.lifetime + _GRACE if ttl else None,
    )


def _granted(call: Call, tokens: int, asked: str | None) -> str | None:
    """The lifetime that an entry of at least so many tokens got.

    What was written as ``5m`` lives no hour, whatever was asked (Anthropic, usage of the
    response; PyPI anthropic 2.12.0, types/cache_creation.py).
    """
    usage = call.usage
    written = tokens > (usage.cache_read or 0)
    short = usage.cache_write_1h == 0 and bool(usage.cache_write_5m)
    return "5m" if asked == "1h" and written and short else asked


_ESTIMATE_ERROR = 0.15
"""Share of a count by which an estimated position may be off."""
_GRACE = timedelta(seconds=2)
"""Clocks of client and provider differ, and deletion follows promptly, not instantly."""


def _asked(call: Call, rules: CacheRules) -> str | None:
    """A lifetime that was asked for by a setting instead of by a marker."""
    for name in ("prompt_cache_options.ttl", "prompt_cache_retention"):
        value = call.prompt.setting(name)
        if isinstance(value, str) and rules.ttl(value) is not None:
            return value
    return None


def reach(call: Call, rules: CacheRules) -> int | None:
    """Deepest number of leading blocks whose entry this call could read; None: any, or not known.

    With markers, a prefix can be read only up to the last marker; without any where they are
    needed, nothing can.
    """
    marked = call.prompt.breakpoints
    if unmarked(call, rules):
        return None
    if rules.opt_in is OptIn.explicit or (rules.opt_in is OptIn.both and marked):
        return marked[-1] + 1 if marked else 0
    return None


def unheard(call: Call) -> bool:
    """Whether a call asked for caching and its answer reports neither a read nor a write."""
    usage = call.usage
    return call.prompt.asks is True and usage.cache_write == 0 and usage.cache_read == 0


def sent_back(call: Call, before: Call) -> int | None:
    """Index of the message with which ``call`` goes on from the reply to ``before``, as it was or
    changed; None where it does not.
    """
    count = sum(block.opens for block in before.prompt.section(Section.messages))
    opening = [block for block in call.prompt.section(Section.messages) if block.opens]
    reply = before.reply.blocks
    if not reply or count >= len(opening) or opening[count].role != reply[0].role:
        return None
    return opening[count].message


def positions_between(call: Call, rules: CacheRules, blocks: int) -> int | None:
    """Look-back positions from the nearest marker at or after it to the entry of ``blocks`` leading
    blocks.

    The marker's own block counts as the first position. None when no marker stands there or there
    is no limit.
    """
    if rules.lookback is None:
        return None
    marker = next((i for i in call.prompt.breakpoints if i + 1 >= blocks), None)
    if marker is None:
        return None
    return sum(
        1
        for _ in _positions(
            call.prompt.blocks, blocks - 1, marker, once=rules.lookback.runs_count_once
        )
    )


def _positions(blocks: tuple[Block, ...], first: int, last: int, *, once: bool) -> Iterator[int]:
    previous: Kind | None = None
    for index in range(last, first - 1, -1):
        kind = blocks[index].kind
        if not (once and kind is previous and kind in (Kind.tool_use, Kind.tool_result)):
            yield index
        previous = kind
