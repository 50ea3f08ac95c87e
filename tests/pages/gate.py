"""An analysis that takes as long as a test wants it to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from models import load_checkpoint
from pages.parts import caching

WAIT_S = 60.0


@dataclass
class Gate:
    """Lets the first passes of a network through and holds the others until it is opened.

    Attributes:
        free: how many pass at once.
        reached: set when one is held.
        opened: lets all through once it is set.
    """

    free: int = 4
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    _passes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, monkeypatch: pytest.MonkeyPatch, checkpoint: str) -> None:
        """Stand before the network of a checkpoint, and of all of its kind."""
        kind = type(load_checkpoint(checkpoint).network)
        # Every way through a network begins with its maps, whatever is asked of them; an ONNX model has none.
        name = "forward_features" if hasattr(kind, "forward_features") else "forward"
        forward = getattr(kind, name)

        def held(network, *inputs, **more):
            self._wait()
            return forward(network, *inputs, **more)

        monkeypatch.setattr(kind, name, held)
        caching.analysis.clear()

    def _wait(self) -> None:
        with self._lock:
            self._passes += 1
            held = self._passes > self.free
        if held:
            self.reached.set()
            assert self.opened.wait(WAIT_S)
