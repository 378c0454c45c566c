"""A byte-level BPE tokenizer, trained: what GPT-2's kind of tokenizer needs in a GGUF file.

The method is the one of Sennrich et al., "Neural Machine Translation of Rare Words with Subword
Units" (2016), on bytes that are written as printable characters as GPT-2 does.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

__all__ = ["SPACE", "Pair", "encode_word", "train"]

Pair = tuple[str, str]

# Close to GPT-2's own splitting into words, which is the server's; close will do to train on.
_WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\w\s]|_)+|\s+(?!\S)|\s+")


def _alphabet() -> tuple[str, ...]:
    """A printable character for each byte: its own where it has one, else the next from 256 on."""
    own = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return tuple(chr(byte) if byte in own else chr(next(others)) for byte in range(256))


_ALPHABET = _alphabet()
SPACE = _ALPHABET[ord(" ")]


def train(text: str, size: int) -> tuple[list[str], list[Pair]]:
    """The vocabulary (the 256 bytes, then what was merged) and the merges, both in order.

    At most ``size`` tokens; fewer when no pair of neighbours is left that occurs twice.
    """
    training = _Training(text)
    tokens = list(_ALPHABET)
    merges: list[Pair] = []
    seen = set(tokens)
    while len(tokens) < size and (best := training.commonest()) is not None:
        training.merge(best)
        merges.append(best)
        merged = best[0] + best[1]
        if merged not in seen:
            seen.add(merged)
            tokens.append(merged)
    return tokens, merges


def encode_word(word: str, ranks: Mapping[Pair, int]) -> list[str]:
    """The tokens of one word; ``ranks`` gives each merge its place in the order."""
    parts = _spell(word)
    while True:
        known = [(ranks[pair], i) for i, pair in enumerate(_pairs(parts)) if pair in ranks]
        if not known:
            return parts
        _, i = min(known)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


class _Training:
    """The distinct words of a text, cut into parts, and the count of each pair of neighbours."""

    def __init__(self, text: str) -> None:
        counts = sorted(Counter(_WORD.findall(text)).items())
        self._words = [_spell(word) for word, _ in counts]
        self._often = [often for _, often in counts]
        self._pairs: Counter[Pair] = Counter()
        self._where: defaultdict[Pair, set[int]] = defaultdict(set)
        for index in range(len(self._words)):
            self._count(index, self._often[index])
        self._heap = [(-often, pair) for pair, often in self._pairs.items()]
        heapq.heapify(self._heap)

    def commonest(self) -> Pair | None:
        """The pair that occurs most, the first in sort order among equals; None if none recurs."""
        while self._heap:
            often, pair = heapq.heappop(self._heap)
            # A count that changes is pushed anew, so an entry that no longer holds is dropped.
            if self._pairs[pair] == -often:
                return pair if -often > 1 else None
        return None

    def merge(self, pair: Pair) -> None:
        """Make one part of the pair wherever it stands."""
        changed: set[Pair] = set()
        for index in self._where.pop(pair):
            parts = self._words[index]
            changed.update(_pairs(parts))
            self._count(index, -self._often[index])
            self._words[index] = parts = _merged(parts, pair)
            changed.update(_pairs(parts))
            self._count(index, self._often[index])
        for other in changed:
            heapq.heappush(self._heap, (-self._pairs[other], other))

    def _count(self, index: int, often: int) -> None:
        for pair in _pairs(self._words[index]):
            self._pairs[pair] += often
            self._where[pair].add(index)


def _merged(parts: list[str], pair: Pair) -> list[str]:
    out: list[str] = []
    for part in parts:
        # The pair's second half right after a first half that is still open.
        if out and part == pair[1] and out[-1] == pair[0]:
            out[-1] += part
        else:
            out.append(part)
    return out


def _spell(word: str) -> list[str]:
    return [_ALPHABET[byte] for byte in word.encode()]


def _pairs(parts: Sequence[str]) -> Iterable[Pair]:
    return pairwise(parts)
