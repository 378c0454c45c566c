"""Metrics as Prometheus reads them: its text format 0.0.4, and OpenMetrics 1.0.0 where asked for.

Facts: prometheus.io/docs/instrumenting/exposition_formats and the OpenMetrics 1.0.0 specification
(both read 2026-11-23): a counter's family is named without ``_total`` in OpenMetrics, which ends
in ``# EOF``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

__all__ = ["OPENMETRICS", "TEXT", "Family", "Number", "Shape", "exposed", "wants_openmetrics"]

Number: TypeAlias = int | float | Decimal

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Shape(StrEnum):
    """What a family counts as."""

    counter = "counter"
    gauge = "gauge"
    histogram = "histogram"


@dataclass(slots=True)
class Family:
    """Samples of one name. ``name`` is that of the samples: a counter's ends in ``_total``; a
    histogram's are given with their suffixes.
    """

    name: str
    shape: Shape
    help: str
    samples: list[tuple[str, Mapping[str, str], Number]] = field(
        default_factory=list[tuple[str, Mapping[str, str], Number]]
    )

    def add(self, value: Number | None, suffix: str = "", /, **labels: str) -> None:
        """One sample; what is not known is no sample."""
        if value is not None:
            self.samples.append((suffix, labels, value))


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header asks for it before plain text, as Prometheus does."""
    return "application/openmetrics-text" in accept


def exposed(families: Iterable[Family], *, openmetrics: bool = False) -> str:
    """The whole answer."""
    lines = [line for family in families for line in _lines(family, openmetrics=openmetrics)]
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _lines(family: Family, *, openmetrics: bool) -> Iterator[str]:
    if not family.samples:
        return
    name = family.name
    if openmetrics and family.shape is Shape.counter:
        name = name.removesuffix("_total")
    yield f"# HELP {name} {_escaped(family.help)}"
    yield f"# TYPE {name} {family.shape}"
    for suffix, labels, value in family.samples:
        inner = ",".join(f'{key}="{_escaped(text, quoted=True)}"' for key, text in labels.items())
        braces = f"{{{inner}}}" if inner else ""
        yield f"{family.name}{suffix}{braces} {_number(value)}"


def _escaped(text: str, *, quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quoted else text


def _number(value: Number) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else repr(value)
