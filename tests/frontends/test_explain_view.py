"""What came before and after a call in its session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inline_snapshot import snapshot

from whycold.core.call import Usage
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.frontends.explain_view import neighbours
from whycold.frontends.reporting_look import Look
from whycold.store.records import Capture, Kept

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


def kept(number: int, hours: float = 0, agent: str = "main", before: int | None = None) -> Kept:
    told = Diagnosis(
        call=f"call-{number}",
        at=START + timedelta(hours=hours, seconds=number),
        api="anthropic.messages",
        provider="anthropic",
        model="claude-opus-5",
        verdict=Verdict.hit,
        summary="",
        usage=Usage(input=1000 + number, cache_read=900),
        session="one",
        agent=agent,
        predecessor=f"call-{before}" if before is not None else None,
    )
    return Kept(number, told, Capture.full)


def rows(session: list[Kept], at: int, width: int = 98) -> str:
    found = neighbours(session[at].told, session, Look(width))
    return "\n" + "\n".join(row.plain.rstrip() for row in found) + "\n"


def test_three_calls_before_and_after_are_told():
    session = [kept(n) for n in range(12)]
    told = rows(session, 5)
    assert [f"call-{n}" in told for n in range(12)] == [2 <= n <= 8 for n in range(12)]


def test_the_one_it_should_have_reused_is_told_however_far_away():
    session = [kept(n, before=1) for n in range(12)]
    assert rows(session, 10) == snapshot("""\

In the session one  call 11 of 12                          input    read  missed
↑ 09:00:01  hit                                             1.0k   89.9%          call-1
  ⋯
  09:00:07  hit                                             1.0k   89.4%          call-7
  09:00:08  hit                                             1.0k   89.3%          call-8
  09:00:09  hit                                             1.0k   89.2%          call-9
▶ 09:00:10  hit                                             1.0k   89.1%          call-10
  09:00:11  hit                                             1.0k   89.0%          call-11
""")


def test_days_and_agents_are_told_where_they_differ():
    session = [kept(0), kept(1, agent="search"), kept(2, hours=24, before=0)]
    assert rows(session, 2) == snapshot("""\

In the session one  call 3 of 3                            input    read  missed
↑ 23 Nov 09:00:00  hit          main                        1.0k   90.0%          call-0
  23 Nov 09:00:01  hit          search                      1.0k   89.9%          call-1
▶ 24 Nov 09:00:02  hit          main                        1.0k   89.8%          call-2
""")


def test_a_narrow_terminal_leaves_the_ids_out():
    session = [kept(0), kept(1, before=0)]
    assert rows(session, 1, width=58) == snapshot("""\

In the session one  call 2 of 2              input    read
↑ 09:00:00  hit                               1.0k   90.0%
▶ 09:00:01  hit                               1.0k   89.9%
""")


def test_a_call_alone_has_no_neighbours():
    assert rows([kept(0)], 0) == "\n\n"
    assert list(neighbours(kept(5).told, [kept(0), kept(1)], Look())) == []
