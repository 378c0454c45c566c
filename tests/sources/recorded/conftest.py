"""Recordings that others published are measured where they are; they are no part of the suite."""

import os
from pathlib import Path

_RECORDED = Path(os.environ.get("WHYCOLD_RECORDINGS", "nowhere"))  # noqa: TID251

collect_ignore = [] if _RECORDED.is_dir() else ["test_recordings.py"]
