"""The live entries of all calls so far, by scope and prefix."""

from __future__ import annotations

from collections.abc import Sequence

from whycold.core.call import Call
from whycold.core.live_entries import Entry, entries, reach
from whycold.core.rules import CacheRules
from whycold.core.tokens import Counts

__all__ = ["Ledger"]


class Ledger:
    """What is in the caches. A scope is a provider, an account and a model: nothing is shared
    between two of them.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[object, ...], Entry] = {}

    def live(self, call: Call, rules: CacheRules) -> tuple[Entry, ...]:
        """Entries of any earlier call that this call could read, shortest first."""
        limit = reach(call, rules)
        chain = call.prompt.chain if limit is None else call.prompt.chain[:limit]
        return tuple(e for e in self._found(call, chain) if e is not None and e.readable(call.at))

    def refreshed(self, call: Call) -> dict[int, Entry]:
        """The entries at the prefixes of an earlier call, by leading blocks, as last used."""
        found = enumerate(self._found(call, call.prompt.chain), 1)
        return {blocks: entry for blocks, entry in found if entry is not None}

    def remember(
        self, call: Call, rules: CacheRules, counts: Counts, live: Sequence[Entry]
    ) -> None:
        """Take in what a call left, and that it read what was live."""
        read = call.usage.cache_read or 0
        scope, chain = _scope(call), call.prompt.chain
        for entry in live:
            if entry.ttl is not None and entry.ttl.refreshed and 0 < entry.tokens <= read:
                self._entries[*scope, chain[entry.blocks - 1]] = entry.used(call.at)
        for entry in entries(call, rules, counts):
            self._entries[*scope, chain[entry.blocks - 1]] = entry
            if entry.anywhere:
                for blocks, key in enumerate(chain[:-1], 1):
                    self._entries[*scope, key] = entry.shortened(blocks, counts.until(blocks))

    def _found(self, call: Call, chain: Sequence[bytes]) -> list[Entry | None]:
        scope = _scope(call)
        return [self._entries.get((*scope, key)) for key in chain]


def _scope(call: Call) -> tuple[object, ...]:
    return (call.provider, call.account, call.model)
