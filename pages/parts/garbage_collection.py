"""Freezes the libraries' objects for the garbage collector.

With torch loaded a full collection looks at a million objects: 0.2 s in which no session is served. Modules stay for
good, so nobody need look at them again. Streamlit's own collection after each run of a script or a fragment, a third
of what moves cost where many people are at work, is switched off in `.streamlit/config.toml`.
"""

from __future__ import annotations

import gc
import sys
import threading

_MORE = 40
_lock = threading.Lock()
_seen = 0


def settle() -> None:
    """Freeze existing objects, whenever many modules were loaded since the last time."""
    global _seen  # noqa: PLW0603 (one for the process, as the collector is)
    if len(sys.modules) < _seen + _MORE:
        return
    with _lock:
        _seen = len(sys.modules)
        gc.collect()  # garbage that is frozen would stay
        gc.freeze()
