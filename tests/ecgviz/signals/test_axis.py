"""Electrical axis and ST levels of drawn hearts whose direction is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.signals.resting import RestingMeasurements, measure_resting, measurement_fields
from readers.recording import ArraySource, Recording

LIMB = {"I": (0.0, 1.0), "II": (60.0, 1.0), "aVF": (90.0, math.sqrt(3) / 2), "III": (120.0, 1.0)}


def _wave(t: np.ndarray, begin: float, end: float, height: float) -> np.ndarray:
    inside = (t >= begin) & (t <= end)
    return np.where(inside, height * np.sin(np.pi * (t - begin) / (end - begin)) ** 2, 0.0)


def _heart(
    leads: tuple[str, ...], angles: tuple[float, float, float], fs: float = 500.0, st_mV: float = 0.0
) -> RestingMeasurements:
    """Measurements of a heart whose P, QRS and T point at ``angles``, each a lobe with a length of 100 to 200 ms."""
    t = np.arange(round(10 * fs)) / fs
    samples = np.zeros((len(t), len(leads) + 1))
    for at in np.arange(0.5, 9.6, 0.84):
        waves = (
            (_wave(t - at, -0.18, -0.08, 0.2), angles[0]),
            (_wave(t - at, -0.05, 0.05, 1.5), angles[1]),
            (_wave(t - at, 0.16, 0.36, 0.4), angles[2]),
        )
        for wave, angle in waves:
            for column, lead in enumerate(leads):
                turned, length = LIMB[lead]
                samples[:, column] += wave * length * math.cos(math.radians(angle - turned))
            samples[:, -1] += wave  # a chest lead that shows every wave, as one of twelve does
        samples[:, 0] += st_mV * ((t - at > 0.045) & (t - at < 0.16))
    samples += 0.003 * np.random.default_rng(0).standard_normal(samples.shape)
    names = (*leads, "V5")
    source = ArraySource(samples.astype(np.float32))
    found = measure_resting(Recording("drawn", fs, len(t), names, ("mV",) * len(names), source, "array"))
    assert found is not None
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([("I", "II"), ("I", "aVF"), ("I", "III"), ("III", "I"), ("I", "II", "III", "aVF")]),
    st.tuples(*(st.floats(-179, 179),) * 3),
    st.sampled_from([250.0, 500.0, 1000.0]),
)
def test_the_axis_of_each_wave_from_any_two_limb_leads(leads, angles, fs: float) -> None:
    axis = _heart(leads, angles, fs).axis
    for found, drawn, within in zip((axis.p, axis.qrs, axis.t), angles, (12, 4, 8), strict=True):
        assert abs((found - drawn + 180) % 360 - 180) < within


@pytest.mark.parametrize("leads", [("I",), ("II", "aVF"), ("II", "III")])
def test_there_is_no_axis_without_lead_one_and_another(leads: tuple[str, ...]) -> None:
    assert _heart(leads, (50, 40, 30)).axis is None


@pytest.mark.parametrize("level", [-0.2, 0.0, 0.15, 0.3])
def test_st_levels_stand_above_the_line_before_the_qrs(level: float) -> None:
    """The filter that takes the wander away (0.5 Hz, without phase) takes a little of a level too."""
    levels = _heart(("I", "II"), (50, 40, 30), st_mV=level).st_mV
    assert levels["I"][1] == pytest.approx(level, abs=0.03 + 0.15 * abs(level))
    assert levels["II"][1] == pytest.approx(0, abs=0.03)


def test_measurements_are_numbers_or_null_in_json() -> None:
    fields = measurement_fields(_heart(("I", "II"), (50, 40, 30)))
    assert fields["axis_deg"]["qrs"] == pytest.approx(40, abs=4)
    assert set(fields["st_mV"]) == {"I", "II", "V5"}
    assert set(fields["st_mV"]["I"]) == {"j", "j60"}
    assert fields["rate"] == pytest.approx(60 / 0.84, abs=1)
    assert measurement_fields(None) is None
