"""Callbacks of long work: progress, and a request to stop."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with what is done, how much there is (0: not known), and what is at work."""
ShouldStop = Callable[[], bool]
"""Asked between the steps; True ends the work early."""
