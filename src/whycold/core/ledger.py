"""The live entries of all calls so far, by scope and prefix."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from whycold.core.call import Call
from whycold.core.content import digest, encode
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
        self._entries: dict[tuple[object, ...], Entry] = {}
        self._recent: deque[Call] = deque(maxlen=_RECENT)

    def live(self, call: Call, rules: CacheRules) -> tuple[Entry, ...]:
        """Entries of any earlier call that this call could read, shortest first."""
        found = self._found(call, _keys(call, rules)[: reach(call, rules)])
        return tuple(e for e in found if e is not None and e.readable(call.at))

    def refreshed(self, call: Call, rules: CacheRules) -> dict[int, Entry]:
        """The entries at the prefixes of an earlier call, by leading blocks, as last used."""
        found = enumerate(self._found(call, _keys(call, rules)), 1)
        return {blocks: entry for blocks, entry in found if entry is not None}

    def remember(
        self, call: Call, rules: CacheRules, counts: Counts, live: Sequence[Entry]
    ) -> None:
        """Take in what a call left, and that it read what was live."""
        self._recent.append(call)
        read = call.usage.cache_read or 0
        place, keys = scope(call), _keys(call, rules)
        for entry in live:
            if entry.ttl is not None and entry.ttl.refreshed and 0 < entry.tokens <= read:
                self._entries[*place, keys[entry.blocks - 1]] = entry.used(call.at)
        for entry in entries(call, rules, counts):
            self._keep((*place, keys[entry.blocks - 1]), entry)
            if entry.anywhere:
                for blocks, key in enumerate(keys[:-1], 1):
                    self._entries[*place, key] = entry.shortened(blocks, counts.until(blocks))

    def _keep(self, key: tuple[object, ...], entry: Entry) -> None:
        """Take in an entry; a count of its tokens is not given up for an estimate."""
        older = self._entries.get(key)
        if older is not None and older.exact and not entry.exact:
            entry = replace(entry, tokens=older.tokens, exact=True)
        self._entries[key] = entry

    def forget(self, before: datetime) -> None:
        """Let go of entries that were last used before that time."""
        self._entries = {
            key: entry
            for key, entry in self._entries.items()
            if (entry.expires or entry.written) >= before
        }

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

    def _found(self, call: Call, keys: Sequence[bytes]) -> list[Entry | None]:
        place = scope(call)
        return [self._entries.get((*place, key)) for key in keys]


def scope(call: Call) -> tuple[object, ...]:
    """What a call shares its cache with: nothing is read across two scopes."""
    return (call.provider, call.account, call.model, call.host)


def _keys(call: Call, rules: CacheRules) -> Sequence[bytes]:
    """Per block, what the cache knows the prefix by: its chain, and the settings that void it."""
    salts = {section: digest(*_voiding(call, rules, section)) for section in rules.order}
    plain = digest()
    if all(salt == plain for salt in salts.values()):
        return call.prompt.chain
    return [
        digest(link, salts.get(block.section, plain))
        for block, link in zip(call.prompt.blocks, call.prompt.chain, strict=True)
    ]


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
