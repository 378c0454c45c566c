"""``whycold import``: what other programs have written down, as calls in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from whycold.frontends.config import Config, load
from whycold.frontends.importing_found import Asked, Found, looked_for, nothing_in, print_found
from whycold.frontends.importing_told import (
    outcome_line,
    progress_bar,
    tell_culprits,
    tell_troubles,
)
from whycold.frontends.importing_watch import watch
from whycold.frontends.importing_work import Outcome, order_of, outcome_of, progress_of
from whycold.frontends.prices import price_list
from whycold.frontends.reporting_asking import store_option, terminal
from whycold.frontends.serve_asking import asked
from whycold.ingest.importing import Importer, Progress
from whycold.store.opening import open_store
from whycold.store.records import Capture

__all__ = ["import_calls"]


@click.command("import", epilog="Exit codes: 0 done, 2 when there is nothing that can be imported.")
@click.argument("source", required=False)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@store_option
@click.option("--watch", "watching", is_flag=True, help="Go on with what is written from now on.")
def import_calls(
    source: str | None, paths: tuple[Path, ...], store: str | None, watching: bool
) -> None:
    """Import what other programs recorded, each call once.

    Without arguments it finds what this machine has. SOURCE is one of:

    \b
      claude-code   Claude Code transcripts (~/.claude/projects)
      claude-code-bodies
                    requests and responses that Claude Code writes with
                    OTEL_LOG_RAW_API_BODIES=file:DIR (DIR)
      codex         Codex CLI rollouts (~/.codex/sessions)
      opencode      opencode sessions (~/.local/share/opencode)
      otlp          OTLP: spans and logs of calls, as JSON
      vcr           VCR cassettes
      har           HTTP archives, as browsers save them
      litellm       LiteLLM logs and logging payloads
      jsonl         lines of {"request": …, "response": …, "at": …}
      blocks        chains of block ids, as serving engines export them

    PATHS are files, or folders of them. docs/importing.md says what each source shows, and what it
    does not show: nothing is said of that.

    \b
    Examples:
      whycold import
      whycold import --watch
      whycold import claude-code ~/.claude/projects/-home-me-billing
    """
    config, what = load({"store": store}), Asked(source, paths)
    looked = looked_for(what)
    if not looked.found and not (watching and looked.missing):
        raise nothing_in(looked, what)
    console = terminal()
    if source is None:
        print_found(looked, console)
    seen: set[str] = set()
    for found in looked.found:
        with progress_bar(console, found.kind.title) as tell:
            outcome = _imported(config, found, tell)
        seen.update(map(str, outcome.troubles))
        tell_troubles(outcome.troubles)
        console.print(outcome_line(found.kind.title, outcome), soft_wrap=True)
    if watching:
        watch(what, lambda found: _imported(config, found, lambda _: None), console, seen)
    tell_culprits(config, console)


def _imported(config: Config, what: Found, tell: Callable[[Progress], None]) -> Outcome:
    """Import it here, or have the ``serve`` do it that writes the store now."""
    told = asked(
        config,
        "import",
        order_of(what.name, what.places),
        lambda progress: tell(progress_of(progress)),
    )
    if told is not None:
        return outcome_of(told)
    store = open_store(config.store, write=True)
    try:
        for note in store.notes:
            click.echo(f"whycold: {note}", err=True)

        def capture(project: str | None) -> Capture:
            return Capture(config.projects.get(project or "", config.capture))

        importer = Importer(store, capture, price_list(config.prices))
        return Outcome.of(what.source, importer.take(what.source, tell))
    finally:
        store.close()
