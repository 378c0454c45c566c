"""Colours of text can be read on light and on dark terminals."""

import pytest

from whycold.core.diagnosis import Reason
from whycold.core.prompt import Section
from whycold.frontends.palette import BAD, FAINT, GOOD, REASONS, SECTIONS, SOFT

BACKGROUNDS = ("#ffffff", "#fdf6e3", "#000000", "#1e1e1e")


def brightness(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", [GOOD, BAD, SOFT, FAINT])
def test_text_can_be_read_on(colour: str, background: str):
    assert contrast(colour, background) >= 3.5


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("section", Section)
def test_cells_of_the_strip_can_be_seen_on(section: Section, background: str):
    assert contrast(SECTIONS[section], background) >= 3


def test_every_reason_has_a_colour():
    assert set(REASONS) == set(Reason)
