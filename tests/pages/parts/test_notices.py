"""Warnings on the pages: a line each, the heaviest first, and a button to the place of each that has one."""

from __future__ import annotations

import numpy as np
import wfdb

from tests.ecgviz.signals.test_invariance import sinus
from tests.ecgviz.signals.test_r_peaks import generator
from tests.pages.outline import settle, view_of

FS = 250.0
FLAT_S, FAST_S = 20.0, 70.0


def _write(folder) -> str:
    """A minute and a half that lies flat for eight seconds, then beats at 240/min."""
    slow, fast = sinus(FAST_S, FS, rate=70)[:, 0], generator("QRS", 240, FS, 20)[0]
    x = np.concatenate([slow, fast]).astype(float)
    x[round(FLAT_S * FS) : round((FLAT_S + 8) * FS)] = 0.0
    wfdb.wrsamp("fast", FS, ["mV"], ["II"], x[:, None], fmt=["16"], write_dir=str(folder))
    return "path:fast.hea"


def test_a_line_each_and_a_button_to_each_place(visit, own_home):
    app = visit("holter", record=_write(own_home / "data"), t="0")
    assert not app.exception
    [box] = app.warning
    lines = box.value.splitlines()
    assert all(line.startswith("- ") and not line.startswith("- fast:") for line in lines), "the head names it"
    assert len(lines) == len(set(lines)) >= 2
    [fast] = [number for number, line in enumerate(lines) if "faster than 220/min" in line]
    [flat] = [number for number, line in enumerate(lines) if "is a flat line" in line]
    assert fast < flat, "what the answer loses comes before what the file lacks"
    places = {button.help: button.key for button in app.button if button.key.startswith("parts-place-")}
    for line, at_s in ((lines[fast], FAST_S), (lines[flat], FLAT_S)):
        settle(app.button(key=places[line.removeprefix("- ")]).click().run())
        start, _ = view_of(app)
        assert start <= at_s <= start + 10, line


def test_a_place_in_the_only_view_needs_no_button(visit, own_home):
    app = visit("holter", record=_write(own_home / "data"), seconds="60 s")
    assert [button for button in app.button if button.key.startswith("parts-place-")]
    x = generator("QRS", 240, FS, 8)[0]
    wfdb.wrsamp("short", FS, ["mV"], ["II"], x[:, None].astype(float), fmt=["16"], write_dir=str(own_home / "data"))
    app = visit("holter", record="path:short.hea", seconds="10 s")
    assert "faster than 220/min" in app.warning[0].value
    assert not [button for button in app.button if button.key.startswith("parts-place-")]
