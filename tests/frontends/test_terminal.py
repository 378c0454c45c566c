"""A diagnosis in a terminal."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.cells import cell_len
from rich.console import Console

from tests.frontends.told import edits, found, told
from whycold.core.call import Usage
from whycold.core.diagnosis import Diagnosis, Grade, Reason, Verdict
from whycold.frontends.terminal import show

RULES = "\n".join(f"Rule {n}: read the file before you write it." for n in range(1, 30))
SIGNED = RULES + "\nEnd commit messages with: Opus 4.8 (1M context) <noreply@example.com>\n" + RULES
BASH = edits(SIGNED, SIGNED.replace(" (1M context)", ""))
MODEL = "You are powered by Opus 4.8 (1M context). Its id is opus-4-8[1m]."
SYSTEM = edits(MODEL, MODEL.replace(" (1M context)", "").replace("[1m]", ""), "system[1].text")
ADVICE = "Keep the flag when resuming, or take the model's name out of both texts."


def page(diagnosis: Diagnosis, width: int = 80, **how: Any) -> str:
    file = io.StringIO()
    notes = how.pop("notes", ())
    show(Console(file=file, width=width, highlight=False, **how), diagnosis, notes)
    return file.getvalue()


MISS = told(
    divergences=[*BASH, *SYSTEM],
    advice=ADVICE,
    provider_reason="tools_changed",
    grade=Grade.confirmed,
)


def test_a_miss():
    assert page(MISS) == snapshot("""\

  miss   claude-opus-4-8  anthropic  2 min 13 s after the earlier call

 All 900 tokens that could have been read from the cache were paid for again,
 $0.00510 more than reading them: tools[Bash].description changed
 (tools[Bash].description, character 1,302).

 The prompt, to scale                                              1,000 tokens
 ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒
                        ▲ broke here: token 300 of 1,000
 ■ tools 600   ■ system 200   ■ messages 200   ▒ nothing read

 What changed                                                          2 places
 ● tools[Bash].description                   character 1,302 · broke the prefix
     … 1,267 characters unchanged
   - End commit messages with: Opus 4.8 (1M context) <noreply@example.com>
                                        ~~~~~~~~~~~~~
   + End commit messages with: Opus 4.8 <noreply@example.com>
     … 1,267 characters unchanged

 ● system[1].text                                 2 edits · would break it next
   system[1].text changed
   - You are powered by Opus 4.8 (1M context). Its id is opus-4-8[1m].
                                ~~~~~~~~~~~~~                    ~~~~
   + You are powered by Opus 4.8. Its id is opus-4-8.

 What to do
 Keep the flag when resuming, or take the model's name out of both texts.

 Facts
 Cause           tool-edited
 How sure        confirmed: the provider says the same
 Provider says   tools_changed
 Input           1,000 tokens: 0 read, 1,000 written, 0 uncached
 Missed          900 of 900 reusable tokens
 Cost            $0.00510 above what reading them costs
""")


def test_a_hit():
    usage = Usage(input=1000, cache_read=950, cache_write=50, uncached=0)
    assert page(told(Verdict.hit, usage=usage, reusable_tokens=950)) == snapshot("""\

  hit   claude-opus-4-8  anthropic  2 min 13 s after the earlier call

 950 of 1,000 input tokens were read from the cache, all that could be.

 The prompt, to scale                                              1,000 tokens
 ███████████████████████████████████████████████│███████████████│██████████▒▒▒▒
 ■ tools 600   ■ system 200   ■ messages 200   █ read 950 (95.0%)  ▒ not read

 Facts
 How sure        consistent: the reported counts are as predicted
 Input           1,000 tokens: 950 read, 50 written, 0 uncached
""")


def test_a_compaction():
    summary = [
        found(f"messages[{n}].content[0]", before=f"Message {n}. " * 40, cause="compacted",
              expected=True, title="the conversation was compacted")
        for n in range(13)
    ]  # fmt: skip
    usage = Usage(input=1000, cache_read=700, cache_write=300, uncached=0)
    compacted = told(
        Verdict.partial, usage=usage, divergences=summary, expected=True, missed_tokens=200
    )
    assert page(compacted) == snapshot("""\

  partial miss   claude-opus-4-8  anthropic  2 min 13 s after the earlier call

 200 of 900 tokens that could have been read from the cache were paid for
 again, $0.00510 more than reading them: the conversation was compacted
 (messages[0].content[0]). The client meant to do this.

 The prompt, to scale                                              1,000 tokens
 ███████████████████████████████████████████████│███████▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒
                        ▲ broke here: token 300 of 1,000
 ■ tools 600   ■ system 200   ■ messages 200   █ read 700 (70.0%)  ▒ not read

 What changed                                                           1 place
 ● messages[0].content[0]       13 blocks removed · expected · broke the prefix
   - Message 0. Message 0. Message 0. Message 0. Message 0. Message 0. Message
     0. Message 0. Message 0. Message 0. Message 0. Message 0. Message 0.
     Message 0. Message 0. Message 0. Message 0. Message 0.…
   - messages[1].content[0]  Message 1. Message 1. Message 1. Message 1. Mess…
   - messages[2].content[0]  Message 2. Message 2. Message 2. Message 2. Mess…
   - messages[3].content[0]  Message 3. Message 3. Message 3. Message 3. Mess…
   - messages[4].content[0]  Message 4. Message 4. Message 4. Message 4. Mess…
     … 8 more, the last one messages[12].content[0]

 Facts
 Cause           compacted
 How sure        consistent: the reported counts are as predicted
 Input           1,000 tokens: 700 read, 300 written, 0 uncached
 Missed          200 of 900 reusable tokens
 Cost            $0.00510 above what reading them costs
""")


def test_a_loss_that_nothing_explains():
    unexplained = told(
        reason=Reason.unexplained,
        cause="unexplained",
        grade=Grade.inferred,
        title="nothing recorded explains it",
        ruled_out=("the prompt begins with all of its predecessor's", "the entry was 42 s old"),
        missed_cost_usd=None,
        opaque=2,
    )
    assert page(unexplained) == snapshot("""\

  miss   claude-opus-4-8  anthropic  2 min 13 s after the earlier call

 All 900 tokens that could have been read from the cache were processed again:
 nothing recorded explains it.

 The prompt, to scale                                              1,000 tokens
 ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒
 ■ tools 600   ■ system 200   ■ messages 200   ▒ nothing read

 Facts
 Cause            unexplained
 Input            1,000 tokens: 0 read, 1,000 written, 0 uncached
 Missed           900 of 900 reusable tokens
 Cost             not known: no price for this model
 Ruled out        the prompt begins with all of its predecessor's; the entry
                  was 42 s old
 Not understood   2 blocks of an unknown kind: compared, not read
""")


def test_two_bodies_without_usage():
    clock = edits("It is 09:09:02 now.", "It is 09:11:15 now.", "system[0].text")
    bodies = told(
        Verdict.unknown,
        usage=Usage(),
        divergences=clock,
        gap=None,
        grade=None,
        at_stake_tokens=400,
        broke_at=600,
    )
    assert page(bodies, notes=["the response in AFTER holds no usage"]) == snapshot("""\

  usage not recorded   claude-opus-4-8  anthropic

 System[0].text changed (system[0].text, character 9): about 400 tokens can no
 longer be read from the cache. No usage is recorded, so token counts are
 estimates.

 The prompt, to scale                                        about 1,000 tokens
 ███████████████████████████████████████████████│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▒▒▒▒▒▒▒▒▒▒▒▒▒▒
                 broke here: token 600 of 1,000 ▲
 ■ tools 600   ■ system 200   ■ messages 200   ▒ behind the change

 What changed                                                           1 place
 ● system[0].text                               character 9 · breaks the prefix
   - It is 09:09:02 now.
              ~~~~~
   + It is 09:11:15 now.
              ~~~~~

 Facts
 Cause           system-edited
 Input           not recorded; all token counts are estimates
 Note            the response in AFTER holds no usage
""")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140])
def test_no_row_is_wider_than_the_terminal_or_than_100_cells(width: int):
    changes = [
        *BASH,
        *SYSTEM,
        *edits("现在是 09:09。" * 30, "现在是 09:12。🚀" * 30, f"tools[{'工具' * 90}]"),
        found(f"tools[{'x' * 400}].description", before="a" * 399, after="b" * 399),
    ]
    wide = told(divergences=changes, advice=ADVICE)
    assert max(cell_len(line) for line in page(wide, width).splitlines()) <= min(width, 100)


def test_a_mark_stands_below_its_words_also_behind_wide_characters():
    text = "现在是 09:09。请保持 🚀 简短。"
    lines = page(told(divergences=edits(text, text.replace("09。", "12。")))).splitlines()
    at = next(n for n, line in enumerate(lines) if "09:09。" in line)
    assert cell_len(lines[at][: lines[at].index("09。")]) == lines[at + 1].index("~~")


def test_rows_end_where_their_text_ends():
    assert [line for line in page(MISS).splitlines() if line != line.rstrip()] == []


def test_colours_are_for_terminals_that_have_them():
    assert "\x1b[" in page(MISS, force_terminal=True, color_system="truecolor")
    assert "\x1b[" not in page(MISS)
    without = page(MISS, force_terminal=True, color_system="truecolor", no_color=True)
    assert "38;2" not in without
    assert "~~~~" in without


def test_marks_are_for_terminals_without_colours():
    assert "~~~~" in page(MISS)
    assert "~~~~" not in page(MISS, force_terminal=True, color_system="256")


def test_many_places_are_shown_in_part_and_counted():
    many = [found(f"tools[t{n}].description", before="a", after="b") for n in range(40)]
    text = page(told(divergences=many))
    assert text.count("● ") == 6
    assert "and 34 more places: tools[t6].description, tools[t7].description," in text


def test_many_edits_of_one_text_are_shown_in_part_and_counted():
    lines = [
        f"Line {n}, which is long enough to stand alone among all the others." for n in range(60)
    ]
    new = [line.replace("alone", "ALONE") if n % 3 == 0 else line for n, line in enumerate(lines)]
    text = page(told(divergences=edits("\n".join(lines), "\n".join(new), "system[0].text")))
    assert "20 edits · broke the prefix" in text
    assert text.count("+ Line") == 4
    assert "and 16 more edits of this text" in text


def test_what_stands_in_a_request_is_not_taken_for_markup():
    text = page(told(divergences=edits("[bold]x[/bold] :smile:", "[bold]y[/bold] :smile:")))
    assert "- [bold]x[/bold] :smile:" in text


def test_a_terminal_that_knows_no_unicode_gets_a_strip_it_can_show():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    show(Console(file=file, width=80, highlight=False), MISS)
    file.flush()
    file.seek(0)
    assert " ...." in file.read()


ANYTHING = st.text(alphabet=st.characters(exclude_categories=()), max_size=120)
PATHS = st.sampled_from(["tools[{}]", "system[0].{}", "messages[{}].content[0]", "settings.{}"])
FOUND = st.builds(
    lambda path, name, **rest: found(path.format(name), **rest),
    PATHS,
    ANYTHING,
    before=ANYTHING,
    after=ANYTHING,
    title=ANYTHING,
    offset=st.integers(min_value=0, max_value=10**9),
    rest=st.none() | st.integers(min_value=0, max_value=10**9),
    expected=st.booleans(),
)


@given(
    verdict=st.sampled_from(Verdict),
    divergences=st.lists(FOUND, max_size=4),
    model=ANYTHING,
    broke_at=st.none() | st.integers(min_value=0, max_value=2000),
    width=st.integers(min_value=20, max_value=120),
)
def test_whatever_is_told_fits_and_steers_nothing(width: int, **facts: Any):
    lines = page(told(**facts), width).splitlines()
    assert max(map(cell_len, lines)) <= min(width, 100)
    assert all(line.replace("\u3000", "").isprintable() for line in lines)
