"""``whycold skill``: the way from a fallen cache ratio to a fix, written for agents."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from whycold.errors import UserError
from whycold.frontends.shipped import SKILL, shipped_text

__all__ = ["skill"]

_HOME: Final = "~/.claude/skills"
_PROJECT: Final = ".claude/skills"


@click.command(epilog="Exit codes: 0 done, 2 when it cannot be written.")
@click.argument("what", type=click.Choice(["install", "show"]))
@click.option("--dir", "folder", metavar="DIR", help=f"Folder of skills ({_HOME}).")
@click.option("--project", is_flag=True, help=f"Install it for this project: {_PROJECT}.")
@click.option("--force", is_flag=True, help="Replace a skill of that name that differs.")
def skill(what: str, folder: str | None, project: bool, force: bool) -> None:
    """Install the skill that leads an agent from a fallen cache ratio to a verified fix.

    It is one file in the Agent Skills format, which Claude Code and others read. show prints it.

    \b
    Examples:
      whycold skill install
      whycold skill install --project
      whycold skill install --dir ~/.agents/skills
    """
    text = shipped_text(SKILL)
    if what == "show":
        click.echo(text.encode(), nl=False)
        return
    if folder is not None and project:
        raise UserError("--dir and --project: choose one")
    try:
        place = Path(folder or (_PROJECT if project else _HOME)).expanduser()
    except RuntimeError:
        raise UserError("this user has no home folder: say where, with --dir") from None
    _install(place / SKILL.parent.name / SKILL.name, text, force=force)


def _install(file: Path, text: str, *, force: bool) -> None:
    try:
        if file.exists() and not force and file.read_text("utf-8", "replace") != text:
            raise UserError(f"{file} is there already and differs: --force replaces it")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as fault:
        raise UserError(f"cannot write {file}: {fault.strerror or fault}") from None
    click.echo(f"{file} is written")
