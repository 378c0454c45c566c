"""What a text of a prompt is: a git status, a task list, an instruction file, a reminder …

Prompts of agents are put together from passages that say themselves what they are: by a tag, a
heading, or a label at the beginning of a line. Only these are taken for evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

__all__ = [
    "Passage",
    "is_placeholder",
    "is_reminder",
    "is_summary",
    "is_trailer",
    "opening",
    "passage_at",
    "wrapped",
]


class Passage(StrEnum):
    """Kinds of passages.

    ``git``: state of a git tree; ``listing``: names of files; ``tasks``: a task list;
    ``instructions``: the text of an instruction file; ``memory``, ``hook``: what a plugin puts in;
    ``runtime``: editor, page and machine; ``user``: who is served; ``directory``: the folder worked
    in; ``session``: id, folders and files of this session; ``skills``, ``deferred``: what the agent
    could load; ``command``: the output of a command of the client; ``reminder``: a note of the
    client to the model."""

    git = "git status"
    listing = "file listing"
    tasks = "task list"
    instructions = "instruction file"
    memory = "memory"
    hook = "hook output"
    runtime = "editor or runtime context"
    user = "user data"
    directory = "working directory"
    session = "session"
    skills = "skills listing"
    deferred = "listing of deferred tools"
    command = "command output"
    reminder = "reminder"


_TAGS: Mapping[Passage, re.Pattern[str]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        Passage.git: r"git[_-]?(?:status|state|info|context|log|diff)",
        Passage.listing: (
            r"(?:file|director(?:y|ies)|folder|project|repo(?:sitory)?)[_-]?"
            r"(?:tree|structure|listing|layout|map|list)s?|files|directories|tree"
        ),
        Passage.tasks: (
            r"todos?|todo[_-]?(?:list|items?|state)|tasks|task[_-]?(?:list|snapshot|state)"
        ),
        Passage.instructions: (
            r"claude_?md|agents_?md|gemini_?md|cursor_?rules|instructions|rules"
            r"|(?:custom|user|project|repo|workspace|agent)_(?:instructions|rules|guidelines)"
        ),
        Passage.memory: (
            r"(?:\w+[_-])?memor(?:y|ies)(?:[_-]\w+)?|recall(?:ed)?(?:[_-]\w+)?|retrieved[_-]\w+"
        ),
        Passage.hook: r"(?:[\w-]+[_-])?hooks?(?:[_-][\w-]+)?",
        Passage.runtime: (
            r"environment_details|ide_\w+|editor(?:_\w+)?|cursor(?:_\w+)?|runtime(?:_\w+)?"
            r"|(?:open|opened|visible|attached|recently_viewed)_(?:files?|tabs)"
            r"|(?:active|current)_(?:file|tab|editor|document|page|selection|url)"
            r"|(?:page|browser|app|workspace)_(?:state|context|content|info)|selection"
        ),
        Passage.user: (
            r"user_(?:profile|data|context|details|preferences)|(?:customer|tenant|account)(?:_\w+)?"
        ),
        Passage.skills: r"(?:available[_-])?skills(?:[_-](?:instructions|listing))?",
        Passage.deferred: r"(?:available[_-])?deferred[_-]tools",
        Passage.command: r"local-command-\w+|command-(?:name|message|args|contents)|bash-\w+",
        Passage.reminder: (
            r"system[_-](?:reminder|notice|note|warning|notification)|total_tokens|reminder"
            r"|budget:token_budget|token_usage"
        ),
    }.items()
}

_INSTRUCTION_FILE = (
    r"(?:[\w.@~/\\-]*[/\\])?(?:CLAUDE|AGENTS?|GEMINI|QWEN|COPILOT|RULES)[\w.]*\.mdc?"
)
_TITLES: Mapping[Passage, re.Pattern[str]] = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        Passage.git: (
            r"gitstatus\b.*|git (?:status|state|info|context)\b.*|recent commits\W*"
            r"|current branch: .*|on branch .*"
        ),
        Passage.listing: (
            r"(?:current |working )?(?:director(?:y|ies)|folder|project|repo(?:sitory)?|workspace"
            r"|file)s? (?:structure|tree|listing|contents|layout|map|files)\b.*"
            r"|files(?: in .{1,200})?\W*|current working directory \(.{1,400}\) files"
        ),
        Passage.tasks: (
            r"(?:(?:current|your|open|active|the) )?(?:todos?|to-dos?|tasks?)"
            r"(?: lists?)?(?: snapshot| state| status)?\W*"
        ),
        Passage.instructions: (
            rf"claudemd|(?:contents|instructions) (?:of|from|in):? .*|{_INSTRUCTION_FILE}\b.*"
            r"|(?:custom|project|repository|workspace) (?:instructions|rules|guidelines)\W*"
        ),
        Passage.memory: (
            r"(?:(?:relevant|recalled|retrieved|user|long-term|persistent|saved|session|project) )?"
            r"memor(?:y|ies)\b.{0,80}|recalled (?:facts|context|memor).{0,80}"
        ),
        Passage.hook: (
            r"(?:[\w:]{1,60} )?hook (?:additional context|output|success|feedback|context)\b.*"
        ),
        Passage.runtime: (
            r"(?:editor|ide|cursor|runtime|page|browser|application|app|ui)"
            r" (?:context|state|information|info|details)\W*"
            r"|(?:vscode )?(?:open|visible) (?:tabs|files|editors)\W*"
            r"|(?:current|active) (?:file|page|document|tab|selection|view|editor)\W*"
        ),
        Passage.user: (
            r"(?:user|customer|tenant|account|client)"
            r" (?:profile|details|data|information|info|record|preferences)\W*|about the user\W*"
        ),
        Passage.skills: r"the following skills are available\b.*|(?:available )?skills\W*",
        Passage.deferred: r"the following deferred tools\b.*|deferred tools\W*",
    }.items()
}
"""Headings, and lines that end with a colon; without their number signs."""

_FIELDS: Mapping[Passage, re.Pattern[str]] = {
    kind: re.compile(
        rf"(?i)(?:^|[{{,(])\W{{0,12}}(?:{pattern})[\"'*`]{{0,3}}\s{{0,4}}(?:is\b|[:=>])"
    )
    for kind, pattern in {
        Passage.git: r"is (?:directory|this) a git repo(?:sitory)?",
        Passage.session: (
            r"additional (?:working )?director(?:y|ies)|(?:scratch(?:pad)?|temp(?:orary)?|tmp)"
            r"(?: ?(?:dir(?:ectory)?|folder|file|path))|scratch(?:pad)?|fork(?:ed)?[ _-]?(?:id|from"
            r"|session)|session[ _-]?(?:id|name|dir(?:ectory)?|path|file|folder)|transcript"
        ),
        Passage.directory: (
            r"(?:primary |current )?working dir(?:ectory)?|cwd|pwd"
            r"|(?:workspace|worktree)(?: root| folder| path)?"
            r"|(?:project|repo(?:sitory)?)(?: root| dir(?:ectory)?| path| folder)"
        ),
        Passage.runtime: (
            r"(?:current|active|open(?:ed)?|visible|focused)[ _-](?:files?|page|tabs?|document|url"
            r"|selection|editor|view|route|screen)|cursor(?:[ _-](?:position|line|file))?|selection"
        ),
        Passage.user: (
            r"(?:the )?(?:user|customer|tenant|account|organi[sz]ation|company|member)"
            r"[ _-]?(?:name|id|e-?mail|tier|plan|role|locale|since)"
            r"|customer|tenant|organi[sz]ation|company|e-?mail|subscription"
        ),
    }.items()
}
"""Names at the beginning of a line, before the value."""

_TAG = re.compile(r"<(/?)([A-Za-z][\w:.-]{0,60})(?:\s[^<>\n]{0,200})?>")
_HEADING = re.compile(r"(#{1,6})\s{1,4}(\S.{0,300})")
_UNTITLED = re.compile(r"gitStatus:|[Cc]urrent branch: |On branch |Contents of |The following ")
"""Titles that need neither a number sign nor a colon at their end."""
_OWN_SECTION = re.compile(r"[a-z]+[A-Z]\w*")
"""A section that a client puts behind instruction files ("# currentDate")."""
_MOST_LINES = 600
_NEAR = 400
_VALUE_ENDS = re.compile(r"[\"'}\]]\s{0,3},")


def passage_at(text: str, start: int, end: int) -> Passage | None:
    """The passage that [start, end) of a text lies in, or begins; None for plain text."""
    changed = text[start:end]
    if (begun := opening(changed)) is not None:
        return begun
    first = text.rfind("\n", 0, start) + 1
    return _field(text, first, start, end) or _enclosing(text, first, start)


def _field(text: str, first: int, start: int, end: int) -> Passage | None:
    """The passage by the name in front of the value, on the same line."""
    low = max(first, start - _NEAR)
    # cut off, a line must not look as if it began here
    line = "…"[: low - first] + text[low : min(end, start + _NEAR) + 1].split("\n", 1)[0]
    at = len("…"[: low - first]) + start - low
    for kind, pattern in _FIELDS.items():
        for found in pattern.finditer(line):
            if found.start() <= at and not _VALUE_ENDS.search(
                line, found.end(), max(at, found.end())
            ):
                return kind
    return None


def opening(text: str) -> Passage | None:
    """The passage that a text begins with: its first line's tag, heading or title."""
    head = text.lstrip()[:2000]
    kind = _tagged(head)
    if kind is Passage.reminder:
        return opening(head[head.find(">") + 1 :]) or kind
    if kind is not None:
        return kind
    return _titled(head.split("\n", 1)[0])


def _tagged(text: str) -> Passage | None:
    found = _TAG.match(text)
    return _tag(found[2]) if found is not None and not found[1] else None


def _tag(name: str) -> Passage | None:
    return next((kind for kind, pattern in _TAGS.items() if pattern.fullmatch(name)), None)


def _titled(line: str) -> Passage | None:
    """The passage of which the line is the title."""
    line = line.strip()
    heading = _HEADING.match(line)
    if heading is not None:
        line = heading[2].strip()
    elif ":" not in line[-1:] and not _UNTITLED.match(line):
        return None
    line = line[:400]
    return next((kind for kind, pattern in _TITLES.items() if pattern.fullmatch(line)), None)


def _enclosing(text: str, first: int, start: int) -> Passage | None:
    """The nearest tag that is still open, or title that still holds, going up from ``start``."""
    closed: Counter[str] = Counter()
    titles = _Titles()
    for line in _upwards(text, first, start):
        kind = _open_tag(line, closed, text, start) or titles.over(line)
        if kind is not None:
            return kind
    return None


def _open_tag(line: str, closed: Counter[str], text: str, start: int) -> Passage | None:
    """The passage of the last tag of a line that is still open at ``start``.

    A tag that nothing closes behind that place is only spoken of.
    """
    for tag in reversed(list(_TAG.finditer(line))):
        name = tag[2]
        if tag[1]:
            closed[name] += 1
        elif closed[name]:
            closed[name] -= 1
        elif (kind := _tag(name)) is not None and text.find(f"</{name}", start) >= 0:
            return kind
    return None


class _Titles:
    """Which titles still hold for a place, seen from line to line upwards.

    A heading ends what stands under its equals; a title without a number sign holds for its
    paragraph, but for instruction files, which bring headings and paragraphs of their own."""

    def __init__(self) -> None:
        self._level, self._own, self._paragraphs, self._blank, self._begun = 7, False, 0, False, 0

    def over(self, line: str) -> Passage | None:
        """The passage that the line is the title of, when it holds."""
        self._begun += 1
        if not line.strip():
            self._blank = self._begun > 1
            self._paragraphs += self._blank
            return None
        blank, self._blank = self._blank, False
        heading, kind = _HEADING.match(line), _titled(line)
        if heading is not None:
            if len(heading[1]) >= self._level:
                return None
            self._level = len(heading[1])
            self._own = self._own or _OWN_SECTION.fullmatch(heading[2].strip()) is not None
            return kind
        if kind in (Passage.instructions, Passage.deferred):
            return kind if not self._own else None
        return kind if self._level == 7 and self._paragraphs - blank == 0 else None


def _upwards(text: str, first: int, start: int) -> Iterator[str]:
    """The line up to ``start``, then the lines above it."""
    yield text[max(first, start - 1000) : start]
    for _ in range(_MOST_LINES):
        if first <= 0:
            return
        end = first - 1
        first = text.rfind("\n", 0, end) + 1
        yield text[first : min(end, first + 1000)]


_NOTES = re.compile(
    r"(?i)\s*(?:\[?(?:system )?(?:reminder|notice)\b|The task tools haven't been used"
    r"|Token usage: |\d[\d,]* tokens? (?:left|remaining)\b)"
)


def is_reminder(text: str) -> bool:
    """Whether all of a text is a note of the client to the model."""
    inner = wrapped(text)
    return (inner is not None and _tag(inner) is Passage.reminder) or (
        len(text) < 2000 and _NOTES.match(text) is not None
    )


def wrapped(text: str) -> str | None:
    """The name of the tag that the whole text stands in, None where it stands in none."""
    stripped = text.strip()
    first = _TAG.match(stripped)
    if first is None or first[1] or not stripped.endswith(f"</{first[2]}>"):
        return None
    return first[2]


_TRAILER = re.compile(
    r"(?i)\W*(?:please )?continue (?:(?:the conversation )?from where (?:you|we) left (?:it )?off"
    r"|the (?:previous )?(?:conversation|task|session))\b[^\n]{0,80}\s*"
)


def is_trailer(text: str) -> bool:
    """Whether a text is no more than a call to go on, as clients add it on a resume."""
    return len(text) < 200 and _TRAILER.fullmatch(text) is not None


_GONE = (
    r"(?:cleared|removed|omitted|pruned|elided|truncated|compacted|trimmed|dropped|hidden|offloaded"
    r"|archived|expired|stripped|superseded|not shown|no longer (?:available|shown|in context))"
)
_THINGS = r"(?:tool |old |previous |earlier )*(?:results?|outputs?|contents?|images?|screenshots?)"
_IN_BRACKETS = re.compile(rf"(?i)\b(?:{_GONE}|placeholder|image|screenshot|attachment)\b")
_BARE = re.compile(rf"(?i)\W*(?:the )?{_THINGS}(?: \w+){{0,3}} {_GONE}\W*|\W*images?\W*")


def is_placeholder(text: str) -> bool:
    """Whether a short text, mostly in brackets, stands for content that was taken out."""
    stripped = text.strip()
    if not stripped or len(stripped) > 300:
        return False
    if stripped[0] + stripped[-1] in ("[]", "<>", "()", "{}"):
        return _IN_BRACKETS.search(stripped) is not None
    return _BARE.fullmatch(stripped) is not None


_EARLIER = r"(?:the |our |this |an? )?(?:earlier |previous |prior )?"
_TALK = r"(?:conversation|messages|context|turns|session|work|chat)"
_SUMMARY = re.compile(
    r"(?i)this session is being continued from a previous conversation|context checkpoint"
    r"|<(?:conversation[_-])?summary>|here(?:'s| is) a summary"
    rf"|(?:summary|recap) of {_EARLIER}{_TALK}|conversation summary"
    rf"|{_TALK} (?:(?:has been|have been|was|were) )?(?:compacted|summari[sz]ed)"
)


def is_summary(text: str) -> bool:
    """Whether a text says of itself that it stands for an earlier conversation."""
    return _SUMMARY.search(text[:600]) is not None
