"""Records, classes, fingerprints, augmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import AugmentConfig
from models.core.errors import ReadError
from models.data import mitdb
from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.aberrant import choose_runs, make_aberrant
from models.data.augment import Augmenter, interpolate, rotate_leads
from models.data.beats import class_weights
from models.data.fingerprint import fingerprint
from models.data.premature import is_steady, make_mostly_premature, make_premature
from models.data.usual_parts import UNDECIDED, WAVES_S, make_usual

COUNTS = {  # N, S, V, F, Q, of the data's documentation
    mitdb.DS1: (45866, 944, 3788, 415, 8),
    mitdb.DS2: (44259, 1837, 3221, 388, 7),
    mitdb.PACED: (506, 0, 227, 0, 8028),
}


def test_symbols_map_as_aami_says() -> None:
    assert "".join(AAMI_CLASSES[i] for i in aami_classes(list("NLRejAaJSVEF/fQ"))) == "NNNNNSSSSVVFQQQ"
    assert (aami_classes(list('+~|x![]"')) == -1).all()


def test_patients_do_not_cross() -> None:
    assert len(mitdb.DS1) == len(mitdb.DS2) == 22
    assert not set(mitdb.DS1) & set(mitdb.DS2)
    assert not set(mitdb.PACED) & set(mitdb.DS1 + mitdb.DS2)
    assert set(mitdb.SPLITS["train"]) | set(mitdb.VALIDATION) == set(mitdb.DS1)
    assert not set(mitdb.SPLITS["train"]) & set(mitdb.VALIDATION)


@pytest.mark.data
@pytest.mark.parametrize("names", COUNTS, ids=["ds1", "ds2", "paced"])
def test_beat_counts_are_the_published_ones(data_root: Path, names: tuple[str, ...]) -> None:
    import wfdb

    labels = np.concatenate([aami_classes(wfdb.rdann(str(data_root / "mitdb" / name), "atr").symbol) for name in names])
    assert tuple(np.bincount(labels[labels >= 0], minlength=5)) == COUNTS[names]


@pytest.mark.data
def test_both_file_formats_of_a_record_are_the_same_recording(data_root: Path) -> None:
    one, other = (mitdb.load_record(data_root / folder, "208") for folder in ("mitdb", "mitdb_212"))
    assert np.array_equal(one.sample, other.sample)
    assert one.fingerprint().sha256 == other.fingerprint().sha256


@pytest.mark.parametrize(("name", "fault"), [("nothing", "is missing"), ("../nothing", "not a record name")])
def test_a_record_that_is_not_there(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(ReadError, match=fault):
        mitdb.load_record(tmp_path, name)
    with pytest.raises(ReadError, match="is no folder"):
        mitdb.load_records(tmp_path / "nowhere", ["100"])


def noise_walk(seed: int, n: int = 400_000) -> np.ndarray:
    steps = np.cumsum(np.random.default_rng(seed).integers(-6, 7, (n, 2)), axis=0) % 400
    return (steps * 0.005).astype(np.float32)


def test_an_excerpt_of_one_lead_with_another_baseline_is_recognised() -> None:
    whole = noise_walk(0)
    mark = fingerprint(whole)
    assert len(mark.landmarks) > 20
    excerpt = fingerprint(whole[100_000:300_000, 1:] + np.float32(0.5))
    assert excerpt.sha256 != mark.sha256
    assert excerpt.matches(mark.sha256, mark.landmarks)


def test_other_recordings_are_not_recognised() -> None:
    marks = [fingerprint(noise_walk(seed)) for seed in range(4)]
    for i, one in enumerate(marks):
        assert [j for j, other in enumerate(marks) if one.matches(other.sha256, other.landmarks)] == [i]
    flat = fingerprint(np.zeros((100_000, 1), np.float32))
    assert not flat.landmarks


def test_interpolation_at_pace_one_is_cutting() -> None:
    x = np.arange(2000, dtype=np.float32)[None].repeat(2, axis=0)
    cut = interpolate(x, np.array([500.0, 700.5]), 100, np.array([1.0, 1.0]))
    assert np.allclose(cut[0, 0], np.arange(450, 550))
    assert np.allclose(cut[1, 1], np.arange(650.5, 750.5))
    fast = interpolate(x, np.array([500.0]), 100, np.array([2.0]))
    assert np.allclose(np.diff(fast[0, 0]), 2.0)


def test_noise_has_the_ratio_asked_for() -> None:
    generator = np.random.default_rng(0)
    config = AugmentConfig(noise_probability=1.0, noise_snr_db=(6.0, 6.0))
    noise = generator.normal(0, 1, (3, 50_000)).astype(np.float32)
    clean = np.sin(np.arange(20_000) / 20).astype(np.float32)[None, None]
    noisy = Augmenter(config, noise)(clean, generator)
    assert 10 * np.log10(clean.var() / (noisy - clean).var()) == pytest.approx(6.0, abs=0.2)


def test_rotated_leads_keep_their_common_power() -> None:
    x = np.random.default_rng(0).normal(0, [[[1.0], [3.0]]], (5, 2, 1000)).astype(np.float32)
    turned = rotate_leads(x, np.random.default_rng(1))
    unit = x / x.std(axis=-1, keepdims=True)
    assert np.allclose((turned**2).sum(axis=1), (unit**2).sum(axis=1), rtol=1e-2)


def test_augmentation_follows_its_seed() -> None:
    config = AugmentConfig(gain=0.3, mix_leads=0.5, drop_lead=0.5)
    x = np.random.default_rng(0).normal(0, 1, (8, 2, 500)).astype(np.float32)
    one, other, third = (Augmenter(config)(x, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, third)


def sinus(rr_s: float = 1.0, beats: int = 40, fs: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    position = (np.arange(beats) * rr_s * fs + 60).astype(np.int64)
    time = np.arange(int(beats * rr_s * fs) + 120)
    wave = sum(
        np.exp(-0.5 * ((time - p) / 2.0) ** 2) + 0.2 * np.exp(-0.5 * ((time - p + 19) / 3.0) ** 2) for p in position
    )
    return np.stack([wave, wave]).astype(np.float32), position


def test_premature_beats_come_early_with_their_qrs_in_place() -> None:
    strip, position = sinus()
    label = np.zeros(len(position), np.int64)
    made, moved, new = make_premature(strip, position, label, 120.0, np.random.default_rng(3))
    assert made.shape == strip.shape
    assert 0 < (new == 1).sum() < len(new)
    assert not label.any(), "the caller's labels are left alone"
    rr = np.diff(moved) / 120.0
    early = np.flatnonzero(new[1:] == 1)
    assert rr[early].max() < 0.95
    assert rr[early].min() > 0.35
    inside = moved[moved < strip.shape[1] - 3]
    peaks = [made[0, p - 2 : p + 3].max() for p in inside]
    assert min(peaks) > 0.85, "an R peak stands at every new position"


def test_an_early_p_wave_may_lie_on_the_t_wave_before() -> None:
    strip, position = sinus()
    label = np.zeros(len(position), np.int64)
    coupling = []
    for seed in range(40):
        _, moved, new = make_premature(strip, position, label, 120.0, np.random.default_rng(seed))
        coupling += list((np.diff(moved) / 120.0)[new[1:] == 1])
    # From the end of the T wave (0.36 s) to the P wave's start (0.24 s before R), nothing is left to shorten at 0.6 s.
    assert np.mean(np.array(coupling) < 0.6) > 0.2
    assert min(coupling) > 0.35


def test_where_premature_beats_are_the_rule_sinus_beats_come_late() -> None:
    strip, position = sinus(0.9, 80)
    label = np.zeros(len(position), np.int64)
    shares, longest = [], 0
    for seed in range(60):
        made, moved, new = make_mostly_premature(strip, position, label, 120.0, np.random.default_rng(seed))
        assert made.shape == strip.shape
        assert (np.diff(moved) > 0).all()
        inside = moved[moved < strip.shape[1] - 3]
        assert min(made[0, p - 2 : p + 3].max() for p in inside) > 0.7, "an R peak stands at every new position"
        premature = new == 1
        shares.append(premature.mean())
        if premature.any():
            rr = np.diff(moved) / 120.0
            late = rr[~premature[1:] & premature[:-1]]
            assert rr[premature[1:]].max() < 0.85
            assert late.min() >= 0.9 - 0.01
            edges = np.flatnonzero(np.diff(np.r_[0, premature, 0]))
            longest = max(longest, (edges[1::2] - edges[::2]).max())
    assert np.mean(np.array(shares) > 0.5) > 0.3, "in many strips most beats are premature"
    assert longest > 12


def test_what_is_put_together_has_no_steps() -> None:
    strip, position = sinus(0.8, 60)
    time = np.arange(strip.shape[1])
    # A late T wave, which does not end where the QT interval is expected to.
    strip = strip - sum(np.exp(-0.5 * ((time - p - 46) / 8.0) ** 2) for p in position).astype(np.float32)
    steepest = np.abs(np.diff(strip)).max()
    label = np.zeros(len(position), np.int64)
    for make in (make_premature, make_mostly_premature):
        for seed in range(20):
            made, *_ = make(strip, position, label, 120.0, np.random.default_rng(seed))
            # A P wave that is turned over, or lies on another wave, adds its own slope.
            assert np.abs(np.diff(made)).max() < 1.2 * steepest


def test_beats_beside_ventricular_ones_stay() -> None:
    strip, position = sinus()
    label = np.zeros(len(position), np.int64)
    label[5::8] = 2
    assert is_steady(position, label, 120.0)
    for seed in range(20):
        _, _, new = make_premature(strip, position, label, 120.0, np.random.default_rng(seed))
        assert (new[label == 2] == 2).all()
        beside = np.convolve(label == 2, [1, 1, 1], mode="same") > 0
        assert not (new[beside] == 1).any()


def test_only_steady_sinus_rhythm_is_changed() -> None:
    _, position = sinus()
    label = np.zeros(len(position), np.int64)
    assert is_steady(position, label, 120.0)
    irregular = position + np.random.default_rng(0).integers(-25, 25, len(position))
    assert not is_steady(irregular, label, 120.0)
    label[::2] = 2
    assert not is_steady(position, label, 120.0)
    label[:] = 0
    label[3] = 1
    assert not is_steady(position, label, 120.0)


def test_class_weights_have_mean_one_and_a_floor() -> None:
    labels = np.repeat([0, 1, 2, 4], [9000, 400, 900, 2])
    weights = class_weights(labels, 5, 0.5)
    assert weights[labels].mean() == pytest.approx(1.0)
    assert weights[1] / weights[0] == pytest.approx((9000 / 400) ** 0.5)
    assert weights[4] / weights[0] == pytest.approx((9000 / 100) ** 0.5)
    assert (class_weights(labels, 5, 0.0) == 1).all()


def _narrow_beats(n: int = 20, fs: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    """Two leads of Gaussian QRS of 30 ms, one a second."""
    position = (np.arange(n) * fs + fs).astype(np.int64)
    time = np.arange(round((n + 2) * fs))
    beat = np.exp(-0.5 * ((time[:, None] - position) / (0.015 * fs)) ** 2).sum(axis=1)
    return np.stack([beat, -0.5 * beat]).astype(np.float32), position


def _width_ms(beat: np.ndarray, fs: float) -> float:
    """Time that a beat spends above a tenth of its span."""
    return float((np.abs(beat) > 0.1 * np.abs(beat).max()).sum() / fs * 1000)


def test_aberrant_beats_are_wide_and_the_others_untouched():
    strip, position = _narrow_beats()
    widened = np.zeros(len(position), bool)
    widened[5:12] = True
    reach = slice(-12, 30)
    for seed in range(10):
        changed = make_aberrant(strip, position, widened, 120.0, np.random.default_rng(seed))
        assert changed.shape == strip.shape
        for at, wide in zip(position, widened, strict=True):
            here = slice(at + reach.start, at + reach.stop)
            if wide:
                before, after = (_width_ms(s[:, here].T @ [1.0, 0.3], 120.0) for s in (strip, changed))
                assert after > 1.2 * before
            else:
                np.testing.assert_array_equal(changed[:, here], strip[:, here])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4]), min_size=10, max_size=10))
def test_usual_waves_stand_only_where_they_do_not_decide(seed: int, others: list[int]) -> None:
    """Whatever the classes: the waves that decide a beat, beats of unknown class and all between the beats stay."""
    fs = 120.0
    rng = np.random.default_rng(seed)
    strip, position = _narrow_beats()
    strip = strip + rng.normal(0, 0.2, strip.shape).astype(np.float32)
    label = np.zeros(len(position), np.int64)
    label[5:15] = others
    changed = make_usual(strip, position, label, fs, rng) != strip
    for at, one in zip(position, label, strict=True):
        undecided = UNDECIDED.get("NSVFQ"[one] if one >= 0 else "", ())
        for name, (low, high) in WAVES_S.items():
            if name not in undecided:
                # A fade reaches no further than a sample that is rounded the other way.
                assert not changed[:, at + round(low * fs) + 1 : at + round(high * fs) - 1].any()
    between = np.ones(strip.shape[1], bool)
    for at in position:
        between[at + round(-0.28 * fs) : at + round(0.36 * fs)] = False
    assert not changed[:, between].any()
    assert changed.any()


def test_usual_waves_are_the_median_of_normal_beats() -> None:
    strip, position = _narrow_beats()
    strip[:, position[7] - 60 : position[7] + 60] *= 3
    label = np.zeros(len(position), np.int64)
    found = [make_usual(strip, position, label, 120.0, np.random.default_rng(seed)) for seed in range(20)]
    peak = np.array([one[0, position[7]] for one in found])
    assert set(np.round(peak, 2)) == {1.0, 3.0}
    few = make_usual(strip, position[:2], label[:2], 120.0, np.random.default_rng(0))
    np.testing.assert_array_equal(few, strip)


def test_runs_hold_only_the_allowed_classes_and_mostly_neighbours():
    label = np.zeros(80, np.int64)
    label[::7] = 2
    chosen = np.stack([choose_runs(label, (0, 1), np.random.default_rng(seed)) for seed in range(50)])
    assert not chosen[:, label == 2].any()
    assert 0.2 < chosen.mean() < 0.9
    both = (chosen[:, 1:] & chosen[:, :-1]).sum() / chosen.sum()
    assert both > 0.5, "block comes in runs"
    assert not choose_runs(np.empty(0, np.int64), (0, 1), np.random.default_rng(0)).any()
