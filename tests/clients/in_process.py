"""What a program recorded of its own calls, as a recorder finds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whycold.frontends.diagnosis_json import as_json
from whycold.frontends.prices import price_list
from whycold.ingest.recorder import Recorder, Settings
from whycold.sources.served import Served
from whycold.sources.spool import SpoolFolder
from whycold.sources.spool_reader import SpoolReader
from whycold.sources.spool_record import Exchange
from whycold.store.answers import Filters
from whycold.store.base import Store
from whycold.store.opening import open_store

__all__ = ["comparable", "exchanges", "kept", "settings", "told"]

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PRICES = price_list(None)
HERE = ("call", "at", "predecessor", "gap_seconds")
"""What differs between two runs of one conversation."""


def settings(folder: Path, **upstreams: str) -> Path:
    """A configuration file in this folder, with the store beside it."""
    lines = [f'store = "sqlite:///{folder}/calls.db"', "[upstreams]"]
    lines += [f'{name} = "{url}"' for name, url in upstreams.items()]
    path = folder / "whycold.toml"
    path.write_text("\n".join(lines))
    return path


def exchanges(folder: Path) -> list[Exchange]:
    """All that programs have put on the spool beside the store of ``settings``."""
    programs = SpoolFolder(folder / "calls.spool").programs()
    found = [item.exchange for one in programs for item in SpoolReader(one.path).read()]
    return sorted(found, key=lambda exchange: exchange.started)


def kept(folder: Path) -> list[dict[str, Any]]:
    """The diagnoses after a recorder has taken all that is there, in the order of the calls."""
    url = f"sqlite:///{folder}/calls.db"
    store = open_store(url, write=True)
    recorder = Recorder(store, Settings(folder / "calls.spool", Served({}), lambda: NOW, PRICES))
    try:
        while recorder.step():
            pass
        return list(told(store))
    finally:
        recorder.close()
        store.close()


def told(store: Store) -> Iterator[dict[str, Any]]:
    """The diagnoses in a store, in the order of the calls."""
    for found in reversed(store.calls(Filters(), limit=100).items):
        yield as_json(found.told)


def comparable(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what differs between two runs."""
    return [{key: value for key, value in one.items() if key not in HERE} for one in found]
