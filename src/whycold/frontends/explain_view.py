"""What a call's page holds beside its diagnosis: tokens per tool and message, what came before and
after it, and what of it is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from whycold.core.diagnosis import Diagnosis
from whycold.core.numbers import exact, percent, short, span, usd
from whycold.frontends.explain_parts import Part
from whycold.frontends.misses_view import ID
from whycold.frontends.palette import BAD, FAINT, SECTIONS, SOFT
from whycold.frontends.printable import name_of, row_of
from whycold.frontends.reporting_look import Look, bar
from whycold.frontends.reporting_words import VERDICTS, stamp
from whycold.query import main_edit
from whycold.store.records import Capture, Kept, Record

__all__ = ["SHOWN", "heading", "neighbours", "not_kept", "table"]

SHOWN = 20
"""Parts of the prompt that are shown unless all are asked for."""

_AROUND = 3
_TOKENS, _SHARE, _COST, _PAID = 9, 8, 10, 16
_VERDICT = 13
_WIDE, _WIDEST = 76, 96
_SESSION = "In the session "


def heading(told: Diagnosis, look: Look) -> Iterator[Text]:
    """Which call it is: when, its ids, whose; on one row where they fit."""
    line = Text(f"{stamp(told.at, year=True)}:{told.at:%S} UTC")
    for id in (told.call, told.message_id):
        if id:
            line.append(f"  {name_of(id, 60)}", style=SOFT)
    names = (told.project, told.agent, told.release)
    whose = Text(" · ".join(name_of(name, 30) for name in names if name), style=SOFT)
    if line.cell_len + whose.cell_len + 2 <= look.width:
        yield line.append("  ").append_text(whose)
    else:
        yield from (part for part in (line, whose) if part)


def table(found: Sequence[Part], by: str, most: int | None, look: Look) -> Iterator[Text]:
    """Tokens per tool, system block and message; the ``most`` first of them, or all."""
    ordered = sorted(found, key=lambda p: -p.tokens) if by == "size" else list(found)
    wide, total = look.width >= _WIDE, sum(part.tokens for part in found)
    numbers = _TOKENS + _SHARE + (_PAID + _COST if wide else 0)
    name = max(len(_name(part, 40)) for part in ordered) + 4
    name = min(name, look.width - numbers - 8)
    room = look.width - numbers - name - 2
    head = Text("Tokens per tool and per message", style="bold", no_wrap=True)
    right = f"sorted by {by} · {exact(len(found))} parts"
    yield head.append(f"{right:>{look.width - head.cell_len}}", style=f"{SOFT} not bold")
    biggest = max(part.tokens for part in found) or 1
    for part in ordered[:most]:
        colour = SECTIONS[part.section]
        line = Text(no_wrap=True).append("■ ", style=colour).append(_name(part, name - 4))
        line.pad_right(name - line.cell_len)
        line.append(f"{exact(part.tokens):>{_TOKENS}}")
        line.append(f"{percent(part.tokens, total):>{_SHARE}}  ", style=SOFT)
        line.append_text(bar(part.tokens, biggest, room, colour))
        if wide:
            line.pad_right(look.width - _PAID - _COST - line.cell_len)
            line.append(f"  {row_of(_paid(part), _PAID - 2):<{_PAID - 2}}", style=SOFT)
            line.append(f"{usd(part.cost) if part.cost is not None else '':>{_COST}}")
        yield line
    rest = ordered[most:] if most is not None else []
    if rest:
        tokens = exact(sum(part.tokens for part in rest))
        yield Text(f"and {exact(len(rest))} more, {tokens} tokens: --all shows them", style=SOFT)


def _name(part: Part, most: int) -> str:
    role = f" {row_of(part.role, 12)}" if part.role else ""
    return row_of(part.path, max(8, most - len(role))) + role


def _paid(part: Part) -> str:
    """How the tokens were paid; of several ways, those that count."""
    ways = [name for name, tokens in part.paid.items() if tokens * 20 >= part.tokens]
    if len(ways) > 1 and all(way.startswith(("read", "written")) for way in ways[:2]):
        return f"{percent(part.paid[ways[0]], part.tokens)} {ways[0]}"
    return ", ".join(ways)


def neighbours(told: Diagnosis, session: Sequence[Kept], look: Look) -> Iterator[Text]:
    """The calls around this one in its session; the one that it should have reused is marked."""
    place = next((i for i, k in enumerate(session) if k.told.call == told.call), None)
    if place is None or len(session) < 2:
        return
    heads = _numbers("input", "read", "missed", "", look)
    right = f"  call {exact(place + 1)} of {exact(len(session))}"
    room = look.width - len(heads) - len(right) - len(_SESSION)
    head = Text(no_wrap=True).append(_SESSION, style="bold")
    head.append(row_of(told.session or "", max(room, 8))).append(right, style=SOFT)
    yield head.append(f"{heads:>{look.width - head.cell_len}}", style=SOFT)
    first = max(0, place - _AROUND)
    shown = [kept.told for kept in session[first : place + _AROUND + 1]]
    before = next((k.told for k in session if k.told.call == told.predecessor), None)
    further = [before] if before is not None and before not in shown else []
    columns = _Columns(
        days=len({one.at.date() for one in (*further, *shown)}) > 1,
        agents=len({kept.told.agent for kept in session}) > 1,
    )
    for one in further:
        yield _neighbour(one, told, columns, look)
        yield Text("  ⋯", style=FAINT)
    for one in shown:
        yield _neighbour(one, told, columns, look)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What has to be told of the calls of a session because it is not the same for all."""

    days: bool
    agents: bool


def _neighbour(one: Diagnosis, told: Diagnosis, columns: _Columns, look: Look) -> Text:
    mine = one.call == told.call
    colour, verdict = VERDICTS[one.verdict]
    line = Text(no_wrap=True, style="bold" if mine else "")
    line.append("▶ " if mine else "↑ " if one.call == told.predecessor else "  ", style=BAD)
    line.append(f"{stamp(one.at)}{one.at::%S}  " if columns.days else f"{one.at:%H:%M:%S}  ")
    line.append(f"{verdict:<{_VERDICT}}", style=colour)
    right = _numbers(
        short(one.usage.input),
        percent(one.usage.cache_read, one.usage.input),
        short(one.missed_tokens) if one.missed_tokens else "",
        one.call,
        look,
    )
    room = look.width - line.cell_len - len(right) - 1
    line.append(row_of(_said(one, agents=columns.agents), max(room, 0)), style=SOFT)
    line.pad_right(look.width - len(right) - line.cell_len)
    return line.append(right)


def _numbers(given: str, read: str, missed: str, id: str, look: Look) -> str:
    """The columns on the right; a narrow terminal has fewer."""
    text = f"{given:>8}{read:>8}"
    if look.width >= _WIDEST:
        text += f"{missed:>8}"
    return f"{text}  {row_of(id, ID):<{ID}}" if look.width >= _WIDE else text


def _said(one: Diagnosis, *, agents: bool) -> str:
    edit = main_edit(one)
    words = [one.agent if agents else None, one.cause, edit.path if edit is not None else None]
    return " · ".join(word for word in words if word)


def not_kept(record: Record, before: Kept | None) -> Iterator[Text]:
    """What cannot be shown, and why; and the predecessor where it is not of this session."""
    told = record.told
    if record.capture is Capture.hash:
        yield Text(
            "Recorded with capture hash: digests stand where text would be, so places and counts "
            "are known and words are not.",
            style=FAINT,
        )
    elif not record.capture.has_blocks:
        yield Text(
            "The prompt of this call is not kept (capture usage, or dropped by retention): no "
            "text and no tokens per block can be shown, only what its diagnosis says.",
            style=FAINT,
        )
    if told.predecessor is None:
        return
    if before is None:
        yield Text("The call before it is no longer kept.", style=FAINT)
    elif told.session is None or before.told.session != told.session:
        gap = span((told.at - before.told.at).total_seconds())
        yield Text(f"The call before it: {before.told.call}, {gap} earlier.", style=SOFT)
