"""Sweeps of settings, and labels that are probably wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.__main__ import main
from models.config import load_config
from models.core.errors import ConfigError
from models.experiments.label_doubts import doubtful_labels
from models.experiments.sweep import MOST_RUNS, combinations, configurations
from models.plugins.results import Predictions


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
                       min_size=1, max_size=4))  # fmt: skip
def test_a_grid_holds_every_combination_once(values):
    found = combinations([f"{name}={','.join(map(str, one))}" for name, one in values.items()])
    assert len(found) == math.prod(map(len, values.values()))
    assert len({tuple(sorted(one.items())) for one in found}) == len(found)


@given(st.floats(1e-6, 1e-1), st.floats(1.01, 1e4), st.integers(1, 20), st.integers(0, 99))
def test_draws_lie_in_their_range_and_repeat_with_their_seed(low, factor, count, seed):
    text = [f"lr={low!r}..{low * factor!r}", "epochs=2..9", "batch_size=8,16"]
    found = combinations(text, count, seed)
    assert found == combinations(text, count, seed)
    for one in found:
        assert low * 0.99 <= float(one["lr"]) <= low * factor * 1.01
        assert 2 <= int(one["epochs"]) <= 9
        assert one["batch_size"] in {"8", "16"}


@pytest.mark.parametrize(
    ("texts", "count", "sentence"),
    [
        ([], 0, "changes nothing"),
        (["lr"], 0, "names no values"),
        (["lr=1..2"], 0, "has a range"),
        (["lr=2..1"], 3, "the lower first"),
        (["lr=a..b"], 3, "two numbers"),
        (["lr=nan..1"], 3, "two numbers"),
        (["lr=1,2"], MOST_RUNS + 1, "too many"),
        ([f"a={','.join(map(str, range(20)))}", f"b={','.join(map(str, range(20)))}"], 0, "makes 400 trainings"),
    ],
)
def test_what_is_no_sweep_is_refused(texts, count, sentence):
    with pytest.raises(ConfigError, match=sentence):
        combinations(texts, count)


def test_each_training_is_checked_before_one_begins(capsys):
    base = load_config("ct_smoke")
    found = configurations(base, combinations(["lr=1e-3,3e-4", "data.normal=[ok,good],[fine]"]))
    assert [config.lr for _, config in found] == [1e-3, 1e-3, 3e-4, 3e-4]
    assert [config.data.normal for _, config in found][:2] == [("ok", "good"), ("fine",)]
    assert found[0][0] == "ct-smoke lr=1e-3 normal=[ok,good]"
    for text in ("lr=5", "no_such=1", "data.no_such=1"):
        with pytest.raises(ConfigError):
            configurations(base, combinations([text]))
    assert main(["sweep", "ct_smoke", "--grid", "lr=1e-3,3e-4", "epochs=1,2", "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4


def predictions(rng: np.random.Generator, n: int, wrong: int, names: list[str]) -> Predictions:
    """A network that is right but for noise, on labels of which the first ``wrong`` are turned."""
    truth = rng.integers(0, 2, n)
    p = np.clip(np.where(truth, 0.85, 0.15) + rng.normal(0, 0.08, n), 0.01, 0.99)
    label = truth.copy()
    label[:wrong] = 1 - label[:wrong]
    return Predictions(prob=np.stack([1 - p, p], axis=1).astype(np.float32), truth=label, case=names,
                       group=np.array(names), classes=("normal", "defect"))  # fmt: skip


def test_wrong_labels_are_found():
    rng = np.random.default_rng(3)
    names = [f"{number}.png" for number in range(200)]
    found = doubtful_labels([predictions(rng, 200, 12, names)])
    assert found.cases == 200
    doubted = {one.case for one in found.found}
    assert doubted <= set(names[:12]), "no right label is doubted"
    assert len(doubted) >= 10
    assert all(one.label != one.likelier for one in found.found)


def test_runs_that_hold_out_other_cases_are_pooled():
    rng = np.random.default_rng(3)
    names = [f"{number}.png" for number in range(60)]
    whole = predictions(rng, 60, 4, names)

    def part(low: int, high: int) -> Predictions:
        return Predictions(prob=whole.prob[low:high], truth=whole.truth[low:high], case=whole.case[low:high],
                           group=whole.group[low:high], classes=whole.classes)  # fmt: skip

    split = doubtful_labels([part(0, 40), part(20, 60)])
    assert split.cases == 60
    assert [one.case for one in split.found] == [one.case for one in doubtful_labels([whole]).found]
    assert {one.networks for one in split.found} <= {1, 2}
    turned = part(0, 20)
    turned.truth[:] = 1 - turned.truth
    with pytest.raises(ConfigError, match="two labels"):
        doubtful_labels([part(0, 40), Predictions(prob=whole.prob, truth=1 - whole.truth, case=names,
                                                  group=whole.group, classes=whole.classes)])  # fmt: skip
    with pytest.raises(ConfigError, match="no predictions"):
        doubtful_labels([])


def test_a_class_without_cases_makes_no_doubt():
    sure = np.array([[0.4, 0.6], [0.9, 0.1]], np.float32)
    only = Predictions(prob=sure, truth=np.zeros(2, np.int64), case=["a", "b"], group=np.array(["a", "b"]),
                       classes=("normal", "defect"))  # fmt: skip
    assert doubtful_labels([only]).found == ()
