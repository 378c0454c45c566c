"""The pictures of the documents: there, small, and shown somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = [
    (page, source)
    for page in PAGES
    for source in re.findall(
        r"!\[[^\]]+\]\(([^)\s]+)\)|<(?:img|source)[^>]+src(?:set)?=\"([^\"]+)\"",
        page.read_text("utf-8"),
    )
]
PICTURES = [(page, first or second) for page, (first, second) in SHOWN]


@pytest.mark.parametrize(
    ("page", "source"), PICTURES, ids=[f"{p.name} {source}" for p, source in PICTURES]
)
def test_a_picture_is_there_and_small(page: Path, source: str):
    assert 0 < (page.parent / source).stat().st_size < 200_000


def test_every_picture_is_shown():
    shown = {(page.parent / source).resolve() for page, source in PICTURES}
    assert set((ROOT / "docs" / "img").iterdir()) - shown == set()


def test_every_picture_says_what_it_shows():
    for page in PAGES:
        assert "![](" not in page.read_text("utf-8")
