"""Words that nobody would choose: told from names by what cannot be pronounced."""

from __future__ import annotations

import re

__all__ = ["WORD", "looks_random"]

# A word long enough to ask about; not a piece of base 64 text, which is cut by its own signs.
WORD = re.compile(r"(?<![\w+/=-])[0-9A-Za-z][\w-]{6,126}[0-9A-Za-z](?![\w+/-])")

# Pairs of consonants that words are made of; others betray a generator.
_CLUSTERS = (
    "th st nd nt ng ch sh ll ss tt rs ns ts ck ct ld rd rt rm rn ph pl pr tr cr br dr fr gr bl cl "
    "fl gl sl sp sc sk sm sn sw tw wh wr ff mp mb mm nn pp rr cc dd nc nf nk rc rg rk rl lt lm lf "
    "pt ft xt ks ls ms ps ds gs bs rp rb rf ht hn xp xc nm nl tm db sq"
)


def looks_random(value: str) -> bool:
    """Whether only a generator writes such a word: digits between letters nobody can pronounce.

    Misses a third of the short ids, and takes about 1 in 2,000 names in programs for an id.
    """
    parts = re.findall(r"[0-9A-Za-z]+", value[:256])
    word = max(parts, key=len, default="")
    if len(word) < 8:
        if len(value) < 16 or value.islower() or value.isupper():
            return False
        word = "".join(parts)
    digits = sum(map(str.isdigit, word))
    if digits < 2 or digits == len(word):
        return False
    breaks = sum(map(_breaks, word, word[1:]))
    return breaks >= max(4 if len(word) < 12 else 5, 0.4 * (len(word) - 1))


def _breaks(a: str, b: str) -> bool:
    if not (a.isalpha() and b.isalpha()):
        return a.isdigit() != b.isdigit()
    if a.isupper() != b.isupper():
        return b.isupper()
    a, b = a.lower(), b.lower()
    if a in "aeiouy" or b in "aeiouy":
        return a == "q" and b != "u"
    return a + b not in _CLUSTERS
