"""Electrical axis against what the reports of PTB-XL say of it, and ST levels of normal recordings.

    python -m benchmarks.axis --data FOLDER/ptbxl

Prints the axis of the QRS for each entry of the column ``heart_axis``, the ST level at J + 60 ms of the recordings
that are NORM with certainty, and what differs between one recording and the next of the same person.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np

from ecgviz.signals.resting import RestingMeasurements, measure_resting
from ecgviz.signals.serial import compare_resting
from readers import open_recording


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of PTB-XL with ptbxl_database.csv")
    options = parser.parse_args()
    axes, levels = defaultdict(list), defaultdict(list)
    with (options.data / "ptbxl_database.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (options.data / f"{row['filename_lr']}.hea").exists()]
    for row in rows:
        normal = "'NORM': 100" in row["scp_codes"]
        if not row["heart_axis"] and not normal:
            continue
        found = measured(options.data, row)
        if found is None or found.axis is None:
            continue
        if row["heart_axis"]:
            axes[row["heart_axis"]].append(found.axis.qrs)
        if normal:
            for lead, (_, level) in found.st_mV.items():
                levels[lead].append(level)
    print("| report | recordings | QRS axis: median | 5 to 95% |\n|---|---|---|---|")
    for name, angles in sorted(axes.items(), key=lambda entry: -len(entry[1])):
        print(f"| {name} | {len(angles)} | {row_of(angles, '.0f')} |")
    print("\n| lead | normal recordings | ST at J + 60 ms, mV: median | 5 to 95% |\n|---|---|---|---|")
    for lead, found_levels in levels.items():
        print(f"| {lead} | {len(found_levels)} | {row_of(found_levels, '+.2f')} |")
    print("\n| | pairs of one person | difference: SD |\n|---|---|---|")
    for name, values in differences(options.data, rows).items():
        print(f"| {name} | {np.isfinite(values).sum()} | {np.nanstd(values):.1f} |")


def measured(root: Path, row: dict[str, str]) -> RestingMeasurements | None:
    """Measurements of one recording."""
    return measure_resting(open_recording(root / row["filename_lr"]))


def differences(root: Path, rows: list[dict[str, str]]) -> dict[str, list[float]]:
    """What each measurement differs by between a recording and the next of the same person."""
    people, found = defaultdict(list), defaultdict(list)
    for row in sorted(rows, key=lambda row: row["recording_date"]):
        people[row["patient_id"]].append(row)
    for own in people.values():
        several = [measured(root, row) for row in own] if len(own) > 1 else []
        for before, now in pairwise(several):
            for change in compare_resting(before, now) if before and now else ():
                if not change.name.startswith("ST"):
                    found[f"{change.name}, {change.unit}"].append(change.difference)
    return found


def row_of(values: list[float], form: str) -> str:
    """Median and range of 90% of the values, as cells."""
    low, middle, high = np.nanpercentile(values, [5, 50, 95])
    return f"{middle:{form}} | {low:{form}} to {high:{form}}"


if __name__ == "__main__":
    main()
