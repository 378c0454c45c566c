"""The written forms of values that change by themselves, as patterns.

Every pattern starts at a word, repeats nothing that repeats the same characters, and bounds what it
repeats: scanning takes time in proportion to the text. Order matters: an earlier form claims its
text from the later ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from whycold.core.volatile_kinds import Volatile
from whycold.core.volatile_local import LOCAL_DATE, LOCAL_DAY, LOCAL_TIME, NAMED_DATE, SHORT_DATE
from whycold.core.volatile_words import WORD, looks_random

__all__ = ["Value", "find_values"]


@dataclass(frozen=True, slots=True)
class Value:
    """A volatile value at [start, end); ``weak``: by its looks alone, not by a form or a name."""

    start: int
    end: int
    kind: Volatile
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Form:
    """``pattern`` finds the value, or a group ``v`` with it; ``check`` may still refuse it.

    ``digits``: a text without digits cannot hold one.
    """

    kind: Volatile
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None
    digits: bool
    weak: bool


def _numbered(value: str) -> bool:
    return any(map(str.isdigit, value))


def _mixed(value: str) -> bool:
    return _numbered(value) and any(map(str.isalpha, value))


def _is_model(value: str) -> bool:
    """Not a file or a program that is called like a model."""
    return _MODEL.search(value) is not None and _FILE.search(value) is None


def _is_file(value: str) -> bool:
    return not {"/", "\\", "."}.isdisjoint(value)


def _form(
    kind: Volatile,
    *pattern: str,
    check: Callable[[str], bool] | None = None,
    digits: bool = True,
    weak: bool = False,
) -> _Form:
    return _Form(kind, re.compile("".join(pattern), re.MULTILINE), check, digits, weak)


_N = r"(?:\d{1,3}(?:[,_]\d{3}){1,6}|\d{1,15}(?:\.\d{1,6})?[kKmM]?)"
_HEX = r"(?![0-9]+\b)(?![a-fA-F]+\b)[0-9a-fA-F]"
_MODEL = re.compile(
    r"\d|-(?:chat|coder|fast|flash|haiku|large|latest|lite|medium|mini|nano|opus|preview|pro"
    r"|reasoner|small|sonnet|turbo)$"
)
_FILE = re.compile(r"\.[a-z]{2,4}\b")
_CASES = ("[0-9a-f]", "[0-9A-F]")
# What may stand between a name and its value: `id: x`, `"id": "x"`, `id=x`, `id is x`, `<id>x`.
_IS = r"[\"']?(?:\s{0,2}[:=]\s{0,2}| is |>)[\"'`]?"
_ROOTS = (
    r"(?:tmp|var|home|Users|root|private|opt|usr|mnt|media|srv|workspaces?|work|data|apps?|etc"
    r"|Volumes|nix|run|builds?|github|scratch|export|code|repos?|projects?)"
)


def _addressed_to_the_provider() -> Iterator[_Form]:
    yield _form(Volatile.attribution, r"\bx-anthropic-billing-header:[^\n]{1,400}", digits=False)
    yield _form(Volatile.attribution, r"\b(?:cc_version|cc_entrypoint|cch)=(?P<v>[\w.-]{1,64})")
    budget = Volatile.token_budget
    yield _form(budget, rf"<(?:total_tokens|budget:token_budget)>(?P<v>{_N})")
    yield _form(budget, rf"\b(?P<v>{_N} ?(?:/|of) ?{_N}) (?:(?:in|out)put |context )?tokens\b")
    yield _form(
        budget, rf"\b(?P<v>{_N}) (?:\w{{1,12}} )?tokens? (?:left|remain\w{{0,5}}|used|so far)\b"
    )
    yield _form(
        budget,
        r"(?i:\b(?:token usage|tokens? (?:left|remaining|used)|(?:remaining|used) (?:\w{1,12} )?",
        r"tokens?|context (?:left|remaining|used|usage)|budget (?:left|remaining|used)))",
        rf"[\"']?\s{{0,2}}[:=]?\s{{0,2}}(?P<v>\$?{_N}%?(?: ?/ ?\$?{_N}(?:; \$?{_N} remaining)?)?)",
    )
    yield _form(budget, rf"(?i:\btokens)[:=]? ?(?P<v>{_N} ?/ ?{_N})")
    yield _form(
        budget, rf"(?i:\bcontext(?: window)?):? (?P<v>{_N}%) (?:used|left|full|remaining)\b"
    )
    yield _form(
        budget, rf"(?<![\w.])(?P<v>{_N}%) of (?:(?:your|the) )?(?:tokens|context|token budget)\b"
    )
    yield _form(budget, rf"(?i:\bbudget)[:=] ?(?P<v>\$?{_N} ?/ ?\$?{_N}(?:; \$?{_N} remaining)?)")


def _places() -> Iterator[_Form]:
    path, git = Volatile.path, Volatile.git
    yield _form(
        path,
        rf"(?<![\w/.:@-])(?:~|/{_ROOTS})(?:/[\w.@+~%=,#-]{{1,255}}){{1,64}}/?(?<![.,])",
        digits=False,
    )
    yield _form(path, r"(?<!\w)[A-Za-z]:\\{1,2}[^\s\"'<>|:*?]{1,400}(?<![.,])", digits=False)
    yield _form(
        path,
        r"(?i:\b(?:working (?:dir(?:ectory)?|folder)|cwd|pwd|(?:current|workspace|project|repo",
        rf"(?:sitory)?) (?:root|path|dir(?:ectory)?|folder))){_IS}",
        r"(?P<v>(?:[~.]{0,2}/|[A-Za-z]:[\\/])[\w.@+~/\\-]{0,400}(?<![.,]))",
        digits=False,
    )
    yield _form(
        path,
        rf"(?i:\b(?:active|current|open|visible|cursor) (?:file|tab|editor|document)){_IS}",
        r"(?P<v>[\w.@+~:/\\-]{1,400}(?<![.,:]))",
        check=_is_file,
        digits=False,
    )
    yield _form(
        git,
        r"(?:\bOn branch |\bHEAD detached at |\b(?:[Cc]urrent |[Gg]it )?[Bb]ranch(?: name)?\"?[:=]",
        r" ?\"?|\b[Mm]ain branch \([^)\n]{1,80}\): |\bgit_branch\"?[:=] ?\"?)",
        r"(?P<v>[\w./@#+-]{1,200}(?<![.,])(?: \([0-9a-f]{7,40}\))?)",
        digits=False,
    )
    yield _form(
        git,
        r"(?i:\b(?:commit|head(?: is now at| at)?|revision|rev|sha|now at",
        r"|git[ _-]?(?:sha|hash|commit|rev|head)))[\"']?\s{0,2}[:=@(]?\s{0,2}[\"']?",
        rf"(?P<v>{_HEX}{{7,40}})\b",
    )
    yield _form(git, rf"(?i:\b(?:ahead|behind)(?: of '[^'\n]{{1,80}}')?(?: by)?) (?P<v>{_N})\b")
    address = Volatile.address
    yield _form(address, r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?::\d{2,5})?(?!\w|\.\w)")
    yield _form(address, r"(?:\blocalhost|://[\w.-]{1,100}):(?P<v>\d{2,5})\b")
    yield _form(address, r"(?i:\bport)\"?\s?[:=]\s?(?P<v>\d{2,5})\b")


def _identities() -> Iterator[_Form]:
    yield _form(
        Volatile.uuid,
        r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])",
    )
    yield _form(
        Volatile.hash,
        r"(?i:\b(?:sha-?(?:1|224|256|384|512)|md5|blake\d\w?|crc32|digest|checksum|hash|etag",
        rf"|fingerprint|integrity))(?:{_IS}|-)(?P<v>{_HEX}{{6,128}}\b|[A-Za-z0-9+/]{{27,88}}={{0,2}})",
        check=_numbered,
    )
    hexes = "|".join(f"{signs}{{{n}}}" for n in (32, 40, 56, 64, 96, 128) for signs in _CASES)
    yield _form(Volatile.hash, rf"(?<![0-9A-Za-z])(?:{hexes})(?![0-9A-Za-z])", check=_mixed)
    random_id = Volatile.random_id
    yield _form(
        random_id,
        r"(?<![\w-])(?:msg|toolu|srvtoolu|req|resp|rs|fc|call|run|thread|asst|sess(?:ion)?|ses",
        r"|conv|chatcmpl|cmpl|gen|trace|span|evt|batch|item|part|prt|container|task|agent|org|user",
        r"|fork|job|wf)[_-](?:\d{2}_)?(?P<v>[0-9A-Za-z]{8,64})(?![0-9A-Za-z])",
        check=_numbered,
    )
    yield _form(
        random_id,
        r"(?i:\b(?:(?:session|request|trace|span|run|conversation|thread|fork|call|message|task",
        r"|agent|job|build|client|correlation|transaction|device|process|container|chat|instance)",
        r"[ _-]?(?:id|key)|nonce|salt|seed|pid|cache[ _-]?bust\w{0,6}))",
        rf"{_IS}(?P<v>[\w.:-]{{1,128}}(?<![.:]))",
        check=_numbered,
    )
    # ULID: 26 signs of Crockford's base 32.
    yield _form(random_id, r"(?<![\w-])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![\w-])", check=_mixed)


_DAY = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_YEAR = r"(?:19|20)\d\d"
_OF_MONTH = r"(?:[12]\d|3[01]|0?[1-9])"
_NUMERIC_DATE = (
    rf"(?:{_YEAR}[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])"
    rf"|{_OF_MONTH}[/.]{_OF_MONTH}[/.]{_YEAR})"
)
_MONTH_AND_DAY = (
    rf"(?:{_MONTH}[ ]{{1,2}}{_OF_MONTH}(?:st|nd|rd|th)?(?!\d)"
    rf"|{_OF_MONTH}(?:st|nd|rd|th)?\.?[ -](?:of )?{_MONTH})"
)
_WRITTEN_DATE = rf"(?:{_DAY},? {_MONTH_AND_DAY}(?:,? {_YEAR})?|{_MONTH_AND_DAY},?[ -]{_YEAR})"
_HOUR_AND_MINUTE = r"(?:[01]?\d|2[0-3]):[0-5]\d"
_HALF = r"(?:\s?(?:[AP]M\b|[ap]m\b|[ap]\.m\.))"
_CLOCK = rf"{_HOUR_AND_MINUTE}(?::[0-5]\d(?:[.,]\d{{1,9}})?)?{_HALF}?"
_ZONE = (
    r"(?: ?(?:Z|UTC|GMT|CES?T|EES?T|WES?T|MSK|[ECMP][SD]T|BST|IST|JST|KST|SGT|HKT|AE[SD]T)\b"
    r"(?:[+-]\d\d?(?::?\d\d)?)?| ?[+-]\d\d:?\d\d\b)"
)
_IN_ZONE = rf"(?:{_ZONE})?(?: \([A-Z][\w ]{{2,40}}\))?"
_ALONE = r"(?<![\w.:/-])"


def _times() -> Iterator[_Form]:
    time = Volatile.time
    yield _form(time, LOCAL_TIME)
    yield _form(
        time,
        rf"(?<![\w.-])(?:{_NUMERIC_DATE}|{_WRITTEN_DATE}|{_MONTH_AND_DAY})(?:[T_]|,? (?:at )?)",
        rf"{_CLOCK}{_IN_ZONE}(?: {_YEAR}\b)?(?![\d:])",
    )
    yield _form(
        time,
        rf"(?<!\d){_YEAR}-?[01]\d-?[0-3]\d[T_-][0-2]\d[-_]?[0-5]\d(?:[-_]?[0-5]\d)?Z?(?![\d-])",
    )
    yield _form(
        time, rf"{_ALONE}{_HOUR_AND_MINUTE}:[0-5]\d(?:[.,]\d{{1,9}})?{_HALF}?{_IN_ZONE}(?![\w:])"
    )
    yield _form(time, rf"{_ALONE}(?:1[0-2]|0?[1-9])(?::[0-5]\d)?{_HALF}{_IN_ZONE}(?!\w)")
    yield _form(time, rf"{_ALONE}{_HOUR_AND_MINUTE}{_ZONE}")
    yield _form(
        time,
        r"(?i:\b(?:time|clock|now|at|since|until|as of|updated|started|timestamp))[\"']?",
        rf"(?: is|[:=])?\s{{0,2}}[\"']?(?P<v>{_HOUR_AND_MINUTE})(?![\w:])",
    )
    # Seconds since 1970, from July 2017 to March 2033, and the same in smaller units.
    yield _form(
        time,
        r"(?<![0-9A-Za-z.])1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9}|\.\d{1,9})?(?![0-9A-Za-z])(?!\.\d)",
    )
    yield _form(
        time,
        rf"\b{_N} ?(?:ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?|weeks?|months?",
        r"|years?) ago\b",
    )
    yield _form(
        time,
        r"(?i:\b(?:uptime|elapsed(?: time)?|duration|took))\"?[:=]? (?P<v>\d{1,9}(?:[.:]\d{1,9})",
        r"{0,3} ?(?:[a-z]{1,7}\b)?(?:,? \d{1,9} ?[a-z]{1,7}\b){0,3})",
    )
    date = Volatile.date
    yield _form(date, LOCAL_DATE)
    yield _form(date, NAMED_DATE)
    yield _form(date, LOCAL_DAY, digits=False)
    yield _form(date, SHORT_DATE)
    yield _form(date, rf"(?<![\w./-])(?:{_NUMERIC_DATE}|{_WRITTEN_DATE})(?![\w/-])")
    # "May 5" and "March 3" can be said of other things than days.
    yield _form(date, rf"\b{_MONTH_AND_DAY}(?!\w)", check=lambda value: "Ma" not in value)
    yield _form(date, rf"\b{_MONTH} {_YEAR}\b")
    yield _form(date, r"(?<![\w.-])20[1-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?![\w-])")
    yield _form(
        date,
        r"(?i:\b(?:today(?:'s (?:date|day))?(?: is|:)|weekday[:=]|day(?: of (?:the )?week)?",
        rf"(?: is|[:=]))) ?(?P<v>{_DAY})\b",
        digits=False,
    )
    yield _form(date, rf"(?i:\byear(?: is|[:=])) ?(?P<v>{_YEAR})\b")


def _names() -> Iterator[_Form]:
    user, version = Volatile.user, Volatile.version
    mail = r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,24}\b"
    # words that do not begin with a small letter of Latin, as those of names do
    word = r"[^\W\d_a-zß-öø-ÿ][\w.'\u2019-]{0,40}"
    particles = r"(?:(?:van|von|de[rn]?|d[aiu]|l[ae]|bin|al|el) ){0,2}"
    yield _form(user, rf"(?<!\w){word}(?: {particles}{word}){{0,3}} ?<{mail}>", digits=False)
    yield _form(user, rf"(?<![\w.+-]){mail}", digits=False)
    yield _form(
        user,
        r"(?i:\b(?:(?:user[ _-]?(?:name|id)|login|current user|(?:tenant|customer|account",
        rf"|organi[sz]ation)[ _-]?(?:id|name)){_IS}|(?:logged|signed) in as:? ))",
        r"(?P<v>[\w.+-]{2,64}(?<!\.))(?=[\s\"'`,;.)<]|$)",
        digits=False,
    )
    yield _form(
        Volatile.model_name,
        r"(?i:(?<![\w/-])(?:claude|(?:chat)?gpt|gemini|gemma|deepseek|qwen[\d.]{0,4}|llama|mistral",
        r"|mixtral|codestral|devstral|grok|kimi|glm|o[134])-(?!code|cli|api|sdk|agent|desktop)",
        r"[\w.:-]{0,80}\w(?:\[\dm\])?)",
        check=_is_model,
        digits=False,
    )
    yield _form(
        Volatile.model_name,
        r"\b(?:(?:Claude )?(?:Opus|Sonnet|Haiku|Fable|Mythos)|Claude|GPT|Gemini|Grok|Llama|Qwen",
        r"|DeepSeek) v?\d{1,2}(?:\.\d{1,2})?(?: (?:Opus|Sonnet|Haiku|Pro|Flash|Lite|Mini))?\b",
    )
    numbers, suffix = r"\d{1,5}\.\d{1,5}", r"(?:[.+-][0-9A-Za-z]{1,40}){0,6}"
    yield _form(
        version,
        r"(?i:\b(?:version|ver\.?|release|build|v|python|node(?:\.js)?|macos|darwin|linux|ubuntu",
        r"|windows(?: nt)?|ruby|java|go|rust|npm|pip|bun|deno|chrome|firefox|git",
        r"|claude code|codex|opencode|cli|client))\b[\"']?",
        rf"[ :=/@-]{{0,3}}[\"']?v?(?P<v>{numbers}{suffix})(?![\w-])",
    )
    yield _form(
        version,
        rf"(?<![\w.])[A-Za-z][\w.-]{{1,40}}[/@]v?(?P<v>{numbers}\.\d{{1,6}}{suffix})(?![\w-])",
    )
    yield _form(version, rf"(?<![\w.-])v{numbers}{suffix}(?![\w-])")


def _counts() -> Iterator[_Form]:
    counter = Volatile.counter
    # Nouns that are counted through; the second group can also be a verb ("request 3 items").
    nouns = r"turn|step|iteration|round|epoch|tick|cycle"
    every = rf"{nouns}|attempt|retry|try|request|call|run|message|build|visit|task|batch|chunk|part"
    yield _form(
        counter,
        rf"(?i:\b(?:{every}|page))\"?\s?(?:#|no\.?|number|count|[:=])?\s{{0,2}}",
        rf"(?P<v>{_N} ?(?:/|of|out of) ?{_N})\b",
    )
    yield _form(
        counter,
        rf"(?i:(?<!pull )(?<!merge )\b(?:{every}))\"?\s?",
        rf"(?:#|no\. ?|number |count[:=]? ?|[:=] ?)(?P<v>{_N})\b",
    )
    # "Step 3: do this" and "go back to step 3" are instructions, "you are at step 3" is a state.
    yield _form(
        counter,
        rf"(?i:\b(?:at|on|in|is|now|currently) (?:the )?(?:{nouns})) (?P<v>{_N})(?![\w.:]*\w)",
    )
    yield _form(counter, rf"^\W{{0,8}}(?i:{nouns}) (?P<v>{_N})\W{{0,8}}$")
    yield _form(counter, rf"[\[(](?P<v>{_N} ?/ ?{_N})[\])]")
    yield _form(
        counter,
        rf"\b(?P<v>{_N})%? (?:unread|unseen|pending|remaining|queued|left|uncommitted|untracked",
        r"|modified|staged|new (?:messages?|e-?mails?|notifications?)|open (?:tabs?|files?|issues?",
        r"|tickets?|tasks?)|files? changed|changed files?|insertions?|deletions?|notifications?",
        r"|(?:messages?|turns?|requests?|steps?|calls?|attempts?|tries|retries|days?|minutes?",
        r"|hours?|seconds?|items?|tasks?|files?) (?:left|remaining|so far|queued))(?!\w)",
    )
    yield _form(
        counter,
        r"(?i:(?<![\w-])(?:(?:turn|step|message|request|call|visit|unread|pending|error|retry)",
        r"[ _-]count|counter|unread|pending|remaining|progress|(?:cpu|memory|mem|disk|battery)",
        rf"(?: usage)?|load(?: average)?))\"?\s?[:=]\s?(?P<v>{_N}(?:%| ?(?:/|of) ?{_N})?)",
    )
    yield _form(
        Volatile.random_id,
        WORD.pattern,
        check=looks_random,
        weak=True,
    )


_FORMS = (
    *_addressed_to_the_provider(),
    *_places(),
    *_identities(),
    *_times(),
    *_names(),
    *_counts(),
)


def find_values(text: str, *, digits: bool = True) -> list[Value]:
    """All volatile values of the text in order, none overlapping another.

    With ``digits`` false only those that can do without, in a fraction of the time.
    """
    taken = bytearray(len(text))
    found: list[Value] = []
    for form in _FORMS:
        if form.digits and not digits:
            continue
        group = "v" if "v" in form.pattern.groupindex else 0
        for match in form.pattern.finditer(text):
            start, end = match.span(group)
            if taken.find(1, start, end) >= 0 or (form.check and not form.check(match[group])):
                continue
            taken[start:end] = b"\1" * (end - start)
            found.append(Value(start, end, form.kind, form.weak))
    return sorted(found, key=lambda value: value.start)
