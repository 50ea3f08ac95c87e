"""Score the shipped checkpoints for whole recordings, drawn ones among them, and write their tables of docs/tables.md.

    python -m benchmarks.recordings --data FOLDER

FOLDER holds ptbxl, ptbxl_more and cinc. Only the tables between their markers are replaced; the words around them are
written by hand.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from models import Checkpoint, load_checkpoint
from models.core.errors import EcgvizError
from models.evaluation.records import classify_record, evaluate_recordings
from models.metrics.resampling import metric_text
from readers import open_recording

TWELVE, EIGHT, VOLTAGES = "ecg12-xresnet", "eight-lead-small", "ecg12-voltages"
OTHERS = ("ecg12-xresnet-int8", VOLTAGES, "ecg12-vit-small", "ecg-paper-lite0")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "tables.md"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ptbxl, ptbxl_more and cinc")
    parser.add_argument("--json", type=Path, help="folder for the whole results as JSON")
    options = parser.parse_args()
    results = {}
    for name in (TWELVE, EIGHT, *OTHERS):
        checkpoint = load_checkpoint(name)
        more = "" if name == VOLTAGES else options.data / "ptbxl_more"  # those recordings have lost their voltages
        results[name] = evaluate_recordings(checkpoint, options.data / "ptbxl", more=more)
        print(name, "scored")
        if options.json is not None:
            options.json.mkdir(parents=True, exist_ok=True)
            (options.json / f"{name}.json").write_text(json.dumps(results[name], indent=1) + "\n")
    found = {
        "ptbxl": label_table(results[TWELVE]),
        "ptbxl-referral": referral_table(results[TWELVE]),
        "ptbxl-eight": label_table(results[EIGHT]),
        "ptbxl-networks": networks_table(results),
        "ptbxl-labels": auroc_table(results),
        "ptbxl-cinc": cinc_table(load_checkpoint(TWELVE), options.data / "cinc"),
    }
    text = DOCUMENT.read_text(encoding="utf-8")
    for marker, table in found.items():
        pattern = rf"(<!-- {marker} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, lambda match, table=table: match[1] + table + "\n" + match[2], text, flags=re.S)
        if not count:
            raise SystemExit(f"docs/tables.md has no place for the table {marker}")
    DOCUMENT.write_text(text, encoding="utf-8")


def label_table(result: dict[str, Any]) -> str:
    """AUROC and F1 of each label, and the metrics over all."""
    pool, scores = result["pooled"], result["pooled"]["scores"]
    lines = ["| label | recordings | AUROC | F1 | threshold |", "|---|---|---|---|---|"]
    for name in result["classes"]:
        cells = [str(pool["positives"][name]), metric_text(scores[f"{name}_auroc"]), metric_text(scores[f"{name}_f1"])]
        lines.append(f"| {name} | {' | '.join(cells)} | {pool['thresholds'][name]:.2f} |")
    if len(result["classes"]) > 1:
        macro = f"{metric_text(scores['macro_auroc'])} | {metric_text(scores['macro_f1'])}"
        lines.append(f"| **macro** | {pool['recordings']} | {macro} | |")
    right = f"Labels that are right: {metric_text(scores['accuracy'])}"
    exact = f"recordings with all labels right: {metric_text(scores['exact_match'])}"
    error = f"expected calibration error {result['calibration']['ece']:.3f}."
    return "\n".join([*lines, "", f"{right}; {exact}; {error}"])


def referral_table(result: dict[str, Any]) -> str:
    """What is gained where the least certain recordings are left to a person."""
    lines = ["| left to a person | recordings | macro AUROC | macro F1 | labels right | all right |", "|---" * 6 + "|"]
    for row in result["referral"]:
        cells = " | ".join(f"{row[key]:.3f}" for key in ("macro_auroc", "macro_f1", "accuracy", "exact_match"))
        lines.append(f"| {row['referred']:.0%} | {row['recordings']} | {cells} |")
    return "\n".join(lines)


def networks_table(results: dict[str, dict[str, Any]]) -> str:
    """The metrics over all labels of each checkpoint, and what referral gains."""
    head = "| network | recordings | macro AUROC | macro F1 | labels right | all right | calibration error |"
    lines = [head + " macro AUROC where 0, 10, 20% are left to a person | all right |", "|---" * 9 + "|"]
    for name, result in results.items():
        pool, only = result["pooled"], result["classes"][0]
        scores = pool["scores"]
        areas = scores.get("macro_auroc", scores[f"{only}_auroc"]), scores.get("macro_f1", scores[f"{only}_f1"])
        cells = [metric_text(one) for one in (*areas, scores["accuracy"], scores["exact_match"])]
        gains = [
            ", ".join("-" if row[key] is None else f"{row[key]:.3f}" for row in result["referral"])
            for key in ("macro_auroc", "exact_match")
        ]
        error = f"{result['calibration']['ece']:.3f}"
        lines.append(f"| `{name}` | {pool['recordings']} | {' | '.join([*cells, error, *gains])} |")
    return "\n".join(lines)


def auroc_table(results: dict[str, dict[str, Any]]) -> str:
    """AUROC of each label for the checkpoints that have the five labels."""
    five = {name: result for name, result in results.items() if len(result["classes"]) > 1}
    classes = next(iter(five.values()))["classes"]
    lines = [f"| network | {' | '.join(classes)} |", "|---" * (1 + len(classes)) + "|"]
    for name, result in five.items():
        cells = [metric_text(result["pooled"]["scores"][f"{label}_auroc"]) for label in classes]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def cinc_table(checkpoint: Checkpoint, folder: Path) -> str:
    """What a checkpoint says of each record of the CinC 2021 samples, beside its SNOMED codes."""
    lines = [f"| record | #Dx | {' | '.join(checkpoint.card.classes)} | says |", "|---" * 8 + "|"]
    for file in sorted(folder.glob("*.hea")):
        codes = re.findall(r"#\s*Dx:\s*(\S+)", file.read_text(encoding="utf-8"))
        try:
            recording = open_recording(file)
            found = classify_record(checkpoint, recording.signal_mV(), recording.fs, recording.leads)
        except EcgvizError as error:
            lines.append(f"| {file.stem} | {' '.join(codes)} | {error} |")
            continue
        cells = " | ".join(f"{value:.2f}" for value in found.probability)
        labels = [name for name, positive in zip(found.classes, found.positive, strict=True) if positive]
        lines.append(f"| {file.stem} | {' '.join(codes)} | {cells} | {' '.join(labels) or 'none'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
