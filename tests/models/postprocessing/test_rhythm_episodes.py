"""Episodes from the probabilities of single beats: they divide the recording, and are the likeliest way to do it."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.rhythms import RHYTHM_CLASSES, rhythm_changes, rhythm_of_beats
from models.metrics.rhythms import reference_episodes, time_counts, time_scores
from models.postprocessing.rhythm_episodes import (
    AF_CLASSES,
    CHANGE_COST,
    FEWEST_BEATS,
    LEAST_BEATS,
    LEAST_PROBABILITY,
    LEAST_SECONDS,
    LONGEST_RR_S,
    RhythmEpisode,
    af_burden,
    decode_rhythms,
    rhythm_at,
    stretches,
)

N, AFIB, AFL, SVTA, VT, B, T, P, OTHER = range(9)


def sure(*rhythms: int, of: float = 0.9) -> np.ndarray:
    """Probabilities of beats that are each quite sure of one rhythm."""
    prob = np.full((len(rhythms), 9), (1 - of) / 8)
    prob[np.arange(len(rhythms)), rhythms] = of
    return prob


def said(prob: np.ndarray, rr_s: float = 0.8, duration_s: float | None = None) -> list[tuple[str, int]]:
    """(rhythm, number of beats) of each episode of equally spaced beats."""
    time_s = (np.arange(len(prob)) + 0.5) * rr_s
    episodes = decode_rhythms(time_s, prob, RHYTHM_CLASSES, duration_s or len(prob) * rr_s)
    place = rhythm_at(episodes, time_s)
    return [(episode.label, int((place == number).sum())) for number, episode in enumerate(episodes)]


@st.composite
def recordings(draw):
    """Beats with some silences, any probabilities, and a recording that ends after them."""
    rr = draw(st.lists(st.one_of(st.floats(0.3, 2.5), st.floats(LONGEST_RR_S + 1, 40.0)), min_size=1, max_size=40))
    time_s = np.cumsum(rr)
    seed, sharpness = draw(st.integers(0, 10**6)), draw(st.sampled_from([0.1, 1.0, 10.0]))
    rng = np.random.default_rng(seed)
    # Neighbours alike, as a network says it, so that episodes of all lengths occur.
    runs = np.repeat(np.arange(len(rr)), rng.integers(1, 15, len(rr)))[: len(rr)]
    prob = rng.dirichlet(np.full(9, sharpness), len(rr))[runs]
    return time_s, prob, float(time_s[-1] + draw(st.floats(0.0, 30.0)))


@settings(deadline=None)
@given(recordings())
def test_episodes_divide_the_recording(recording):
    time_s, prob, duration_s = recording
    episodes = decode_rhythms(time_s, prob, RHYTHM_CLASSES, duration_s)
    for one, following in pairwise(episodes):
        assert one.end_s <= following.start_s
        if one.end_s == following.start_s:
            assert one.label != following.label, "an episode without a break is one episode"
            assert one.end_s not in time_s, "the boundary lies between beats"
        else:
            assert following.start_s - one.end_s > LONGEST_RR_S, "only lost signal interrupts"
    for episode in episodes:
        assert 0 <= episode.start_s < episode.end_s <= duration_s
        assert 0 <= episode.prob <= 1 + 1e-9
    known = sum(episode.duration_s for episode in episodes)
    parts = [edge_s for _, _, edge_s in stretches(time_s, duration_s)]
    assert known == pytest.approx(sum(edge_s[-1] - edge_s[0] for edge_s in parts))
    if np.diff(time_s, prepend=0, append=duration_s).max() <= LONGEST_RR_S and len(time_s) >= FEWEST_BEATS:
        assert known == pytest.approx(duration_s), "without lost signal nothing is left out"


@settings(deadline=None)
@given(recordings())
def test_no_episode_is_too_short_for_its_rhythm(recording):
    time_s, prob, duration_s = recording
    episodes = decode_rhythms(time_s, prob, RHYTHM_CLASSES, duration_s)
    whole = {(edge_s[0], edge_s[-1]) for _, _, edge_s in stretches(time_s, duration_s)}
    place = rhythm_at(episodes, time_s)
    for number, episode in enumerate(episodes):
        if (episode.start_s, episode.end_s) not in whole:
            assert episode.duration_s >= LEAST_SECONDS.get(episode.label, 0) - 1e-6
            assert (place == number).sum() >= LEAST_BEATS.get(episode.label, 1)


@settings(deadline=None)
@given(recordings(), st.floats(LONGEST_RR_S + 1, 1000))
def test_what_lies_apart_is_decoded_apart(recording, pause_s):
    """Two recordings with lost signal between them give the episodes of each: in pieces as in one."""
    time_s, prob, _ = recording
    end_s = float(time_s[-1])
    apart = decode_rhythms(time_s, prob, RHYTHM_CLASSES, end_s)
    shift = end_s + pause_s - time_s[0]
    both = decode_rhythms(
        np.concatenate([time_s, time_s + shift]), np.concatenate([prob, prob]), RHYTHM_CLASSES, end_s + shift
    )
    alone = decode_rhythms(time_s - time_s[0] + 100, prob, RHYTHM_CLASSES, end_s - time_s[0] + 100)
    assert both[: len(apart)] == apart
    assert [(one.label, one.duration_s) for one in both[len(apart) :]] == [
        (one.label, pytest.approx(one.duration_s)) for one in alone
    ]


@settings(deadline=None)
@given(
    rr_s=st.lists(st.sampled_from([0.5, 1.5, 4.0]), min_size=3, max_size=7),
    seed=st.integers(0, 10**6),
    rhythms=st.sampled_from([(N, AFIB, VT), (N, B, AFL), (VT, AFIB, OTHER)]),
)
def test_the_division_is_the_likeliest_of_all(rr_s, seed, rhythms):
    classes = [RHYTHM_CLASSES[one] for one in rhythms]
    prob = np.random.default_rng(seed).dirichlet(np.full(3, 0.2), len(rr_s))
    time_s = np.cumsum(rr_s)
    duration_s = float(time_s[-1] + 1)
    [(_, _, edge_s)] = stretches(time_s, duration_s)
    score = np.log(np.clip(prob, LEAST_PROBABILITY, 1))

    def worth(cuts: tuple[int, ...], names: tuple[int, ...]) -> float:
        bounds = [0, *cuts, len(rr_s)]
        total = -CHANGE_COST * len(cuts)
        for (first, stop), name in zip(pairwise(bounds), names, strict=True):
            seconds, beats = LEAST_SECONDS.get(classes[name], 0), LEAST_BEATS.get(classes[name], 1)
            if cuts and (edge_s[stop] - edge_s[first] < seconds or stop - first < beats):
                return -np.inf
            total += score[first:stop, name].sum()
        return total

    likeliest = max(
        worth(cuts, names)
        for number in range(len(rr_s))
        for cuts in combinations(range(1, len(rr_s)), number)
        for names in product(range(3), repeat=number + 1)
    )
    episodes = decode_rhythms(time_s, prob, classes, duration_s)
    cuts = tuple(int(np.flatnonzero(edge_s == one.start_s)[0]) for one in episodes[1:])
    assert worth(cuts, tuple(classes.index(one.label) for one in episodes)) == pytest.approx(likeliest)


@pytest.mark.parametrize(
    ("name", "prob", "expected"),
    [
        ("one odd beat is no change of rhythm", sure(*[N] * 20, VT, *[N] * 20, of=0.999), [("N", 41)]),
        ("a salvo of three is one", sure(*[N] * 20, *[VT] * 3, *[N] * 20, of=0.99), [("N", 20), ("VT", 3), ("N", 20)]),
        ("three beats that are not sure are none", sure(*[N] * 20, *[VT] * 3, *[N] * 20, of=0.6), [("N", 43)]),
        ("two couplets are no bigeminy", sure(*[N] * 20, *[B] * 4, *[N] * 20), [("N", 44)]),
        ("five seconds of irregular beats", sure(*[N] * 40, *[AFIB] * 6, *[N] * 40), [("N", 86)]),
        (
            "nine seconds are told as ten",
            sure(*[N] * 40, *[AFIB] * 11, *[N] * 40),
            [("N", 40), ("AFIB", 13), ("N", 38)],
        ),
        (
            "sixteen seconds in AF",
            sure(*[N] * 40, *[AFIB] * 20, *[N] * 40),
            [("N", 40), ("AFIB", 20), ("N", 40)],
        ),
        ("a strip of eight seconds, all of it in AF", sure(*[AFIB] * 10), [("AFIB", 10)]),
        ("many weak beats are strong together", sure(*[N] * 60, *[AFIB] * 60, of=0.3), [("N", 60), ("AFIB", 60)]),
    ],
)
def test_what_is_an_episode(name, prob, expected):
    assert said(prob) == expected, name


def test_the_probability_is_the_mean_of_the_beats():
    prob = np.concatenate([sure(*[N] * 30, of=0.8), sure(*[AFIB] * 30, of=0.9), sure(*[AFIB] * 30, of=0.7)])
    first, second = decode_rhythms(np.arange(90) * 0.8, prob, RHYTHM_CLASSES, 72.0)
    assert (first.label, first.prob) == ("N", pytest.approx(0.8))
    assert (second.label, second.prob) == ("AFIB", pytest.approx(0.8))


def test_lost_signal_interrupts_and_is_not_counted():
    time_s = np.concatenate([20 + np.arange(30.0), 100 + np.arange(30.0), [200.0], 300 + np.arange(30.0)])
    prob = sure(*[N] * 30, *[AFIB] * 30, N, *[AFIB] * 30)
    episodes = decode_rhythms(time_s, prob, RHYTHM_CLASSES, 400.0)
    assert [(one.label, one.start_s, one.end_s) for one in episodes] == [
        ("N", 20.0, 49.0),
        ("AFIB", 100.0, 129.0),
        ("AFIB", 300.0, 329.0),
    ]
    assert af_burden(episodes) == pytest.approx(2 / 3)
    assert rhythm_at(episodes, time_s).tolist() == [0] * 30 + [1] * 30 + [-1] + [2] * 30


@settings(deadline=None)
@given(recordings(), st.floats(0, 100), st.floats(0.6, 60))
def test_no_episode_reaches_across_a_long_gap_whatever_is_marked_in_it(recording, start_s, length_s):
    time_s, prob, duration_s = recording
    gap = (start_s, start_s + length_s)
    episodes = decode_rhythms(time_s, prob, RHYTHM_CLASSES, duration_s, [gap])
    if length_s <= LONGEST_RR_S:
        assert episodes == decode_rhythms(time_s, prob, RHYTHM_CLASSES, duration_s)
    around = [one for one in episodes if one.start_s < gap[0] - 0.1 and one.end_s > gap[1] + 0.1]
    beside = time_s[(time_s < gap[0]) | (time_s > gap[1])]
    if length_s > LONGEST_RR_S and len(beside) and beside[0] < gap[0] and beside[-1] > gap[1]:
        assert not around


def test_nothing_is_said_of_nothing():
    for n in range(FEWEST_BEATS):
        assert decode_rhythms(np.arange(n) * 1.0, sure(*[N] * n), RHYTHM_CLASSES, 5.0) == ()
    assert np.isnan(af_burden(()))
    assert rhythm_at((), np.arange(3.0)).tolist() == [-1] * 3


def test_flutter_counts_for_the_burden():
    episodes = [RhythmEpisode(0, 10, "AFIB", 1), RhythmEpisode(10, 25, "AFL", 1), RhythmEpisode(25, 100, "SVTA", 1)]
    assert af_burden(episodes) == 0.25


@pytest.fixture(scope="module")
def marks(data_root) -> dict[str, object]:
    """The annotations of all records of MIT-BIH."""
    import wfdb

    paths = sorted((data_root / "mitdb").glob("*.atr"))
    return {path.stem: wfdb.rdann(str(path.with_suffix("")), "atr") for path in paths}


@pytest.mark.data
def test_the_change_cost_is_that_of_the_databases(marks):
    changes = sum(len(rhythm_changes(one.sample, one.symbol, one.aux_note)[0]) for one in marks.values())
    beats = sum(int((aami_classes(np.asarray(one.symbol)) >= 0).sum()) for one in marks.values())
    assert beats / changes == pytest.approx(85, abs=1)
    assert np.log(85) < CHANGE_COST < np.log(168)


@pytest.mark.data
def test_what_the_rules_cost_on_real_rhythms(marks):
    counts, s_in_af = {}, 0
    for name, one in marks.items():
        label = aami_classes(np.asarray(one.symbol))
        peaks = one.sample[label >= 0]
        rhythm = rhythm_of_beats(one.sample, one.symbol, one.aux_note, peaks)
        s_in_af += int((np.isin(rhythm, AF_CLASSES) & (label[label >= 0] == AAMI_CLASSES.index("S"))).sum())
        prob = sure(*(RHYTHM_CLASSES.index(one) for one in rhythm), of=0.95)
        duration_s = 650_000 / 360
        counts[name] = time_counts(
            reference_episodes(one.sample, one.symbol, one.aux_note, 360.0, duration_s),
            decode_rhythms(peaks / 360, prob, RHYTHM_CLASSES, duration_s),
        )
    scores = time_scores(np.sum(list(counts.values()), axis=0))
    assert (scores["se"], scores["sp"]) == (pytest.approx(0.992, abs=5e-4), pytest.approx(0.998, abs=5e-4))
    assert s_in_af == 43, "of 12,868 beats in AF: the others are not called early there"
