"""What ``whycold import`` is to read: what is named, or what this machine has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from whycold.core.numbers import exact, short
from whycold.errors import UserError
from whycold.frontends.config import environment
from whycold.frontends.importing_kinds import KINDS, Kind
from whycold.frontends.printable import printable
from whycold.sources.files import find_files
from whycold.sources.recorded import Source

__all__ = ["Asked", "Found", "Looked", "looked_for", "nothing_in", "print_found"]


@dataclass(frozen=True, slots=True)
class Found:
    """A kind of recording that is there: by which ``name``, in which ``places``."""

    name: str
    kind: Kind
    places: list[Path]
    source: Source

    @property
    def files(self) -> int:
        """How many files there are to read."""
        return sum(len(group.files) for group in self.source.groups)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was ``found``, which kinds were looked for in vain and where, and the names of those
    that have no place of their own.
    """

    found: list[Found]
    missing: list[tuple[Kind, list[Path]]]
    elsewhere: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user named: a ``source`` and ``paths``, or nothing."""

    source: str | None
    paths: tuple[Path, ...]

    def places(self) -> list[tuple[str, Path]]:
        """Where something may be, by the names of kinds, whether it is there or not."""
        kinds = KINDS if self.source is None else {self.source: KINDS[self.source]}
        variables = environment()
        return [
            (name, place)
            for name, kind in kinds.items()
            for place in (self.paths or kind.places(variables))
        ]

    def state(self) -> set[tuple[Path, int, int]]:
        """Every file there with its length and time: another set says that something is new."""
        roots = {place for _, place in self.places() if place.exists()}
        return {(file.path, file.size, file.mtime) for file in find_files(roots, ("",), [])}


def looked_for(asked: Asked) -> Looked:
    """What there is. Raises UserError for a source or a path that is not there."""
    _check(asked)
    looked = Looked([], [], [])
    for name, kind in KINDS.items():
        if asked.source not in (None, name):
            continue
        places = [place for known, place in asked.places() if known == name]
        if not places:
            looked.elsewhere.append(name)
            continue
        there = list(asked.paths) or [place for place in places if place.is_dir()]
        source = kind.read(there)
        if source.groups or source.troubles:
            looked.found.append(Found(name, kind, there, source))
        else:
            looked.missing.append((kind, places))
    return looked


def nothing_in(looked: Looked, asked: Asked) -> UserError:
    """That there is nothing to import, and what to do."""
    places = [place for _, places in looked.missing for place in places]
    if asked.source in looked.elsewhere:
        return UserError(
            f"{asked.source} has no place of its own; name files or folders: "
            f"whycold import {asked.source} PATH"
        )
    hint = "" if asked.paths else "; name files or folders: whycold import claude-code PATH"
    return UserError(f"there is nothing to import in {_shown(places)}{hint}")


def _check(asked: Asked) -> None:
    source = asked.source
    if source is not None and source not in KINDS:
        what = f"no source is called {source!r}; known are {', '.join(KINDS)}"
        if Path(source).exists():
            what += f": whycold import {next(iter(KINDS))} {source}"
        raise UserError(what)
    if gone := next((path for path in asked.paths if not path.exists()), None):
        raise UserError(f"{gone}: there is no such file or folder")


def print_found(looked: Looked, console: Console) -> None:
    """One line for each kind: how much of it is there and where, or where it was looked for."""
    titles = [one.kind.title for one in looked.found] + [kind.title for kind, _ in looked.missing]
    width = max(map(len, titles), default=0)
    for one in looked.found:
        size = sum(group.size for group in one.source.groups)
        files = f"{exact(one.files)} file{'' if one.files == 1 else 's'}, {short(size)}B"
        _print_line(console, one.kind.title, width, f"{files} in {_shown(one.places)}", "")
    for kind, places in looked.missing:
        _print_line(console, kind.title, width, f"none in {_shown(places)}", "dim")
    if looked.elsewhere:
        names = ", ".join(looked.elsewhere)
        line = f"To be named, for they have no place of their own: {names}"
        console.print(Text(line, style="dim"), soft_wrap=True)


def _print_line(console: Console, title: str, width: int, what: str, style: str) -> None:
    line = Text(style=style)
    line.append(title.ljust(width), style="bold" if not style else "")
    console.print(line.append(f"  {what}"), soft_wrap=True)


def _shown(places: Sequence[Path]) -> str:
    return printable(", ".join(_short(place) for place in places))


def _short(place: Path) -> str:
    home = environment().get("HOME", "")
    text = str(place)
    return f"~{text.removeprefix(home)}" if home and text.startswith(f"{home}/") else text
