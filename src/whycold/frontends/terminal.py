"""A diagnosis in a terminal: the sentence, the prefix as a strip, the words that changed, what to
do.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whycold.core.diagnosis import Diagnosis, Found, Grade, Verdict
from whycold.core.edit import common_prefix, common_suffix
from whycold.core.numbers import exact, percent, usd
from whycold.core.prompt import Section
from whycold.frontends.palette import BAD, FAINT, GOOD, SECTIONS, SOFT

__all__ = ["printable", "show"]

_WIDEST = 100
_SHOWN = 12
"""Divergences shown in full; more are counted."""
_VERDICTS = {
    Verdict.hit: (GOOD, "hit"),
    Verdict.partial: (BAD, "partial miss"),
    Verdict.miss: (BAD, "miss"),
    Verdict.first: (SOFT, "first call"),
    Verdict.uncacheable: (SOFT, "not cacheable"),
    Verdict.unknown: (SOFT, "reads not reported"),
}
_GRADES = {
    Grade.confirmed: "confirmed by the provider",
    Grade.consistent: "consistent with the reported counts",
    Grade.inferred: "inferred",
    Grade.contradicted: "contradicted by the provider",
}


def show(console: Console, told: Diagnosis) -> None:
    """Print one diagnosis."""
    width = min(console.width, _WIDEST)
    parts: list[RenderableType] = [_headline(told), _sentence(told), Text()]
    if told.blocks:
        parts += [*_strip(told, width - 2), Text()]
    for place, found in enumerate(told.divergences[:_SHOWN]):
        parts += [*_edit(found, place, told), Text()]
    if (more := len(told.divergences) - _SHOWN) > 0:
        parts += [Text(f"and {more} more places", style=FAINT), Text()]
    if told.ruled_out:
        parts += [Text("Ruled out: " + "; ".join(told.ruled_out) + ".", style=SOFT), Text()]
    if told.advice:
        parts += [Text.assemble(("What to do  ", "bold"), told.advice), Text()]
    parts.append(_facts(told))
    console.print(Padding(Group(*parts), (1, 0, 0, 1)), width=width + 1)


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control and direction characters are shown, not obeyed."""
    return "".join(_visible(c) if not c.isprintable() else c for c in text)


def _visible(char: str) -> str:
    if char == "\n":
        return "⏎"
    if char == "\t":
        return "→"
    code = ord(char)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _headline(told: Diagnosis) -> Text:
    colour, word = _VERDICTS[told.verdict]
    line = Text.assemble((f" {word} ", f"bold reverse {colour}"), "  ")
    line.append(printable(told.model or "model not named"), style="bold")
    line.append(f"  {told.provider}", style=SOFT)
    if told.gap is not None:
        line.append(f"  {_span(told.gap.total_seconds())} after the earlier call", style=SOFT)
    return line


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes else "",
        f"{rest} s" if rest or seconds < 1 else "",
    ]
    return " ".join(part for part in parts[: 3 if not hours else 2] if part)


def _sentence(told: Diagnosis) -> Text:
    return Text(printable(told.summary), style="bold")


def _strip(told: Diagnosis, width: int) -> Iterator[Text]:
    """The prompt to scale: full colour was kept, pale is paid again, and a mark where it broke."""
    total = sum(block.tokens for block in told.blocks)
    if not total:
        return
    kept = _kept(told, total)
    cells = Text()
    done = 0
    for block in told.blocks:
        start, done = done, done + block.tokens
        colour = SECTIONS[block.section]
        for cell in range(round(start * width / total), round(done * width / total)):
            cells.append("█" if (cell + 0.5) * total / width <= kept else "░", style=colour)
    yield cells
    if told.broke_at is not None and told.divergences:
        mark = min(width - 1, int(told.broke_at * width / total))
        words = f"broke here: token {exact(told.broke_at)} of {exact(total)}"
        text = f"▲ {words}" if mark + len(words) + 2 < width else f"{words} ▲"
        yield Text(
            " " * (mark if text.startswith("▲") else max(0, mark - len(words) - 1)) + text,
            style=BAD,
        )
    yield _legend(told, kept, total)


def _kept(told: Diagnosis, total: int) -> int:
    """Tokens that were read, or that an unchanged beginning lets expect where reads are not
    reported.
    """
    if told.usage.cache_read is not None:
        return told.usage.cache_read
    return told.broke_at if told.broke_at is not None else total


def _legend(told: Diagnosis, kept: int, total: int) -> Text:
    line = Text()
    for section in (Section.tools, Section.system, Section.messages):
        tokens = sum(b.tokens for b in told.blocks if b.section is section)
        if tokens:
            line.append("■ ", style=SECTIONS[section])
            line.append(f"{section} {exact(tokens)}   ", style=SOFT)
    read = told.usage.cache_read
    if read is None:
        line.append("░ behind the change" if kept < total else "unchanged", style=SOFT)
    else:
        line.append(
            f"█ read {exact(read)} ({percent(read, told.usage.input)})  ░ not read", style=SOFT
        )
    return line


def _edit(found: Found, place: int, told: Diagnosis) -> Iterator[Text]:
    line = Text("● ", style=SECTIONS[found.section])
    line.append(printable(found.path), style="bold")
    where = f"character {exact(found.offset)} · " if found.offset else ""
    line.append(f"  {where}{_role(found, place, told)}", style=SOFT)
    yield line
    head = common_prefix(found.before, found.after)
    tail = common_suffix(found.before, found.after, floor=head)
    for sign, text, colour in (("-", found.before, BAD), ("+", found.after, GOOD)):
        if not text:
            continue
        row = Text(f"  {sign} ", style=colour)
        row.append(printable(text[:head]), style=SOFT)
        row.append(printable(text[head : len(text) - tail]), style=f"bold {colour}")
        row.append(printable(text[len(text) - tail :]), style=SOFT)
        yield row


def _role(found: Found, place: int, told: Diagnosis) -> str:
    meant = "meant by the client, " if found.expected else ""
    if place == 0 and told.verdict is Verdict.hit:
        return f"{meant}{found.cause}, cost nothing here"
    if place == 0 and told.cause == found.cause:
        return f"{meant}{found.cause}, this broke the prefix"
    return f"{meant}{found.cause}, would break it next"


def _facts(told: Diagnosis) -> Table:
    table = Table.grid(padding=(0, 3))
    usage = told.usage
    rows = [("Cause", told.cause or "none")]
    if told.grade is not None:
        rows.append(("How sure", _GRADES[told.grade]))
    if told.provider_reason:
        rows.append(("Provider says", printable(told.provider_reason)))
    if usage.input is not None:
        rows.append(("Input", f"{exact(usage.input)} tokens: {_composition(told)}"))
    if told.missed_tokens:
        cost = (
            usd(told.missed_cost_usd)
            if told.missed_cost_usd is not None
            else "no price known for this model"
        )
        missed = f"{exact(told.missed_tokens)} of {exact(told.reusable_tokens)} reusable tokens"
        rows.append(("Missed", f"{missed}, {cost}"))
    if told.opaque:
        rows.append(
            ("Not understood", f"{told.opaque} blocks of an unknown kind: compared, not read")
        )
    for name, value in rows:
        table.add_row(Text(name, style=SOFT), value)
    return table


def _composition(told: Diagnosis) -> str:
    usage = told.usage
    parts = [
        (usage.cache_read, "read"),
        (usage.cache_write, "written"),
        (usage.uncached, "uncached"),
    ]
    return ", ".join(
        f"{exact(tokens) if tokens is not None else 'not reported'} {word}"
        for tokens, word in parts
    )
