"""What a browser tells of the picture: nonsense is no length."""

from __future__ import annotations

import math

import pytest

from pages.inspection.zoom import ruler_words


def test_a_line_has_its_length_in_mm_along_both_edges_of_a_pixel():
    assert ruler_words([10, 20, 40, 60], (0.1, 0.1)) == "Ruler: **5 mm** (3 across, 4 down)"
    assert ruler_words([40, 60, 10, 20], (0.2, 0.1)) == "Ruler: **8.54 mm** (3 across, 8 down)"
    assert ruler_words([0, 0, 3, 4], None) == "Ruler: **5 px** (3 across, 4 down)"


@pytest.mark.parametrize("line", [None, [], [1, 2, 3], "1234", [1, 2, 3, "x"], [0, 0, math.nan, 1], [0, 0, 1e9, 1]])
def test_what_is_no_line_has_no_length(line):
    assert ruler_words(line, (0.1, 0.1)) == ""
