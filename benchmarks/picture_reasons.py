"""How well reasons by parts of pictures hold, on pictures that were not trained on.

    python -m benchmarks.picture_reasons ct-lite0 --data FOLDER --set battery_ct_sim --limit 40
    python -m benchmarks.picture_reasons pcb-lite0 --data FOLDER --set pcb --limit 40

``battery_ct_sim`` draws simulated slices of the part ``test`` anew (FOLDER/battery_ct gives the real backgrounds),
``pcb`` takes boards that the checkpoint did not train on. Of those with a defect that the network says: the share that
is called defect no more with the two strongest parts as usual (blurred), and with two others (sham); the share of
reasons that hold (``judge_picture_parts``), beside that of the same numbers moved to other parts and of those of a
network with random weights; and how often the strongest part touches the truth, beside the share of parts that do.
Intervals are from drawing pictures again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.special import logit

from benchmarks.beat_reasons import interval
from benchmarks.localisation import board_cases
from ecgviz.analysis.inspect import current_point
from ecgviz.saliency.localisation import Case
from ecgviz.saliency.picture_parts import ask_picture, explain_picture_parts
from ecgviz.saliency.picture_parts_evidence import judge_picture_parts, random_contributions, strongest_and_sham
from models import Checkpoint, load_checkpoint
from models.data.battery_ct_sim.generate import make_picture

METRICS = (
    "no defect without two", "by sham", "hold", "moved twin holds", "random twin holds", "strongest touches the truth",
    "parts that touch it", "standard error of a part", "spread of the parts",
)  # fmt: skip
SEED = 7


def simulated_cases(root: Path, part: str) -> Iterator[Case]:
    """Simulated slices with a defect, without end; the seed is none that a training uses."""
    number = 0
    while True:
        picture, mask, row = make_picture(np.random.default_rng([SEED, number]), part, root)
        if row["label"] == "defect":
            yield Case(f"{part} {number}", row["group"], picture, mask)
        number += 1


def one_picture(case: Case, checkpoint: Checkpoint, threshold: float, rng: np.random.Generator) -> list[float] | None:
    """The metrics of a picture that is called defect; None of another."""
    reasons = explain_picture_parts(case.pixels, checkpoint)
    if reasons.prob < threshold:
        return None
    names, values = zip(*((part.name, part.contribution) for part in reasons.parts), strict=True)
    pair = strongest_and_sham(np.array(values))
    kept = [tuple(place not in some for place in range(len(values))) for some in pair]
    exchanged, shammed = ask_picture(checkpoint, reasons, kept) < logit(threshold)
    claims = [values, np.roll(values, rng.integers(1, len(values))), random_contributions(checkpoint, reasons)]
    holds = [
        not judge_picture_parts(checkpoint, reasons, threshold, dict(zip(names, claimed, strict=True))).weak
        for claimed in claims
    ]
    touching = [bool(case.truth[reasons.labels == part].any()) for part in range(len(values))]
    error = float(np.mean([part.error for part in reasons.parts]))
    return [
        exchanged, shammed, *holds, touching[int(np.argmax(values))], float(np.mean(touching)), error,
        float(np.std(values)),
    ]  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--set", choices=("battery_ct_sim", "pcb"), required=True)
    parser.add_argument("--part", default="test", choices=("validation", "test"), help="of battery_ct_sim")
    parser.add_argument("--limit", type=int, default=40, help="pictures that are called defect, at most")
    options = parser.parse_args(arguments)
    checkpoint, rng = load_checkpoint(options.checkpoint), np.random.default_rng(0)
    threshold = current_point(checkpoint).threshold
    if options.set == "pcb":
        every = list(board_cases(options.data / "pcb", checkpoint))
        cases = iter([every[place] for place in rng.permutation(len(every))])
    else:
        cases = simulated_cases(options.data / "battery_ct", options.part)
    rows: list[list[float]] = []
    for case in cases:
        found = one_picture(case, checkpoint, threshold, rng)
        if found is not None:
            rows.append(found)
        if len(rows) == options.limit:
            break
    sys.stdout.write(f"{options.checkpoint} on {options.set}: {len(rows)} pictures called defect\n")
    for column, metric in enumerate(METRICS):
        values = [np.array([row[column]], float) for row in rows]
        low, high = interval(values)
        sys.stdout.write(f"  {metric}: {np.mean(values):.2f} ({low:.2f}-{high:.2f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
