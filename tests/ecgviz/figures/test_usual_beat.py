"""Reasons by parts of a beat, drawn: the bars say the contributions, the paper shows the usual beat where it lies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats
from ecgviz.figures.curves import contribution_bars
from ecgviz.figures.usual_beat import FULL_LOG_ODDS, rows_of
from ecgviz.results import Beats
from ecgviz.saliency.parts import Reasons, explain_parts
from ecgviz.saliency.parts_words import brought
from ecgviz.saliency.record_parts import explain_record_parts
from ecgviz.sources.address import open_address
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording
from tests.ecgviz.figures.strips import strip_figure, strip_file


@pytest.fixture(scope="module")
def explained() -> tuple[Recording, Beats, Reasons]:
    recording, checkpoint = open_address("sample:mitdb-208"), load_checkpoint(DEFAULT_BEAT_CHECKPOINT)
    beats = analyse_beats(recording, checkpoint)
    index = int(np.flatnonzero((beats.label == "V") & (beats.network_label == "V"))[5])
    return recording, beats, explain_parts(recording, checkpoint, beats, index)


def test_bars_are_the_contributions_and_the_rest(explained: tuple[Recording, Beats, Reasons]) -> None:
    reasons = explained[2]
    [bars] = contribution_bars(brought(reasons)).data
    assert list(bars.y) == [*(part.name for part in reasons.parts), "rest of the strip"]
    assert list(bars.x) == pytest.approx([*(part.contribution for part in reasons.parts), reasons.context], abs=1e-3)


def test_the_usual_beat_lies_where_the_beat_does(explained: tuple[Recording, Beats, Reasons]) -> None:
    recording, beats, reasons = explained
    at = float(beats.time_s[reasons.beat])
    figure = strip_figure(recording, at - 3, 6, beats=beats, reasons=reasons)
    [usual] = [trace for trace in figure.data if (trace.name or "").startswith("usual beat")]
    first, *_, last = [part for part in reasons.parts if not part.name.startswith("RR")]
    assert min(usual.x) == pytest.approx(first.start_s, abs=0.02)
    assert max(usual.x) == pytest.approx(last.end_s, abs=0.02)
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


def test_a_lane_shows_the_usual_beat_of_its_own_lead(explained: tuple[Recording, Beats, Reasons]) -> None:
    """Leads are shown in any order, and others than the network read."""
    reasons = replace(
        explained[2], leads=("V1", "MLII"), usual=np.stack([explained[2].usual[0], explained[2].usual[0]])
    )
    lanes = [SimpleNamespace(lead=name) for name in ("aVF", "mlii", "-V1", "MLII")]
    assert [(lane.lead, row) for lane, row in rows_of(reasons, lanes)] == [("mlii", 1), ("-V1", 0), ("MLII", 1)]


@pytest.mark.parametrize("width_px", [330, 640, 1100])
@pytest.mark.parametrize("word", ["early", "late"])
def test_the_word_stays_on_the_paper(explained: tuple[Recording, Beats, Reasons], word: str, width_px: int) -> None:
    """Its arrow begins at the edge where the usual place lies beyond it."""
    recording, beats, reasons = explained
    at = float(beats.time_s[reasons.beat])
    apart = 0.5 if word == "early" else -0.6
    parts = tuple(
        replace(part, start_s=at - reasons.usual_rr_s + apart, contribution=4.0) if part.name == "RR before" else part
        for part in reasons.parts
    )
    for start in (at - 5.9, at - 3, at - 0.1):
        figure = strip_figure(
            recording, start, 6, beats=beats, reasons=replace(reasons, parts=parts), width_px=width_px
        )
        [arrow] = [one for one in figure.layout.annotations if one.name == "timing"]
        assert (arrow.text, arrow.hovertext) == (word if width_px > 330 else "", word), "it would cover the next beat"
        assert start <= arrow.ax <= start + 6
        px_per_s = width_px / 6
        end = arrow.ax + (34 if arrow.xanchor == "left" else -34) / px_per_s
        assert start - 0.2 <= end <= start + 6.2


def test_a_bar_of_nothing_has_no_sign(explained: tuple[Recording, Beats, Reasons]) -> None:
    parts = tuple(replace(part, contribution=-0.01) for part in explained[2].parts)
    [bars] = contribution_bars(brought(replace(explained[2], parts=parts))).data
    assert list(bars.text[:5]) == ["0.0"] * 5


def test_the_normal_beat_lies_behind_each_beat_of_a_12_lead_ecg() -> None:
    rng = np.random.default_rng(0)
    signal = np.tile(np.repeat([0.0, 1.0, 0.0], [90, 20, 140])[:, None], (10, 12)) + rng.normal(0, 0.02, (2500, 12))
    source = ArraySource(signal.astype(np.float32))
    recording = Recording("made", 250.0, 2500, TWELVE_LEADS, ("mV",) * 12, source, "array")
    reasons = explain_record_parts(recording, load_checkpoint(DEFAULT_RECORD_CHECKPOINT))
    figure = strip_figure(recording, 0, 10, normal=reasons)
    drawn = {trace.name: trace for trace in figure.data if (trace.name or "").startswith("normal beat")}
    assert len(drawn) == 12
    for trace in drawn.values():
        beside = np.abs(np.asarray(trace.x)[:, None] - reasons.r_peaks_s).min(axis=1)
        there = np.isfinite(np.asarray(trace.y, float))
        assert there.any()
        assert beside[there].max() < 0.6
    assert len(figure.to_json()) < 600_000
    plain = strip_figure(recording, 0, 10)
    assert plain.layout.height == figure.layout.height, "the paper would jump"
    strip_file(recording, 0, 10, normal=reasons, file_format="svg")
