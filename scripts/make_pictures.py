"""Writes docs/img/diff.svg: what ``whycold diff`` shows of two recorded calls of an agent.

The calls are made here, the picture by the program itself. It takes the viewer's own fonts and
loads nothing from anywhere. --check says whether it is what the program shows today.
"""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from whycold.frontends.comparison import Comparison
from whycold.frontends.terminal import show
from whycold.providers.exchange import Exchange, read_exchange

PICTURE = Path(__file__).parent.parent / "docs" / "img" / "diff.svg"
WIDTH = 92
LARGEST = 60_000
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
DARK = TerminalTheme(
    (24, 26, 31),
    (214, 216, 220),
    [(24, 26, 31), (210, 74, 63), (38, 136, 90), (191, 122, 6), (63, 122, 200), (132, 104, 200),
     (13, 144, 114), (214, 216, 220)],
)  # fmt: skip

_MARK = {"cache_control": {"type": "ephemeral"}}
_RULES = """\
Read a file before you change it, and change no more than the task asks for.
Run the tests of the module that you touched; run all of them before you say that you are done.
When a command fails twice, stop and look for the cause instead of trying it a third time.
Explain in the commit message why, never what.
"""
_TOOLS = {
    "Bash": "Runs a command and returns what it printed. Long output is cut in its middle.",
    "Read": "Returns the lines of a file, each with its number. Reads the whole file by default.",
    "Edit": "Replaces one piece of text in a file by another. The old text must occur just once.",
    "Grep": "Searches the files of the project for a regular expression and lists what matches.",
    "Task": "Hands a piece of work to a second agent, which starts without this conversation.",
}
_TALK = [
    ("user", "The totals on the invoices are off by a cent since Friday. Find out why, please."),
    ("assistant", "The totals come from billing/rates.py. I read it first, then its tests."),
    ("user", "Good. Mind that amounts are in tenths of a cent there."),
    ("assistant", "That is the reason: line 61 rounds each line of the invoice, not the sum."),
    ("user", "Repair it, then run all the tests."),
]


def exchange(clock: str, files: str, turns: int, usage: dict[str, int]) -> Exchange:
    """A recorded call: the system prompt holds a time and the files that are open."""
    tools: list[dict[str, Any]] = [
        {
            "name": name,
            "description": f"{text}\n{_RULES * 3}",
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
        }
        for name, text in _TOOLS.items()
    ]
    tools[-1] |= _MARK
    system = [
        f"You are a careful programmer.\n{_RULES}Current time: 2026-11-23 {clock}\n{_RULES * 2}",
        f"Project: billing\nBranch: main\nOpen files: {files}\n",
    ]
    request = {
        "model": "claude-opus-4-8",
        "max_tokens": 8192,
        "tools": tools,
        "system": [{"type": "text", "text": text} for text in system],
        "messages": [{"role": role, "content": text * 4} for role, text in _TALK[:turns]],
        **_MARK,
    }
    response = {"id": f"msg_{turns}", "model": "claude-opus-4-8", "content": [], "usage": usage}
    at = f"2026-11-23T{clock}Z"
    return read_exchange(json.dumps({"request": request, "response": response, "at": at}).encode())


def picture() -> str:
    """The page as SVG."""
    written = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 24_160}
    again = {"cache_read_input_tokens": 18_390, "cache_creation_input_tokens": 6_530}
    before = exchange(
        "09:09:02", "rates.py", 3, {"input_tokens": 4, "output_tokens": 210, **written}
    )
    after = exchange(
        "09:11:15", "rates.py, test_rates.py", 5, {"input_tokens": 4, "output_tokens": 64, **again}
    )
    console = Console(
        record=True, width=WIDTH, force_terminal=True, color_system="truecolor", file=io.StringIO()
    )
    console.print("\n $ [bold]whycold diff turn-3.json turn-5.json[/bold]", highlight=False)
    show(console, Comparison().of(before, after))
    svg = console.export_svg(title="whycold", theme=DARK, unique_id="whycold")
    svg = re.sub(r"<!--.*?-->", "", svg)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: Fira Code, ?monospace", f"font-family: {FONTS}", svg)


def main() -> int:
    """Write the picture, or with --check say whether it is what the program shows today."""
    svg = picture()
    if len(svg) > LARGEST or "http" in svg.replace("http://www.w3.org/", ""):
        print("make_pictures: the picture is too large, or asks for something", file=sys.stderr)
        return 1
    if "--check" in sys.argv:
        current = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == svg
        if not current:
            print("docs/img/diff.svg is stale: run scripts/make_pictures.py", file=sys.stderr)
        return int(not current)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
