"""What the libraries hold is taken out of the garbage collector's sight.

Streamlit collects all garbage after each run of a script or a fragment. With torch loaded there are a million objects
to look at: 0.2 s of a processor each time, ten times what a refresh of the Train page costs. Modules stay for good, so
nobody need look at them again.
"""

from __future__ import annotations

import gc
import sys
import threading

_MORE = 40
_lock = threading.Lock()
_seen = 0


def settle() -> None:
    """Freeze what is there, once the modules that are loaded have become many more than at the last time."""
    global _seen  # noqa: PLW0603 (one for the process, as the collector is)
    if len(sys.modules) < _seen + _MORE:
        return
    with _lock:
        _seen = len(sys.modules)
        gc.collect()  # garbage that is frozen would stay
        gc.freeze()
