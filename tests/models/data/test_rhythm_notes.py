"""Rhythm notes of WFDB annotation files become classes, and every beat has the one in force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.rhythms import RHYTHM_CLASSES, rhythm_changes, rhythm_class, rhythm_of_beats

CODES = {
    "N": "N",
    "SBR": "N",
    "AFIB": "AFIB",
    "AFL": "AFL",
    "SVTA": "SVTA",
    "VT": "VT",
    "B": "B",
    "T": "T",
    "P": "P",
    "AB": "OTHER",
    "BII": "OTHER",
    "IVR": "OTHER",
    "NOD": "OTHER",
    "PREX": "OTHER",
    "VFL": "OTHER",
    "J": "OTHER",
}


@pytest.mark.parametrize(("code", "name"), CODES.items())
@pytest.mark.parametrize("end", ["", "\0", "\0\0"])
def test_every_code_of_the_databases_has_a_class(code, name, end):
    assert rhythm_class(f"({code}{end}") == name
    assert name in RHYTHM_CLASSES


@pytest.mark.parametrize("note", ["", "\0", "MISSB\0", "PSE", "TS", "(", "N", "AFIB", "(ST0+", "(rST-", "\x01 Aux"])
def test_other_notes_name_no_rhythm(note):
    assert rhythm_class(note) is None


def test_a_beat_has_the_rhythm_that_began_at_or_before_it():
    sample = [5, 20, 20, 40, 60, 80]
    symbol = ["N", "+", '"', "N", "+", "+"]
    aux = ["", "(AFIB\0", "MISSB\0", "", "(N", ""]
    assert rhythm_of_beats(sample, symbol, aux, [5, 19, 20, 59, 60, 500]) == [None, None, "AFIB", "AFIB", "N", "N"]


def test_a_rhythm_ends_where_a_note_says_so():
    aux = ["(AFIB", ")\0", "(N"]
    assert rhythm_of_beats([0, 20, 40], ["+"] * 3, aux, [5, 19, 20, 39, 40]) == ["AFIB", "AFIB", None, None, "N"]
    assert rhythm_of_beats([0, 20], ["+", "N"], ["(AFIB", ")"], [30]) == ["AFIB"]


def test_a_note_counts_only_at_a_rhythm_change():
    # The European ST-T database opens ST episodes with "(ST0+" at "s"; a comment may hold anything.
    assert rhythm_of_beats([0, 10, 20], ["+", "s", '"'], ["(N", "(VT", "(AFIB"], [5, 15, 25]) == ["N", "N", "N"]


def test_a_file_without_rhythm_notes_says_nothing_of_the_rhythm():
    assert rhythm_of_beats([1, 2], ["N", "V"], ["", ""], [1, 2]) == [None, None]
    assert rhythm_of_beats([], [], [], [7]) == [None]
    assert rhythm_of_beats([0], ["+"], ["(N"], []) == []


@settings(deadline=None)
@given(
    marks=st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(sorted(CODES))), min_size=1, max_size=20),
    peaks=st.lists(st.integers(0, 1200), max_size=50),
    seed=st.integers(0, 99),
)
def test_the_order_of_the_file_does_not_matter(marks, peaks, seed):
    marks = list(dict(marks).items())
    shuffled = [marks[i] for i in np.random.default_rng(seed).permutation(len(marks))]

    def said(those):
        sample, code = zip(*those, strict=True)
        return rhythm_of_beats(sample, ["+"] * len(those), [f"({c}\0" for c in code], peaks)

    assert said(marks) == said(shuffled)
    for peak, name in zip(peaks, said(marks), strict=True):
        before = [mark for mark in marks if mark[0] <= peak]
        assert name == (CODES[max(before)[1]] if before else None)


@pytest.mark.data
@pytest.mark.parametrize(
    ("record", "first", "hours_of_af"), [("201", "AFIB", 0.15), ("219", "AFIB", 0.35), ("100", "N", 0.0)]
)
def test_notes_of_real_records(data_root, record, first, hours_of_af):
    import wfdb

    marks = wfdb.rdann(str(data_root / "mitdb" / record), "atr")
    start, name = rhythm_changes(marks.sample, marks.symbol, marks.aux_note)
    assert name[0] == first
    lasts = np.diff(start, append=650_000) / 360 / 3600
    assert lasts[np.array(name) == "AFIB"].sum() == pytest.approx(hours_of_af, abs=0.06)
