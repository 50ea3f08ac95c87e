"""V beats of one patient among the sinus beats of another."""

from __future__ import annotations

import numpy as np
import pytest

from models.config import AugmentConfig
from models.data.augment import Augmenter
from models.data.beats import PreparedRecord
from models.data.strips import as_bits, training_strip
from models.data.ventricular import VentricularBeats
from models.tasks import StripTask

FS = 120.0
N, V = 0, 2


def _signal(position: np.ndarray, label: np.ndarray, *, gain: float, n: int) -> np.ndarray:
    """Two leads: sinus beats of size ``gain`` and wide V beats of twice that size."""
    time = np.arange(n)
    wave = np.zeros(n)
    for at, kind in zip(position, label, strict=True):
        size, width = (2.0, 6.0) if kind == V else (1.0, 1.5)
        wave += gain * size * np.exp(-0.5 * ((time - at) / width) ** 2)
    return np.stack([wave, -0.5 * wave]).astype(np.float32)


def _record(name: str = "a", *, rr_s: float = 0.8, gain: float = 1.0, every: int = 10) -> PreparedRecord:
    """Sinus rhythm with a V beat at half the interval, then a pause, after every so many beats."""
    step = rr_s * FS
    places, kinds, at = [], [], 60.0
    for number in range(120):
        early = number % every == every - 1
        at += step * (0.5 if early else 1.5 if kinds and kinds[-1] == V else 1.0)
        places.append(round(at))
        kinds.append(V if early else N)
    position, label = np.array(places), np.array(kinds)
    n = position[-1] + 120
    return PreparedRecord(name, _signal(position, label, gain=gain, n=n), position, label, np.zeros((120, 8)), 0)


def _sinus(rr_s: float, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position = (60 + np.arange(60) * rr_s * FS).astype(np.int64)
    label = np.zeros(60, np.int64)
    return _signal(position, label, gain=gain, n=int(position[-1]) + 120), position, label


@pytest.mark.parametrize("gain", [0.01, 1.0, 100.0])
def test_v_beats_stand_where_they_are_said_to_at_the_size_they_had_beside_sinus_beats(gain):
    beats = VentricularBeats([_record(gain=3.0)], FS, 2)
    strip, position, label = _sinus(0.85, gain)
    for seed in range(20):
        made, moved, new = beats.put_into(strip, position, label, np.random.default_rng(seed))
        assert made.shape == strip.shape
        assert not label.any(), "the caller's labels are left alone"
        assert (np.diff(moved) > 0.25 * FS).all()
        inside = (moved > 10) & (moved < made.shape[1] - 40)
        for at in moved[inside & (new == V)]:
            size = np.ptp(made[:, at - 30 : at + 30], axis=1) / np.ptp(strip, axis=1)
            assert (size > 0.7 * 2 - 0.2).all()
            assert (size < 1.4 * 2 + 0.4).all()
            assert np.abs(np.abs(made[0] - np.median(made[0]))[at - 12 : at + 13].argmax() - 12) <= 2
        for at in moved[inside & (new == N)]:
            assert made[0, at - 2 : at + 3].max() - np.median(made[0]) > 0.8 * gain, "an R peak stands at its place"


def test_they_come_early_and_are_followed_by_their_pause():
    beats = VentricularBeats([_record()], FS, 2)
    strip, position, label = _sinus(0.8)
    found = 0
    for seed in range(10):
        _, moved, new = beats.put_into(strip, position, label, np.random.default_rng(seed))
        rr = np.diff(moved) / FS
        early = np.flatnonzero(new[1:-1] == V)
        found += len(early)
        assert (rr[early] < 0.6 * 0.8).all()
        assert (rr[early + 1] > 1.4 * 0.8).all()
    assert found > 20


def test_another_pace_takes_none_and_a_patient_without_v_beats_gives_none():
    strip, position, label = _sinus(1.4)
    made, moved, new = VentricularBeats([_record(rr_s=0.6)], FS, 2).put_into(
        strip, position, label, np.random.default_rng(0)
    )
    assert (made == strip).all()
    assert (moved == position).all()
    assert not new.any()
    assert not VentricularBeats([_record(every=1000)], FS, 2).records


def test_a_strip_of_one_lead_takes_beats_and_a_record_of_one_gives_none():
    strip, position, label = _sinus(0.8)
    made, _, new = VentricularBeats([_record()], FS, 2).put_into(strip[:1], position, label, np.random.default_rng(0))
    assert made.shape == (1, strip.shape[1])
    assert new.any()
    single = _record()
    single = PreparedRecord(single.name, single.conditioned[:1], single.position, single.label, single.rr, 0)
    assert not VentricularBeats([single], FS, 2).records


def test_premature_beats_are_made_among_them_and_no_beat_is_lost():
    config = AugmentConfig(premature=1.0, ventricular=1.0, aberrant=0.5)
    task = StripTask(fs_out=FS, segment_seconds=20, ecg_leads=("II",))
    augmenter = Augmenter(config, ventricular=VentricularBeats([_record(every=7)], FS, task.in_channel))
    strip, position, label = _sinus(0.8)
    record = PreparedRecord("b", strip, position, label, np.zeros((len(label), 8)), 0, as_bits(label))
    seen = np.zeros(5, int)
    for seed in range(60):
        length = int(np.random.default_rng(seed).integers(600, 2400))
        made = training_strip(record, task, augmenter, (0, length), np.random.default_rng(seed))
        assert made.x.shape[1] == length
        assert (np.diff(made.beats) > 0).all()
        assert len(made.beats) >= 0.5 * length / (0.8 * FS)
        seen += np.bincount(made.label[made.label >= 0], minlength=5)
    assert (seen[:3] > 20).all(), "N, S and V"
