"""What lighter forms of a network keep and save, in one run.

    python -m benchmarks.lighter ORIGINAL FORM... --data FOLDER

One row a form: figure on the test side with its interval, paired difference to the original, labels that changed,
bytes on disk, latency at batch 1, best throughput, peak memory; see :mod:`models.compress.measure`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from models.checkpoints import load_checkpoint
from models.compress.measure import TURNS, measure
from models.compress.said import Data, Said, said


def main() -> None:
    """Print the table; with --json write all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("original")
    parser.add_argument("forms", nargs="+")
    parser.add_argument("--data", required=True)
    parser.add_argument("--more", default="")
    parser.add_argument("--split", default="test")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [load_checkpoint(name) for name in (options.original, *options.forms)]
    data = Data(options.data, options.more, options.split)
    answers = [said(one, data) for one in found]
    rows = measure(found, answers, turns=options.turns)
    print(render(rows, answers[0]))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def render(rows: list[dict], first: Said) -> str:
    """The table in Markdown."""
    groups = len(set(first.groups))
    lines = [
        f"{first.figure} on {len(first.cases)} cases of {groups} groups; {first.labels.size} labels; one core",
        "",
        "| form | figure (95%) | difference (95%) | changed | bytes (gzip) | batch 1 | best throughput | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        spread = one["difference95"]
        difference = "-" if spread is None else f"{one['difference']:+.4f} ({spread[0]:+.4f} to {spread[1]:+.4f})"
        lines.append(
            f"| {one['name']} | {one['figure']:.4f} ({one['interval95'][0]:.3f}-{one['interval95'][1]:.3f}) "
            f"| {difference} | {len(one['changed'])} | {one['bytes']:,} ({one['gzip_bytes']:,}) "
            f"| {one['latency_ms']:.2f} ms, {one['faster_at_1']:.1f} x | {one['per_second']:.0f}/s at "
            f"{one['best_batch']}, {one['faster_at_best']:.1f} x | {one['memory_mb']:.0f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
