"""A test about permissions, also where the tests run as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["unprivileged"]

_NOBODY = 65534


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """For the time being without root's right to read everything; ``folder`` stays open."""
    if os.geteuid() != 0:
        yield
        return
    opened = [p for p in (folder, *folder.parents) if p.stat().st_mode & 0o055 != 0o055]
    modes = {path: path.stat().st_mode for path in opened}
    for path in opened:
        path.chmod(modes[path] | 0o055)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode & 0o7777)
