"""What the tests of a map find on real beats, and on maps that are known to say nothing: do the limits tell them apart?

    python -m benchmarks.beat_evidence CHECKPOINT --data FOLDER [--beats N] [--methods hires_cam occlusion ...]

FOLDER holds the records of MIT-BIH; the validation records are asked, N beats of each class that was found correctly.
Each map is judged as the page judges it, and so are two that are no answer: the map of the same network with random
weights, and its own map shifted by 0.3 s, away from what it marks. A limit is of use when the last two are called weak.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats, Evidence, SaliencyMap
from ecgviz.saliency import explain_beat, judge_map
from ecgviz.saliency.randomise import random_twins
from models import Checkpoint, load_checkpoint
from models.data import mitdb
from models.data.aami import AAMI_CLASSES
from readers import open_recording
from readers.recording import Recording

METRICS = ("width_ms", "randomised_correlation", "deletion_drop", "random_drop_95", "agreement")
REASONS = {
    "random weights give": "random networks alike",
    "no more than random": "marked part matters no more",
    " only: the network": "matters little",
    "marks other places": "methods differ",
    "spread out": "spread out",
    "marks nothing": "empty",
}
MATCH_S = 0.15
SHIFT_S = 0.3


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--beats", type=int, default=12, help="beats of each class")
    parser.add_argument("--methods", nargs="+", default=["hires_cam", "integrated_gradients"])
    options = parser.parse_args()
    checkpoint = load_checkpoint(options.checkpoint)
    chosen = list(_choose(options.data, checkpoint, options.beats))
    for method in options.methods:
        found: dict[tuple[str, str], list[Evidence]] = defaultdict(list)
        for recording, beats, index in chosen:
            for kind, image in _maps(recording, checkpoint, beats, index, method):
                found[str(beats.label[index]), kind].append(judge_map(recording, checkpoint, beats, image))
        print(render(method, found), flush=True)


def _choose(root: Path, checkpoint: Checkpoint, count: int) -> Iterator[tuple[Recording, Beats, int]]:
    """(recording, its beats, a beat that was classified correctly), drawn from all records at once."""
    rng = np.random.default_rng(0)
    candidates: dict[str, list[tuple[int, int]]] = defaultdict(list)
    opened, classes = [], np.array(AAMI_CLASSES)
    for number, name in enumerate(mitdb.VALIDATION):
        recording, truth = open_recording(root / name), mitdb.load_record(root, name)
        beats = analyse_beats(recording, checkpoint)
        opened.append((recording, beats))
        nearest = np.abs(truth.sample[:, None] - beats.sample[None]).argmin(axis=0)
        near = np.abs(truth.sample[nearest] - beats.sample) < MATCH_S * recording.fs
        for index in np.flatnonzero(near & (classes[truth.label[nearest]] == beats.label)):
            candidates[str(beats.label[index])].append((number, int(index)))
    for pairs in candidates.values():
        for place in rng.permutation(len(pairs))[:count]:
            number, index = pairs[place]
            recording, beats = opened[number]
            yield recording, beats, index


def _maps(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, method: str
) -> Iterator[tuple[str, SaliencyMap]]:
    own = explain_beat(recording, checkpoint, beats, index, method=method)
    yield "its own", own
    twin = random_twins(checkpoint.network, 1)[0]
    random = explain_beat(recording, replace(checkpoint, network=twin), beats, index, target=own.target, method=method)
    yield "random weights", replace(own, values=random.values)
    spacing_s = float(own.time_s[1] - own.time_s[0])
    yield "shifted", replace(own, values=np.roll(own.values, round(SHIFT_S / spacing_s)))


def render(method: str, found: dict[tuple[str, str], list[Evidence]]) -> str:
    """A Markdown table: a row for each class and kind of map."""
    lines = [
        f"{method}: median (quartiles) of each figure",
        "| class | map | n | weak | " + " | ".join(METRICS) + " | why weak |",
        "|---|---|--:|--:|" + "---|" * len(METRICS) + "---|",
    ]
    for (letter, kind), judged in sorted(found.items()):
        cells = []
        for metric in METRICS:
            low, middle, high = np.percentile([getattr(one, metric) for one in judged], [25, 50, 75])
            cells.append(f"{middle:.2f} ({low:.2f}-{high:.2f})")
        why = Counter(words for one in judged for part, words in REASONS.items() if part in " ".join(one.reasons))
        reasons = ", ".join(f"{words} {count}" for words, count in why.most_common())
        weak = sum(one.weak for one in judged)
        lines.append(f"| {letter} | {kind} | {len(judged)} | {weak} | " + " | ".join(cells) + f" | {reasons} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
