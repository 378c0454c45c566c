"""Numbers as they are shown: exact with separators, short for counts, dollars, spans of time."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["exact", "percent", "short", "span", "usd"]

_UNITS = ((10**3, "k"), (10**6, "M"), (10**9, "B"), (10**12, "T"))


def exact(number: int | None) -> str:
    """``24,164``; a dash for what is not reported."""
    return "-" if number is None else f"{number:,}"


def short(number: int | None) -> str:
    """``42.18B``, ``1.46B``, ``31.7k``: two decimals from a billion on, else one; a dash for what
    is not reported.
    """
    if number is None:
        return "-"
    if abs(number) < 1000:
        return str(number)
    for size, unit in _UNITS:
        text = f"{number / size:.{2 if size >= 10**9 else 1}f}"
        if abs(float(text)) < 1000 or unit == "T":
            return f"{text}{unit}"
    raise AssertionError("the last unit takes all")


def percent(part: int | None, whole: int | None) -> str:
    """``68.7%``, with 0 and 100 only for none and all; a dash without both."""
    if part is None or not whole:
        return "-"
    text = f"{100 * part / whole:.1f}"
    if text == "100.0" and part < whole:
        text = "99.9"
    return f"{'0.1' if text == '0.0' and part > 0 else text}%"


def usd(amount: Decimal | None) -> str:
    """``$0.139``, ``$6,716``: three significant digits below a dollar, cents below a hundred, whole
    dollars above; a dash for what has no price.
    """
    if amount is None:
        return "-"
    if amount < 0:
        return f"-{usd(-amount)}"
    if amount >= Decimal("99.995"):
        return f"${amount:,.0f}"
    if amount >= Decimal("0.9995"):
        return f"${amount:.2f}"
    return f"${amount:.{2 - amount.adjusted()}f}" if amount else "$0"


def span(seconds: float) -> str:
    """``42 s``, ``2 min 13 s``, ``1 h 5 min``, ``3 d 4 h``: the two largest units of a time."""
    rest = round(abs(seconds))
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
