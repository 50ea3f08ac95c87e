"""Prepared sets of beats, batches that mix them, and the network that names rhythms beside classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.checkpoints import load_checkpoint
from models.config import AugmentConfig, TrainConfig, load_config, make_config
from models.core.errors import ConfigError, ReadError
from models.data.augment import Augmenter, band_limited
from models.data.beat_sets import BeatSequences, BeatSet, load_sets, save_sequences, save_set
from models.data.beats import PreparedRecord
from models.data.fingerprint import Fingerprint
from models.data.mixed_strips import MixedStrips
from models.data.rhythms import RHYTHM_CLASSES
from models.data.strips import as_bits, training_strip
from models.evaluation.beats import classify
from models.networks.losses import set_loss
from models.networks.registry import create_model
from models.plugins import plugin_of
from models.tasks import StripTask
from models.training import run
from models.training.beat_run import shift_classes
from models.training.context import RunContext

TASK = StripTask(segment_seconds=20, margin_seconds=4)
N, S, V = 0, 1, 2
AFIB = 1 << RHYTHM_CLASSES.index("AFIB")


def a_record(name: str, seconds: float, leads: int, *, allowed: int | None = None, seed: int = 0) -> PreparedRecord:
    """A record with a spike at each R peak, twice as wide at V beats; every fifth beat is V where classes are known."""
    generator = np.random.default_rng(seed)
    n = round(seconds * 120)
    position = np.arange(60, n - 60, 96) + generator.integers(-2, 3, len(range(60, n - 60, 96)))
    label = np.where(np.arange(len(position)) % 5 == 4, V, N)
    signal = generator.normal(0, 0.02, (leads, n)).astype(np.float32)
    for at, kind in zip(position, label, strict=True):
        signal[:, at - 3 - 5 * (kind == V) : at + 4 + 5 * (kind == V)] += 1.0
    known = as_bits(label) if allowed is None else np.full(len(position), allowed)
    single = (known > 0) & (known & (known - 1) == 0)
    label = np.where(single, label if allowed is None else N, -1)
    rhythm = np.full(len(position), 1 if allowed is None else AFIB)
    return PreparedRecord(name, signal, position, label, np.zeros((len(position), 0)), 0, known, rhythm)


def sets_of() -> tuple[BeatSet, BeatSet, BeatSequences]:
    holter = tuple(a_record(f"h{seed}", 100, 2, seed=seed) for seed in range(4))
    short = tuple(a_record(f"s{seed}", 10, 12, allowed=1 | 1 << V, seed=seed) for seed in range(3))
    marks = tuple(Fingerprint(f"{i:064x}", frozenset({"00ff"})) for i in range(4))
    position = np.concatenate([np.cumsum(np.full(400, 70)), np.cumsum(np.full(300, 110))]).astype(np.int32)
    rhythm = np.concatenate([np.full(400, AFIB), np.full(300, 1)]).astype(np.uint16)
    return (
        BeatSet("holter", holter, ("",) * 4, marks, "ODC-By 1.0", "Somebody 2001."),
        BeatSet("short", short, ("train", "validation", "train"), marks[:3], "CC BY 4.0", "Somebody 2020."),
        BeatSequences("days", position, np.ones(700, np.uint8), rhythm, np.array([0, 400, 700]), "ODC-By 1.0", ""),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    holter, short, days = sets_of()
    save_set(tmp_path, holter, TASK)
    save_set(tmp_path, short, TASK)
    save_sequences(tmp_path, days, TASK)
    return tmp_path


def test_sets_come_back_as_they_were(folder: Path) -> None:
    sets, sequences = load_sets(folder, ("holter", "days", "short"), TASK)
    for found, wanted in zip((*sets, *sequences), sets_of(), strict=True):
        assert (found.name, found.licence, found.citation) == (wanted.name, wanted.licence, wanted.citation)
    for found, wanted in zip(sets[1].records, sets_of()[1].records, strict=True):
        for field in ("conditioned", "position", "label", "allowed", "rhythm"):
            assert np.array_equal(getattr(found, field), getattr(wanted, field))
    assert sets[0].marks == sets_of()[0].marks
    assert np.array_equal(sequences[0].position, sets_of()[2].position)


def test_a_set_for_another_task_and_a_set_that_is_none_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"holter\.npz was prepared for .*120.*; make it again"):
        load_sets(folder, ("holter",), TASK.model_copy(update={"fs_out": 100.0}))
    with pytest.raises(ReadError, match="is missing; python -m scripts"):
        load_sets(folder, ("nothing",), TASK)
    (folder / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ReadError, match="is no prepared set"):
        load_sets(folder, ("bad",), TASK)


def mixed(folder: Path, **changes: float) -> MixedStrips:
    sets, sequences = load_sets(folder, ("holter", "short", "days"), TASK)
    return MixedStrips(
        sets[0].records,
        [sets[1].records],
        sequences,
        task=TASK,
        batch_size=2,
        batches=12,
        augmenter=Augmenter(AugmentConfig(stretch=0.1, shift_ms=8, **changes)),
        balance=0.5,
        seed=3,
    )


def test_batches_mix_lengths_and_databases_and_follow_their_seed(folder: Path) -> None:
    data, again = mixed(folder), mixed(folder)
    lengths, partly_known = set(), 0
    for number in range(len(data)):
        batch, twin = data[number], again[number]
        assert torch.equal(batch.x, twin.x)
        assert torch.equal(batch.sequences.beats, twin.sequences.beats)
        lengths.add(batch.x.shape[-1])
        assert batch.x.shape[0] * batch.x.shape[-1] == pytest.approx(2 * TASK.length, rel=0.4)
        assert batch.allowed.shape == batch.rhythm.shape == batch.target.shape == batch.kwargs["beats"].shape
        # What is known singly is the target.
        single = batch.target >= 0
        assert torch.equal(batch.allowed[single], 2 ** batch.target[single])
        partly_known += int((batch.allowed == (1 | 1 << V)).any())
        assert (batch.rhythm[batch.allowed == (1 | 1 << V)] == AFIB).all()
        beats = batch.kwargs["beats"]
        assert (batch.allowed[beats < 0] == 0).all()
        assert torch.isfinite(batch.x).all()
    assert TASK.length in lengths
    assert min(lengths) < TASK.length / 3
    assert partly_known >= 2
    data.set_epoch(1)
    assert not torch.equal(data[0].sequences.beats, again[0].sequences.beats)


def test_a_training_strip_has_its_beats_on_their_waves() -> None:
    """Whatever the place, the pace and the length: a beat that is told of stands on the spike that was drawn."""
    generator = np.random.default_rng(0)
    record = a_record("h", 60, 2)
    augmenter = Augmenter(AugmentConfig(stretch=0.2))
    for _ in range(40):
        length = int(generator.integers(400, TASK.length + 1))
        place = (int(generator.integers(0, 5000)), length)
        strip = training_strip(record, TASK, augmenter, place, generator)
        assert strip.x.shape == (2, length)
        assert len(strip.beats) >= 2
        for at in strip.beats[(strip.beats > 30) & (strip.beats < length - 8)]:
            assert strip.x[0, at - 2 : at + 3].mean() > 0.7
            assert strip.x[0, at - 30 : at - 20].abs().mean() < 0.2


def test_no_recording_is_stretched_to_fill_a_longer_strip(folder: Path) -> None:
    """A strip of another database is as long as the recording at most: its heart keeps its rate."""
    data = mixed(folder)
    for number in range(len(data)):
        batch = data[number]
        partly = ((batch.allowed == (1 | 1 << V)) & (batch.kwargs["beats"] >= 0)).any(dim=1)
        for beats in batch.kwargs["beats"][partly]:
            rr = beats[beats >= 0].diff().double()
            assert not len(rr) or rr.mean() == pytest.approx(96, rel=0.15)


def test_recordings_shorter_than_the_strip_are_used_whole() -> None:
    record = a_record("s", 4, 1)
    place = (0, 480)
    strip = training_strip(record, TASK, Augmenter(AugmentConfig(stretch=0.3)), place, np.random.default_rng(1))
    assert strip.x.shape == (2, 480)
    assert not strip.x[1].any()
    assert len(strip.beats)


def test_the_set_loss_of_single_classes_is_the_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 4, generator=generator)
    target = torch.randint(0, 4, (50,), generator=generator)
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0])
    for smoothing in (0.0, 0.1):
        mine = set_loss(logits, 2**target, None, smoothing)
        torch.testing.assert_close(mine, functional.cross_entropy(logits, target, label_smoothing=smoothing))
    torch.testing.assert_close(set_loss(logits, 2**target, weight), functional.cross_entropy(logits, target, weight))


def test_the_set_loss_of_several_classes_asks_for_their_sum_only() -> None:
    logits = torch.tensor([[2.0, 1.0, -1.0], [5.0, 5.0, -20.0]], requires_grad=True)
    loss = set_loss(logits, torch.tensor([0b011, 0b011]))
    prob = torch.softmax(logits, -1)
    torch.testing.assert_close(loss, -torch.log(prob[:, :2].sum(-1)).mean())
    assert float(set_loss(logits[1:], torch.tensor([0b011])).detach()) == pytest.approx(0, abs=1e-6)
    # Nothing known, or everything allowed: nothing to learn, and a gradient all the same.
    nothing = set_loss(logits, torch.tensor([0, 0b111]))
    nothing.backward()
    assert float(nothing.detach()) == 0
    assert not logits.grad.any()


def test_a_network_names_rhythms_beside_classes_and_from_positions_alone() -> None:
    network = create_model("beat_strip", width=8, depth=1, rhythm_classes=RHYTHM_CLASSES, contrast=True).eval()
    beats = torch.tensor([[40, 140, 260, -1], [100, 180, 300, 420]])
    x = torch.randn(2, 2, 480)
    maps = network.forward_features(x)
    classes, rhythms = network.forward_both(maps, beats)
    assert classes.shape == (2, 4, 5)
    assert rhythms.shape == (2, 4, 9)
    torch.testing.assert_close(network(x, beats=beats), classes)
    # A beat that is only padding changes no other's answer.
    alone, rhythm_alone = network.forward_both(maps[:1], beats[:1, :3])
    torch.testing.assert_close(alone, classes[:1, :3])
    torch.testing.assert_close(rhythm_alone, rhythms[:1, :3])
    without, rhythm_without = network.forward_positions(beats)
    assert without.shape == classes.shape
    assert rhythm_without.shape == rhythms.shape
    shifted = network.forward_positions(beats + torch.where(beats >= 0, 7, 0))[1]
    torch.testing.assert_close(shifted[beats >= 0], rhythm_without[beats >= 0])


def test_classes_are_shifted_by_log_odds_after_calibration() -> None:
    network = create_model("beat_strip", width=8, depth=1).eval()
    x, beats = torch.randn(1, 2, 480), torch.tensor([[100, 200, 300]])
    before = torch.log_softmax(network(x, beats=beats) / 0.8, -1)
    shift_classes(network, (0.0, -1.0, 0.5, 0.0, 0.0), 0.8)
    moved = torch.log_softmax(network(x, beats=beats) / 0.8, -1) - before
    torch.testing.assert_close(moved[..., 1] - moved[..., 0], torch.full((1, 3), -1.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(moved[..., 2] - moved[..., 0], torch.full((1, 3), 0.5), atol=1e-4, rtol=0)
    with pytest.raises(ConfigError, match="takes 5 numbers"):
        load_config("beat_rhythm", ["prior_shift=[0,1]"])


def test_frequencies_are_taken_away_and_gaps_kept() -> None:
    time_s = np.arange(1200) / 120
    wave = (np.sin(2 * np.pi * 5 * time_s) + np.sin(2 * np.pi * 55 * time_s)).astype(np.float32)
    segments = np.stack([wave, wave])[None].repeat(8, axis=0)
    segments[0, 1, 300:400] = np.nan
    kept = band_limited(segments, np.random.default_rng(0))
    assert np.array_equal(np.isnan(kept), np.isnan(segments))
    spectrum = np.abs(np.fft.rfft(kept[1, 0]))
    assert spectrum[50] > 500
    assert spectrum[550] < 5


def a_config(folder: Path, **changes: Any) -> TrainConfig:
    """Of a small training on the sets, with one annotated record in four left out."""
    data = {"prepared": str(folder), "sets": ["holter", "short", "days"]}
    return make_config(
        {
            "name": "mixed",
            "task": TASK.model_dump(mode="json"),
            "network": {"architecture": "beat_strip", "arguments": {"width": 16, "depth": 1, "dropout": 0.0}},
            "augment": {"stretch": 0.1, "shift_ms": 8},
            "batch_size": 4,
            "batches_per_epoch": 25,
            "epochs": 2,
            "lr": 0.01,
            "schedule": "onecycle",
            "device": "cpu",
        }
        | changes
        | {"data": data | changes.get("data", {})}
    )


def test_a_student_of_prepared_sets_alone_is_as_sure_as_its_teacher(folder: Path, tmp_path: Path) -> None:
    few = {"batches_per_epoch": 2, "epochs": 1}
    teacher = run(a_config(folder, **few), RunContext(tmp_path / "teacher"))
    student = run(a_config(folder, **few, loss={"teachers": [str(teacher)]}), RunContext(tmp_path / "student"))
    calibration = load_checkpoint(student).card.calibration
    assert calibration["teachers"] == [teacher.name]
    assert calibration["temperature"] != 1


def test_prepared_sets_train_no_network_of_windows(folder: Path, tmp_path: Path) -> None:
    config = load_config("beat_smoke", [f"data.prepared={folder}", "data.sets=[holter]", "device=cpu"])
    with pytest.raises(ConfigError, match=r"data\.prepared.*holds strips"):
        plugin_of(config).check_data(config)
    with pytest.raises(ConfigError, match=r"data\.prepared.*holds strips"):
        run(config, RunContext(tmp_path))


def test_a_training_on_prepared_sets_leaves_records_out_and_names_rhythms(folder: Path, tmp_path: Path) -> None:
    made = run(a_config(folder, data={"folds": 4, "fold": 1}), RunContext(tmp_path / "run"))
    checkpoint = load_checkpoint(made)
    card = checkpoint.card
    assert card.rhythm_classes == RHYTHM_CLASSES
    assert [record.name for record in card.training_records] == ["h0", "h2", "h3", "s0", "s2"]
    assert card.licence == "ODC-By 1.0; CC BY 4.0"
    assert "3 recordings of holter, 2 recordings of short" in card.limits[0]
    assert "2 recordings of days" in card.limits[0]
    validation = card.metrics["validation"]
    assert list(validation["records"]) == ["h1"]
    assert validation["scores"]["V_f1"]["value"] > 0.9
    assert "prepared" not in card.config["data"]

    # What the training was told is what the analysis computes.
    record = a_record("h1", 100, 2, seed=1)
    logits = classify(
        checkpoint, lambda a, b: record.conditioned.T[a:b], 120.0, record.conditioned.shape[1], record.position
    )
    assert (logits.classes.argmax(axis=1) == record.label).mean() > 0.95
    assert logits.rhythms.shape == (len(record.position), len(RHYTHM_CLASSES))
