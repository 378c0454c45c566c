"""The prompt to scale: one cell per so many tokens, full where it was read, pale where not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby

from rich.cells import cell_len
from rich.text import Text

from whycold.core.diagnosis import BlockCount, Diagnosis, Verdict
from whycold.core.numbers import exact, percent
from whycold.core.prompt import Section
from whycold.frontends.palette import BAD, SECTIONS, SOFT

__all__ = ["Scale", "strip"]


class Scale:
    """Tokens to cells: in proportion, but every section that holds anything has a cell of its own.

    ``blocks`` are the prompt's, ``width`` the number of cells; without tokens there are no cells.
    """

    def __init__(self, blocks: Sequence[BlockCount], width: int) -> None:
        runs = [(s, sum(b.tokens for b in run)) for s, run in groupby(blocks, lambda b: b.section)]
        self.sections = [(section, tokens) for section, tokens in runs if tokens]
        sizes = [tokens for _, tokens in self.sections]
        self.tokens = [0, *accumulate(sizes)]
        self.cells = [0, *accumulate(_shared_out(sizes, width))]

    @property
    def total(self) -> int:
        """Tokens of the whole prompt."""
        return self.tokens[-1]

    def cell(self, token: int) -> int:
        """The cell that holds a token; the last one for what lies behind the end."""
        if token >= self.total:
            return max(0, self.cells[-1] - 1)
        at = bisect_right(self.tokens, token) - 1
        tokens, cells = self.tokens[at + 1] - self.tokens[at], self.cells[at + 1] - self.cells[at]
        return self.cells[at] + (token - self.tokens[at]) * cells // tokens

    def section(self, cell: int) -> Section:
        """The section that a cell stands for."""
        return self.sections[bisect_right(self.cells, cell) - 1][0]


def _shared_out(sizes: Sequence[int], width: int) -> list[int]:
    """Cells per section: by size, at least one each, which the largest makes room for."""
    if not sizes or width < len(sizes):
        return [1] * min(len(sizes), width)
    whole = [divmod(width * size, sum(sizes)) for size in sizes]
    cells = [count for count, _ in whole]
    by_rest = sorted(range(len(sizes)), key=lambda i: -whole[i][1])
    for i in by_rest[: width - sum(cells)]:
        cells[i] += 1
    for i, count in enumerate(cells):
        if not count:
            cells[i] = 1
            cells[cells.index(max(cells))] -= 1
    return cells


def strip(told: Diagnosis, width: int, *, colour: bool, ascii_only: bool = False) -> Iterator[Text]:
    """The rows of the picture: the strip, the mark below it, the legend; nothing for an empty
    prompt.

    Without ``colour`` a bar stands where a section begins.
    """
    scale = Scale(told.blocks, width)
    if not scale.total:
        return
    full, pale, bar, mark, square = "#.|^*" if ascii_only else "█▒│▲■"
    kept = _kept(told, scale.total)
    limit = _kept_cells(scale, kept)
    cells = Text(no_wrap=True)
    for cell in range(scale.cells[-1]):
        char = full if cell < limit else pale
        if not colour and cell and cell in scale.cells:
            char = bar
        cells.append(char, style=SECTIONS[scale.section(cell)])
    yield cells
    if told.broke_at is not None and told.divergences:
        yield _mark(told, scale, width, mark)
    yield _legend(told, scale, kept, width, (full, pale, square))


def _kept(told: Diagnosis, total: int) -> int:
    """Tokens that were read, or that an unchanged beginning lets expect where reads are not
    reported.
    """
    if told.usage.cache_read is not None:
        return min(told.usage.cache_read, total)
    return min(told.broke_at, total) if told.broke_at is not None else total


def _kept_cells(scale: Scale, kept: int) -> int:
    """Full cells: none only for nothing read, all only for everything."""
    cells = scale.cells[-1]
    if kept >= scale.total:
        return cells
    return min(cells - 1, max(scale.cell(kept), 1)) if kept else 0


def _mark(told: Diagnosis, scale: Scale, width: int, mark: str) -> Text:
    lost = told.verdict in (Verdict.miss, Verdict.partial, Verdict.unknown)
    style = BAD if lost else SOFT
    where = f"token {exact(told.broke_at)} of {exact(scale.total)}"
    words = f"{'broke' if lost else 'differs from'} here: {where}"
    at = scale.cell(told.broke_at or 0)
    if at + 2 + len(words) <= width:
        return Text(f"{' ' * at}{mark} {words}", style=style, no_wrap=True)
    left = at - len(words) - 1
    if left >= 0:
        return Text(f"{' ' * left}{words} {mark}", style=style, no_wrap=True)
    return Text(f"{' ' * at}{mark}\n{words}", style=style)


def _legend(
    told: Diagnosis, scale: Scale, kept: int, width: int, glyphs: tuple[str, str, str]
) -> Text:
    """What the colours and shades are, on two rows where one is too short."""
    full, pale, square = glyphs
    sections = Text()
    for section, tokens in scale.sections:
        sections.append(square, style=SECTIONS[section])
        sections.append(f" {section} {exact(tokens)}   ", style=SOFT)
    shades: list[str] = []
    read = told.usage.cache_read
    if read:
        shades.append(f"{full} read {exact(read)} ({percent(read, told.usage.input)})")
    if read is not None and kept < scale.total:
        shades.append(f"{pale} {'not' if read else 'nothing'} read")
    if read is None:
        shades.append("unchanged" if told.broke_at is None else f"{pale} behind the change")
    said = "  ".join(shades)
    apart = "\n" if sections.cell_len + cell_len(said) > width else ""
    return sections.append(f"{apart}{said}", style=SOFT)
