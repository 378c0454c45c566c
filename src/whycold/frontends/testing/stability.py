"""Whether the calls of a test have one growing prefix, and what broke it where they have not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from whycold import causes
from whycold.core.diagnosis import Diagnosis, Found, Verdict
from whycold.core.numbers import exact
from whycold.errors import UserError
from whycold.frontends.printable import printable, row_of
from whycold.frontends.reporting_edit import edit_line
from whycold.frontends.reporting_look import Look

__all__ = ["assert_prefix_stable"]

_WIDTH = 96
_MOST_CALLS, _MOST_EDITS = 5, 4


class _Diagnosed(Protocol):
    def diagnoses(self) -> list[Diagnosis]: ...


def assert_prefix_stable(calls: _Diagnosed, allow: Collection[str] = ()) -> None:
    """Fail when a call's prompt parts from what an earlier one left for it.

    ``calls`` is the fixture ``whycold_calls``. ``allow`` names causes (``clock``), reasons
    (``tools_changed``) or paths (``system[0].text``) that may be. What the client means to do
    (compaction, another model) is no fault, nor is an edit behind which a provider that reports
    its reads has read all there was. Raises AssertionError, and UserError where there is nothing
    that could be stable.
    """
    __tracebackhide__ = True
    found = calls.diagnoses()
    if not found:
        raise UserError(
            "no call to a model was recorded; give the client to whycold_calls.record first"
        )
    broken = [(n, told, edits) for n, told in enumerate(found, 1) if (edits := _edits(told, allow))]
    if broken:
        raise AssertionError("\n".join(_message(broken, len(found))))


def _edits(told: Diagnosis, allow: Collection[str]) -> Sequence[Found]:
    if told.verdict is Verdict.hit and told.usage.cache_read:
        return ()
    reasons = {cause.code: cause.reason for cause in causes.ALL}
    return [
        one
        for one in told.divergences
        if not one.expected and {one.cause, one.path, reasons.get(one.cause)}.isdisjoint(allow)
    ]


_Broken = tuple[int, Diagnosis, Sequence[Found]]


def _message(broken: Sequence[_Broken], calls: int) -> Iterator[str]:
    number = "1 call" if len(broken) == 1 else f"{len(broken)} calls"
    yield f"the prefix of the prompt broke in {number} of {calls}"
    for place, told, edits in broken[:_MOST_CALLS]:
        yield ""
        yield f"call {place} of {calls}: {_headline(told, edits[0])}"
        for edit in edits[:_MOST_EDITS]:
            yield from _edit(edit)
        if len(edits) > _MOST_EDITS:
            yield f"  and {len(edits) - _MOST_EDITS} more edits"
        if advice := _advice(edits[0]):
            yield f"  what to do: {advice}"
        lost = told.missed_tokens or told.at_stake_tokens
        if lost:
            words = "were not read" if told.missed_tokens else "cannot be read"
            yield f"  {exact(lost)} tokens {words} from the cache because of it"
    if len(broken) > _MOST_CALLS:
        yield f"and {len(broken) - _MOST_CALLS} more calls"


def _headline(told: Diagnosis, edit: Found) -> str:
    return row_of(f"{edit.title or told.title or 'the prompt changed'} [{edit.cause}]", _WIDTH)


def _edit(edit: Found) -> Iterator[str]:
    at = f" at character {exact(edit.offset)}" if edit.offset else ""
    yield f"  {printable(edit.path)}{at} [{edit.cause}]"
    line = edit_line(edit, _WIDTH - 12, Look())
    if line is None:
        return
    yield f"    before  {row_of(edit.before, _WIDTH - 12) or '(nothing)'}"
    yield f"    after   {row_of(edit.after, _WIDTH - 12) or '(nothing)'}"
    yield f"    edit    {line.plain}"


def _advice(edit: Found) -> str | None:
    return next((cause.advice for cause in causes.ALL if cause.code == edit.cause), None)
