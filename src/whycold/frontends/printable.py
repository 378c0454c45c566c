"""Foreign text that cannot steer a terminal."""

from __future__ import annotations

from rich.cells import cell_len

from whycold.core.wording import shortened

__all__ = ["clipped", "name_of", "printable", "readable", "row_of"]

_NAMED = {"\n": "⏎", "\t": "→", "\u3000": "\u3000"}


def printable(text: str) -> str:
    """The text with control and direction characters, unpaired surrogates and invisible characters
    shown as escapes, so that a terminal does not obey them.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def readable(text: str) -> str:
    """As ``printable``, for a reader of several lines: ends of lines and tabs stay as they are."""
    if text.isprintable():
        return text
    return "".join(char if char in "\n\t" else _visible(char) for char in text)


def row_of(text: str, cells: int) -> str:
    """A text on one row of at most so many cells, blanks run together, "…" for what is left out."""
    return clipped(printable(" ".join(text[: 4 * cells + 40].split())), cells)


def clipped(text: str, cells: int) -> str:
    """The beginning of a text of printable characters, at most so many cells wide."""
    if cell_len(text) <= cells:
        return text
    text = text[:cells]
    while text and cell_len(text) > cells - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x100:
        return _NAMED.get(char) or f"\\x{code:02x}"
    return _NAMED.get(char) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def name_of(text: str, most: int = 200) -> str:
    """A name as it is shown: printable, and cut in the middle."""
    return printable(shortened(text, most))
