"""From samples to network input: conditioning, windows, strips, leads, RR ratios."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.core.errors import ConfigError
from models.core.gaps import find_gaps, within_gap
from models.data.beats import WindowDataset, prepare_record
from models.data.mitdb import BeatRecord
from models.data.strips import StripDataset
from models.tasks import BeatTask, StripTask, create_task
from models.tasks.beat import rr_ratios
from models.tasks.conditioning import Conditioner
from models.tasks.leads import choose_leads

TASKS = [BeatTask(fs_out=120, segment_seconds=3, rr=True), BeatTask(), StripTask(segment_seconds=20, margin_seconds=4)]


def a_record(seconds: float = 100.0, fs: float = 360.0, leads: int = 2, seed: int = 0) -> BeatRecord:
    generator = np.random.default_rng(seed)
    n = round(seconds * fs)
    signal = np.cumsum(generator.normal(0, 0.02, (n, leads)), axis=0).astype(np.float32)
    sample = np.sort(generator.choice(n, round(seconds * 1.2), replace=False)).astype(np.int64)
    return BeatRecord("made", fs, ("MLII", "V1")[:leads], signal, sample, generator.integers(0, 5, len(sample)))


def reader(signal: np.ndarray, columns: tuple[int, ...]):
    return lambda start, stop: signal[start:stop, columns]


@pytest.mark.parametrize("fs", [128.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("fs_out", [120.0, 360.0])
def test_a_sine_keeps_its_time_and_height(fs: float, fs_out: float) -> None:
    time_s = np.arange(round(20 * fs)) / fs
    x = np.sin(2 * np.pi * 7 * time_s).astype(np.float32)[:, None]
    conditioner = Conditioner(fs, fs_out)
    y = conditioner.condition(lambda a, b: x[a:b], len(x), 0, conditioner.n_out(len(x)))[0]
    expected = np.sin(2 * np.pi * 7 * np.arange(len(y)) / fs_out)
    inner = slice(round(2 * fs_out), -round(2 * fs_out))
    assert np.abs(y - expected)[inner].max() < 0.01


@pytest.mark.parametrize("fs", [249.89, 256.0, 499.995, 976.5625, 999.9973, 2999.0])
def test_an_odd_frequency_does_not_drift(fs: float) -> None:
    """An impulse stands where its sample number says, after a day too."""
    n = round(24 * 3600 * fs)
    impulse = n - round(20 * fs)
    conditioner = Conditioner(fs, 120.0)

    def read(start: int, stop: int) -> np.ndarray:
        return (np.abs(np.arange(start, stop) - impulse) < fs / 100).astype(np.float32)[:, None]

    position = int(conditioner.position(impulse))
    found = conditioner.condition(read, n, position - 600, position + 600)[0].argmax() - 600
    assert abs(found) <= 1
    assert conditioner.time_s(position) == pytest.approx(impulse / fs, abs=0.5 / 120 + 1e-6)


def test_the_baseline_is_taken_away() -> None:
    x = np.full((3600, 1), 1.7, np.float32)
    conditioner = Conditioner(360, 120)
    [found] = conditioner.condition(lambda a, b: x[a:b], 3600, -50, 1300)
    assert np.abs(found[50:1250]).max() < 1e-5
    assert np.isnan(found[:50]).all()
    assert np.isnan(found[1250:]).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 400), (-300, 10), (1000, 2500), (-500, -100), (11000, 12300)])
def test_a_range_has_the_same_bits_as_the_whole(start: int, stop: int) -> None:
    record = a_record()
    conditioner = Conditioner(360, 120)
    read = reader(record.signal_mV, (0, 1))
    whole = conditioner.condition(read, record.n_samples, -600, 12600)
    part = conditioner.condition(read, record.n_samples, start, stop)
    assert np.array_equal(part, whole[:, start + 600 : stop + 600], equal_nan=True)


def test_a_gap_is_no_signal_and_moves_nothing_beyond_its_baseline() -> None:
    time_s = np.arange(3600) / 360
    x = np.sin(2 * np.pi * 7 * time_s).astype(np.float32)[:, None]
    broken = x.copy()
    broken[1000:1400] = np.nan
    conditioner = Conditioner(360, 120)
    whole, gappy = (conditioner.condition(lambda a, b, s=s: s[a:b], 3600, 0, 1200)[0] for s in (x, broken))
    missing = np.isnan(gappy)
    assert np.array_equal(np.flatnonzero(missing), np.arange(334, 467))
    np.testing.assert_allclose(gappy[~missing], whole[~missing], atol=0.1)  # the anti-alias filter's reach
    far = np.abs(np.arange(1200) - 400) > 67 + 120 + 10
    assert np.array_equal(gappy[far], whole[far])
    nothing = np.full_like(x, np.nan)
    assert np.isnan(conditioner.condition(lambda a, b: nothing[a:b], 3600, 0, 1200)).all()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}{task.fs_out:g}")
def test_training_and_analysis_prepare_the_same_bits(task) -> None:
    record = a_record()
    choice = task.choose_leads(record.leads)
    read = reader(record.signal_mV, choice.indices)
    prepared = prepare_record(record, task)
    dataset = StripDataset([prepared], task, 4) if task.kind == "strip" else WindowDataset([prepared], task, 16)
    trained = [dataset[number] for number in range(len(dataset))]
    size = 4 if task.kind == "strip" else 16
    analysed = list(task.batches(read, record.fs, record.n_samples, record.sample, batch_size=size))
    assert torch.equal(torch.cat([b.x for b in trained]), torch.cat([b.x for b in analysed]))
    for ours, theirs in zip(trained, analysed, strict=True):
        assert all(torch.equal(ours.kwargs[name], theirs.kwargs[name]) for name in theirs.kwargs)
    labels = np.concatenate([b.target.numpy()[b.target.numpy() >= 0] for b in trained])
    order = np.concatenate([b.beat[b.beat >= 0] for b in analysed])
    assert np.array_equal(labels, record.label[order])


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}{task.fs_out:g}")
def test_one_beat_has_the_bits_of_its_batch(task) -> None:
    record = a_record()
    read = reader(record.signal_mV, task.choose_leads(record.leads).indices)
    for index in (0, 57, len(record.sample) - 1):
        one = task.inputs_for_beat(read, record.fs, record.n_samples, record.sample, index)
        for batch in task.batches(read, record.fs, record.n_samples, record.sample):
            where = np.argwhere(batch.beat == index)
            if len(where):
                row = where[0][0]
                assert torch.equal(one.x[0], batch.x[row])
                assert one.start_s[0] == batch.start_s[row]
                assert (one.beat == index).sum() == 1


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}{task.fs_out:g}")
def test_every_beat_is_answered_once(task) -> None:
    record = a_record(seconds=700.0)
    read = reader(record.signal_mV, task.choose_leads(record.leads).indices)
    answered = np.concatenate(
        [batch.beat[batch.beat >= 0] for batch in task.batches(read, record.fs, record.n_samples, record.sample)]
    )
    assert np.array_equal(answered, np.arange(len(record.sample)))


GAPS = st.lists(st.tuples(st.floats(0, 150), st.floats(0.05, 20)), min_size=1, max_size=4)


def _with_gaps(gaps, seconds: float = 160.0):
    """Signal of the task's leads, and R peaks, with (start, length) in s missing."""
    record = a_record(seconds=seconds)
    signal = record.signal_mV[:, list(TASKS[-1].choose_leads(record.leads).indices)].copy()
    for start, length in gaps:
        signal[round(start * record.fs) : round((start + length) * record.fs)] = np.nan
    return signal, record


@settings(max_examples=40, deadline=None)
@given(gaps=GAPS)
def test_every_beat_is_answered_once_whatever_is_missing(gaps) -> None:
    signal, record = _with_gaps(gaps)
    batches = list(TASKS[-1].batches(lambda a, b: signal[a:b], record.fs, len(signal), record.sample, batch_size=3))
    answered = np.concatenate([batch.beat[batch.beat >= 0] for batch in batches])
    assert np.array_equal(np.sort(answered), np.arange(len(record.sample)))
    assert all((batch.kwargs["beats"].numpy() < batch.x.shape[-1]).all() for batch in batches)
    one = TASKS[-1].inputs_for_beat(lambda a, b: signal[a:b], record.fs, len(signal), record.sample, 40)
    assert (one.beat == 40).sum() == 1


@settings(max_examples=40, deadline=None)
@given(start=st.floats(20, 130), length=st.floats(1, 25))
def test_beats_on_two_sides_of_a_gap_are_no_neighbours(start, length) -> None:
    """A beat before missing signal and one behind it are never in one strip: the time between is no RR interval."""
    signal, record = _with_gaps([(start, length)])
    place_s = record.sample / record.fs
    for batch in TASKS[-1].batches(lambda a, b: signal[a:b], record.fs, len(signal), record.sample, batch_size=3):
        for beats in batch.beat:
            inside_s = place_s[beats[beats >= 0]]
            assert not ((inside_s < start).any() and (inside_s > start + length).any())


@settings(max_examples=40, deadline=None)
@given(gaps=GAPS)
def test_a_strip_holds_no_long_stretch_without_signal(gaps) -> None:
    """Neither between its beats nor at its ends: zeros there would be a pause to the network."""
    signal, record = _with_gaps(gaps)
    task = TASKS[-1]
    for batch in task.batches(lambda a, b: signal[a:b], record.fs, len(signal), record.sample, batch_size=1):
        silent = (batch.x[0] == 0).all(dim=0).numpy()
        begins, ends = (np.flatnonzero(np.diff(np.pad(silent.astype(np.int8), 1)) == step) for step in (1, -1))
        short_or_empty = len(silent) <= 0.5 * task.fs_out or silent.all()
        assert short_or_empty or ((ends - begins) < 0.6 * task.fs_out).all()


@settings(max_examples=20, deadline=None)
@given(gaps=GAPS, task=st.sampled_from([TASKS[0], TASKS[-1]]), level=st.sampled_from([0.0, -5.0, 300.0]))
def test_what_a_lead_shows_while_it_is_off_does_not_matter(gaps, task, level) -> None:
    """A line at some voltage in a known gap is read as if nothing were there, by batches and for a single beat."""
    signal, record = _with_gaps(gaps)
    signal = signal[:, : task.in_channel]
    known = find_gaps(signal, record.fs)
    off = np.where(within(known, len(signal), record.fs)[:, None], np.float32(level), signal)
    read, read_off = (lambda a, b, s=s: s[a:b] for s in (signal, off))
    args = record.fs, len(signal), record.sample
    for one, other in zip(
        task.batches(read, *args, gaps=known), task.batches(read_off, *args, gaps=known), strict=True
    ):
        assert torch.equal(one.x, other.x)
        assert all(torch.equal(one.kwargs[name], other.kwargs[name]) for name in one.kwargs)
    for index in (0, 40, len(record.sample) - 1):
        alone = task.inputs_for_beat(read_off, *args, index, known)
        for batch in task.batches(read_off, *args, batch_size=1, gaps=known):
            if (batch.beat == index).any():
                # A gap is bridged for the filters by what is read on both its sides, which is less for a single window.
                torch.testing.assert_close(alone.x, batch.x, atol=0.02, rtol=0)
                assert all(torch.equal(alone.kwargs[name], batch.kwargs[name]) for name in alone.kwargs)


def within(gaps, n: int, fs: float) -> np.ndarray:
    inside = np.zeros(n, bool)
    for start, end in gaps:
        inside[round(start * fs) : round(end * fs)] = True
    return inside


@settings(max_examples=20, deadline=None)
@given(start=st.floats(20, 130), length=st.floats(1, 25))
def test_beats_marked_in_missing_signal_move_no_others(start, length) -> None:
    signal, record = _with_gaps([(start, length)])
    marked = within_gap(record.sample / record.fs, [(start, start + length)])
    task, read = TASKS[-1], lambda a, b: signal[a:b]
    assume(marked.any())  # a gap of 2 s may lie between two beats: their QRS reach into it
    seen: list[dict] = []
    for peaks in (record.sample, record.sample[~marked]):
        place = {}
        for batch in task.batches(read, record.fs, len(signal), peaks, batch_size=1):
            for slot in np.flatnonzero(batch.beat[0] >= 0):
                place[int(peaks[batch.beat[0, slot]])] = batch.kwargs["beats"][0], batch.x[0]
        seen.append(place)
    whole, without = seen
    for sample, (beats, x) in without.items():
        if start <= sample / record.fs <= start + length:
            continue  # at the edge, where a QRS can be seen in part
        assert torch.equal(whole[sample][0], beats)
        assert torch.equal(whole[sample][1], x)


@pytest.mark.parametrize("task", [TASKS[0], TASKS[-1]], ids=["window", "strip"])
@pytest.mark.parametrize("level", [np.nan, 4.0])
def test_training_and_analysis_know_the_same_gaps(task, level) -> None:
    record = a_record(seconds=120.0)
    record.signal_mV[round(50 * record.fs) : round(58 * record.fs)] = level
    leads = task.choose_leads(record.leads).indices
    gaps = find_gaps(record.signal_mV[:, leads], record.fs)
    assert gaps == (pytest.approx((50.0, 58.0), abs=0.01),)
    prepared = prepare_record(record, task)
    missing = within(gaps, record.n_samples, record.fs)
    assert np.isnan(prepared.conditioned).all(axis=0).sum() >= missing.sum() * task.fs_out / record.fs - 2
    np.testing.assert_array_equal(prepared.rr, rr_ratios(record.sample / record.fs, gaps))


@given(st.lists(st.sampled_from([0.4, 0.8, 1.3]), min_size=2, max_size=60), st.data())
def test_rr_ratios_on_each_side_of_a_gap_are_those_of_a_recording_of_its_own(steps, data) -> None:
    times = np.cumsum(steps)
    cut = data.draw(st.integers(1, len(times) - 1))
    apart = np.concatenate([times[:cut], times[cut:] + data.draw(st.floats(0.6, 4000))])
    gap = (times[cut - 1] + 0.1, apart[cut] - 0.1)
    both = rr_ratios(apart, [gap])
    np.testing.assert_array_equal(both[:cut], rr_ratios(times[:cut]))
    np.testing.assert_array_equal(both[cut:], rr_ratios(apart[cut:]))
    np.testing.assert_array_equal(rr_ratios(times, [(-5.0, -2.0), (1e6, 2e6)]), rr_ratios(times))


def test_a_window_is_centred_on_its_r_peak() -> None:
    signal = np.zeros((3600, 1), np.float32)
    signal[1800] = 1.0
    task = BeatTask(fs_out=360, segment_seconds=1)
    inputs = task.inputs_for_beat(reader(signal, (0,)), 360.0, 3600, np.array([1800]), 0)
    assert int(inputs.x[0, 0].argmax()) == task.length // 2
    assert inputs.start_s[0] + task.length // 2 / 360 == pytest.approx(5.0)


def test_unknown_gain_does_not_change_the_input() -> None:
    record = a_record()
    for task in TASKS:
        one, other = (
            next(iter(task.batches(reader(s, task.choose_leads(record.leads).indices), 360.0, len(s), record.sample))).x
            for s in (record.signal_mV, record.signal_mV * 200)
        )
        torch.testing.assert_close(one, other, atol=2e-3, rtol=1e-3)


def test_no_beats_and_one_beat() -> None:
    record = a_record(seconds=4)
    for task in TASKS:
        read = reader(record.signal_mV, task.choose_leads(record.leads).indices)
        assert list(task.batches(read, 360.0, record.n_samples, np.empty(0, np.int64))) == []
        [batch] = task.batches(read, 360.0, record.n_samples, np.array([5]))
        assert torch.isfinite(batch.x).all()
        assert (batch.beat == 0).sum() == 1


def test_rr_ratios_of_a_premature_beat() -> None:
    times = np.cumsum([0, 0.8, 0.8, 0.8, 0.8, 0.5, 1.1, 0.8, 0.8, 0.8])
    ratios = rr_ratios(times)
    assert ratios.shape == (10, 8)
    assert ratios[5, 0] == pytest.approx(np.log(0.5 / 0.8), abs=1e-5)
    assert ratios[5, 2] == pytest.approx(np.log(0.5 / 1.1), abs=1e-5)
    assert rr_ratios(np.array([1.0])).tolist() == [[0.0] * 8]


@pytest.mark.parametrize(
    ("available", "trained_on", "wanted", "expected", "warned"),
    [
        (("MLII", "V1"), ("MLII", "*"), None, ("MLII", "V1"), False),
        (("V5", "MLII"), ("MLII", "*"), None, ("MLII", "V5"), False),
        (("I", "II", "III"), ("MLII",), None, ("II",), False),
        (("ECG1", "ECG2"), ("MLII", "*"), None, ("ECG1", "ECG2"), True),
        (("ECG1", "ECG2"), ("MLII", "*"), "ecg2", ("ECG2", "ECG1"), True),
        (("V5",), ("MLII", "*"), None, ("V5",), True),
        (("V1", "MLIII"), ("MLII", "*"), None, ("MLIII", "V1"), True),
        (("FP1-F7", "C3-A2", "ECG"), ("MLII", "*"), None, ("ECG", "FP1-F7"), True),
        (("chan 1", "EKG left", "V5"), ("MLII",), None, ("V5",), True),
        (("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2"), ("MLII", "*"), None, ("II", "V1"), False),
    ],
)
def test_leads_are_chosen_by_name(available, trained_on, wanted, expected, warned) -> None:
    choice = choose_leads(available, trained_on, wanted)
    assert choice.names == expected
    assert (choice.warning is not None) == warned


def test_a_lead_without_signal_is_chosen_last() -> None:
    assert choose_leads(("ECG1", "ECG2"), ("MLII", "*"), None, ("ECG1",)).names == ("ECG2",)
    choice = choose_leads(("MLII", "V1", "V5"), ("MLII", "*"), None, ("MLII",))
    assert choice.names == ("V5", "V1")
    assert "MLII, which has no signal here; this analysis reads V5" in choice.warning
    assert choose_leads(("MLII", "V1"), ("MLII", "*"), None, ("MLII", "V1")).names == ("MLII", "V1")
    assert choose_leads(("MLII", "V1"), ("MLII", "*"), "MLII", ("MLII",)).names == ("MLII", "V1")


def test_leads_that_were_trained_on_too_come_without_a_warning() -> None:
    assert choose_leads(("I",), ("MLII", "*"), further=("i", "ECG")).warning is None
    assert choose_leads(("CM5",), ("MLII", "*"), further=("i", "ECG")).warning is not None


def test_a_lead_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"no lead V9; the recording has MLII, V1"):
        choose_leads(("MLII", "V1"), ("MLII",), "V9")


def test_tasks_come_back_from_their_parameters() -> None:
    for task in TASKS:
        assert create_task(task.model_dump(mode="json")) == task
