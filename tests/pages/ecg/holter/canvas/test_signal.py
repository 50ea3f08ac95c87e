"""Tiles are given for what a browser asks for, as far as it makes sense."""

import numpy as np
import pytest

from ecgviz.figures.tile_pyramid import TILE
from pages.ecg.holter.canvas import signal
from readers.recording import ArraySource, Recording

RECORDING = Recording("r", 100.0, 60_000, ("II",), ("mV",), ArraySource(np.zeros((60_000, 1), np.float32)), "array")


@pytest.fixture
def drawn() -> signal.Signal:
    return signal.signal_of(RECORDING, {}, None, "s")


@pytest.mark.parametrize(
    ("want", "asked"),
    [
        (None, None),
        ({"source": "another", "number": 1, "tiles": [[0, 0]]}, None),
        ({"source": "s", "number": "1", "tiles": [[0, 0]]}, None),
        ({"source": "s", "number": 1, "tiles": "0 0"}, None),
        ({"source": "s", "number": 7, "tiles": [[0, 1], [0, -1], [9, 0], [0, 10**9], ["0", 0], [0], 5]}, (7, [(0, 1)])),
        ({"source": "s", "number": 7, "tiles": [[0, 0]] * 1000}, (7, [(0, 0)] * 24)),
    ],
)
def test_a_request_is_not_trusted(drawn, want, asked):
    assert signal._asked(want, drawn) == asked


@pytest.mark.parametrize(("start_s", "seconds"), [(0.0, 10.0), (595.0, 10.0), (0.0, 600.0), (100.0, 60.0)])
def test_the_first_tiles_cover_the_view(drawn, start_s, seconds):
    tiles = signal._first(drawn, start_s, seconds)
    [level] = {level for level, _ in tiles}
    covered = {sample for _, index in tiles for sample in (index * TILE * 4**level, (index + 1) * TILE * 4**level)}
    last = min((start_s + seconds) * 100, 60_000)
    assert min(covered) <= start_s * 100 and max(covered) >= last
    assert all(drawn.source.tile(level, index) is not None for _, index in tiles)
