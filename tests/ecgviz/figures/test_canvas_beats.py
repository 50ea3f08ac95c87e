"""What the canvas is told of the beats is what the beats say."""

import numpy as np

from ecgviz.figures.beat_marks import colour_of
from ecgviz.figures.canvas_beats import CHANGED, DECIDED, NO_RR, beats_message
from ecgviz.figures.packed_arrays import pack, unpack
from ecgviz.results import Beats
from ecgviz.review import review_state
from ecgviz.review.events import Add, Confirm, Delete, Reject, Relabel
from readers.recording import Annotations


def _beats(n: int = 40, seed: int = 3) -> Beats:
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet(np.ones(5), n).astype(np.float32)
    sample = np.cumsum(rng.integers(150, 400, n))
    return Beats(sample, prob, tuple("NSVFQ"), 360.0, "x", ("MLII",), gaps=((sample[5] / 360 + 0.1, sample[6] / 360),))


def _read(beats: Beats, *taken: np.ndarray) -> tuple[dict, dict]:
    return unpack(pack(*beats_message(beats, *taken)))


def test_each_beat_has_its_place_class_probability_and_interval():
    beats = _beats()
    header, arrays = _read(beats)
    np.testing.assert_array_equal(np.cumsum(arrays["sample"]), beats.sample)
    assert not arrays["number"].any() and not (arrays["flags"] & (CHANGED | DECIDED)).any()
    assert [header["letters"][index] for index in arrays["letter"]] == list(beats.label)
    np.testing.assert_allclose(arrays["confidence"] / 100, beats.confidence, atol=0.0051)
    np.testing.assert_array_equal(arrays["flags"] & NO_RR > 0, np.isnan(beats.rr_before_ms))
    assert np.isnan(beats.rr_before_ms[6]), "else there is no gap to tell of"
    assert header["colours"] == [colour_of(letter) for letter in header["letters"]]


def test_a_review_shows_what_was_changed_taken_away_and_added():
    network = _beats()
    one, two, three, four = (int(sample) for sample in network.sample[[1, 2, 3, 4]])
    old = {int(sample): letter for sample, letter in zip(network.sample, network.label, strict=True)}
    new = "V" if old[one] != "V" else "S"
    events = (
        Relabel(revision=1, beats=(one,), old=old[one], new=new),
        Delete(revision=2, beats=(two,), old=old[two]),
        Reject(revision=3, beats=(three,), old=old[three]),
        Confirm(revision=4, beats=(four,), old=old[four]),
        Add(revision=5, sample=int(network.sample[-1]) + 300, new="N"),
    )
    state = review_state(network, events)
    header, arrays = _read(state.beats, state.deleted_s, state.rejected_s)
    sample = np.cumsum(arrays["sample"])
    number = (sample + arrays["number"]).tolist()
    assert number == state.beats.edits.number.tolist() and number[-1] == -5
    flags = dict(zip(number, arrays["flags"], strict=True))
    assert flags[one] & CHANGED and flags[-5] & CHANGED
    assert flags[four] & DECIDED and not flags[four] & CHANGED
    assert header["letters"][arrays["letter"][number.index(one)]] == new
    assert (arrays["deleted"].tolist(), arrays["rejected"].tolist()) == ([two], [three])


def test_annotated_beats_come_with_them_and_other_marks_do_not():
    marks = Annotations(np.array([10, 400, 700, 900]), np.array(["+", "N", "V", "~"]), np.array(["(N", "", "", ""]))
    header, arrays = unpack(pack(*beats_message(_beats(), annotations=marks)))
    assert np.cumsum(arrays["reference"]).tolist() == [400, 700]
    assert [header["letters"][index] for index in arrays["reference_letter"]] == ["N", "V"]
    assert "reference" not in _read(_beats())[1]


def test_a_day_of_beats_is_a_few_bytes_each_and_no_beats_are_none():
    packed = pack(*beats_message(_beats(100_000)), level=6)
    assert len(packed) < 480_000, "most of it is the noise of these probabilities"
    _, arrays = _read(_beats().take(slice(0, 0)))
    assert all(len(array) == 0 for array in arrays.values())
