"""A checkpoint that onnxruntime runs: it answers, and its float twin explains."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats
from ecgviz.errors import EcgvizError
from ecgviz.saliency import deletion_curve, explain_beat
from ecgviz.sources.samples import simulate_holter
from models import load_checkpoint
from models.compress.export import export
from tests.models.compress.conftest import make_beat


def test_the_map_of_an_onnx_checkpoint_is_its_twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path))
    original = make_beat(tmp_path / "beat")
    lighter = load_checkpoint(export(original, tmp_path / "beat-onnx").folder)
    recording = simulate_holter(seconds=20)
    wanted, beats = (analyse_beats(recording, one) for one in (original, lighter))
    np.testing.assert_allclose(beats.prob, wanted.prob, atol=1e-4)
    assert beats.checkpoint == "beat-onnx"
    found = explain_beat(recording, lighter, beats, 5, method="grad_cam")
    np.testing.assert_array_equal(found.values, explain_beat(recording, original, beats, 5, target=found.target).values)
    assert found.checkpoint == "beat"
    curves = [deletion_curve(recording, one, beats, found, fractions=(0.2,)) for one in (lighter, original)]
    np.testing.assert_array_equal(curves[0].prob, curves[1].prob)
    shutil.rmtree(tmp_path / "beat")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "nowhere"))
    with pytest.raises(EcgvizError, match="needs its original beat"):
        explain_beat(recording, lighter, beats, 5)
