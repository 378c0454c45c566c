"""The one place that keeps a fault of whycold's own from the program that is recorded."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

__all__ = ["Guard"]


class Guard:
    """Within a ``with``, whatever goes wrong is told to ``failed`` and goes no further: the calls
    are the program's. What ends a program (KeyboardInterrupt, SystemExit) passes."""

    __slots__ = ("_failed",)

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(fault, Exception):
            return False
        self._failed(fault)
        return True
