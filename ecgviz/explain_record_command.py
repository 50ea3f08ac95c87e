"""``python -m ecgviz explain`` without ``--at``: why a whole recording has a label, by its waves and leads."""

from __future__ import annotations

import argparse
import json
import sys

from ecgviz.analysis.records import analyse_record
from ecgviz.beat_command import checkpoint_for, opened
from ecgviz.errors import ConfigError
from models.checkpoints import DEFAULT_RECORD_CHECKPOINT, STATEMENT
from models.core.files import write_file
from models.plugins import plugin_of

_FOR_BEATS = ("method", "npz", "png", "lead", "each_lead")


def explain_whole(options: argparse.Namespace) -> None:
    """Say what each wave of each group of leads brings to the label, and whether that holds; write ``--json``.

    Raises:
        EcgvizError: the recording cannot be read or does not suit the network; an option that cannot be.
    """
    from ecgviz.saliency.record_parts import explain_record_parts
    from ecgviz.saliency.record_parts_evidence import judge_record_parts
    from ecgviz.saliency.record_parts_words import document, sentence

    for name in _FOR_BEATS:
        if getattr(options, name) is not None:
            raise ConfigError(name, "is for one beat; name its time by --at, or leave it out")
    options.checkpoint = options.checkpoint or DEFAULT_RECORD_CHECKPOINT
    checkpoint = checkpoint_for(options)
    if (unit := plugin_of(checkpoint).unit) != "recordings":
        remedy = "give the time of the one that is to be explained" if unit == "beats" else "choose another checkpoint"
        raise ConfigError("at", f"{checkpoint.name} classifies {unit}; {remedy}")
    recording = opened(options.record, options)
    analysis = analyse_record(recording, checkpoint)
    reasons = explain_record_parts(recording, checkpoint, target=options.target, seconds=options.seconds)
    evidence = judge_record_parts(checkpoint, reasons)
    told = "the reasons passed their checks" if evidence.tested else "NORM is what is compared with: no checks"
    if evidence.weak:
        told = "weak reasons: " + " ".join(evidence.reasons)
    brought = [
        *((part.name, part.contribution) for part in reasons.parts),
        ("between the waves", reasons.context),
        ("normal beats", reasons.base),
        ("log odds", reasons.log_odds),
    ]
    sys.stdout.write(f"{recording.name}: {sentence(reasons)}\n")
    sys.stdout.write("".join(f"  {name:<26}{value:+6.2f}\n" for name, value in brought) + f"{told}\n")
    if analysis.seen_in_training:
        sys.stdout.write(f"seen in training: this is {analysis.seen_in_training}\n")
    for warning in analysis.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if options.json is not None:
        found = document(reasons) | {
            "record": recording.name,
            "start_s": round(float(reasons.stretch.first_s), 4),
            "evidence": evidence.document(),
            "warnings": list(analysis.warnings),
            "seen_in_training": analysis.seen_in_training,
            "statement": STATEMENT,
        }
        write_file(options.json, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
