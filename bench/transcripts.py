"""Diagnoses transcripts and prints what came of it: `python -m bench.transcripts FOLDER…`.

Every folder is one source. Totals are held against a count that shares no code with the importer
(tests/sources/claude_code/independent_count.py), diagnoses against the provider's own verdicts
where the transcripts carry them. `--write PAGE` writes the Markdown page instead.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.sources.claude_code.independent_count import totals
from whycold.core.call import Call, Said
from whycold.core.diagnosis import ENGINE_VERSION, Diagnosis, Grade, Reason, Verdict
from whycold.core.grade import spoken
from whycold.diagnose import Engine
from whycold.providers.registry import rules_for
from whycold.sources.claude_code import ClaudeCode

_KNOWN = {
    "spotter": ("spotter", "github.com/marot/spotter", "MIT", "2.1.38, 2.1.39"),
    "claude-code-viewer": (
        "claude-code-viewer",
        "github.com/d-kimuson/claude-code-viewer",
        "MIT",
        "1.0.98, 1.0.108",
    ),
    "entireio-skills": ("skills", "github.com/entireio/skills", "MIT", "2.1.119"),
}
"""Where public transcripts come from, by the folder they are kept in, and what wrote them."""


@dataclass(frozen=True)
class Result:
    """A source: its calls with their diagnoses, and whether all totals are as counted elsewhere."""

    name: str
    told: tuple[tuple[Call, Diagnosis], ...]
    counted: bool

    @property
    def lost(self) -> list[Diagnosis]:
        return [told for _, told in self.told if told.missed_tokens]

    def missed(self, *reasons: Reason) -> int:
        return sum(d.missed_tokens for d in self.lost if not reasons or d.reason in reasons)


def read(folder: Path) -> Result:
    told: dict[str, tuple[Call, Diagnosis]] = {}
    for session in ClaudeCode([folder]).groups:
        engine = Engine(rules_for)
        for call in sorted((seen.call for seen in session.calls()), key=lambda c: c.order):
            told.setdefault(call.id, (call, engine.take(call)))
    name = _KNOWN.get(folder.name, (folder.name,))[0]
    found = totals(folder)
    used = [call.usage for call, _ in told.values()]
    counted = {
        "calls": len(used),
        "uncached": sum(u.uncached or 0 for u in used),
        "read": sum(u.cache_read or 0 for u in used),
        "written": sum(u.cache_write or 0 for u in used),
        "written_5m": sum(u.cache_write_5m or 0 for u in used),
        "written_1h": sum(u.cache_write_1h or 0 for u in used),
        "output": sum(u.output or 0 for u in used),
    } == dict(found)
    return Result(name, tuple(told.values()), counted)


def page(results: Sequence[Result], folders: Sequence[Path]) -> Iterator[str]:
    yield "# Accuracy of imported transcripts\n"
    yield (
        "What whycold says of Claude Code transcripts that others published: "
        f"{datetime.now(UTC):%Y-%m-%d}, engine version {ENGINE_VERSION}.\n"
    )
    command = "python -m bench.transcripts FOLDER… --write docs/accuracy-transcripts.md"
    yield f"```\n.venv/bin/{command}\n```\n"
    for folder in folders:
        name, place, licence, versions = _KNOWN.get(folder.name, (folder.name, "", "", ""))
        yield f"- **{name}** ({place}, {licence}): Claude Code {versions}" if place else f"- {name}"
    yield (
        "\nA transcript shows no tools, no system prompt, no settings and no cache markers. A loss "
        "that\nis *unseen* stands there, or the provider lost the entry: the file does not tell "
        "which.\n*Consistent* are, among others, hits that the provider says nothing against.\n"
    )
    yield from counts(results)
    yield from losses(results)
    yield from causes(results)
    yield from verdicts(results)


def counts(results: Sequence[Result]) -> Iterator[str]:
    summed = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
    rows = [
        (
            r.name,
            number(len(r.told)),
            *(number(sum(getattr(call.usage, name) or 0 for call, _ in r.told)) for name in summed),
            "yes" if r.counted else "NO",
        )
        for r in results
    ]
    head = ("source", "calls", "input", "read", "written 5m", "written 1h", "output", "as counted")
    yield from table("What was read", head, rows)


def losses(results: Sequence[Result]) -> Iterator[str]:
    rows = [
        (r.name, *(str(sum(d.verdict is verdict for _, d in r.told)) for verdict in Verdict))
        for r in results
    ]
    yield from table("Verdicts", ("source", *Verdict), rows)
    rows = [
        (
            r.name,
            number(r.missed()),
            share(r.missed() - r.missed(*_OPEN), r.missed()),
            *(share(r.missed(reason), r.missed()) for reason in _OPEN),
        )
        for r in results
    ]
    head = ("source", "missed", "explained", "left to the provider", "unseen", "unexplained")
    yield from table("Missed tokens", head, rows)


def causes(results: Sequence[Result]) -> Iterator[str]:
    calls, tokens = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for told in (d for r in results for d in r.lost):
        calls[str(told.cause), str(told.reason)] += 1
        tokens[str(told.cause), str(told.reason)] += told.missed_tokens
    rows = [(*key, number(calls[key]), number(count)) for key, count in tokens.most_common()]
    yield from table("Causes", ("cause", "reason", "calls", "missed tokens"), rows)


_OPEN = (Reason.provider, Reason.unseen, Reason.unexplained)


def verdicts(results: Sequence[Result]) -> Iterator[str]:
    """Held against what the provider said."""
    rows: list[tuple[str, ...]] = []
    for r in results:
        said = [(spoken(call), told) for call, told in r.told if spoken(call) is not None]
        if not said:
            continue
        inconclusive = sum(v is not None and v.said is Said.inconclusive for v, _ in said)
        grades = Counter(
            d.grade for v, d in said if v is not None and v.said is not Said.inconclusive
        )
        names = (Grade.confirmed, Grade.consistent, Grade.contradicted)
        rows.append(
            (r.name, str(len(said)), str(inconclusive), *(str(grades[grade]) for grade in names))
        )
    yield from table(
        "Held against the provider's own verdicts",
        ("source", "verdicts", "inconclusive", "confirmed", "consistent", "contradicted"),
        rows,
    )


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}"
    yield "".join(f"| {' | '.join(row)} |\n" for row in rows)


def number(count: int) -> str:
    return f"{count:,}"


def share(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.0%})" if whole else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    given = parser.parse_args()
    text = "\n".join(page([read(folder) for folder in given.folders], given.folders))
    if given.write is None:
        print(text)
        return
    note = "<!-- Written by bench/transcripts.py from transcripts of others; do not edit. -->\n"
    given.write.write_text(note + text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
