"""A reviewed recording as files: the edited beats with the network's own answer beside them, and the log."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecgviz.reports.annotations import EDITED, ORIGINAL, annotation_file, write_annotations
from ecgviz.reports.tables import beats_csv
from ecgviz.results import Beats, RhythmEpisode
from ecgviz.review.events import document
from ecgviz.review.patient import in_force
from ecgviz.review.state import ReviewState
from models.checkpoints import STATEMENT
from readers.recording import Recording


def review_document(recording: Recording, state: ReviewState, checkpoint_sha256: str) -> dict[str, Any]:
    """The review ready for JSON: one entry for each beat, and every event of the log.

    A beat's ``label_before_edits`` is what the analysis says without a person's word, "" for a beat that was added;
    ``edit`` says what was decided: accepted, confirmed, relabelled, added, with "moved" where it was; "adapted" where
    the network, adapted to this recording, says otherwise. ``adapted_by`` is the revision of that adaptation.
    """
    beats = state.beats
    edits = beats.edits
    return {
        "record": recording.name,
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "checkpoint": beats.checkpoint,
        "checkpoint_sha256": checkpoint_sha256,
        "leads": list(beats.leads),
        "positions": beats.source,
        "statement": STATEMENT,
        "revision": state.revision,
        "adapted_by": None if (event := in_force(state)) is None else event.revision,
        "counts": _counts(beats.label, beats.classes),
        "counts_before_edits": _counts(state.network.label, beats.classes),
        "undecided": int((~edits.decided).sum()),
        "unknown_beats": state.unknown,
        "deleted_s": state.deleted_s.round(4).tolist(),
        "rejected_s": state.rejected_s.round(4).tolist(),
        "af_burden": round(beats.af_burden, 5) if beats.rhythms else None,
        "rhythms": [_episode(one) for one in beats.rhythms] if beats.rhythm_classes or beats.rhythms else None,
        "beats": [
            {
                "number": number,
                "sample": sample,
                "time_s": round(time_s, 4),
                "label": str(label),
                "label_before_edits": str(before),
                "edit": str(edit),
                "prob": dict(zip(beats.classes, prob, strict=True)),
            }
            for number, sample, time_s, label, before, edit, prob in zip(
                edits.number.tolist(),
                beats.sample.tolist(),
                beats.time_s.tolist(),
                beats.label,
                beats.label_before_edits,
                edits.words,
                beats.prob.astype(float).round(5).tolist(),
                strict=True,
            )
        ],
        "log": [
            document(event) | {"counts": event.revision in state.live or not event.is_edit} for event in state.events
        ],
    }


def review_json(
    recording: Recording, state: ReviewState, checkpoint_sha256: str, tried: Mapping[str, Any] | None = None
) -> str:
    """:func:`review_document` as text, with how an adaptation came out that was tried just now."""
    document = review_document(recording, state, checkpoint_sha256)
    return json.dumps(document if tried is None else document | {"adaptation_tried": tried}) + "\n"


def review_csv(state: ReviewState) -> str:
    """The edited beats as CSV: as of ``analyze``, with label_before_edits and edit."""
    return beats_csv(state.beats)


def write_review_annotations(
    original: Beats, state: ReviewState, folder: str | os.PathLike[str], record_name: str
) -> Mapping[str, Path]:
    """Write ``<record>.atr`` of the edited beats and ``<record>.net`` of the network's own into a folder.

    Raises:
        ReadError: one of them exists and is somebody else's, or cannot be written; then neither is.
        EcgvizError: classes that have no WFDB symbol.
    """
    check_review_annotations(folder, record_name)
    return {
        extension: write_annotations(beats, folder, record_name, extension=extension)
        for extension, beats in ((ORIGINAL, original), (EDITED, state.beats))
    }


def check_review_annotations(folder: str | os.PathLike[str], record_name: str) -> None:
    """Refuse what :func:`write_review_annotations` could not write, before anything is decided.

    Raises:
        ReadError: a file of one of these names is somebody else's.
    """
    for extension in (EDITED, ORIGINAL):
        annotation_file(folder, record_name, extension=extension)


def _counts(label: Any, classes: tuple[str, ...]) -> dict[str, int]:
    return {letter: int((label == letter).sum()) for letter in classes}


def _episode(episode: RhythmEpisode) -> dict[str, Any]:
    return {
        "label": episode.label,
        "start_s": round(episode.start_s, 4),
        "end_s": round(episode.end_s, 4),
        "prob": round(episode.prob, 5),
    }
