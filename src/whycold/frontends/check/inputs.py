"""Where the calls of a check come from: the store, recordings, or a command that is run."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from whycold.core.content import Json
from whycold.errors import UserError
from whycold.frontends.config import load
from whycold.frontends.importing_kinds import KINDS
from whycold.frontends.prices import price_list
from whycold.frontends.run import run_program
from whycold.frontends.run_serve import started
from whycold.ingest.importing import Importer
from whycold.query import Query
from whycold.store.opening import open_store

__all__ = ["of_command", "of_recordings"]

_BY_SUFFIX = {
    ".har": "har",
    ".yaml": "vcr",
    ".yml": "vcr",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@contextmanager
def of_recordings(paths: Sequence[Path], kind: str | None) -> Generator[tuple[Query, list[str]]]:
    """Files of a test run, read into a store of their own, and what could not be read of them.

    Raises UserError.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: there is no such file or folder")
    config = load({})
    with _own_store() as url:
        store = open_store(url, write=True)
        try:
            importer = Importer(store, prices=price_list(config.prices))
            troubles: list[str] = []
            for name, some in _by_kind(paths, kind).items():
                source = KINDS[name].read(some)
                importer.take(source)
                troubles += map(str, source.troubles)
            yield Query(store), troubles
        finally:
            store.close()


@contextmanager
def of_command(words: str, upstreams: Sequence[str]) -> Generator[tuple[Query, int]]:
    """The calls of a program, recorded in a ``serve`` of its own, and the program's exit code.

    Raises UserError.
    """
    try:
        command = shlex.split(words)
    except ValueError as error:
        raise UserError(f"--run {words!r}: {error}") from None
    if not command:
        raise UserError("--run needs a command")
    named = _named(upstreams)
    with _own_store() as url:
        options: dict[str, Json] = {"store": url}
        with started(load(options), {"--capture": "full"}, named) as serve:
            code = run_program(command, serve.proxy, {})
        store = open_store(url, write=False)
        try:
            yield Query(store), code
        finally:
            store.close()


@contextmanager
def _own_store() -> Generator[str]:
    with tempfile.TemporaryDirectory(prefix="whycold-check-") as folder:
        yield f"sqlite:///{folder}/calls.db"


def _named(upstreams: Sequence[str]) -> Mapping[str, str]:
    out: dict[str, str] = {}
    for given in upstreams:
        name, equals, url = given.partition("=")
        if not equals or not name or not url:
            raise UserError(f"--upstream {given!r}: give NAME=URL")
        out[name] = url
    return out


def _by_kind(paths: Sequence[Path], kind: str | None) -> Mapping[str, list[Path]]:
    """The paths by the kind of recording that they hold: the one that was given, or by suffix."""
    if kind is not None:
        if kind not in KINDS:
            raise UserError(f"--from {kind!r}: there are {', '.join(KINDS)}")
        return {kind: list(paths)}
    out: dict[str, list[Path]] = {}
    for path in paths:
        for file in (path, *sorted(path.rglob("*"))) if path.is_dir() else (path,):
            name = _BY_SUFFIX.get(file.suffix.lower())
            if name is not None and file.is_file():
                out.setdefault(name, []).append(file)
    if not out:
        raise UserError(
            f"{paths[0]}: say what it is with --from ({', '.join(KINDS)}); only .har, .yaml and "
            ".jsonl are known by their names"
        )
    return out
