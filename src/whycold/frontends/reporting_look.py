"""What the place of printing allows: how wide, in which colours, with which characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.segment import Segment
from rich.text import Text

__all__ = ["LEVELS", "Look", "bar", "sparkline"]

LEVELS = "▁▂▃▄▅▆▇█"
"""An eighth of a cell to a whole one, from below."""

_WIDEST = 100
_NARROWEST = 40
_PLAIN = str.maketrans(
    "▁▂▃▄▅▆▇█" "━╸" "░▒▓" "■●" "▲▼▶×" "−–" "…⋯·" "⏎→│─",
    ".,:-=+*#" "==" ".+*" "**" "^v>x" "--" "..." "/>|-",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """``width``: cells that a line may take behind the margin; ``colour``: whether colours can
    tell things apart; ``ascii_only``: whether nothing but ASCII can be written.
    """

    width: int = 98
    colour: bool = False
    ascii_only: bool = False

    @classmethod
    def of(cls, console: Console) -> Look:
        """What a console allows."""
        return cls(
            width=max(_NARROWEST, min(console.width, _WIDEST)) - 2,
            colour=console.color_system is not None and not console.no_color,
            ascii_only=not console.encoding.startswith("utf"),
        )

    def print(self, console: Console, *parts: RenderableType) -> None:
        """Write the parts below each other, without the blanks that only fill up a row."""
        options = console.options.update_width(self.width)
        for line in console.render_lines(Group(*parts), options, pad=False):
            console.print(self._row(line), soft_wrap=True)

    def _row(self, line: list[Segment]) -> Text:
        row = Text(" ")
        for segment in line:
            text = segment.text
            if self.ascii_only:
                text = text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")
            row.append(text, style=segment.style)
        row.rstrip()
        return row


def bar(part: float, whole: float, width: int, colour: str) -> Text:
    """A bar of up to ``width`` cells, to half a cell; what is not nothing can be seen."""
    halves = round(part * width * 2 / whole) if whole else 0
    full, rest = divmod(max(halves, 1 if part else 0), 2)
    return Text("━" * full + "╸" * rest, style=colour)


def sparkline(values: Sequence[float]) -> str:
    """One character per value, up to the greatest; a dot where there is nothing."""
    most = max(values, default=0)
    return "".join(LEVELS[round(v / most * 7)] if v else "·" for v in values)
