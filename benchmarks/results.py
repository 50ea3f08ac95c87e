"""Score the shipped beat checkpoints and write the tables of docs/tables.md.

    python -m benchmarks.results --data FOLDER

FOLDER holds mitdb and svdb. DS2 is scored at the reference positions and at detected ones, svdb at the reference
positions. Only the tables between their markers are replaced; the words around them are written by hand.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ecgviz.signals.r_peaks import detect_r_peaks
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from models.evaluation.beats import evaluate

CHECKPOINTS = (DEFAULT_BEAT_CHECKPOINT, "beat-strip", "beat-se-resnet-lstm", "beat-dcrnn")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "tables.md"
POOLS = {"pooled": "all of DS2", "pooled_without_202": "without 202", "pooled_without_232": "without 232"}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds mitdb and svdb")
    parser.add_argument("--json", type=Path, help="folder for the whole results as JSON")
    options = parser.parse_args()
    results: dict[str, dict[str, Any]] = {}
    for name in CHECKPOINTS:
        checkpoint = load_checkpoint(name)
        results[name] = {
            "reference": evaluate(checkpoint, options.data / "mitdb", "test"),
            "detected": evaluate(checkpoint, options.data / "mitdb", "test", detect=detect_r_peaks),
            "svdb": evaluate(checkpoint, options.data / "svdb"),
        }
        print(name, "scored")
        if options.json is not None:
            options.json.mkdir(parents=True, exist_ok=True)
            (options.json / f"{name}.json").write_text(json.dumps(results[name], indent=1) + "\n")
    draw_reliability(results, DOCUMENT.with_name("reliability.png"))
    text = DOCUMENT.read_text(encoding="utf-8")
    for marker, table in tables(results).items():
        pattern = rf"(<!-- {marker} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, lambda match, table=table: match[1] + table + "\n" + match[2], text, flags=re.S)
        if not count:
            raise SystemExit(f"docs/tables.md has no place for the table {marker}")
    DOCUMENT.write_text(text, encoding="utf-8")


def tables(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Markdown tables by the name of their marker."""
    first = next(iter(results))
    pools = [
        (f"{title}, {positions}", results[first][positions][pool])
        for positions in ("reference", "detected")
        for pool, title in POOLS.items()
    ]
    return {
        "default": pool_table(pools),
        "networks": pool_table([(name, result["reference"]["pooled"]) for name, result in results.items()]),
        "networks-detected": pool_table([(name, result["detected"]["pooled"]) for name, result in results.items()]),
        "fusion": fusion_table(results),
        "records": record_table(results[first]["reference"]["records"]),
        "svdb": record_table(results[first]["svdb"]["records"]),
        "svdb-pooled": pool_table([(name, result["svdb"]["pooled"]) for name, result in results.items()]),
        "calibration": calibration_table(results),
    }


def pool_table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """Sensitivity and +P of S and V in per cent and the macro-F1, each with its interval."""
    lines = ["| | beats | S Se | S +P | V Se | V +P | macro-F1 N S V |", "|---|---|---|---|---|---|---|"]
    for title, pool in rows:
        cells = [percent(pool["scores"][name]) for name in ("S_se", "S_ppv", "V_se", "V_ppv")]
        macro = pool["scores"]["macro_f1"]
        low, high = macro["interval95"]
        cells.append(f"{macro['value']:.3f} ({low:.3f}-{high:.3f})")
        lines.append(f"| {title} | {pool['beats']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def percent(cell: dict[str, Any]) -> str:
    """A share as per cent with its interval."""
    if cell["value"] is None:
        return "-"
    low, high = cell["interval95"]
    return f"{100 * cell['value']:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def fusion_table(results: dict[str, dict[str, Any]]) -> str:
    """Where the F beats of DS2 went, as counts."""
    lines = ["| checkpoint | F beats | as N | as S | as V | as F | as Q |", "|---|---|---|---|---|---|---|"]
    for name, result in results.items():
        row = result["reference"]["pooled"]["confusion"][3]
        lines.append(f"| {name} | {sum(row)} | " + " | ".join(str(count) for count in row[:5]) + " |")
    return "\n".join(lines)


def record_table(records: dict[str, Any]) -> str:
    """Counts and scores of each record."""
    lines = ["| record | N | S | V | S Se | S +P | V Se | V +P |", "|---|---|---|---|---|---|---|---|"]
    for name, entry in records.items():
        counts = [sum(row) for row in entry["confusion"]]
        figures = [entry["scores"][key] for key in ("S_se", "S_ppv", "V_se", "V_ppv")]
        cells = ["-" if value is None else f"{100 * value:.0f}" for value in figures]
        lines.append(f"| {name} | {counts[0]} | {counts[1]} | {counts[2]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def calibration_table(results: dict[str, dict[str, Any]]) -> str:
    """Expected calibration error on DS2 at the reference positions."""
    lines = ["| checkpoint | temperature | expected calibration error on DS2 |", "|---|---|---|"]
    for name, result in results.items():
        temperature = load_checkpoint(name).card.temperature
        lines.append(f"| {name} | {temperature:.2f} | {result['reference']['calibration']['ece']:.3f} |")
    return "\n".join(lines)


def draw_reliability(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Accuracy against confidence for each checkpoint; the area of a point is the logarithm of its count of beats."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(results), 4.2), layout="constrained")
    for axes, (name, result) in zip(figure.subplots(1, len(results), squeeze=False)[0], results.items(), strict=True):
        bins = result["reference"]["calibration"]["bins"]
        axes.plot([0, 1], [0, 1], color="#9ca3af", linewidth=1)
        axes.plot([row["confidence"] for row in bins], [row["accuracy"] for row in bins], color="#0072b2", linewidth=1)
        for row in bins:
            place = (row["confidence"], row["accuracy"])
            axes.scatter(*place, s=14 * np.log10(row["n"] + 1), color="#0072b2", zorder=3)
            axes.annotate(f"{int(row['n']):,}", place, (5, -9), textcoords="offset points", fontsize=7)
        axes.set(
            title=name, xlabel="probability of the likeliest class", ylabel="share that was right",
            xlim=(0, 1.02), ylim=(0, 1.02),
        )  # fmt: skip
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
