"""The live entries of all calls so far, by scope and prefix."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from whycold.core.call import Call
from whycold.core.content import encode
from whycold.core.live_entries import Entry, entries, reach
from whycold.core.prompt import Section
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts

__all__ = ["Ledger", "scope"]

_RECENT = 256
"""How many of the latest calls are looked at for what came in between."""


class Ledger:
    """What is in the caches. A scope is a provider, an account, a model and a host: nothing is
    shared between two of them.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[object, ...], dict[bytes, Entry]] = {}
        self._recent: deque[Call] = deque(maxlen=_RECENT)
        self._oldest: datetime | None = None
        """No entry was last used before that time."""

    def live(self, call: Call, rules: CacheRules) -> tuple[Entry, ...]:
        """Entries of any earlier call that this call could read, shortest first."""
        found = self._found(call, rules, reach(call, rules))
        return tuple(e for e in found if e is not None and e.readable(call.at))

    def refreshed(self, call: Call, rules: CacheRules) -> dict[int, Entry]:
        """The entries at the prefixes of an earlier call, by leading blocks, as last used."""
        found = enumerate(self._found(call, rules), 1)
        return {blocks: entry for blocks, entry in found if entry is not None}

    def remember(
        self, call: Call, rules: CacheRules, counts: Counts, live: Sequence[Entry]
    ) -> None:
        """Take in what a call left, and that it read what was live."""
        self._recent.append(call)
        read = call.usage.cache_read or 0
        tables = self._of(call, rules)
        blocks, chain = call.prompt.blocks, call.prompt.chain
        for entry in live:
            if entry.ttl is not None and entry.ttl.refreshed and 0 < entry.tokens <= read:
                last = entry.blocks - 1
                tables[blocks[last].section][chain[last]] = entry.used(call.at)
        for entry in entries(call, rules, counts):
            self._oldest = min(self._oldest or _last_used(entry), _last_used(entry))
            last = entry.blocks - 1
            _keep(tables[blocks[last].section], chain[last], entry)
            if entry.anywhere:
                for i in range(last):
                    part = entry.shortened(i + 1, counts.until(i + 1))
                    tables[blocks[i].section][chain[i]] = part

    def forget(self, before: datetime) -> None:
        """Let go of entries that were last used before that time."""
        if self._oldest is None or before <= self._oldest:
            return
        self._oldest = before
        for place, table in list(self._tables.items()):
            left = {k: e for k, e in table.items() if _last_used(e) >= before}
            if left:
                self._tables[place] = left
            else:
                del self._tables[place]

    def others(self, call: Call, since: Call) -> tuple[Call, ...]:
        """Calls after ``since`` to the same place that this one does not go on from."""
        own = set(call.prompt.chain)
        return tuple(
            other
            for other in self._recent
            if other.order > since.order
            and other.id != call.id
            and (other.provider, other.account, other.host)
            == (call.provider, call.account, call.host)
            and not own.issuperset(other.prompt.chain[-1:])
        )

    def _of(self, call: Call, rules: CacheRules) -> dict[Section, dict[bytes, Entry]]:
        """Per section, the entries by prefix that were made under the settings that void it."""
        place = scope(call)
        return {
            section: self._tables.setdefault((*place, *_voiding(call, rules, section)), {})
            for section in rules.order
        }

    def _found(
        self, call: Call, rules: CacheRules, limit: int | None = None
    ) -> Iterator[Entry | None]:
        tables = self._of(call, rules)
        for block, link in zip(call.prompt.blocks[:limit], call.prompt.chain, strict=False):
            yield tables[block.section].get(link)


def _last_used(entry: Entry) -> datetime:
    return entry.expires or entry.written


def _keep(table: dict[bytes, Entry], key: bytes, entry: Entry) -> None:
    """Take in an entry; a count of its tokens is not given up for an estimate."""
    older = table.get(key)
    if older is not None and older.exact and not entry.exact:
        entry = replace(entry, tokens=older.tokens, exact=True)
    table[key] = entry


def scope(call: Call) -> tuple[object, ...]:
    """What a call shares its cache with: nothing is read across two scopes."""
    return (call.provider, call.account, call.model, call.host, call.prompt.links.apart)


def _voiding(call: Call, rules: CacheRules, section: Section) -> Iterator[bytes]:
    """The settings whose change voids the section; the model is part of the scope."""
    until = rules.order.index(section)
    for setting in sorted(call.prompt.settings, key=lambda s: s.name):
        effect = rules.effects.get(setting.name)
        if effect is None or effect.voids is None or setting.name == "model":
            continue
        if effect.voids not in rules.order or rules.order.index(effect.voids) <= until:
            yield setting.name.encode()
            yield encode(setting.value)
