"""Answers about whole recordings as JSON and as lines for people: what ``python -m ecgviz analyze`` gives."""

from __future__ import annotations

from typing import Any

from ecgviz.analysis.records import RecordAnalysis, label_words
from ecgviz.recording import Recording
from models.checkpoints import STATEMENT


def record_document(recording: Recording, analysis: RecordAnalysis) -> dict[str, Any]:
    """The analysis ready for JSON: one entry for each label, with its range over the recording's windows."""
    answer, (low, high) = analysis.answer, analysis.interval
    return {
        "record": recording.name,
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "leads": list(recording.leads),
        "derived_leads": list(analysis.derived),
        "checkpoint": analysis.checkpoint,
        "checkpoint_sha256": analysis.checkpoint_sha256,
        "device": analysis.device,
        "labels": [
            {
                "name": name,
                "prob": round(float(answer.probability[i]), 5),
                "threshold": round(float(answer.thresholds[i]), 5),
                "positive": bool(answer.positive[i]),
                "window_low": round(float(low[i]), 5),
                "window_high": round(float(high[i]), 5),
            }
            for i, name in enumerate(answer.classes)
        ],
        "uncertainty_bits": round(answer.uncertainty, 5),
        "refer": list(analysis.refer),
        "windows": {"count": len(answer.start_s), "seconds": answer.window_seconds},
        "seconds": {name: round(value, 4) for name, value in analysis.seconds.items()},
        "warnings": list(analysis.warnings),
        "seen_in_training": analysis.seen_in_training,
        "statement": STATEMENT,
    }


def render_record(recording: Recording, analysis: RecordAnalysis) -> str:
    """The same for people."""
    answer = analysis.answer
    lines = [f"{recording.name}: {recording.duration_s:.1f} s, {recording.fs:g} Hz, {' '.join(recording.leads)}"]
    rows = zip(answer.classes, answer.probability, answer.thresholds, answer.positive, strict=True)
    for name, probability, threshold, positive in rows:
        mark = "yes" if positive else "no"
        lines.append(f"  {label_words(name):<32} {probability:.2f}  threshold {threshold:.2f}  {mark}")
    if analysis.refer:
        lines.append(f"uncertain, refer: {' '.join(analysis.refer)}")
    lines.append(f"{analysis.checkpoint} on {analysis.device}, {len(answer.start_s)} windows")
    if analysis.seen_in_training:
        lines.append(
            f"seen in training: this is (part of) record {analysis.seen_in_training}; "
            "the result says nothing of new patients"
        )
    return "\n".join(lines)
