"""Keeps the C library from giving large buffers back to the system after every use."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

__all__ = ["keep_large_buffers"]

# <malloc.h> of glibc; the thresholds' names are M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEEP_BYTES: Final = 256 << 20


def keep_large_buffers() -> bool:
    """Raises glibc's thresholds for mmap and trim; whether this system has them.

    Bodies come in pieces of up to 256 KB, each of which glibc would otherwise map anew and have
    the kernel fill with zeros: that took more time than all the rest of recording a large body."""
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(
        mallopt(_MMAP_THRESHOLD, _KEEP_BYTES) == 1 and mallopt(_TRIM_THRESHOLD, _KEEP_BYTES) == 1
    )
