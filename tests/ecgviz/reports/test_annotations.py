from dataclasses import replace

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgviz.analysis.bench import annotation_marks, beat_marks
from ecgviz.reports.annotations import wfdb_record_name, wfdb_record_names, write_annotations
from ecgviz.results import Beats
from models.core.errors import ConfigError, EcgvizError, ReadError
from models.data.rhythms import RHYTHM_CLASSES, rhythm_changes, rhythm_of_beats
from models.metrics.ec57.episodes import compare_episodes
from models.metrics.ec57.marks import Protocol
from models.metrics.rhythms import reference_episodes
from models.postprocessing.rhythm_episodes import RhythmEpisode, decode_rhythms
from readers.wfdb.annotation_file import open_annotations
from readers.wfdb.annotations import read_annotations


def beats(sample, fs: float = 360.0, checkpoint: str = "beat-strip", classes=tuple("NSVFQ")) -> Beats:
    sample = np.asarray(sample, np.int64)
    prob = np.full((len(sample), len(classes)), 0.05, np.float32)
    prob[np.arange(len(sample)), np.arange(len(sample)) % len(classes)] = 0.8
    return Beats(sample, prob, tuple(classes), fs, checkpoint, ("MLII",))


@pytest.mark.parametrize("fs", [128.0, 257.5, 360.0, 1000.0])
def test_wfdb_reads_back_what_was_written(tmp_path, fs):
    # Steps from one sample to hours: the format needs a skip beyond 1023 samples.
    sample = np.cumsum([0, 1, 300, 1023, 1024, 70_000, 5_000_000, 300])
    path = write_annotations(beats(sample, fs), tmp_path, "100")
    assert path == tmp_path / "100.atr"
    read = wfdb.rdann(str(tmp_path / "100"), "atr")
    np.testing.assert_array_equal(read.sample, sample)
    assert read.symbol == list("NSVFQNSV")
    assert read.fs == pytest.approx(fs)
    assert read.aux_note[0] == "ecgviz: beat-strip" and not any(read.aux_note[1:])


def with_rhythms(found: Beats, seed: int = 0, run: int = 30) -> Beats:
    """The beats with rhythms that change now and then."""
    rng = np.random.default_rng(seed)
    rhythm = np.repeat(rng.integers(0, 9, len(found)), run)[: len(found)]
    prob = np.full((len(found), 9), 0.001, np.float32)
    prob[np.arange(len(found)), rhythm] = 0.99
    episodes = decode_rhythms(found.time_s, prob, RHYTHM_CLASSES, found.sample[-1] / found.fs + 1)
    return replace(found, rhythm_prob=prob, rhythm_classes=RHYTHM_CLASSES, rhythms=episodes)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(seed=st.integers(0, 10**6), fs=st.sampled_from([100.0, 128.0, 360.0, 1000.0]), first=st.integers(0, 5000))
def test_rhythms_come_back_as_wfdb_writes_them(tmp_path, seed, fs, first):
    rng = np.random.default_rng(seed)
    rr_s = np.where(rng.random(200) < 0.02, rng.uniform(11, 30, 200), rng.uniform(0.25, 1.5, 200))
    found = with_rhythms(beats(np.cumsum([first, *np.rint(rr_s * fs).astype(int)]), fs), seed)
    path = write_annotations(found, tmp_path, "r")

    read = wfdb.rdann(str(path.with_suffix("")), "atr")
    mark, symbol = read.sample, np.array(read.symbol)
    assert (np.diff(mark) >= 0).all()
    assert mark[symbol != "+"].tolist() == found.sample.tolist()
    assert symbol[symbol != "+"].tolist() == found.label.tolist()
    begins, names = rhythm_changes(mark, symbol, read.aux_note)
    known = [(begin, name) for begin, name in zip(begins, names, strict=True) if name is not None]
    assert [name for _, name in known] == [episode.label for episode in found.rhythms]
    assert [begin for begin, _ in known] == pytest.approx([one.start_s * fs for one in found.rhythms], abs=1.5)
    told = rhythm_of_beats(mark, symbol, read.aux_note, found.sample)
    assert [name or "" for name in told] == found.rhythm.tolist()

    ours, warnings = read_annotations(path, fs, fs, int(found.sample[-1]) + 1)
    assert not warnings
    assert rhythm_changes(ours.sample, ours.symbol, ours.aux)[1] == names
    assert write_annotations(found, tmp_path, "r") == path, "a file of ours may be replaced"


def test_a_rhythm_note_is_what_the_databases_write(tmp_path):
    found = with_rhythms(beats(np.arange(1, 41) * 300), 3, run=40)
    found = replace(found, rhythms=(replace(found.rhythms[0], label="AFIB"),))
    read = wfdb.rdann(str(write_annotations(found, tmp_path, "r").with_suffix("")), "atr")
    assert (read.symbol[0], read.aux_note[0], read.aux_note[1]) == ("+", "(AFIB", "ecgviz: beat-strip")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("208", "208"),
        ("Müller, Jörg (Holter)", "Muller_Jorg_Holter"),
        ("../../etc/passwd", "etc_passwd"),
        ("日本", "record"),
        ("", "record"),
        ("a.b c", "a_b_c"),
    ],
)
def test_names_become_what_wfdb_allows(tmp_path, name, safe):
    assert wfdb_record_name(name) == safe
    path = write_annotations(beats([100, 400]), tmp_path, name)
    assert path == tmp_path / f"{safe}.atr"
    assert len(wfdb.rdann(str(tmp_path / safe), "atr")) if hasattr(wfdb.Annotation, "__len__") else True


@given(st.lists(st.text(max_size=80), unique=True, max_size=8))
def test_names_that_would_be_one_stay_apart(names):
    found = wfdb_record_names(names)
    assert len({one.lower() for one in found}) == len(names)
    assert all(one == wfdb_record_name(one) for one in found)
    assert wfdb_record_names(["홀터 1", "a"]) == ["1", "a"], "one that is alone keeps its name"


def test_another_extension_and_a_strange_checkpoint_name(tmp_path):
    path = write_annotations(beats([100, 400], checkpoint="netz-ü\x00" + "x" * 400), tmp_path, "r", extension="ecgviz")
    note = wfdb.rdann(str(path.with_suffix("")), "ecgviz").aux_note[0]
    assert note.startswith("ecgviz: netz-__xx") and len(note) < 255


def test_ours_is_replaced_and_a_reference_is_not(tmp_path):
    write_annotations(beats([100, 400]), tmp_path, "r")
    write_annotations(beats([100, 400, 900]), tmp_path, "r")
    assert len(wfdb.rdann(str(tmp_path / "r"), "atr").sample) == 3
    wfdb.wrann("ref", "atr", np.array([10, 20]), symbol=["N", "N"], fs=360, write_dir=str(tmp_path))
    before = (tmp_path / "ref.atr").read_bytes()
    with pytest.raises(ReadError, match=r"ref\.atr.*another folder"):
        write_annotations(beats([100, 400]), tmp_path, "ref")
    assert (tmp_path / "ref.atr").read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["r.atr", "ref.atr"], "nothing half-done stays"


@pytest.mark.parametrize("extension", ["", "../x", "a b", "dat", "hea", "1a"])
def test_an_extension_that_wfdb_does_not_allow_is_refused(tmp_path, extension):
    with pytest.raises(ConfigError, match="extension"):
        write_annotations(beats([1]), tmp_path, "r", extension=extension)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("episodes", [(), (RhythmEpisode(0.0, 2.0, "N", 1.0), RhythmEpisode(9.5, 10.0, "AFIB", 1.0))])
@pytest.mark.parametrize("samples", [[], [0], [700]])
def test_no_beats_and_rhythms_behind_the_last_one_are_written(tmp_path, samples, episodes):
    found = replace(beats(samples), rhythms=episodes)
    path = write_annotations(found, tmp_path, "r")
    read = wfdb.rdann(str(path.with_suffix("")), "atr")
    symbol = np.array(read.symbol)
    assert read.sample[np.isin(symbol, list("NSVFQ"))].tolist() == samples
    assert rhythm_changes(read.sample, symbol, read.aux_note)[1] == [one.label for one in episodes]
    assert len(open_annotations(path).annotations) == max(len(samples), 1) + len(episodes)
    assert write_annotations(found, tmp_path, "r") == path, "a file of ours may be replaced"


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_an_episode_that_was_taken_away_goes_to_no_other_rhythm(tmp_path, taken):
    """A note holds until the next one; files, page and readers tell the same of every beat and of the time in AF."""
    labels = ("AFIB", "T", "N")
    episodes = tuple(RhythmEpisode(10.0 * place, 10.0 * place + 10, label, 1.0) for place, label in enumerate(labels))
    found = replace(beats(np.arange(30, 10_800, 270)), rhythms=tuple(np.delete(np.array(episodes, object), taken)))
    read = wfdb.rdann(str(write_annotations(found, tmp_path, "r").with_suffix("")), "atr")
    told = rhythm_of_beats(read.sample, read.symbol, read.aux_note, found.sample)
    assert [one or "" for one in told] == found.rhythm.tolist()
    assert (found.rhythm == "").any()
    af = [one.duration_s for one in reference_episodes(read.sample, read.symbol, read.aux_note, 360.0, 30.0)
          if one.label == "AFIB"]  # fmt: skip
    assert af == ([] if taken == 0 else [pytest.approx(10, abs=0.8)])
    counts = compare_episodes(annotation_marks(open_annotations(tmp_path / "r.atr").annotations, 360.0, 10_800),
                              beat_marks(found, 10_800), "AF", Protocol(learning_s=0))  # fmt: skip
    assert counts.reference_s == counts.test_s == counts.overlap_s == pytest.approx(sum(af), abs=0.01)


def test_foreign_classes_are_refused(tmp_path):
    with pytest.raises(EcgvizError, match="NORM"):
        write_annotations(beats([5, 9], classes=("NORM", "MI")), tmp_path, "r")
