"""Episode by episode: counts worked out by hand after the rules of EC57 and ``epicmp``."""

from __future__ import annotations

from models.metrics.ec57.episodes import EpisodeCounts, compare_episodes, episode_scores
from models.metrics.ec57.marks import Protocol
from tests.models.metrics.ec57.annotator import EVERYTHING, marks

AF, AFL, N = "(AFIB", "(AFL", "(N"


def rhythms(*given, n_samples=10_000):
    return marks(*((at, "+", note) for at, note in given), n_samples=n_samples)


def test_a_case_by_hand():
    truth = rhythms((0, N), (1000, AF), (3000, N), (5000, AF), (6000, N))
    test = rhythms((0, N), (2000, AF), (3500, N), (7000, AF), (7500, N))
    assert compare_episodes(truth, test, "AF", EVERYTHING) == EpisodeCounts(
        found=1, missed=1, right=1, wrong=1, reference_s=30.0, test_s=20.0, overlap_s=10.0
    )


def test_the_scores_of_that_case():
    counts = EpisodeCounts(found=1, missed=1, right=1, wrong=1, reference_s=30.0, test_s=20.0, overlap_s=10.0)
    assert episode_scores(counts) == {
        "episode_se": (1, 2),
        "episode_ppv": (1, 2),
        "duration_se": (10.0, 30.0),
        "duration_ppv": (10.0, 20.0),
    }


def test_several_episodes_of_the_test_find_one_of_the_reference_once():
    truth = rhythms((1000, AF), (5000, N))
    test = rhythms((500, AF), (1500, N), (2000, AF), (2500, N))
    assert compare_episodes(truth, test, "AF", EVERYTHING) == EpisodeCounts(1, 0, 2, 0, 40.0, 15.0, 10.0)


def test_an_episode_that_nothing_ends_lasts_to_the_end():
    truth = rhythms((2000, AF), n_samples=5000)
    assert compare_episodes(truth, truth, "AF", EVERYTHING) == EpisodeCounts(1, 0, 1, 0, 30.0, 30.0, 30.0)


def test_the_learning_period_cuts_an_episode_and_drops_earlier_ones():
    both = rhythms((100, AF), (500, N), (2000, AF), (6000, N))
    assert compare_episodes(both, both, "AF", Protocol(learning_s=30)) == EpisodeCounts(1, 0, 1, 0, 30.0, 30.0, 30.0)


def test_fibrillation_said_in_flutter_is_neither_right_nor_wrong():
    truth = rhythms((1000, AFL), (4000, N))
    inside = rhythms((1500, AF), (3500, N))
    assert compare_episodes(truth, inside, "AF", EVERYTHING) == EpisodeCounts()
    beyond = rhythms((1500, AF), (5000, N))
    assert compare_episodes(truth, beyond, "AF", EVERYTHING) == EpisodeCounts(0, 0, 0, 1, 0.0, 10.0, 0.0)
    around = rhythms((500, AF), (5000, N))
    assert compare_episodes(truth, around, "AF", EVERYTHING) == EpisodeCounts(0, 0, 0, 1, 0.0, 15.0, 0.0)


def test_ventricular_fibrillation():
    truth = marks((1000, "["), (1500, "!"), (2000, "]"), n_samples=5000)
    test = marks((1200, "["), (2200, "]"), n_samples=5000)
    assert compare_episodes(truth, test, "VF", EVERYTHING) == EpisodeCounts(1, 0, 1, 0, 10.0, 10.0, 8.0)


def test_without_episodes():
    nothing = marks((100, "N"))
    assert compare_episodes(nothing, nothing, "AF", EVERYTHING) == EpisodeCounts()
