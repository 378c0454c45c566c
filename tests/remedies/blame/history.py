"""A repository that builds prompts, in Python and TypeScript, and thirty commits to it.

Twelve of them break the cached prefix, each in another way. The program is run for real after each
commit; what it prints is sent as a request.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["COMMITS", "NODE", "History", "Step"]

PADDING = " ".join(f"Rule {n}: answer the question that was asked, then stop." for n in range(160))

MAIN = """\
import json, sys
from agent.prompt import MODEL, MARKED, SETTINGS, system
from agent.tools import declared

outside = sys.argv[1]
blocks = system(outside)
if MARKED:
    blocks[-1]["cache_control"] = {"type": "ephemeral"}
print(json.dumps({"model": MODEL, "tools": declared(outside), "system": blocks, **SETTINGS}))
"""

PROMPT = '''\
"""The system prompt of the desk agent."""
import datetime, os, uuid
from pathlib import Path

MODEL = "claude-sonnet-5"
MARKED = True
SETTINGS = {"max_tokens": 500}
RULES = Path(__file__).with_name("rules.txt").read_text()
INTRO = (
    "You are the desk agent of a small shop. Greet the customer by name "
    "and find out what is wanted before you look anything up."
)
CLOSING = "Write in plain sentences.\\nLines are at most eighty characters long."


def system(outside):
    parts = [INTRO, RULES, CLOSING]
    return [{"type": "text", "text": part} for part in parts]
'''

TOOLS = '''\
"""The tools of the desk agent: some from JSON, some from functions."""
import inspect, json
from pathlib import Path


def look_up_order(number: str):
    """Look up one order by its number.

    Returns the goods, the day of delivery and the state
    of the payment. Ask for the number if it is missing.
    """


def open_ticket(summary: str):
    """Open a ticket for the people in the workshop and return its number."""


FUNCTIONS = [look_up_order, open_ticket]


def declared(outside):
    found = []
    for path in sorted(Path(__file__).parent.parent.glob("tools/*.json")):
        found.append(json.loads(path.read_text()))
    for function in FUNCTIONS:
        found.append({
            "name": function.__name__,
            "description": inspect.getdoc(function),
            "input_schema": {"type": "object", "properties": {"value": {"type": "string"}}},
        })
    found.append({
        "name": "mcp__weather__forecast",
        "description": outside,
        "input_schema": {"type": "object", "properties": {}},
    })
    return found
'''

SEARCH = {
    "name": "search_handbook",
    "description": "Search the handbook. Returns at most five passages, the best one first.",
    "input_schema": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to search for."},
            "limit": {"type": "integer", "description": "How many passages."},
        },
        "required": ["query"],
    },
}
PRICE = {
    "name": "price_of",
    "description": "The price of an article in the shop, with tax.",
    "input_schema": {"type": "object", "properties": {"article": {"type": "string"}}},
}
REFUND = {
    "name": "refund_payment",
    "description": "Give a customer the money back for an order that was cancelled.",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}},
}

WEB = """\
// The system prompt of the shop window's assistant.
const tone: string = "Be brief and friendly.";

export function system(shop: string): string {
  return `You help visitors of ${shop} to find what they look for. ${tone}
Say so when something is sold out.`;
}
"""


def dumped(tool: dict[str, Any]) -> str:
    return json.dumps(tool, indent=2) + "\n"


FIRST = {
    "agent/__init__.py": "",
    "agent/main.py": MAIN,
    "agent/prompt.py": PROMPT,
    "agent/tools.py": TOOLS,
    "agent/rules.txt": PADDING + "\n",
    "tools/search_handbook.json": dumped(SEARCH),
    "tools/price_of.json": dumped(PRICE),
    "web/prompt.ts": WEB,
    "README.md": "# Desk agent\n\nLook up one order, search the handbook, open a ticket.\n",
}


@dataclass(frozen=True)
class Step:
    """A commit: its first line, edits as (file, old text, new text) or (file, None, whole text; no
    text removes it), and the cause that it brings: None where it breaks nothing. ``app`` is the
    program that is asked, ``outside`` what it is given from elsewhere.
    """

    subject: str
    edits: tuple[tuple[str, str | None, str | None], ...]
    cause: str | None = None
    app: str = "desk"
    outside: str = "The weather of tomorrow, from a service."


def edit(file: str, old: str, new: str) -> tuple[tuple[str, str, str]]:
    return ((file, old, new),)


PLAIN = "    parts = [INTRO, RULES, CLOSING]\n"
TIMED = """\
    now = datetime.datetime.now()
    clock = f"Right now it is {now:%Y-%m-%d %H:%M:%S.%f} in the shop."
    parts = [INTRO, clock, RULES, CLOSING]
"""
LABELLED = """\
    label = "The label of this conversation is {}. Keep it to yourself.".format(uuid.uuid4())
    parts = [INTRO, label, RULES, CLOSING]
"""
FOUND = 'sorted(Path(__file__).parent.parent.glob("tools/*.json"))'
LOADED = "json.loads(path.read_text())"
INTRO = """\
    "You are the desk agent of a small shop. Greet the customer by name "
    "and find out what is
"""[:-4]
POLITE = """\
    "You are the desk agent of a small shop. Greet the customer "
    "courteously and by name, and find out what is
"""[:-4]
PARCEL = "the day of delivery and the state\n    of the payment."
TRACKED = "the day of delivery, the parcel's\n    present whereabouts and the state of the payment."
CHOICE = '"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}'
WALL = "The clock on the wall shows ${new Date().toISOString()} to every visitor.\n"
SOLD_OUT = "Say so when something is sold out"
NEWS = "Tomorrow's weather and the day after's, in degrees."
PY, TOOL, DOC, TS = "agent/prompt.py", "agent/tools.py", "README.md", "web/prompt.ts"
HANDBOOK = "tools/search_handbook.json"

COMMITS = (
    Step("How to start it", edit(DOC, "ticket.\n", "ticket.\n\nRun it: python -m agent.main\n")),
    Step(
        "Searches can give eight passages",
        edit(HANDBOOK, "at most five passages", "at most eight passages"),
        "tool-edited",
    ),
    Step(
        "A comment on passages",
        edit(
            "agent/main.py",
            "import json",
            "# The handbook gives at most eight passages.\nimport json",
        ),
    ),
    Step("Tell where the parcel is", edit(TOOL, PARCEL, TRACKED), "tool-edited"),
    Step(
        "Imports line by line",
        edit(TOOL, "import inspect, json\n", "import inspect\nimport json\n"),
    ),
    Step("Tell the agent what time it is", edit(PY, PLAIN, TIMED), "clock"),
    Step("Take the time out again", edit(PY, TIMED, PLAIN)),
    Step("A word on customers", edit(DOC, "agent\n", "agent\n\nIt greets the customer by name.\n")),
    Step("Label every conversation", edit(PY, PLAIN, LABELLED), "random-id"),
    Step("No labels", edit(PY, LABELLED, PLAIN)),
    Step("Be polite to the customer", edit(PY, INTRO, POLITE), "system-edited"),
    Step("Courtesy in the README", edit(DOC, "It greets", "It courteously greets")),
    Step(
        "Tools from the end of the alphabet",
        edit(TOOL, FOUND, FOUND[:-1] + ", reverse=True)"),
        "tools-reordered",
    ),
    Step("Name the argument", edit("agent/main.py", "argv[1]\n", "argv[1]  # the weather\n")),
    Step(
        "Schemas with sorted keys",
        edit(TOOL, f"({LOADED})", f"(json.loads(json.dumps({LOADED}, sort_keys=True)))"),
        "tool-keys-reordered",
    ),
    Step("A licence", (("LICENSE", None, "All rights reserved.\n"),)),
    Step("Refunds", (("tools/refund_payment.json", None, dumped(REFUND)),), "tools-added"),
    Step("List refunds", edit(DOC, "open a ticket.", "open a ticket, refund_payment.")),
    Step(
        "No tickets any more",
        edit(TOOL, "FUNCTIONS = [look_up_order, open_ticket]", "FUNCTIONS = [look_up_order]"),
        "tools-removed",
    ),
    Step("Note the model", edit(DOC, "It court", "It runs on claude-opus-5. It court")),
    Step("The larger model", edit(PY, '"claude-sonnet-5"', '"claude-opus-5"'), "model-changed"),
    Step("Name the module", edit(PY, "of the desk agent.", "of the agent at the desk.")),
    Step(
        "One tool at a time",
        edit(PY, '{"max_tokens": 500}', f'{{"max_tokens": 500, {CHOICE}}}'),
        "tool-choice-changed",
    ),
    Step("The window, too", edit(DOC, "# Desk agent", "# Desk agent and window"), app="web"),
    Step(
        "Visitors hear of deliveries",
        edit(TS, SOLD_OUT, f"{SOLD_OUT}, and when the next delivery arrives"),
        "system-edited",
        app="web",
    ),
    Step("A comment on words", edit(TS, "// The system", "// Words of the system"), app="web"),
    Step("A clock on the wall", edit(TS, "${tone}\n", "${tone}\n" + WALL), "clock", app="web"),
    Step("No clock on the wall", edit(TS, WALL, ""), app="web"),
    Step("Notes", (("NOTES.md", None, "Notes.\n"),), "tool-edited", outside=NEWS),
    Step("More notes", edit("NOTES.md", "Notes", "More notes"), outside=NEWS),
)
"""The last cause is not theirs: a service words its tool anew."""


class History:
    """The repository in ``folder``; ``play`` makes one commit after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "-q", "-b", "main")
        self._last = 0
        for name, text in FIRST.items():
            self._write(name, text)
        self._commit("The desk agent")

    def make(self, step: Step) -> str:
        """Make a commit; its name."""
        for name, old, new in step.edits:
            if old is None:
                self._write(name, new or "")
            else:
                text = (self.folder / name).read_text()
                assert text.count(old) == 1, (step.subject, name, old)
                self._write(name, text.replace(old, new or ""))
        return self._commit(step.subject)

    def request(self, step: Step) -> dict[str, Any]:
        """What the program of a step now sends, without messages."""
        if step.app == "web":
            return {"model": "claude-sonnet-5", "max_tokens": 500, "system": self._window()}
        command = [sys.executable, "-B", "-m", "agent.main", step.outside]
        return json.loads(self._run(*command))

    def _window(self) -> list[dict[str, Any]]:
        source = (self.folder / "web/prompt.ts").read_text()
        # the types are all that makes it TypeScript
        script = re.sub(r": string\b", "", source) + "\nconsole.log(system('the shop'));\n"
        (self.folder.parent / "window.mjs").write_text(script)
        text = self._run("node", str(self.folder.parent / "window.mjs"))
        return [
            {"type": "text", "text": text},
            {"type": "text", "text": PADDING, "cache_control": {"type": "ephemeral"}},
        ]

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _commit(self, subject: str) -> str:
        # a commit is dated to the second, and each is to have one of its own
        while int(time.time()) == self._last:  # noqa: TID251
            time.sleep(0.02)
        self._last = int(time.time())  # noqa: TID251
        self._git("add", "-A")
        self._git("commit", "-q", "-m", subject)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        who = {"GIT_AUTHOR_NAME": "Desk", "GIT_AUTHOR_EMAIL": "desk@example.com"}
        who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **who}  # noqa: TID251
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout


NODE = shutil.which("node")
