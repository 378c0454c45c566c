"""Calls that are hard to draw: their pages stay small, and all of them can still be reached."""

from collections.abc import Callable

import pytest

from bench.dashboard_store import HARD, hard_calls
from tests.frontends.web.asked import Answer, ask
from whycold.frontends.web.about import Dashboard
from whycold.frontends.web.server import application
from whycold.store.opening import open_store

LONG, MANY, PLACES = (hard.id for hard in HARD)
SMALL = 200_000
Get = Callable[[str], Answer]


@pytest.fixture(scope="module")
def get(tmp_path_factory: pytest.TempPathFactory) -> Get:
    url = f"sqlite:///{tmp_path_factory.mktemp('hard') / 'whycold.db'}"
    store = open_store(url, write=True)
    for number, pair in enumerate(hard_calls()):
        store.write(f"{number}", pair)
    store.close()
    app = application(Dashboard(url, "no-spool"))

    def asked(path: str) -> Answer:
        answer = ask(app, path)
        assert answer is not None
        return answer

    return asked


@pytest.mark.parametrize("hard", HARD, ids=lambda hard: hard.what)
def test_a_page_stays_small(get: Get, hard: object):
    answer = get(f"/calls/{getattr(hard, 'id', '')}")
    assert answer.status == 200
    assert len(answer.body) < SMALL


def test_of_a_block_of_a_megabyte_the_changed_words_are_shown(get: Get):
    page = get(f"/calls/{LONG}").body.decode()
    assert page.count("<ins>") == 20
    assert "20 edits" in page


def test_the_whole_text_of_a_megabyte_is_folded(get: Get):
    part = get(f"/calls/{LONG}/text?path=system%5B0%5D.text").body.decode()
    assert part.count("<ins>") == 20
    assert len(part) < SMALL


def test_every_place_can_be_reached(get: Get):
    first = get(f"/calls/{PLACES}").body.decode()
    assert first.count('<article class="change"') == 12
    assert f"/calls/{PLACES}?places=72#places" in first
    assert get(f"/calls/{PLACES}?places=300").body.decode().count('<article class="change"') == 300


def test_every_part_can_be_reached(get: Get):
    first = get(f"/calls/{MANY}").body.decode()
    assert first.count('<td class="share">') == 30
    assert f"/calls/{MANY}?parts=230#parts" in first
    assert get(f"/calls/{MANY}?parts=5000").body.decode().count('<td class="share">') == 2001


@pytest.mark.parametrize("words", ["parts=0", "parts=-1", "places=x", "places=5001", "parts=²"])
def test_a_number_that_cannot_be_meant_is_said(get: Get, words: str):
    assert get(f"/calls/{MANY}?{words}").status == 400
