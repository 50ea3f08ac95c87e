"""The annotated beats as a second row, on screen and in print, and what the paper says of a map's tests."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.figures.beat_marks import marks_in_view, unlike
from ecgviz.figures.overlay import FADED, PASSED, UNTESTED, WEAK, heat_scale, scale_title
from tests.ecgviz.figures.strips import strip_figure, strip_file


def test_the_row_has_each_annotated_beat_and_boxes_those_that_differ(two_leads):
    recording, beats = two_leads
    plain = strip_figure(recording, 5, 10, beats=beats)
    marks = marks_in_view(beats, 5, 15)
    letters = marks.label.copy()
    letters[2] = "V" if letters[2] != "V" else "N"
    times = np.append(marks.time_s, 14.99 if marks.time_s[-1] < 14.7 else 5.4)
    reference = times, np.append(letters, "N")
    figure = strip_figure(recording, 5, 10, beats=beats, reference=reference)
    row = next(trace for trace in figure.data if trace.name == "annotated")
    assert list(row.text) == [*letters, "N"]
    wanted = np.zeros(len(times))
    wanted[[2, -1]] = 1
    assert list(row.marker.opacity) == wanted.tolist()
    assert figure.layout.height > plain.layout.height, "a row of its own"
    assert all(
        row.y[0] < letter for trace in figure.data if (trace.name or "").startswith("beats ") for letter in trace.y
    )
    svg = strip_file(recording, 5, 10, beats=beats, reference=reference, file_format="svg").decode()
    assert svg.count('id="annotated') == len(times)


def test_without_beats_every_annotated_one_is_unlike():
    assert unlike(marks_in_view(None, 0, 10), np.array([1.0, 2.0]), np.array(["N", "V"])).all()


@pytest.mark.parametrize(("quality", "words"), [("", ""), (UNTESTED, "not tested"), (PASSED, "passed"), (WEAK, "weak")])
def test_the_paper_says_what_tests_say_and_fades_a_weak_map(make, quality, words):
    found = make.map(0.0, 1.0, 0.5)
    scale = heat_scale(found, 1.0, opacity=0.8, quality=quality)
    assert words in scale_title(found, scale)
    strength = FADED if quality == WEAK else 1.0
    assert scale.rgba(np.array([1.0]))[0, 3] == round(255 * 0.8 * strength)
    assert (scale.line_rgb(1.0) != heat_scale(found, 1.0).line_rgb(1.0)) == (quality == WEAK)


def test_paper_that_is_fitted_to_its_place_does_not_claim_its_speed(two_leads):
    recording, _ = two_leads
    printed = [
        " ".join(one.text or "" for one in strip_figure(recording, 5, 10, fitted=fitted).layout.annotations)
        for fitted in (True, False)
    ]
    assert "25 mm/s (fitted)" in printed[0] and "25 mm/s" in printed[1] and "fitted" not in printed[1]
