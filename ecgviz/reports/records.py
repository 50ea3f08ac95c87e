"""Labels of recordings and pictures as JSON and text, for ``ecgviz analyze``."""

from __future__ import annotations

from typing import Any

from ecgviz.analysis.ecg_pictures import PictureAnalysis
from ecgviz.analysis.records import RecordAnalysis, label_words
from ecgviz.signals.resting import measure_resting, measurement_fields
from models.checkpoints import STATEMENT
from models.core.words import counted
from models.evaluation.records import LabelAnswer
from readers.paper.pictures import EcgPicture
from readers.recording import Recording


def record_document(recording: Recording, analysis: RecordAnalysis) -> dict[str, Any]:
    """The analysis ready for JSON: one entry per label, with its range over the windows."""
    return {
        "record": recording.name,
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "leads": list(recording.leads),
        "checkpoint": analysis.checkpoint,
        "checkpoint_sha256": analysis.checkpoint_sha256,
        "device": analysis.device,
        **label_fields(analysis),
        "measurements": measurement_fields(measure_resting(recording)),
        "seconds": {name: round(value, 4) for name, value in analysis.seconds.items()},
        "warnings": list(analysis.warnings),
        "seen_in_training": analysis.seen_in_training,
        "statement": STATEMENT,
    }


def label_fields(analysis: RecordAnalysis | None) -> dict[str, Any]:
    """JSON fields on the labels of a recording; the same fields, empty, where the network refused it."""
    if analysis is None:
        return {"derived_leads": [], "labels": [], "uncertainty_bits": None, "refer": [], "windows": None}
    answer, (low, high) = analysis.answer, analysis.interval
    return {
        "derived_leads": list(analysis.derived),
        "labels": [
            label | {"window_low": round(float(low[i]), 5), "window_high": round(float(high[i]), 5)}
            for i, label in enumerate(_labels(answer))
        ],
        "uncertainty_bits": round(answer.uncertainty, 5),
        "refer": list(analysis.refer),
        "windows": {"count": len(answer.start_s), "seconds": answer.window_seconds},
    }


def picture_document(picture: EcgPicture, analysis: PictureAnalysis) -> dict[str, Any]:
    """The analysis of a picture ready for JSON: one entry per label, and the out-of-distribution score.

    Where the labels are withheld there is none, and ``withheld`` says why.
    """
    answer = analysis.answer
    height, width = picture.pixels.shape[:2]
    return {
        "picture": picture.name,
        "format": picture.format,
        "page": picture.page,
        "pages": picture.pages,
        "turned": picture.turned,
        "width": width,
        "height": height,
        "checkpoint": analysis.checkpoint,
        "checkpoint_sha256": analysis.checkpoint_sha256,
        "device": analysis.device,
        "labels": _labels(answer),
        "withheld": None
        if analysis.withheld is None
        else {"reason": analysis.withheld, "score": round(answer.distance, 4), "limit": round(answer.limit, 4)},
        "uncertainty_bits": None if analysis.withheld else round(answer.uncertainty, 5),
        "unlike_training": answer.unlike if answer.distance is not None else None,
        "distance": None if answer.distance is None else round(answer.distance, 4),
        "distance_limit": None if answer.limit is None else round(answer.limit, 4),
        "refer": list(analysis.refer),
        "seconds": {name: round(value, 4) for name, value in analysis.seconds.items()},
        "warnings": list(analysis.warnings),
        "statement": STATEMENT,
    }


def render_picture(picture: EcgPicture, analysis: PictureAnalysis) -> str:
    """The analysis of a picture as text."""
    answer, (height, width) = analysis.answer, picture.pixels.shape[:2]
    page = f", page {picture.page} of {picture.pages}" if picture.pages > 1 else ""
    lines = [f"{picture.name}: {picture.format}{page}, {width} x {height} pixels", *_lines(answer)]
    if analysis.withheld:
        lines.append("  no labels: withheld, a person must read it")
    elif analysis.refer:
        lines.append(f"uncertain, refer: {' '.join(analysis.refer)}")
    if answer.distance is not None and answer.limit is not None:
        unlike = "yes" if answer.unlike else "no"
        lines.append(f"unlike the training sheets: {unlike} (score {answer.distance:.2f}, limit {answer.limit:.2f})")
    lines.append(f"{analysis.checkpoint} on {analysis.device}")
    return "\n".join(lines)


def _labels(answer: LabelAnswer) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "prob": round(float(answer.probability[i]), 5),
            "threshold": round(float(answer.thresholds[i]), 5),
            "positive": bool(answer.positive[i]),
        }
        for i, name in enumerate(answer.classes)
    ]


def _lines(answer: LabelAnswer) -> list[str]:
    rows = zip(answer.classes, answer.probability, answer.thresholds, answer.positive, strict=True)
    return [
        f"  {label_words(name):<32} {probability:.2f}  threshold {threshold:.2f}  {'yes' if positive else 'no'}"
        for name, probability, threshold, positive in rows
    ]


def render_labels(analysis: RecordAnalysis) -> str:
    """The labels of a recording as text, with the checkpoint."""
    lines = _lines(analysis.answer)
    if analysis.refer:
        lines.append(f"uncertain, refer: {' '.join(analysis.refer)}")
    windows = len(analysis.answer.start_s)
    return "\n".join([*lines, f"{analysis.checkpoint} on {analysis.device}, {counted(windows, 'window')}"])


def render_record(recording: Recording, analysis: RecordAnalysis) -> str:
    """The analysis of a recording as text."""
    lines = [f"{recording.name}: {recording.duration_s:.1f} s, {recording.fs:g} Hz, {' '.join(recording.leads)}"]
    lines.append(render_labels(analysis))
    if analysis.seen_in_training:
        lines.append(
            f"seen in training: this is (part of) record {analysis.seen_in_training}; "
            "the result says nothing of new patients"
        )
    return "\n".join(lines)
