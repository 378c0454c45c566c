"""What was recorded, what was not and why: counted for ever, for ``whycold doctor`` to show."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

__all__ = ["Count", "CountsFile", "SpoolCounts"]


class Count(StrEnum):
    """``body_...`` and ``record_...`` are losses: a body left out of its record, and a record left
    out of the spool, by cause. ``unrecorded_...`` was not meant to be recorded. The rest is what
    happened to traffic."""

    recorded = "recorded"
    body_too_large = "body-too-large"
    body_budget = "body-budget"
    body_spool_full = "body-spool-full"
    body_disk = "body-disk"
    record_budget = "record-budget"
    record_spool_full = "record-spool-full"
    record_disk = "record-disk"
    record_failed = "record-failed"
    unrecorded_upgrade = "unrecorded-upgrade"
    unrecorded_capture = "unrecorded-capture"
    refused = "refused"
    upstream_failed = "upstream-failed"
    upstream_cut = "upstream-cut"
    client_cut = "client-cut"
    timed_out = "timed-out"
    retried = "retried"


@dataclass(frozen=True, slots=True)
class SpoolCounts:
    """``counts`` by the names of Count since ``since``, as of ``updated`` (Unix nanoseconds)."""

    since: int = 0
    updated: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def plus(self, other: SpoolCounts) -> SpoolCounts:
        """Both together, since the earlier of them."""
        sums = {
            n: self.counts.get(n, 0) + other.counts.get(n, 0) for n in self.counts | other.counts
        }
        since = min((one.since for one in (self, other) if one.since), default=0)
        return SpoolCounts(since, max(self.updated, other.updated), sums)


class CountsFile:
    """Counters that outlive the process; a file that cannot be read counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> SpoolCounts:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=SpoolCounts)
        except (OSError, msgspec.MsgspecError):
            return SpoolCounts()

    def write(self, counts: SpoolCounts) -> None:
        """Replaces the file as a whole. Raises OSError."""
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(counts))
        draft.replace(self._path)
