"""``python -m ecgviz explain``: the saliency map of one beat as text, arrays and picture."""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.beat_command import analysed, checkpoint_for, opened, say_notes
from ecgviz.errors import ConfigError
from ecgviz.results import Beats, Evidence, SaliencyMap
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT, Checkpoint
from models.core.files import write_file
from readers.recording import Recording

if TYPE_CHECKING:
    from ecgviz.figures.strip_view import Shown
    from ecgviz.saliency.parts import Reasons


def explain_recording(options: argparse.Namespace) -> None:
    """Explain the beat nearest to ``--at``, or the recording as a whole without one; write what is wanted of it.

    Raises:
        EcgvizError: the recording cannot be read, has no such beat or does not suit the network; an option that
            cannot be.
    """
    from ecgviz.explain_record_command import explain_whole
    from ecgviz.saliency import explain_beat, judge_map

    _check_seconds(options.seconds)
    if options.at is None:
        explain_whole(options)
        return
    options.checkpoint = options.checkpoint or DEFAULT_BEAT_CHECKPOINT
    file_format, by_parts = _checked(options), options.parts or options.json is not None
    checkpoint, started = checkpoint_for(options), time.perf_counter()
    recording = opened(options.record, options)
    if not 0 <= options.at <= recording.duration_s:
        raise ConfigError("at", f"{options.at:g} s lies outside the recording of {recording.duration_s:.1f} s")
    recording, beats = analysed(options, checkpoint, recording, started)
    if not len(beats):
        raise ConfigError("at", f"{recording.name} has no beat to explain")
    index = int(np.abs(beats.time_s - options.at).argmin())
    if by_parts:
        reasons = _tell_parts(options, recording, checkpoint, beats, index)
        if options.png is not None:
            shown = _around(recording, checkpoint, beats, index, options.seconds)
            write_file(options.png, _picture(replace(shown, reasons=reasons), file_format))
        if options.npz is None:
            return
    try:
        saliency = explain_beat(recording, checkpoint, beats, index, target=options.target, method=options.method)
    except ValueError as error:
        raise ConfigError("method or target", str(error)) from error
    evidence = judge_map(recording, checkpoint, beats, saliency)
    ruled = f", {beats.label[index]} in {beats.rhythm[index]}" if beats.not_early[index] else ""
    if beats.changed[index] and not ruled:
        ruled = f", {beats.label[index]} ({beats.prob[index].max():.2f}) in view of the whole recording"
    told = "weak explanation: " + " ".join(evidence.reasons) if evidence.weak else "the map passed its checks"
    label = f"{beats.network_label[index]} ({beats.network_prob[index].max():.2f}){ruled}"
    sys.stdout.write(f"beat at {beats.time_s[index]:.3f} s: {label}; map of {saliency.target}\n{told}\n")
    if not by_parts:
        say_notes(beats)
    if options.npz is not None:
        write_file(options.npz, _arrays(beats, index, saliency, evidence))
    if options.png is not None and not by_parts:
        shown = _around(recording, checkpoint, beats, index, options.seconds)
        write_file(options.png, _picture(replace(shown, saliency=saliency), file_format))


def _tell_parts(
    options: argparse.Namespace, recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int
) -> Reasons:
    """Print the contribution of each part of the beat and its evidence; writes ``--json``."""
    from ecgviz.saliency.parts import explain_parts
    from ecgviz.saliency.parts_evidence import judge_parts
    from ecgviz.saliency.parts_words import brought, document, sentence

    reasons = explain_parts(
        recording, checkpoint, beats, index, target=options.target, each_lead=bool(options.each_lead)
    )
    evidence = judge_parts(recording, checkpoint, beats, reasons)
    told = "the reasons passed their checks" if evidence.tested else "N is what beats are compared with: no checks"
    if evidence.weak:
        told = "weak reasons: " + " ".join(evidence.reasons)
    sys.stdout.write(
        f"beat at {beats.time_s[index]:.3f} s: {sentence(reasons)}\n"
        + "".join(f"  {name:<18}{value:+6.2f}\n" for name, value in brought(reasons))
        + f"  {'a usual beat':<18}{reasons.base:+6.2f}\n  {'log odds':<18}{reasons.log_odds:+6.2f}\n{told}\n"
    )
    say_notes(beats)
    if options.json is not None:
        found = document(reasons) | {
            "record": recording.name,
            "time_s": round(float(beats.time_s[index]), 4),
            "label": str(beats.label[index]),
            "evidence": evidence.document(),
            "warnings": list(beats.warnings),
            "seen_in_training": beats.seen_in_training,
            "statement": STATEMENT,
        }
        write_file(options.json, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
    return reasons


def _check_seconds(seconds: float) -> None:
    if not 0 < seconds < math.inf:
        raise ConfigError("seconds", f"{seconds:g} s is no length of a strip; give a number above 0")


def _checked(options: argparse.Namespace) -> str:
    """Validated picture format.

    Raises:
        ConfigError: there is no such format, or options do not go together.
    """
    from ecgviz.figures.static import FORMATS

    by_parts = options.parts or options.json is not None
    if by_parts and options.method is not None and options.npz is None:
        raise ConfigError("method", "chooses a map, and reasons by parts have none; leave it out, or add --npz")
    if options.each_lead and not by_parts:
        raise ConfigError("each-lead", "is for reasons by parts; add --parts, or leave it out")

    file_format = Path(options.png or "").suffix.lower().lstrip(".") or "png"
    if file_format not in FORMATS:
        raise ConfigError("png", f"{options.png.name} is no {', '.join(FORMATS)}; give the file one of these endings")
    return file_format


def _arrays(beats: Beats, index: int, saliency: SaliencyMap, evidence: Evidence) -> bytes:
    """The map, its evidence and warnings as npz, loadable without pickle."""
    marks = {name: value for name, value in vars(evidence).items() if isinstance(value, int | float)}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        values=saliency.values,
        time_s=saliency.time_s,
        sample=beats.sample[index],
        prob=beats.prob[index],
        classes=np.array(beats.classes),
        target=saliency.target,
        method=saliency.method,
        checkpoint=saliency.checkpoint,
        warnings=np.array(beats.warnings, np.str_),
        seen_in_training=beats.seen_in_training or "",
        weak=evidence.weak,
        **marks,
    )
    return buffer.getvalue()


def _around(recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, seconds: float) -> Shown:
    """A strip around a beat on the leads that the network read."""
    from ecgviz.figures.strip_view import Shown

    start = float(np.clip(beats.time_s[index] - seconds / 2, 0, max(recording.duration_s - seconds, 0)))
    return Shown(
        recording,
        start,
        min(seconds, recording.duration_s),
        leads=beats.leads,
        beats=beats,
        selected=index,
        network_input=checkpoint.task.describe(),
    )


def _picture(shown: Shown, file_format: str) -> bytes:
    """The strip as a picture file.

    Raises:
        ConfigError: it is too long for one picture.
    """
    from ecgviz.figures.static import ecg_strip_file

    try:
        return ecg_strip_file(shown, file_format=file_format)
    except ValueError as error:
        seconds = f"a strip of {shown.seconds:g} s cannot be drawn ({error}); give fewer"
        raise ConfigError("seconds", seconds) from error
