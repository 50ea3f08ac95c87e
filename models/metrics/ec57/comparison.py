"""All EC57 comparisons of one or more recordings, with gross and average lines, and their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.metrics.ec57.beat_by_beat import ROWS, BeatCounts, beat_scores, compare_beats
from models.metrics.ec57.episodes import EpisodeCounts, compare_episodes, episode_scores
from models.metrics.ec57.marks import Marks, Protocol
from models.metrics.ec57.run_by_run import RunCounts, compare_runs, run_scores
from models.metrics.resampling import known

RUNS, EPISODES = ("V", "S"), ("AF", "VF")
Scores = dict[str, tuple[float, float]]
CELLS = tuple(f"{row}{column.lower()}" for row in ROWS for column in ROWS if not (row in "OX" and column in "OX"))
"""Cells of the matrix of beats by the names that WFDB gives them: Nv is a reference N called V."""
_WORDS = {
    "qrs": "QRS complexes", "veb": "VEB", "sveb": "SVEB", "v_couplet": "V couplets", "v_short_run": "V runs of 3 to 5",
    "v_long_run": "V runs of 6 and more", "s_couplet": "S couplets", "s_short_run": "S runs of 3 to 5",
    "s_long_run": "S runs of 6 and more", "af_episode": "AF episodes", "af_duration": "AF duration",
    "vf_episode": "VF episodes", "vf_duration": "VF duration",
}  # fmt: skip
METRICS = {"se": "Se", "ppv": "+P", "fpr": "FPR"}


@dataclass(frozen=True)
class Comparison:
    """All comparisons of one recording.

    Attributes:
        name: of the recording.
        paced: whether a beat of the reference is paced.
        beats: beat by beat.
        runs: run by run, by kind.
        episodes: episode by episode, by kind.
        scores: each share as (numerator, denominator).
    """

    name: str
    paced: bool
    beats: BeatCounts
    runs: dict[str, RunCounts]
    episodes: dict[str, EpisodeCounts]
    scores: Scores


def compare(name: str, truth: Marks, test: Marks, protocol: Protocol | None = None) -> Comparison:
    """Compare two annotations of a recording by all methods of EC57.

    Args:
        name: of the recording.
        truth, test: annotations.
        protocol: EC57's by default.
    """
    beats = compare_beats(truth, test, protocol)
    runs = {kind: compare_runs(truth, test, kind, protocol) for kind in RUNS}
    episodes = {kind: compare_episodes(truth, test, kind, protocol) for kind in EPISODES}
    scores: Scores = dict(beat_scores(beats))
    for kind in RUNS:
        scores |= {f"{kind.lower()}_{metric}": share for metric, share in run_scores(runs[kind]).items()}
    for kind in EPISODES:
        scores |= {f"{kind.lower()}_{metric}": share for metric, share in episode_scores(episodes[kind]).items()}
    return Comparison(name, truth.paced, beats, runs, episodes, scores)


def gross(comparisons: Sequence[Comparison]) -> Scores:
    """Numerators and denominators summed over recordings: beats, runs, episodes or seconds have equal weight."""
    return {
        name: (sum(one.scores[name][0] for one in comparisons), sum(one.scores[name][1] for one in comparisons))
        for name in (comparisons[0].scores if comparisons else ())
    }


def average(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Mean of the recordings' shares: recordings with a case have equal weight; NaN where there is none."""
    means = {}
    for name in comparisons[0].scores if comparisons else ():
        shares = [share(*one.scores[name]) for one in comparisons if one.scores[name][1] > 0]
        means[name] = float(np.mean(shares)) if shares else float("nan")
    return means


def share(numerator: float, denominator: float) -> float:
    """Numerator / denominator; NaN where there is no case."""
    return numerator / denominator if denominator > 0 else float("nan")


def counting(comparisons: Sequence[Comparison], *, with_paced: bool = False) -> list[Comparison]:
    """Recordings that enter the gross and average lines: EC57 leaves out those with paced beats."""
    return [one for one in comparisons if with_paced or not one.paced]


def document(comparisons: Sequence[Comparison], protocol: Protocol, *, with_paced: bool = False) -> dict[str, Any]:
    """Everything, ready for JSON; shares are from 0 to 1, None without a case."""
    counted = counting(comparisons, with_paced=with_paced)
    return {
        "standard": "ANSI/AAMI EC57:2012",
        "protocol": asdict(protocol),
        "rows_and_columns": list(ROWS),
        "records": [_record(one) for one in comparisons],
        "left_out": [one.name for one in comparisons if one not in counted],
        "gross": _shares(gross(counted)),
        "average": {name: known(value) for name, value in average(counted).items()},
    }


def rows(comparisons: Sequence[Comparison], *, with_paced: bool = False) -> list[dict[str, Any]]:
    """A row per recording, and Gross and Average: cells of the matrix and shares; None without a case."""
    counted = counting(comparisons, with_paced=with_paced)
    table = [
        {"record": one.name, "paced": one.paced}
        | dict(zip(CELLS, _cells(one.beats.matrix), strict=True))
        | {"shutdown_s": round(one.beats.shutdown_s, 3)}
        | {name: known(share(*value)) for name, value in one.scores.items()}
        for one in comparisons
    ]
    total = sum((one.beats.matrix for one in counted), np.zeros((7, 7), np.int64))
    sums = {"shutdown_s": round(sum(one.beats.shutdown_s for one in counted), 3)}
    return [
        *table,
        {"record": "Gross"} | dict(zip(CELLS, _cells(total), strict=True)) | sums
        | {name: known(share(*value)) for name, value in gross(counted).items()},
        {"record": "Average"} | {name: known(value) for name, value in average(counted).items()},
    ]  # fmt: skip


def render(comparisons: Sequence[Comparison], *, with_paced: bool = False) -> str:
    """Shares of all recordings as text, with the matrix for a single one."""
    counted = counting(comparisons, with_paced=with_paced)
    lines = []
    if len(comparisons) == 1:
        lines += [_matrix(comparisons[0].beats.matrix), ""]
    means = average(counted)
    lines.append(f"{'':24}{'gross':>32}{'average':>10}")
    for name, value in gross(counted).items():
        of_what, metric = name.rsplit("_", 1)
        numbers = f"{value[0]:,.0f}/{value[1]:,.0f}" + (" s" if "duration" in name else "")
        lines.append(
            f"{_WORDS[of_what] + ' ' + METRICS[metric]:24}{_percent(share(*value), metric):>10}{numbers:>22}"
            f"{_percent(means[name], metric):>10}"
        )
    left_out = [one.name for one in comparisons if one not in counted]
    if left_out:
        lines.append(f"left out, since they have paced beats: {', '.join(left_out)}; --with-paced counts them")
    return "\n".join(lines)


def words(name: str) -> tuple[str, str]:
    """Category and statistic of a share: "V couplets", "Se"."""
    of_what, metric = name.rsplit("_", 1)
    return _WORDS[of_what], METRICS[metric]


def _record(one: Comparison) -> dict[str, Any]:
    return {
        "record": one.name,
        "paced": one.paced,
        "beats": one.beats.matrix.tolist(),
        "shutdown_s": round(one.beats.shutdown_s, 3),
        "runs": {
            kind: {"sensitivity": counts.sensitivity.tolist(), "predictivity": counts.predictivity.tolist()}
            for kind, counts in one.runs.items()
        },
        "episodes": {kind: asdict(counts) for kind, counts in one.episodes.items()},
        "scores": _shares(one.scores),
    }


def _shares(scores: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    return {
        name: {"value": known(share(*value)), "numerator": round(value[0], 3), "denominator": round(value[1], 3)}
        for name, value in scores.items()
    }


def _cells(matrix: np.ndarray) -> list[int]:
    return [
        int(matrix[i, j]) for i, row in enumerate(ROWS) for j, column in enumerate(ROWS)
        if not (row in "OX" and column in "OX")
    ]  # fmt: skip


def _percent(value: float, metric: str) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.{3 if metric == 'fpr' else 2}f}%"


def _matrix(matrix: np.ndarray) -> str:
    head = "    " + "".join(f"{column.lower():>7}" for column in ROWS)
    return "\n".join([head, *(f"{row:>3} " + "".join(f"{n:>7}" for n in matrix[i]) for i, row in enumerate(ROWS))])
