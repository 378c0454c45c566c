"""Numbers as they are shown: exact with separators, short for counts, dollars."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["exact", "percent", "short", "usd"]

_UNITS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))


def exact(number: int | None) -> str:
    """``24,164``; a dash for what is not reported."""
    return "-" if number is None else f"{number:,}"


def short(number: int | None) -> str:
    """``42.18B``, ``1.46B``, ``31.7k``: two decimals from a billion on, else one; a dash for what
    is not reported.
    """
    if number is None:
        return "-"
    for size, unit in _UNITS:
        if abs(number) >= size:
            return f"{number / size:.2f}{unit}" if size >= 10**9 else f"{number / size:.1f}{unit}"
    return str(number)


def percent(part: int | None, whole: int | None) -> str:
    """``68.7%``; a dash without both."""
    return "-" if part is None or not whole else f"{100 * part / whole:.1f}%"


def usd(amount: Decimal | None) -> str:
    """``$0.139``, ``$6,716``: three significant digits below a dollar, cents below a hundred, whole
    dollars above.
    """
    if amount is None:
        return "-"
    if amount >= 100:
        return f"${amount:,.0f}"
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount <= 0:
        return "$0"
    return f"${amount:.{max(2, 2 - amount.adjusted())}f}"
