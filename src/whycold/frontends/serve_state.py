"""The mark of a running ``whycold serve``: a lock that dies with it, and a file that says where."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from whycold.errors import UserError

if sys.platform != "win32":
    import fcntl

__all__ = ["Running", "ServeState", "running"]

_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class Running:
    """A ``serve``: its process, its two addresses, when it began (ISO 8601), what it records into.

    ``processes`` are the process ids of its parts, ``restarts`` how often each was started anew.
    """

    pid: int
    version: str
    started: str
    proxy: str
    dashboard: str
    store: str
    spool: str
    processes: dict[str, int] = field(default_factory=dict[str, int])
    restarts: dict[str, int] = field(default_factory=dict[str, int])


class ServeState:
    """Holds the lock while its process lives; ``write`` says where the parts are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = -1

    def take(self) -> None:
        """Raises UserError when another ``serve`` records into the same store."""
        try:
            self._path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            lock = os.open(_lock_of(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as error:
            raise UserError(
                f"cannot write into {self._path.parent} ({error.strerror}); say where to keep "
                "things: --store"
            ) from None
        if not _locked(lock):
            os.close(lock)
            other = _read(self._path)
            who = f"process {other.pid}, at {other.proxy}" if other else "another process"
            raise UserError(
                f"whycold serve runs already for this store ({who}); stop it, or choose another "
                "--store"
            )
        self._lock = lock

    def write(self, running: Running) -> None:
        """Replace what the file says. Raises OSError."""
        draft = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(running))
        draft.replace(self._path)

    def release(self) -> None:
        """Say that nothing runs any more."""
        if self._lock >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1


def running(path: Path) -> Running | None:
    """The ``serve`` that holds the lock beside this file; None when there is none."""
    try:
        lock = os.open(_lock_of(path), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _locked(lock) else _read(path)
    finally:
        os.close(lock)


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _locked(lock: int) -> bool:
    """Takes the lock; false when another process has it."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(path: Path) -> Running | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError):
        return None
