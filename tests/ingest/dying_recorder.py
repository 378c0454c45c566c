"""A recorder whose process ends at once where a call names the model "deadly": SPOOL STORE."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from tests.ingest.traffic import SERVED
from whycold.core.call import Call
from whycold.core.cost import Rates
from whycold.ingest.recorder import Recorder, Settings
from whycold.store.opening import open_store


def prices(call: Call) -> Rates | None:
    if call.model == "deadly":
        os._exit(9)
    return None


def main() -> None:
    spool, url = sys.argv[1:]
    store = open_store(url, write=True)
    recorder = Recorder(
        store,
        Settings(Path(spool), SERVED, now=lambda: datetime.now(UTC), prices=prices),  # noqa: TID251
    )
    ended = Event()
    ended.set()
    recorder.run(ended)
    recorder.close()
    store.close()


if __name__ == "__main__":
    main()
