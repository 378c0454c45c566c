"""How well a commit accounts for an edit."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whycold.remedies.blame.patches import Hunk
from whycold.remedies.blame.suspect import Suspect
from whycold.remedies.blame.words import COMMON, Sought, longest_common, words_of

__all__ = ["Commit", "Score", "score"]

_SLACK = timedelta(hours=1)
"""How much younger than the first miss a commit may be: people try before they commit."""
_INTERPOLATES = re.compile(
    r"\$?\{|%[sdrfi(]|%-?[YmdHMS]|\.format\(|strftime|now\(|today\(|utcnow|Date\b|uuid|random|time\("
    r"|\+\s*\w|\w\s*\+|counter|getpid|hostname|git |environ|cwd\("
)
_ORDERS = re.compile(
    r"\b(?:sort(?:ed|_keys|Keys|By|_by)?|toSorted|order(?:ed)?|OrderedDict|shuffle|random|reversed?|set"
    r"|frozenset|dict|Object\.(?:keys|values|entries)|listdir|glob|iterdir|scandir|readdir\w*|walk"
    r"|as_completed|gather|Promise\.(?:all|any)|Set|Map|keys|items|values|insert|append|unshift"
    r"|push|concat|extend)\b"
)
_PARTS = re.compile(r"\w[-_.:/]\w*\d|\w{3,}[-_]\w+[-_]\w")
_ENOUGH = 0.6
"""The share of an edit's words that a commit must bring or take."""
_LEAST = 2.0
_NEIGHBOURS = 2
_EVIDENCE = 3
"""What a change of some words needs beside them: words in a row of the text around it, of which two
are little; its name, if that has several parts; two or three telling words of the edit itself.
"""
_JOINTS = re.compile(r"\w[-_.]\w")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its full name, when it was made (UTC), author and first line."""

    id: str
    at: datetime
    author: str
    subject: str


@dataclass(frozen=True, slots=True)
class Score:
    """How well a commit accounts for the edit: ``points``, and why in words; ``hunks`` that do."""

    points: float
    reasons: tuple[str, ...]
    hunks: tuple[Hunk, ...]


def score(commit: Commit, hunks: Iterable[Hunk], suspect: Suspect, sought: Sought) -> Score | None:
    """None for a commit that does not account for the edit."""
    if commit.at > suspect.first_bad + _SLACK:
        return None
    files: defaultdict[str, list[Hunk]] = defaultdict(list)
    for hunk in hunks:
        files[hunk.path].append(hunk)
    found = [_file(some, suspect, sought) for some in files.values()]
    best = max((s for s in found if s is not None), key=lambda s: s.points, default=None)
    if best is None or best.points < _LEAST:
        return None
    points, reasons = best.points, list(best.reasons)
    # commits are dated to the second
    good = suspect.last_good.replace(microsecond=0) if suspect.last_good is not None else None
    if commit.at > suspect.first_bad:
        if suspect.ordered:
            return None
        points -= 2
        reasons.append("made after the first bad call, which may have run what was not committed")
    elif good is not None and good <= commit.at:
        points += 2
        reasons.append("made between the last good call and the first bad one")
    elif suspect.ordered or _is_weak(best):
        # Nothing but the time would speak for it.
        return None
    return Score(points, tuple(reasons), best.hunks)


def _is_weak(found: Score) -> bool:
    return found.points < _LEAST + 1


def _file(hunks: Sequence[Hunk], suspect: Suspect, sought: Sought) -> Score | None:
    """The hunks of one file together: what moved within it neither came nor went."""
    came = Counter(word for h in hunks for line in h.came for word in words_of(line))
    gone = Counter(word for h in hunks for line in h.gone for word in words_of(line))
    if suspect.ordered:
        return _ordered(hunks, suspect)
    if sought.added or sought.removed:
        return _edited(hunks, came - gone, gone - came, suspect, sought)
    return _templated(hunks, suspect, sought)


def _edited(
    hunks: Sequence[Hunk],
    came: Counter[str],
    gone: Counter[str],
    suspect: Suspect,
    sought: Sought,
) -> Score | None:
    """A text that stands in the code: its words came, or went."""
    brings, takes = _share(sought.added, came), _share(sought.removed, gone)
    if max(brings, takes) < _ENOUGH:
        return _listed(hunks, came, gone, suspect)
    touched = tuple(h for h in hunks if _touches(h, sought))
    near = max((_near(hunk, sought) for hunk in touched), default=0)
    named = _named(hunks, suspect)
    distinct = _distinct(sought.added if brings >= takes else sought.removed)
    by_name = max((_EVIDENCE if _JOINTS.search(name) else 1 for name in named), default=0)
    around = near if near > _NEIGHBOURS else near // _NEIGHBOURS
    telling = min(distinct, _EVIDENCE) if distinct > 1 else 0
    if around + by_name + telling < _EVIDENCE:
        return None
    points, reasons = 0.0, list[str]()
    if brings >= _ENOUGH:
        points += 2 * brings
        reasons.append(f"brings {_quoted(sought.added)}")
    if takes >= _ENOUGH:
        points += 2 * takes
        reasons.append(f"takes out {_quoted(sought.removed)}")
    if near >= _NEIGHBOURS:
        points += min(near, 8) / 4
        reasons.append("in the text that stands around the edit")
    if named:
        points += 1
        reasons.append(f"beside the name {named[0]}")
    return Score(points, tuple(reasons), touched or tuple(hunks[:1]))


def _listed(
    hunks: Sequence[Hunk], came: Counter[str], gone: Counter[str], suspect: Suspect
) -> Score | None:
    """Something that came or went as a whole may have only been put on a list, or struck off."""
    if suspect.before and suspect.after:
        return None
    there, word = (came, "brings") if suspect.after else (gone, "takes out")
    for name in suspect.names:
        if there[name]:
            out = tuple(h for h in hunks if _named([h], suspect))
            return Score(_LEAST + 1, (f"{word} the name {name}",), out)
    return None


def _templated(hunks: Sequence[Hunk], suspect: Suspect, sought: Sought) -> Score | None:
    """A value that changes by itself: the literal text before it came with an expression."""
    out: list[Hunk] = []
    points, reasons = 0.0, list[str]()
    for hunk in hunks:
        came, gone = " ".join(hunk.came), " ".join(hunk.gone)
        now, was = _beside(came, sought), _beside(gone, sought)
        if now < min(_NEIGHBOURS, len(sought.left) + len(sought.right)) or came == gone:
            continue
        if not _INTERPOLATES.search(came):
            continue
        out.append(hunk)
        if was < now or not _INTERPOLATES.search(gone):
            points = max(points, 4 + min(now, 8) / 4)
            reasons = ["brings the text around the value, with an expression for it"]
        elif points < _LEAST + 1:
            points = max(points, 2 + min(now, 8) / 4)
            reasons = ["changes the line that makes the value"]
    if not out:
        return _marked(hunks, suspect)
    return Score(points, tuple(reasons), tuple(out))


def _marked(hunks: Sequence[Hunk], suspect: Suspect) -> Score | None:
    """No text at all: lines with a name, such as that of a marker, came or went."""
    names = suspect.names if not suspect.after and not suspect.before else ()
    for name in names:
        out = tuple(
            h for h in hunks if _count(name, h.gone) != _count(name, h.came) or _moved(name, h)
        )
        if out:
            fewer = sum(_count(name, h.came) - _count(name, h.gone) for h in out) < 0
            return Score(3.5 if fewer else 3, (f"changes lines with {name}",), out)
    return None


def _moved(name: str, hunk: Hunk) -> bool:
    return any(name in line for line in hunk.came) and hunk.came != hunk.gone


def _ordered(hunks: Sequence[Hunk], suspect: Suspect) -> Score | None:
    """Only the order changed: lines that order things, or the things themselves moved."""
    out: list[Hunk] = []
    points, reasons = 0.0, list[str]()
    for hunk in hunks:
        came, gone = " ".join(hunk.came), " ".join(hunk.gone)
        orders = Counter(_ORDERS.findall(came)) != Counter(_ORDERS.findall(gone))
        named = sum(name in came or name in gone for name in suspect.names)
        if orders and not (hunk.gone and not hunk.came and not named):
            out.append(hunk)
            points = max(points, 3.0 + min(named, 2) / 2)
            reasons.append("changes how things are put in order")
        elif named >= _NEIGHBOURS:
            out.append(hunk)
            points = max(points, 2.5)
            reasons.append("moves what was re-ordered")
    return Score(points, tuple(dict.fromkeys(reasons)), tuple(out)) if out else None


def _share(wanted: Counter[str], there: Counter[str]) -> float:
    """How much of the words is there; the telling ones count three times."""
    whole = sum(_weight(word) * count for word, count in wanted.items())
    found = sum(_weight(word) * count for word, count in (wanted & there).items())
    return found / whole if whole else 0.0


def _weight(word: str) -> int:
    return 1 if word.lower() in COMMON or len(word) < 3 else 3


def _distinct(words: Counter[str]) -> int:
    """How many words tell something by themselves; a name of several parts tells as much as two."""
    telling = [word for word in words if word.lower() not in COMMON and len(word) > 3]
    return sum(2 if _PARTS.search(word) else 1 for word in telling)


def _touches(hunk: Hunk, sought: Sought) -> bool:
    came = {word for line in hunk.came for word in words_of(line)}
    gone = {word for line in hunk.gone for word in words_of(line)}
    return bool(came & set(sought.added) or gone & set(sought.removed))


def _near(hunk: Hunk, sought: Sought) -> int:
    """How many words in a row of the text around the edit stand in the changed lines."""
    return max(_beside(" ".join(lines), sought) for lines in (hunk.came, hunk.gone))


def _beside(text: str, sought: Sought) -> int:
    stream = words_of(text)
    return max(longest_common(sought.left, stream), longest_common(sought.right, stream))


def _named(hunks: Sequence[Hunk], suspect: Suspect) -> list[str]:
    """Names that stand in the changed lines, however a language joins their words."""
    text = _joined("\n".join(line for h in hunks for line in (*h.came, *h.gone)))
    return [name for name in suspect.names if _joined(name) in text]


def _joined(text: str) -> str:
    return text.replace("_", "").replace("-", "").lower()


def _count(name: str, lines: Sequence[str]) -> int:
    return sum(line.count(name) for line in lines)


def _quoted(words: Counter[str]) -> str:
    telling = sorted(words, key=lambda word: (-_weight(word), -len(word)))[:3]
    return ", ".join(f'"{word[:40]}"' for word in telling)
