"""Files that people read, and that the program shows as well."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["GLOSSARY", "SKILL", "shipped_text"]

GLOSSARY: Final = Path("docs/glossary.md")
SKILL: Final = Path("skills/whycold/SKILL.md")
_PACKAGE: Final = Path(__file__).parents[1]


def shipped_text(file: Path) -> str:
    """The text of one of the files above, as the wheel brings it (pyproject.toml, force-include)
    or as it stands in a clone.
    """
    installed = _PACKAGE / "shipped" / file.name
    here = installed if installed.exists() else _PACKAGE.parents[1] / file
    return here.read_text("utf-8")
