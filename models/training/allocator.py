"""Configures the C allocator to keep freed memory for the next training step.

The C library gives large blocks back to the system, which hands them out again page by page, each set to zero: of a
step on a CPU that takes up to a tenth. A process that trains needs the same blocks at every step.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = -1
_LARGEST = 32 << 20
"""The largest block that glibc lets be taken from its heap; larger ones are mapped, and given back, one by one."""


def keep_memory() -> bool:
    """Keep freed memory in this process; returns whether the C library supports it (glibc does)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_M_TRIM_THRESHOLD, _NEVER))
