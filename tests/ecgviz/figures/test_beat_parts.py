"""Reasons by parts of a beat, drawn: the bars say the contributions, the paper shows the usual beat where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats
from ecgviz.figures.beat_parts import FULL_LOG_ODDS
from ecgviz.figures.curves import contribution_bars
from ecgviz.results import Beats
from ecgviz.saliency.parts import Reasons, explain_parts
from ecgviz.sources.address import open_address
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from readers.recording import Recording
from tests.ecgviz.figures.strips import strip_figure, strip_file


@pytest.fixture(scope="module")
def explained() -> tuple[Recording, Beats, Reasons]:
    recording, checkpoint = open_address("sample:mitdb-208"), load_checkpoint(DEFAULT_BEAT_CHECKPOINT)
    beats = analyse_beats(recording, checkpoint)
    index = int(np.flatnonzero((beats.label == "V") & (beats.network_label == "V"))[5])
    return recording, beats, explain_parts(recording, checkpoint, beats, index)


def test_bars_are_the_contributions_and_the_rest(explained: tuple[Recording, Beats, Reasons]) -> None:
    reasons = explained[2]
    [bars] = contribution_bars(reasons).data
    assert list(bars.y) == [*(part.name for part in reasons.parts), "rest of the strip"]
    assert list(bars.x) == pytest.approx([*(part.contribution for part in reasons.parts), reasons.context], abs=1e-3)


def test_the_usual_beat_lies_where_the_beat_does(explained: tuple[Recording, Beats, Reasons]) -> None:
    recording, beats, reasons = explained
    at = float(beats.time_s[reasons.beat])
    figure = strip_figure(recording, at - 3, 6, beats=beats, reasons=reasons)
    [usual] = [trace for trace in figure.data if (trace.name or "").startswith("usual beat")]
    assert at - 0.29 < min(usual.x) and max(usual.x) < at + 0.37
    peak = usual.x[int(np.argmax(usual.y))]
    assert abs(peak - at) < 0.06
    weights = {shape.name: shape for shape in figure.layout.shapes if (shape.name or "").startswith("part ")}
    for part in reasons.parts[:3]:
        name = f"part {part.name} MLII"
        assert (name in weights) == (part.contribution >= 0.5)
        if name in weights:
            assert weights[name].opacity == pytest.approx(0.9 * min(part.contribution / FULL_LOG_ODDS, 1), abs=0.01)
    plain = strip_figure(recording, at - 3, 6, beats=beats)
    assert not [trace for trace in plain.data if (trace.name or "").startswith("usual beat")]
    assert plain.layout.height == figure.layout.height, "the paper would jump"


def test_a_beat_out_of_the_view_is_not_drawn(explained: tuple[Recording, Beats, Reasons]) -> None:
    recording, beats, reasons = explained
    figure = strip_figure(recording, float(beats.time_s[reasons.beat]) + 20, 6, beats=beats, reasons=reasons)
    assert not [trace for trace in figure.data if (trace.name or "").startswith("usual beat")]
    assert not [one for one in figure.layout.annotations if one.name == "timing"]


def test_a_printed_strip_has_the_usual_beat_too(explained: tuple[Recording, Beats, Reasons]) -> None:
    recording, beats, reasons = explained
    at = float(beats.time_s[reasons.beat])
    plain, told = (
        strip_file(recording, at - 3, 6, file_format="svg", beats=beats, reasons=one).decode()
        for one in (None, reasons)
    )
    assert 'id="usual-MLII"' in told
    assert 'id="usual-MLII"' not in plain
    away = strip_file(recording, at + 20, 6, file_format="svg", beats=beats, reasons=reasons).decode()
    assert 'id="usual-MLII"' not in away
