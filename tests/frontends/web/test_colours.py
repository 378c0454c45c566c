"""The pages' colours are those of the terminal, and can be told apart by colour-blind eyes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest

from tests.frontends.test_palette import contrast
from whycold.core.diagnosis import Reason
from whycold.frontends.palette import REASONS
from whycold.frontends.web.drawing import STATIC

CSS = (STATIC / "base.css").read_text()
NAMES = {reason: reason.removesuffix("_changed").replace("_", "-") for reason in Reason}
# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency" (2009), severity 1.0: what an eye without one kind of cone makes of linear RGB.
EYES: Mapping[str, Sequence[Sequence[float]]] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no long cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no middle cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no short cones": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TOLD_APART = 0.065
"""In OKLab, where 0.02 is about what can just be seen side by side."""


def colours(block: str) -> dict[Reason, str]:
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    return {reason: found[name] for reason, name in NAMES.items()}


LIGHT = colours(CSS.partition("@media (prefers-color-scheme: dark)")[0])
DARK = colours(CSS.partition(':root[data-theme="dark"]')[2])


def seen(colour: str, eye: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """OKLab (Ottosson, 2020) of a colour as an eye sees it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    red, green, blue = (
        min(1, max(0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in eye
    )
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def test_light_pages_have_the_colours_of_the_terminal():
    assert LIGHT == REASONS


def test_the_dark_theme_is_the_same_chosen_or_by_the_system():
    by_system = CSS.partition(':root:not([data-theme="light"]) {')[2].partition("}")[0]
    chosen = CSS.partition(':root[data-theme="dark"] {')[2].partition("}")[0]
    assert by_system == chosen


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eye", EYES)
def test_any_two_reasons_can_be_told_apart_with(eye: str, theme: dict[Reason, str]):
    near = {
        (one, other): round(distance, 3)
        for one, other in combinations(Reason, 2)
        if (distance := math.dist(seen(theme[one], EYES[eye]), seen(theme[other], EYES[eye])))
        < TOLD_APART
    }
    assert near == {}


@pytest.mark.parametrize(("name", "least"), [("ink", 7), ("soft", 4.5), ("faint", 4.5)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read_on_panels_and_beside_them(theme: str, name: str, least: float):
    block = CSS.partition(':root[data-theme="dark"]')[2] if theme == "dark" else CSS
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block.partition("\n}")[0]))
    grounds = [found[g].ljust(7, "f") for g in ("bg", "panel", "hover")]
    assert all(contrast(found[name], ground) >= least for ground in grounds)
