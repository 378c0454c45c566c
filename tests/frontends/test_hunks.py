"""The words that changed, in their lines."""

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from tests.frontends.told import edits, found
from whycold.core.diagnosis import Found
from whycold.frontends.hunks import hunks

PROSE = "\n".join(f"Rule {n}: read the file before you write it." for n in range(1, 9))


def rows(changes: list[Found], *, more: bool = False, longest: int = 400) -> str:
    lines: list[str] = []
    for row in hunks(changes, colour=False, more=more, longest=longest):
        lines.append(f"{row.sign} {row.text.plain}".rstrip())
        if row.marks:
            lines.append(f"  {row.marks}")
    return "\n".join(lines)


def shown(old: str, new: str, *, more: bool = False, longest: int = 400) -> str:
    return rows(edits(old, new), more=more, longest=longest)


def test_a_word_is_shown_in_its_line_and_the_rest_is_counted():
    assert shown(PROSE, PROSE.replace("4: read", "4: skim")) == snapshot("""\
  … 129 characters unchanged
- Rule 4: read the file before you write it.
          ~~~~
+ Rule 4: skim the file before you write it.
          ~~~~
  … 172 characters unchanged\
""")


def test_marks_stand_below_the_changed_words_where_there_are_no_colours():
    assert shown("Opus 4.8 (1M context) is here", "Opus 4.8 is here") == snapshot("""\
- Opus 4.8 (1M context) is here
           ~~~~~~~~~~~~~
+ Opus 4.8 is here\
""")


def test_marks_keep_their_place_below_wide_characters():
    assert shown("现在是 09:09。请", "现在是 09:12。请") == snapshot("""\
- 现在是 09:09。请
            ~~
+ 现在是 09:12。请
            ~~\
""")


def test_a_line_that_went_is_shown_as_a_line():
    gone = PROSE.replace("Rule 5: read the file before you write it.\n", "")
    assert shown(PROSE, gone) == snapshot("""\
  … 172 characters unchanged
- Rule 5: read the file before you write it.
  … 129 characters unchanged\
""")


def test_lines_that_came_are_shown_as_lines():
    assert shown("one\ntwo\n", "one\nmiddle\nof it\ntwo\n") == snapshot("""\
+ middle
+ of it\
""")
    assert shown("one\ntwo", "one\ntwo\nthree") == snapshot("+ three")


def test_edits_of_one_line_are_shown_in_one_line():
    old = "You are powered by Opus 4.8 (1M context). The exact model ID is claude-opus-4-8[1m]."
    new = "You are powered by Opus 4.8. The exact model ID is claude-opus-4-8."
    assert shown(old, new) == snapshot("""\
- You are powered by Opus 4.8 (1M context). The exact model ID is claude-opus-4-8[1m].
                             ~~~~~~~~~~~~~                                       ~~~~
+ You are powered by Opus 4.8. The exact model ID is claude-opus-4-8.\
""")


def test_edits_of_several_lines_are_shown_with_what_lies_between_them():
    new = PROSE.replace("2: read", "2: skim").replace("7: read", "7: skim")
    assert shown(PROSE, new) == snapshot("""\
  … 43 characters unchanged
- Rule 2: read the file before you write it.
          ~~~~
+ Rule 2: skim the file before you write it.
          ~~~~
  … 173 characters unchanged
- Rule 7: read the file before you write it.
          ~~~~
+ Rule 7: skim the file before you write it.
          ~~~~
  … 43 characters unchanged\
""")


def test_what_follows_the_last_edit_shown_is_not_called_unchanged():
    first = edits(PROSE, PROSE.replace("2: read", "2: skim").replace("7: read", "7: skim"))[:1]
    assert "characters unchanged" not in rows(first, more=True).splitlines()[-1]


def test_a_long_change_loses_its_middle():
    assert len(shown("a" * 300, "b" * 300, longest=160)) < 400
    assert "…" in shown("a" * 300, "b" * 300, longest=160)


def test_many_lines_are_cut_and_counted():
    assert shown("x", "\n".join(f"{n}" for n in range(30))).splitlines()[-1] == "+ … 22 more lines"


def test_a_setting_is_shown_whole():
    change = found("settings.tool_choice", before='{"type": "auto"}', after='{"type": "any"}')
    assert rows([change]) == snapshot("""\
- {"type": "auto"}
             ~~~
+ {"type": "any"}
             ~~\
""")


def test_texts_that_are_equal_are_shown_once():
    assert rows([found(before="the same", after="the same")]) == "  the same"


TEXTS = st.text(alphabet="ab \n\u3000字", max_size=60)


@given(old=TEXTS, new=TEXTS)
def test_any_two_texts_can_be_shown(old: str, new: str):
    for line in shown(old, new, longest=40).splitlines() if old != new else ():
        assert line[:1] in {"-", "+", " ", ""}


@given(st.text(alphabet="abcdefgh \n", min_size=200, max_size=600), st.data())
def test_what_is_folded_and_what_is_shown_make_up_the_text(old: str, data: st.DataObject):
    at = data.draw(st.integers(min_value=0, max_value=len(old) - 1))
    new = old[:at] + "XYZ" + old[at + 1 :]
    kept = folded = 0
    for row in hunks(edits(old, new), colour=True):
        if row.sign == " ":
            folded += int(row.text.plain.split()[1].replace(",", ""))
        elif row.sign == "-":
            kept += len(row.text.plain.strip("…"))
    short = 2 * (9 + 1) + old.count("\n", max(0, at - 40), at + 41) * 2
    assert len(old) - short <= kept + folded <= len(old)
