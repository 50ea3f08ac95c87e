"""What is said before a checkpoint is promoted that cannot know, or was never asked for, a class."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.experiments.cautions import cautions
from models.metrics.beats import confusion, macro_words, scores
from models.training.beat_run import absent

CLASSES = ("N", "S", "V", "F", "Q")


@pytest.fixture
def run(tmp_path):
    """``run(**card)``: the folder of a run whose card says so."""

    def make(**rest):
        folder = tmp_path / "checkpoint"
        folder.mkdir(exist_ok=True)
        card = {"architecture": "x", "arguments": {}, "task": {"kind": "beat"}, "classes": CLASSES, "parameters": 1}
        (folder / "card.json").write_text(json.dumps(card | rest))
        return tmp_path

    return make


def test_a_class_without_cases_in_training_or_scoring_is_named(run):
    held = [[5, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 4, 0, 0], [0] * 5, [0] * 5]
    told = cautions(run(unlearnt=["S", "Q"], metrics={"validation": {"confusion": held}, "epoch": 3}))
    assert len(told) == 2
    assert "no case of S, Q" in told[0] and "not assessed" in told[0]
    assert told[1].startswith("Validation holds no case of S:"), "F and Q are not in the macro-F1"
    whole = [[5, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 4, 0, 0], [0] * 5, [0] * 5]
    assert cautions(run(metrics={"validation": {"confusion": whole}})) == ()


@pytest.mark.parametrize(
    ("labels", "lacking", "words"),
    [([0, 1, 2, 3, 4], (), "N, S, V"), ([0, 0, 2], ("S", "F", "Q"), "N, V; S not assessed")],
)
def test_what_lacks_is_found_where_the_labels_are(labels, lacking, words):
    labels = np.array(labels)
    assert absent(labels, CLASSES) == lacking
    assert macro_words(scores(confusion(labels, labels, len(CLASSES)), CLASSES)) == words
