"""Beat by beat: every count below is worked out by hand after the rules of EC57 and ``bxb``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics.beats import MATCH_S, confusion, match_beats
from models.metrics.ec57.beat_by_beat import ROWS, beat_pairs, beat_scores, compare_beats
from models.metrics.ec57.comparison import CELLS
from models.metrics.ec57.marks import Marks, Protocol, beat_class
from tests.models.metrics.ec57.annotator import EVERYTHING, FS, beats, marks

UNREADABLE, READABLE = 0x33, 0


def cells(truth: Marks, test: Marks, protocol: Protocol = EVERYTHING) -> dict[str, int]:
    """The cells that are not zero, by WFDB's names: Nv is a reference N called V."""
    matrix = compare_beats(truth, test, protocol).matrix
    return {
        f"{row}{column.lower()}": int(matrix[i, j])
        for i, row in enumerate(ROWS)
        for j, column in enumerate(ROWS)
        if matrix[i, j]
    }


def test_a_case_by_hand():
    truth = marks((100, "N"), (200, "N"), (300, "V"), (400, "A"), (500, "F"), (600, "N"), (700, "Q"))
    test = marks((105, "N"), (310, "V"), (400, "N"), (500, "V"), (616, "N"), (700, "Q"), (900, "V"))
    assert cells(truth, test) == {"Nn": 1, "No": 2, "Vv": 1, "Sn": 1, "Fv": 1, "Qq": 1, "On": 1, "Ov": 1}
    assert beat_scores(compare_beats(truth, test, EVERYTHING)) == {
        "qrs_se": (5, 7),
        "qrs_ppv": (5, 7),
        "veb_se": (1, 1),
        "veb_ppv": (1, 2),  # the fusion beat that was called V is not held against it
        "veb_fpr": (1, 5),
        "sveb_se": (0, 1),
        "sveb_ppv": (0, 0),
        "sveb_fpr": (0, 6),
    }


def test_each_pair_has_its_place():
    truth = marks((100, "N"), (300, "V"), (500, "N"))
    test = marks((105, "N"), (310, "V"), (700, "V"))
    assert beat_pairs(truth, test, EVERYTHING) == [(100, "N", "N"), (300, "V", "V"), (500, "N", "O"), (700, "O", "V")]


def test_the_window_reaches_150_ms_and_no_further():
    truth = marks((100, "N"), (300, "N"))
    assert cells(truth, marks((115, "N"), (316, "N"))) == {"Nn": 1, "No": 1, "On": 1}


def test_a_beat_goes_to_the_nearer_of_two():
    assert cells(marks((100, "V"), (120, "N")), marks((112, "N"))) == {"Vo": 1, "Nn": 1}
    assert cells(marks((112, "N")), marks((100, "V"), (120, "N"))) == {"Ov": 1, "Nn": 1}


@pytest.mark.parametrize(
    ("truth", "test", "expected"),
    [
        ([(50, "N"), (105, "N")], [(50, "V"), (95, "N"), (130, "N")], {"Nn": 1, "On": 1}),
        ([(96, "N"), (200, "N")], [(104, "V"), (200, "N")], {"Nn": 1}),
        ([(200, "N")], [(104, "V"), (200, "N")], {"Nn": 1}),
        ([(200, "N")], [(130, "V"), (200, "N")], {"Nn": 1, "Ov": 1}),
    ],
    ids=["partner before its end", "partner of a beat before its end", "no partner near its end", "extra beat"],
)
def test_at_the_end_of_the_learning_period(truth, test, expected):
    assert cells(marks(*truth), marks(*test), Protocol(learning_s=1.0)) == expected


def test_beats_in_the_learning_period_do_not_count():
    truth, test = marks(*beats("NNVNN")), marks(*beats("VVVVN"))
    assert cells(truth, test, Protocol(learning_s=3.5)) == {"Nv": 1, "Nn": 1}


def test_beats_that_the_test_could_not_read_are_x():
    truth = marks(*beats("NNVNN"))
    test = marks((100, "N"), (250, "~", UNREADABLE), (450, "~", READABLE), (500, "N"))
    assert cells(truth, test) == {"Nn": 2, "No": 1, "Vx": 1, "Nx": 1}
    assert compare_beats(truth, test, EVERYTHING).shutdown_s == 2.0


def test_a_shutdown_marked_once_lies_between_the_beats_around_it():
    """As in the AHA database: from 150 ms behind the last beat to 150 ms before the next mark."""
    truth = marks(*beats("NNNNN"))
    test = marks((100, "N"), (200, "N"), (350, "~", UNREADABLE), (500, "N"))
    assert cells(truth, test) == {"Nn": 3, "Nx": 2}
    assert compare_beats(truth, test, EVERYTHING).shutdown_s == pytest.approx(2.7)


def test_a_shutdown_that_nothing_ends_lasts_to_the_end():
    truth, test = marks(*beats("NNN"), n_samples=400), marks((100, "N"), (150, "~", UNREADABLE))
    assert cells(truth, test) == {"Nn": 1, "Nx": 2}
    assert compare_beats(truth, test, EVERYTHING).shutdown_s == 2.5


def test_beats_where_the_reference_could_not_read_are_x():
    truth = marks((100, "N"), (150, "~", UNREADABLE), (350, "~", READABLE), (400, "N"))
    assert cells(truth, marks(*beats("NNVN"))) == {"Nn": 2, "Xn": 1, "Xv": 1}


def test_noise_in_one_signal_is_no_shutdown():
    truth = marks((100, "N"), (150, "~", 0x10), (350, "~", READABLE), (400, "N"))
    assert cells(truth, marks(*beats("NNVN"))) == {"Nn": 2, "On": 1, "Ov": 1}


def test_test_beats_in_ventricular_fibrillation_of_the_reference_count_nowhere():
    truth = marks((100, "N"), (150, "["), (200, "!"), (350, "]"), (400, "N"))
    assert cells(truth, marks(*beats("NVVN"))) == {"Nn": 2}
    assert cells(marks((100, "N"), (150, "["), (200, "!"), n_samples=500), marks(*beats("NVVN"))) == {"Nn": 1}


def test_fibrillation_of_the_test_is_no_excuse():
    assert cells(marks(*beats("NVVN")), marks((100, "N"), (150, "["), (350, "]"), (400, "N"))) == {"Nn": 2, "Vo": 2}


@pytest.mark.parametrize(
    ("symbols", "label"),
    [("NLRB", "N"), ("AaJSejn", "S"), ("VrE", "V"), ("F", "F"), ("Q/f?", "Q"), ("!", "O"), ('+~|x"[]', None)],
)
def test_classes_are_those_of_bxb(symbols, label):
    assert {beat_class(symbol) for symbol in symbols} == {label}
    assert {beat_class(symbol, "N") for symbol in "ejn"} == {"N"}


def test_times_on_another_time_base():
    truth = marks(*beats("NVN"))
    fast = Marks(truth.sample * 5, truth.symbol, truth.aux, truth.subtype, fs=5 * FS, n_samples=None)
    assert cells(truth, fast) == cells(truth, truth) == {"Nn": 2, "Vv": 1}


def test_without_beats():
    nothing = marks((0, "+", "(N"))
    assert cells(nothing, marks(*beats("NV"))) == {"On": 1, "Ov": 1}
    assert cells(marks(*beats("NV")), nothing) == {"No": 1, "Vo": 1}
    assert cells(nothing, nothing) == {}


ANNOTATOR = st.dictionaries(st.integers(1, 3000), st.sampled_from("NVAFQ"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(ANNOTATOR, ANNOTATOR)
def test_every_beat_is_counted_once_and_the_roles_can_be_changed(truth, test):
    one, other = marks(*truth.items()), marks(*test.items())
    matrix = compare_beats(one, other, EVERYTHING).matrix
    assert matrix[:5].sum() == len(truth)
    assert matrix[:, :5].sum() == len(test)
    assert not matrix[5:, 5:].any()
    np.testing.assert_array_equal(compare_beats(other, one, EVERYTHING).matrix, matrix.T)
    itself = compare_beats(one, one, EVERYTHING).matrix
    assert np.trace(itself) == itself.sum() == len(truth)


def test_the_cells_are_named_once():
    assert len(set(CELLS)) == len(CELLS) == 45


@pytest.mark.data
@pytest.mark.parametrize("name", ["203", "222"])
def test_it_agrees_with_the_evaluation_of_checkpoints(data_root: Path, name):
    """Where the definitions are the same: no shutdown, no learning period, escape beats as N."""
    from ecgviz.analysis.bench import annotation_marks as marks_of
    from ecgviz.signals.r_peaks import detect_r_peaks
    from models.data.aami import aami_classes
    from readers import open_recording

    recording = open_recording(data_root / "mitdb" / name)
    truth = marks_of(recording.annotations, recording.fs, recording.n_samples)
    found = detect_r_peaks(
        lambda start, stop: recording.signal_mV(start, stop)[:, 0], recording.fs, recording.n_samples
    )
    test = marks(*((int(at), "NVA"[number % 3]) for number, at in enumerate(found)), fs=recording.fs)
    is_beat = aami_classes(truth.symbol) >= 0
    reference, classes = truth.sample[is_beat], aami_classes(truth.symbol)[is_beat]
    said = aami_classes(test.symbol)
    to_detected, to_reference = match_beats(reference / recording.fs, test.sample / recording.fs, MATCH_S + 1e-9)
    extra = np.flatnonzero(to_reference < 0)
    expected = confusion(
        np.append(classes, np.full(len(extra), -1)),
        np.append(np.where(to_detected < 0, -1, said[to_detected]), said[extra]),
        5,
    )
    matrix = compare_beats(truth, test, Protocol(learning_s=0, escape="N")).matrix
    np.testing.assert_array_equal(matrix[:6, :6], expected)
    assert not matrix[6].any()
    assert not matrix[:, 6].any()
