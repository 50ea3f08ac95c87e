"""Serial comparison: what changed between two recordings, and what measuring alone explains."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.signals.axis import Axis
from ecgviz.signals.resting import RestingMeasurements, measure_resting
from ecgviz.signals.serial import AXIS_DEG, change_fields, compare_resting
from readers.recording import ArraySource
from tests.ecgviz.simulated import twelve_leads

MEASURED = measure_resting(twelve_leads())


def _changes(now: RestingMeasurements) -> dict:
    return {one.name: one for one in compare_resting(MEASURED, now)}


def test_nothing_changes_between_a_recording_and_itself() -> None:
    changes = compare_resting(MEASURED, MEASURED)
    assert {one.name for one in changes} >= {"Rate", "PR", "QRS", "QT", "QRS axis", "ST V2"}
    assert not any(one.marked for one in changes)
    assert all(one.difference == 0 or math.isnan(one.difference) for one in changes)


@given(st.floats(-179, 180), st.floats(-179, 180))
def test_an_axis_changes_the_shorter_way_round(before: float, now: float) -> None:
    then, since = (replace(MEASURED, axis=Axis(angle, angle, math.nan)) for angle in (before, now))
    found = {one.name: one for one in compare_resting(then, since)}
    turned = found["QRS axis"].difference
    assert -180 <= turned <= 180
    assert math.isclose(math.cos(math.radians(before + turned)), math.cos(math.radians(now)), abs_tol=2e-3)
    assert found["QRS axis"].marked == (abs(turned) > AXIS_DEG) or abs(abs(turned) - AXIS_DEG) < 0.1
    assert not found["T axis"].marked
    assert change_fields(tuple(found.values()))[-1]["unit"] == "mV"


@pytest.mark.parametrize("stretch", [1.0, 1.6])
def test_a_recording_played_slower_has_longer_intervals(stretch: float) -> None:
    whole = twelve_leads()
    samples = whole.signal_mV()
    at = np.arange(round(len(samples) * stretch)) / stretch
    slower = np.stack([np.interp(at, np.arange(len(samples)), lead) for lead in samples.T], axis=1)
    found = _changes(measure_resting(replace(whole, n_samples=len(slower), source=ArraySource(slower.astype("f4")))))
    assert found["QT"].marked == (stretch > 1)
    assert found["QT"].now == pytest.approx(stretch * found["QT"].before, rel=0.1)


def test_what_is_unknown_is_null_and_unmarked() -> None:
    found = _changes(replace(MEASURED, intervals=replace(MEASURED.intervals, pr_ms=math.nan), axis=None))
    assert not found["PR"].marked
    assert "QRS axis" not in found
    [pr] = [one for one in change_fields(tuple(found.values())) if one["name"] == "PR"]
    assert pr["now"] is None
