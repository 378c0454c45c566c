"""Apply one known edit to a random request of any API, and find exactly that edit."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import edits
from tests.conversations import RENDER, SHAPES, Author, Rendered, Talk
from whycold.core.call import Call
from whycold.core.diagnosis import Diagnosis
from whycold.diagnose import Engine, diagnose
from whycold.providers.registry import read_call, rules_for

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
REPEATABLE = [edit for edit in edits.EDITS if edit is not edits.tool_retyped]
SEEDS = st.integers(min_value=0, max_value=2**32)


def call_of(rendered: Rendered, place: int, **origin: str) -> Call:
    return read_call(
        rendered.body,
        id=f"c{place}",
        at=START + timedelta(seconds=20 * place),
        provider=rendered.provider,
        origin=origin,
    )


def told(before: Rendered, after: Rendered) -> Diagnosis:
    return diagnose([call_of(before, 0), call_of(after, 1)], rules_for)[1]


def grown(author: Author, talk: Talk) -> Talk:
    new = talk.copy()
    for _ in range(author.random.randint(0, 2)):
        author.step(new.turns, new.tools)
    return new


@pytest.mark.parametrize("edit", edits.EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=48)
@given(seed=SEEDS)
def test_one_known_edit_is_found_exactly(shape: str, edit: edits.Edit, seed: int) -> None:
    author = Author(seed)
    talk = author.talk()
    made = edit(author, talk, shape)
    if made is None:
        return
    changed, expects = made
    before, after = RENDER[shape](talk), RENDER[shape](grown(author, changed))
    expected = expects(before, RENDER[shape](changed))
    assert expected is not None
    diagnosis = told(before, after)
    found = diagnosis.divergences
    assert found, "nothing found"
    first = found[0]
    assert first.section == expected.section
    if expected.exactly:
        assert first.path == expected.path
    else:
        assert first.path.startswith(expected.path)
    if expected.offset is not None:
        assert first.offset == expected.offset
    if expected.cause is not None:
        assert first.cause == expected.cause
    assert diagnosis.cause == first.cause
    assert diagnosis.reason == (
        "model_changed" if edit is edits.model else f"{expected.section}_changed"
    )


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=100)
@given(seed=SEEDS)
def test_turns_that_are_only_appended_never_diverge(shape: str, seed: int) -> None:
    author = Author(seed)
    talk = author.talk()
    calls = []
    for place in range(4):
        calls.append(call_of(RENDER[shape](talk), place))
        talk = grown(author, talk)
    assert all(d.divergences == () for d in diagnose(calls, rules_for))


@settings(max_examples=150)
@given(seed=SEEDS)
def test_markers_and_spelling_are_not_content(seed: int) -> None:
    author = Author(seed)
    talk = author.talk()
    for other in (edits.markers_moved(author, talk), edits.written_otherwise(author, talk)):
        for shape in ("anthropic",):
            assert told(RENDER[shape](talk), RENDER[shape](grown(author, other))).divergences == ()


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40)
@given(seed=SEEDS)
def test_the_order_in_which_calls_come_does_not_matter(shape: str, seed: int) -> None:
    author = Author(seed)
    calls: list[Call] = []
    for session in ("one", "two"):
        talk = author.talk()
        for _ in range(4):
            made = author.random.choice(REPEATABLE)(author, talk, shape)
            talk = grown(author, made[0] if made and author.random.random() < 0.4 else talk)
            calls.append(call_of(RENDER[shape](talk), len(calls), session=session))
    shuffled = calls[:]
    random.Random(seed).shuffle(shuffled)
    assert diagnose(shuffled, rules_for) == diagnose(calls, rules_for)


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_a_call_that_comes_late_changes_nothing_in_the_end(shape: str, seed: int) -> None:
    author = Author(seed)
    calls: list[Call] = []
    for session in ("one", "two"):
        talk = author.talk()
        for _ in range(3):
            calls.append(call_of(RENDER[shape](talk), len(calls), session=session))
            talk = grown(author, talk)
    engine, found = Engine(rules_for), dict[str, Diagnosis]()
    late = author.random.randrange(len(calls) - 1)
    for call in (*calls[:late], calls[late + 1], calls[late], *calls[late + 2 :]):
        found[call.id] = engine.take(call)
        for other in engine.affected(call):
            found[other.id] = engine.take(other)
    assert [found[c.id] for c in calls] == diagnose(calls, rules_for)
