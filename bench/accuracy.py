"""Diagnoses recorded traffic and prints how right that was: `python -m bench.accuracy FOLDER…`.

Every folder is one history: the VCR cassettes (.yml, .yaml) and LiteLLM-style request logs (.json)
below it, or a folder of traces of blocks. What `whycold import` makes of it is held against the
same. `--write PAGE` writes the Markdown page instead, with the day and how it was made.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.blocks import HEADS, Trace
from bench.blocks import measured as measured_trace
from bench.blocks import rows as trace_rows
from bench.imported import Imported, imported
from bench.recordings import Source
from bench.recordings_litellm import read_log
from bench.recordings_rule import Expected, agrees, expected
from bench.recordings_vcr import read_cassette
from whycold.core.diagnosis import ENGINE_VERSION, Diagnosis, Reason, Verdict
from whycold.diagnose import diagnose
from whycold.providers.registry import rules_for

_KNOWN = {
    "ellmer": ("ellmer", "github.com/tidyverse/ellmer", "MIT"),
    "mirascope": ("Mirascope", "github.com/Mirascope/mirascope", "MIT"),
    "openllmetry": ("OpenLLMetry", "github.com/traceloop/openllmetry", "Apache-2.0"),
    "openhands-logs": ("OpenHands", "github.com/OpenHands/software-agent-sdk", "MIT"),
}
"""Where public recordings come from, by the name of the folder they are kept in."""
_KNOWN_TRACES = "traces"
"""What the name of a folder of traces of blocks holds."""
_LOST = (Verdict.miss, Verdict.partial)
_KINDS = {
    Reason.provider: "provider",
    Reason.unseen: "unseen",
    Reason.unexplained: "unexplained",
}


@dataclass(frozen=True)
class Result:
    """A source with what the engine and the rule of its own say of each of its calls."""

    source: Source
    diagnoses: tuple[Diagnosis, ...]
    rule: tuple[Expected | None, ...]
    imported: Imported

    @property
    def name(self) -> str:
        known = _KNOWN.get(self.source.name)
        return known[0] if known else self.source.name

    @property
    def exact(self) -> int:
        """Calls whose tokens per block sum to the reported input."""
        return sum(
            d.usage.input is not None and sum(b.tokens for b in d.blocks) == d.usage.input
            for d in self.diagnoses
        )

    @property
    def reported(self) -> int:
        return sum(d.usage.input is not None for d in self.diagnoses)

    @property
    def judged(self) -> list[tuple[Diagnosis, Expected]]:
        return [(d, e) for d, e in zip(self.diagnoses, self.rule, strict=True) if e is not None]

    @property
    def disagreements(self) -> list[tuple[Diagnosis, Expected]]:
        return [(d, e) for d, e in self.judged if not agrees(e, d.verdict, d.usage)]


def read_folder(folder: Path) -> Source:
    """Everything below a folder that is a cassette or a log."""
    source = Source(folder.name)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yml", ".yaml"):
            read_cassette(path, source)
        elif path.suffix == ".json":
            read_log(path, source)
    return source


def measured(source: Source, folder: Path) -> Result:
    """The diagnoses of a source, taken as one history, in time order; and as it is imported."""
    order = sorted(range(len(source.calls)), key=lambda i: source.calls[i].order)
    source.calls = [source.calls[i] for i in order]
    source.recordings = [source.recordings[i] for i in order]
    rule = expected(source.recordings, [call.usage for call in source.calls])
    told = tuple(diagnose(source.calls, rules_for))
    return Result(source, told, tuple(rule), imported(folder))


def tables(results: Sequence[Result], traces: Sequence[Trace] = ()) -> Iterator[str]:
    """The tables, as Markdown."""
    told = [d for r in results for d in r.diagnoses]
    heads = ("source", "calls", "read", "opaque blocks", "tokens sum to the reported input")
    yield from _table("What was read", (*heads, "repeated"), map(_read, results))
    heads = ("source", *Verdict, "as the rule says", "read to the token")
    yield from _table("Verdicts", heads, map(_verdicts, results))
    heads = ("source", "missed", "explained", "left to the provider", "unseen", "unexplained")
    shares = [(r.name, *_shares(r.diagnoses)) for r in results]
    yield from _table("Missed tokens", heads, [*shares, ("all", *_shares(told))])
    yield from _table("Causes", ("cause", "reason", "calls", "missed tokens"), _causes(told))
    heads = ("source", "model", "read", "of reusable", "missed", "cause", "grade", "summary")
    yield from _table("Every loss", heads, _losses(results))
    yield from _disagreements(results)
    yield from _own_verdicts(told)
    heads = ("source", "calls", "input", "read", "written", "output", "as counted", "told alike")
    yield from _table("Imported", heads, map(_imported, results))
    if traces:
        yield from _table("Traces of blocks", HEADS, trace_rows(traces))


def _imported(result: Result) -> tuple[object, ...]:
    found = result.imported
    alike = f"{found.alike(result.diagnoses)} of {len(found.told)}"
    counts = (_number(found.totals[name]) for name in ("input", "read", "written", "output"))
    counted = "yes" if found.totals == found.apart else "no"
    return (result.name, len(found.told), *counts, counted, alike)


def _read(result: Result) -> tuple[object, ...]:
    told, source = result.diagnoses, result.source
    return (
        result.name,
        len(told) + source.unread,
        len(told),
        sum(d.opaque for d in told),
        f"{result.exact} of {result.reported}",
        source.repeated,
    )


def _verdicts(result: Result) -> tuple[object, ...]:
    counts = (sum(d.verdict is verdict for d in result.diagnoses) for verdict in Verdict)
    right = len(result.judged) - len(result.disagreements)
    told = zip(result.diagnoses, result.source.calls, strict=True)
    promised = [d for d, call in told if not rules_for(call).best_effort]
    known = [d for d in promised if d.verdict is Verdict.hit and d.reusable_tokens]
    to_the_token = sum(d.usage.cache_read == d.reusable_tokens for d in known)
    share = f"{to_the_token} of {len(known)}" if known else "-"
    return (result.name, *counts, f"{right} of {len(result.judged)}", share)


def _losses(results: Sequence[Result]) -> Iterator[tuple[object, ...]]:
    for result in results:
        for d in result.diagnoses:
            if d.verdict in _LOST:
                yield (
                    result.name,
                    d.model or "",
                    _number(d.usage.cache_read),
                    _number(d.reusable_tokens),
                    _number(d.missed_tokens),
                    d.cause or "",
                    d.grade or "",
                    d.summary.replace("|", "\\|"),
                )


def _own_verdicts(told: Sequence[Diagnosis]) -> Iterator[str]:
    grades = Counter(d.grade for d in told if d.provider_reason is not None)
    yield "## The providers' own verdicts\n"
    if grades:
        kinds = ", ".join(f"{count} {grade}" for grade, count in grades.items())
        yield f"{grades.total()} of {len(told)} calls carry one: {kinds}."
    else:
        yield "None of these recordings carries one (Anthropic `diagnostics`, OpenAI"
        yield "`prompt_cache_diagnostics`), so nothing here is graded *confirmed*."
    yield ""


def _shares(told: Iterable[Diagnosis]) -> tuple[str, ...]:
    missed: Counter[str] = Counter()
    for d in told:
        missed[_KINDS.get(d.reason, "explained") if d.reason else "explained"] += d.missed_tokens
    total = missed.total()

    def share(kind: str) -> str:
        return f"{_number(missed[kind])} ({missed[kind] / total:.0%})" if total else "0"

    return _number(total), *map(share, ("explained", "provider", "unseen", "unexplained"))


def _causes(told: Sequence[Diagnosis]) -> Iterator[tuple[object, ...]]:
    lost = [d for d in told if d.verdict in (*_LOST, Verdict.uncacheable)]
    for (cause, reason), calls in Counter((d.cause, d.reason) for d in lost).most_common():
        missed = sum(d.missed_tokens for d in lost if (d.cause, d.reason) == (cause, reason))
        yield cause or "", reason or "", calls, _number(missed)


def _disagreements(results: Sequence[Result]) -> Iterator[str]:
    rows = [
        (r.name, d.model or "", d.call, d.verdict, e, _number(d.usage.cache_read), d.summary)
        for r in results
        for d, e in r.disagreements
    ]
    if rows:
        heads = ("source", "model", "call", "verdict", "the rule says", "read", "summary")
        yield from _table("Where verdict and rule differ", heads, rows)


def _table(title: str, heads: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| {' | '.join(map(str, heads))} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"
    yield ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def page(results: Sequence[Result], traces: Sequence[Trace], day: str) -> str:
    """docs/accuracy.md: what was measured, how, and the tables."""
    sources = [
        f"- **{name}** ({where}, {licence})"
        for r in results
        for name, where, licence in [_KNOWN.get(r.source.name, (r.source.name, "", ""))]
    ]
    return "\n".join(
        [
            _HEAD.format(day=day, engine=ENGINE_VERSION),
            *sources,
            *_TRACES[: len(traces)],
            _RULE,
            *tables(results, traces),
            _BY_HAND,
        ]
    )


_HEAD = """<!-- Written by bench/accuracy.py from recorded traffic; do not edit. -->
# Accuracy

How often whycold is right on traffic that others recorded: {day}, engine version {engine}.

```
.venv/bin/python -m bench.accuracy FOLDER… --write docs/accuracy.md
```

The recordings are the public HTTP recordings (VCR cassettes) and request logs in the test suites of
these projects; get their folders and name them on the command line. Each folder is one history:
what one file wrote to the cache, another may read. An exchange that stands in several files counts
once; files without a request in them (tokens that mlx-lm generated, lists of messages) are left
out.
"""
_TRACES = (
    "- **traces of blocks** (github.com/callanjfox/kv-cache-tester, Apache-2.0): eight of them",
)
_RULE = """
The verdict is held against a rule that looks at bodies and counts only and shares no code with the
engine (`bench/recordings_rule.py`): a call that begins with all that an earlier call of the same
model and account sent is owed what that call left; where only the beginning is shared, its share
of the characters. Reading 95 % of what was owed (85 % of such a share) is a hit, nothing of it a
miss; a repeat for which no marker asked for an entry is a miss; a call that begins like no other is
a first one. *Read to the token*: of the hits on caches that promise one, how many read exactly what
the engine says was left for them.

*Imported*: the same folders as `whycold import vcr` and `whycold import litellm` read them. Totals
are held against a count that shares no code with whycold
(`tests/sources/recorded/independent_count.py`), verdicts, causes and missed tokens against those of
the reader that the other tables are made with.

*Traces of blocks* hold ids of 64 tokens each, neither text nor what was read, so all their verdicts
are *unknown*, and every break is *unseen*. What is measured (`bench/blocks.py`) is whether the
request that a trace lists before another one is its predecessor, and whether a break is told at the
block where the ids part. *Shares most with it*: the ids alone say so, too; the others share nothing
with any request before them, and the list decides.
"""
_BY_HAND = """## What reading them by hand showed

Every diagnosis was also held against its request and response by eye (2026-11-23). What is worth
knowing of them:

- Where Claude was called without a marker (`breakpoint-missing`), nothing was written, and the next
  call had nothing to read: what is counted as missed is what one marker would have saved.
- OpenAI before GPT-5.6 and Gemini promise no hit. Prompts that are the same to the byte, seconds
  apart, read all of it, a part of it or nothing, and nothing in the requests tells these apart.
  Such a loss is left to the provider and graded *inferred*: nothing speaks against it, nothing
  proves it.
- One conversation ran the provider's own web search. Its client did not send the thinking block
  before the search back, so the results behind it were processed again. The reported read ends
  exactly where that block stood; the counts of such calls are sums over several rounds and say
  nothing about positions by themselves.
- A changed `anthropic-beta` header stood between two calls of which the second read all that the
  first had written: that header voids nothing, and the change is told as one without a loss.
- Months lie between some calls of one recording. A first call after such a pause, with edited tools
  or from another account, is a first call and no miss.
"""


def main(arguments: Sequence[str]) -> int:
    """Reads the folders, prints or writes; the exit code is 0 also where folders are absent."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page there")
    options = parser.parse_args(arguments)
    results: list[Result] = []
    traces: list[Trace] = []
    for folder in options.folders:
        if not folder.is_dir():
            print(f"{folder}: is not there, skipped", file=sys.stderr)
            continue
        if _KNOWN_TRACES in folder.name:
            traces += map(measured_trace, sorted(folder.glob("*.json")))
            continue
        results.append(measured(read_folder(folder), folder))
        for note in results[-1].source.notes:
            print(f"{folder.name}/{note}", file=sys.stderr)
    if not results:
        return 0
    if options.write is None:
        print("\n".join(tables(results, traces)))
    else:
        options.write.write_text(page(results, traces, f"{datetime.now(UTC):%Y-%m-%d}"), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
