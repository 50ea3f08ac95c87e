"""``python -m ecgviz explain``: where the network looked for one beat, as words, arrays and a picture."""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path

import numpy as np

from ecgviz.beat_command import analysed, checkpoint_for, opened, say_notes
from ecgviz.errors import ConfigError
from ecgviz.results import Beats, Evidence, SaliencyMap
from models.checkpoints import Checkpoint
from models.core.files import write_file
from readers.recording import Recording


def explain_recording(options: argparse.Namespace) -> None:
    """Explain the beat nearest to ``--at``, and write ``--npz`` and ``--png`` where they are wanted.

    Raises:
        EcgvizError: the recording cannot be read, has no such beat or does not suit the network; an option that
            cannot be.
    """
    from ecgviz.saliency import explain_beat, judge_map

    file_format = _checked(options)
    checkpoint, started = checkpoint_for(options), time.perf_counter()
    recording = opened(options.record, options)
    if not 0 <= options.at <= recording.duration_s:
        raise ConfigError("at", f"{options.at:g} s lies outside the recording of {recording.duration_s:.1f} s")
    recording, beats = analysed(options, checkpoint, recording, started)
    if not len(beats):
        raise ConfigError("at", f"{recording.name} has no beat to explain")
    index = int(np.abs(beats.time_s - options.at).argmin())
    try:
        saliency = explain_beat(recording, checkpoint, beats, index, target=options.target, method=options.method)
    except ValueError as error:
        raise ConfigError("method or target", str(error)) from error
    evidence = judge_map(recording, checkpoint, beats, saliency)
    ruled = f", {beats.label[index]} in {beats.rhythm[index]}" if beats.not_early[index] else ""
    if beats.changed[index] and not ruled:
        ruled = f", {beats.label[index]} ({beats.prob[index].max():.2f}) in view of the whole recording"
    told = "weak explanation: " + " ".join(evidence.reasons) if evidence.weak else "the map passed its checks"
    said = f"{beats.network_label[index]} ({beats.network_prob[index].max():.2f}){ruled}"
    sys.stdout.write(f"beat at {beats.time_s[index]:.3f} s: {said}; map of {saliency.target}\n{told}\n")
    say_notes(beats)
    if options.npz is not None:
        write_file(options.npz, _arrays(beats, index, saliency, evidence))
    if options.png is not None:
        content = _picture(recording, checkpoint, beats, index, saliency, options.seconds, file_format)
        write_file(options.png, content)


def _checked(options: argparse.Namespace) -> str:
    """The format of the picture.

    Raises:
        ConfigError: there is no such format, or no strip of that length.
    """
    from ecgviz.figures.static import FORMATS

    if not options.seconds > 0:
        raise ConfigError("seconds", f"{options.seconds:g} s is no length of a strip; give a number above 0")
    file_format = Path(options.png or "").suffix.lower().lstrip(".") or "png"
    if file_format not in FORMATS:
        raise ConfigError("png", f"{options.png.name} is no {', '.join(FORMATS)}; give the file one of these endings")
    return file_format


def _arrays(beats: Beats, index: int, saliency: SaliencyMap, evidence: Evidence) -> bytes:
    """The map with its evidence and what must be seen beside it as npz; every array loads without pickle."""
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


def _picture(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    index: int,
    saliency: SaliencyMap,
    seconds: float,
    file_format: str,
) -> bytes:
    """The strip around the beat with the map.

    Raises:
        ConfigError: it is too long for one picture.
    """
    from ecgviz.figures.static import ecg_strip_file

    start = float(np.clip(beats.time_s[index] - seconds / 2, 0, max(recording.duration_s - seconds, 0)))
    try:
        return ecg_strip_file(
            recording,
            start,
            min(seconds, recording.duration_s),
            file_format=file_format,
            leads=beats.leads,
            beats=beats,
            saliency=saliency,
            network_input=checkpoint.task.describe(),
            selected=index,
        )
    except ValueError as error:
        raise ConfigError("seconds", f"a strip of {seconds:g} s cannot be drawn ({error}); give fewer") from error
