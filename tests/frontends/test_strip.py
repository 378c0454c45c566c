"""The prompt as a strip of cells."""

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from tests.frontends.told import blocks, found, told
from whycold.core.call import Usage
from whycold.core.diagnosis import Diagnosis, Verdict
from whycold.frontends.strip import Scale, strip

EDIT = found()
SIZES = st.integers(min_value=0, max_value=10**9)


def drawn(diagnosis: Diagnosis, width: int = 40, *, colour: bool = False) -> str:
    return "\n".join(line.plain for line in strip(diagnosis, width, colour=colour))


def read(tokens: int, **changes: object) -> Diagnosis:
    usage = Usage(input=1000, cache_read=tokens)
    return told(Verdict.partial, usage=usage, divergences=[EDIT], **changes)


def test_what_was_read_is_full_and_the_rest_is_pale():
    assert drawn(read(250)) == snapshot("""\
██████████▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒│▒▒▒▒▒▒▒
            ▲
broke here: token 300 of 1,000
■ tools 600   ■ system 200   ■ messages 200   \n\
█ read 250 (25.0%)  ▒ not read\
""")


def test_nothing_read_is_all_pale_and_everything_read_is_all_full():
    assert "█" not in drawn(read(0)).splitlines()[0]
    assert "▒" not in drawn(read(1000)).splitlines()[0]
    assert drawn(read(1)).splitlines()[0].count("█") == 1
    assert drawn(read(999)).splitlines()[0].count("▒") == 1


def test_the_mark_stands_below_the_token_at_which_the_prefix_broke():
    for broke_at in (0, 1, 300, 599, 600, 999, 1000):
        line = drawn(read(0, broke_at=broke_at), 100).splitlines()[1]
        assert line.index("▲") == min(99, broke_at // 10)


def test_words_that_do_not_fit_behind_the_mark_stand_in_front_of_it_or_below():
    assert drawn(read(0, broke_at=990), 60).splitlines()[1].endswith("1,000 ▲")
    assert drawn(read(0, broke_at=500), 40).splitlines()[1:3] == snapshot(
        ["                    ▲", "broke here: token 500 of 1,000"]
    )


def test_where_nothing_was_lost_the_mark_does_not_say_that_it_broke():
    hit = told(Verdict.hit, divergences=[EDIT], usage=Usage(input=1000, cache_read=900))
    assert "differs from here: token 300 of 1,000" in drawn(hit)


def test_without_reported_reads_the_strip_shows_what_the_change_leaves():
    unknown = told(Verdict.unknown, divergences=[EDIT], usage=Usage(input=1000), broke_at=500)
    assert drawn(unknown, 60) == snapshot("""\
██████████████████████████████▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒
                              ▲
broke here: token 500 of 1,000
■ tools 600   ■ system 200   ■ messages 200   \n\
▒ behind the change\
""")
    assert drawn(told(Verdict.unknown, usage=Usage()), 60).splitlines()[-1].endswith("unchanged")


def test_with_colours_no_bars_are_needed():
    assert "│" not in drawn(read(250), colour=True)


def test_a_terminal_without_these_characters_gets_others():
    lines = strip(read(250), 40, colour=False, ascii_only=True)
    assert all(line.plain.isascii() for line in lines)


def test_an_empty_prompt_has_no_strip():
    assert drawn(told(blocks=())) == ""
    assert drawn(told(blocks=blocks(0, 0, 0))) == ""


@given(SIZES, SIZES, SIZES, st.integers(min_value=3, max_value=200))
def test_every_section_that_holds_anything_has_cells(a: int, b: int, c: int, width: int):
    scale = Scale(blocks(a, b, c), width)
    if not scale.total:
        return
    assert scale.cells[-1] == width
    shown = {scale.section(cell) for cell in range(width)}
    assert shown == {section for section, _ in scale.sections}


@given(SIZES, SIZES, SIZES, SIZES, SIZES)
def test_a_later_token_never_stands_further_left(a: int, b: int, c: int, x: int, y: int):
    scale = Scale(blocks(a, b, c), 80)
    if scale.total:
        first, second = sorted((x, y))
        assert 0 <= scale.cell(first) <= scale.cell(second) <= 79
