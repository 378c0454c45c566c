"""Counters that never fall, and a bounded number of names.

Sums of the store fall when calls are erased, or diagnosed anew; Prometheus would take that for a
restart from 0 and count the whole sum once more. What was shown is kept in a file, so that it
holds across restarts as well.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from whycold.core.wording import shortened

__all__ = ["OTHER", "Held", "Label"]

Label = tuple[str, str, str]
"""Provider, model and project; "" where it is absent."""

OTHER: Final = "other"
_MOST_LABELS: Final = 100
_LONGEST: Final = 120
_MODE: Final = 0o600


class _Kept(msgspec.Struct):
    """``labels`` that have series of their own, in the order in which they came; by series what the
    store said, and what was shown.
    """

    labels: list[Label] = []
    series: dict[str, tuple[Decimal, Decimal]] = {}


class Held:
    """``file`` is None where nothing can be kept: then it holds for as long as this lives."""

    def __init__(self, file: Path | None) -> None:
        self._file, self._lock = file, threading.RLock()
        self._kept = self._read()
        self._known = set(self._kept.labels)
        self._asked: set[str] = set()
        self._changed = False

    def __enter__(self) -> Held:
        self._lock.acquire()
        self._asked.clear()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._changed:
                self._write()
        finally:
            self._lock.release()

    def named(self, labels: Mapping[Label, int]) -> dict[Label, Label]:
        """Under which label each is shown, given its calls: the first hundred under their own, for
        good, and the rest as others.
        """
        out: dict[Label, Label] = {}
        for label in sorted(labels, key=lambda each: (-labels[each], each)):
            short = _shortened(label)
            if short not in self._known and len(self._known) < _MOST_LABELS:
                self._known.add(short)
                self._kept.labels.append(short)
                self._changed = True
            out[label] = short if short in self._known else (OTHER, OTHER, OTHER)
        return out

    def rising(self, series: Iterable[str], value: Decimal | int) -> Decimal | int:
        """What to show of a series, by its name and labels, when the store says ``value``."""
        key = "\0".join(series)
        self._asked.add(key)
        before = self._kept.series.get(key)
        number = Decimal(value)
        shown = number
        if before is not None:
            said, was = before
            shown = was + max(number - said, Decimal(0))
        if before != (number, shown):
            self._kept.series[key] = number, shown
            self._changed = True
        return shown if isinstance(value, Decimal) else int(shown)

    def forget_others(self, labels: Iterable[Label]) -> None:
        """Forget the series that were not asked for this time, and all labels but these: nothing is
        left of them in the store, and nothing of what was erased may stay here.
        """
        shown = {_shortened(label) for label in labels}
        gone = self._kept.series.keys() - self._asked
        for key in gone:
            del self._kept.series[key]
        if gone or not self._known <= shown:
            self._kept.labels = [label for label in self._kept.labels if label in shown]
            self._known = set(self._kept.labels)
            self._changed = True

    def _read(self) -> _Kept:
        if self._file is None:
            return _Kept()
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            return _Kept()

    def _write(self) -> None:
        self._changed = False
        if self._file is None:
            return
        draft = self._file.with_name(f"{self._file.name}.new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(self._kept))
            draft.replace(self._file)
        except OSError:
            # a disk without room must not hide how full it is
            self._changed = True


def _shortened(label: Label) -> Label:
    provider, model, project = (shortened(each, _LONGEST) for each in label)
    return provider, model, project
