"""Writes the generated pages of docs/ from the code; --check says which are stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from whycold import causes
from whycold.causes.catalogue import NOT_VISIBLE
from whycold.causes.rows import ROWS
from whycold.core.cause import Cause, Example
from whycold.core.diagnosis import Reason
from whycold.core.rules import CacheRules, Effect
from whycold.frontends.cli import cli
from whycold.frontends.demo.planned import PLANNED
from whycold.providers.base import Dialect
from whycold.providers.registry import DIALECTS

ROOT = Path(__file__).parent.parent
GENERATED = "<!-- Written by `make docs` from the code; do not edit. -->\n"
_SAMPLE_MODELS = {
    "anthropic": (
        "claude-opus-5-5",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-fable-5-1",
        "claude-opus-5",
        "claude-sonnet-5",
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-opus-4-6",
        "claude-sonnet-4-6",
        "claude-haiku-4-5",
    ),
    "openai": ("gpt-5.6", "gpt-5.5", "gpt-5.4", "gpt-4.1"),
    "gemini": ("gemini-3.5-flash", "gemini-2.5-pro"),
    "bedrock": (
        "amazon.nova-pro-v1:0",
        "amazon.nova-lite-v1:0",
        "anthropic.claude-opus-4-6-v1:0",
    ),
}


def causes_page() -> str:
    lines = [
        GENERATED,
        "# Causes\n",
        "Every miss gets one cause. A cause is named only where the calls prove it; what nothing "
        "proves is *unexplained*, and says what was ruled out. `whycold diff` prints the code.\n",
        "| code | reason | what changed |",
        "|---|---|---|",
    ]
    lines += [f"| [{c.code}](#{c.code}) | `{c.reason}` | {c.title} |" for c in causes.ALL]
    for reason in dict.fromkeys(c.reason for c in causes.ALL):
        lines.append(f"\n## {_words(reason)}\n")
        for cause in (c for c in causes.ALL if c.reason is reason):
            lines += _cause(cause)
    lines += ["\n## Which real causes are covered\n", *_rows()]
    return "\n".join(lines) + "\n"


def _words(reason: Reason) -> str:
    return reason.replace("_", " ").capitalize()


def _cause(cause: Cause) -> Iterator[str]:
    yield f"### {cause.code}\n"
    yield f"**{cause.title}.** {cause.what}\n"
    yield f"What to do: {cause.advice}\n"
    yield from _examples("For example", cause.examples)
    yield from _examples("Not this", cause.near_misses)


def _examples(head: str, examples: tuple[Example, ...]) -> Iterator[str]:
    if examples:
        yield f"{head}: " + "; ".join(e.name for e in examples) + ".\n"


def _rows() -> Iterator[str]:
    owners = {row: cause.code for cause in causes.ALL for row in cause.rows}
    yield "Sixty-nine causes that people met, collected on 2026-11-23.\n"
    yield "| # | what happened | told as |"
    yield "|---|---|---|"
    for row, title in sorted(ROWS.items()):
        told = (
            f"[{owners[row]}](#{owners[row]})"
            if row in owners
            else f"not visible: {NOT_VISIBLE[row]}"
        )
        yield f"| {row} | {title} | {told} |"


def providers_page() -> str:
    lines = [
        GENERATED,
        "# Providers and their cache rules\n",
        "What whycold takes as given about each prompt cache, with the document each fact was read "
        "in and the day. `--provider NAME` chooses one; without it the shape of the request and "
        "the model decide.\n",
        "| name | provider | APIs |",
        "|---|---|---|",
    ]
    lines += [
        f"| [{d.name}](#{_anchor(d.name)}) | {d.title} | {', '.join(d.wires)} |"
        for d in DIALECTS.values()
    ]
    for dialect in DIALECTS.values():
        lines += _provider(dialect)
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    return name.lower().replace(".", "").replace(" ", "-")


def _provider(dialect: Dialect) -> Iterator[str]:
    yield f"\n## {dialect.name}\n"
    yield f"{dialect.title}.\n"
    wire = dialect.wires[0]
    for model in (None, *_SAMPLE_MODELS.get(dialect.name, ())):
        rules = dialect.rules(wire, model)
        if model is not None:
            yield f"- `{model}`: {_in_short(rules)}"
            continue
        yield from _table(rules)
        yield from _effects(rules)
        yield from _sources(rules)
    yield ""


def _in_short(rules: CacheRules) -> str:
    minimum = f"minimum {rules.minimum:,} tokens" if rules.minimum else "minimum not published"
    step = f", in steps of {rules.granularity} tokens" if rules.granularity > 1 else ""
    return f"{minimum}, lifetimes {_lifetimes(rules)}{step}"


def _lifetimes(rules: CacheRules) -> str:
    if not rules.ttls:
        return "not stated"
    return ", ".join(f"{t.name} ({_span(t.lifetime)})" for t in rules.ttls)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _table(rules: CacheRules) -> Iterator[str]:
    look = rules.lookback
    facts = {
        "render order": ", ".join(rules.order),
        "caching": {"automatic": "automatic", "explicit": "only where asked for"}.get(
            rules.opt_in, "automatic, or where asked for"
        ),
        "markers": _markers(rules),
        "minimum": f"{rules.minimum:,} tokens" if rules.minimum else "by model, or not published",
        "lifetimes": _lifetimes(rules),
        "look-back": f"{look.positions} positions, the marker's own counted"
        if look
        else "no limit known",
        "granularity": f"{rules.granularity} tokens" if rules.granularity > 1 else "exact",
        "keeps generated tokens": "yes" if rules.keeps_reply else "no",
        "an unchanged prefix is read": "usually (best effort)"
        if rules.best_effort
        else "always while the entry lives",
        "shared within": rules.isolation,
        "reports reads": _reports(rules.reports_read),
        "reports writes": _reports(rules.reports_write),
        "reported input": "includes cached tokens" if rules.inclusive else "excludes cached tokens",
    }
    yield "| fact | value |"
    yield "|---|---|"
    for name, value in facts.items():
        yield f"| {name} | {value} |"
    yield ""


def _markers(rules: CacheRules) -> str:
    if rules.max_breakpoints:
        return f"up to {rules.max_breakpoints}"
    return "as asked" if rules.markable else "none"


def _reports(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "with a server flag"}[value]


def _effects(rules: CacheRules) -> Iterator[str]:
    if not rules.effects:
        yield "No setting outside the prompt is known to void anything.\n"
        return
    yield "| a change of | voids | note |"
    yield "|---|---|---|"
    for name, effect in rules.effects.items():
        yield f"| `{name}` | {_voids(effect, rules)} | {effect.note} |"
    yield ""


def _voids(effect: Effect, rules: CacheRules) -> str:
    if effect.voids is None:
        return "nothing"
    lost = f"{effect.voids} and what follows"
    if effect.voids in (rules.order[0], rules.order[-1]):
        lost = "everything" if effect.voids == rules.order[0] else effect.voids
    return lost if effect.certain else f"perhaps {lost}"


def _sources(rules: CacheRules) -> Iterator[str]:
    by_document: dict[str, list[str]] = {}
    for fact, source in rules.sources.items():
        by_document.setdefault(f"{source.document} ({source.read})", []).append(fact)
    for document, facts in by_document.items():
        yield f"- {document}: {', '.join(facts)}"
    yield ""


def cli_page() -> str:
    root = click.Context(cli)
    lines = [GENERATED, "# Commands\n"]
    for name, command in [
        ("whycold", cli),
        *((f"whycold {n}", cli.get_command(root, n)) for n in cli.list_commands(root)),
    ]:
        assert command is not None, name
        context = click.Context(command, info_name=name, max_content_width=100)
        lines += [f"## {name}\n", "```text", command.get_help(context), "```\n"]
    return "\n".join(lines)


def demo_page() -> str:
    lines = [
        GENERATED,
        "# The demo\n",
        "`whycold demo` opens the dashboard on two weeks of made-up traffic: what a team of eight "
        "projects sends in a week in which things go wrong, and in a calmer one before it. "
        "Requests and responses are bytes in the providers' own formats (Anthropic Messages, "
        "OpenAI Responses, Chat Completions of DeepSeek and llama.cpp, transcripts of Claude "
        "Code); what is read and written is counted by caches that follow the providers' published "
        "rules; and all of it goes through the pipeline of recorded calls. Nothing is sent "
        "anywhere, and your own store is not touched.\n",
        "```",
        "whycold demo                        # the dashboard, until Ctrl-C",
        "whycold demo --keep ~/whycold-demo  # keeps the store, and opens it at once the next time",
        "whycold demo --make demo.db         # only the store",
        "whycold culprits --store sqlite:///demo.db",
        "```\n",
        "In a clone the command is `.venv/bin/whycold demo`, once `make setup` has run. The week "
        "ends with the hour that has begun, or with `--until`; for the same end every call, text "
        "and number is the same.\n",
        "What goes wrong in it, and is found as:\n",
        "| project | cause | place | what happened |",
        "|---|---|---|---|",
    ]
    for fault in PLANNED:
        place = f"`{fault.path}`" if fault.path else ""
        cause = f"[{fault.cause}](causes.md#{fault.cause})"
        lines.append(f"| {fault.project} | {cause} | {place} | {fault.story} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "causes.md": causes_page,
    "providers.md": providers_page,
    "cli.md": cli_page,
    "demo.md": demo_page,
}


def main() -> int:
    stale = 0
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, page()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"docs/{name} is stale: run `make docs`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
