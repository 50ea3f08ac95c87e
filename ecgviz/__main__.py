"""``python -m ecgviz``: the dashboard's functions on the command line.

python -m ecgviz app [-- --server.port 8600]
python -m ecgviz doctor
python -m ecgviz analyze RECORD --json FILE [--csv FILE] [--atr FOLDER]
python -m ecgviz analyze TABLE_OF_BEATS --json FILE [--csv FILE]
python -m ecgviz analyze PICTURE --json FILE [--page N] [--turn DEGREES]
python -m ecgviz analyze FOLDER --json FOLDER [--csv FOLDER] [--atr FOLDER] [--ray]
python -m ecgviz explain RECORD --at SECONDS --npz FILE --png FILE
python -m ecgviz explain RECORD --at SECONDS --parts --json FILE
python -m ecgviz explain RECORD --json FILE
python -m ecgviz review RECORD [--apply EDITS --who NAME] [--undo last] [--log] [--json FILE] [--atr FOLDER]
python -m ecgviz evaluate CHECKPOINT --data FOLDER --split test --positions detected
python -m ecgviz report RECORD --pdf FILE [--json FILE] [--csv FILE]
python -m ecgviz bench TRUTH TEST [--json FILE] [--csv FILE]
python -m ecgviz inspect PATH... --csv FILE [--pdf FILE] [--json FILE] [--overlays FOLDER] [--axis coronal] [--ray]
python -m ecgviz dataset PATH... --name NAME --parent FOLDER
python -m ecgviz override PATH... --verdict normal|defect|review --reason TEXT --who NAME [--slice N | --batch] [--undo]
python -m ecgviz planes FILE [--at Z,Y,X] [--png FILE] [--unrolled FILE] [--along FILE] [--measure Z,Y,X Z,Y,X]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ecgviz.app_command import start_app
from ecgviz.beat_command import SAMPLE_PREFIX, analyse_recordings, record_named
from ecgviz.bench_command import add_bench
from ecgviz.explain_command import explain_recording
from ecgviz.inspect_command import add_inspect
from ecgviz.planes_command import add_planes
from ecgviz.report_command import add_report
from ecgviz.review_command import add_review
from models.checkpoints import (
    DEFAULT_BEAT_CHECKPOINT,
    DEFAULT_RECORD_CHECKPOINT,
    STATEMENT,
    card_of,
)
from models.core.command_line import bar, run
from models.core.files import file_to_write, folder_to_write, write_file
from readers.paper.pictures import TURNS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 where a part of the work failed, 2 with one sentence on stderr."""
    return run(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecgviz", description=f"ECG analysis and inspection without a browser. {STATEMENT}"
    )
    commands = parser.add_subparsers(required=True)

    app = commands.add_parser("app", help="start the dashboard")
    app.add_argument(
        "streamlit", nargs="*", metavar="OPTION", help="what streamlit run takes, after --: -- --server.port 8600"
    )
    app.set_defaults(command=start_app)

    doctor = commands.add_parser("doctor", help="versions, device, checkpoints, and what is missing")
    doctor.set_defaults(command=_doctor)

    _add_analyze(commands)
    _add_explain(commands)
    add_review(commands, _add_recording)
    add_report(commands, _add_recording)
    _add_evaluate(commands)
    add_bench(commands.add_parser("bench", help="compare two annotations of the same recordings as EC57 defines it"))
    add_inspect(commands)
    add_planes(
        commands.add_parser("planes", help="three planes of a volume, its winding unrolled, distances and angles")
    )
    return parser


def _add_analyze(commands: argparse._SubParsersAction) -> None:
    analyze = commands.add_parser(
        "analyze", help="classify every beat of a recording or table, and a 12-lead ECG or a picture of one as a whole"
    )
    _add_recording(analyze)
    analyze.add_argument("--checkpoint", help="name or folder; by default chosen by the recording, which is printed")
    analyze.add_argument("--json", type=Path, metavar="FILE", help="write beats or labels, with probabilities")
    analyze.add_argument("--csv", type=Path, metavar="FILE", help="write the beat table")
    analyze.add_argument(
        "--atr", type=folder_to_write, metavar="FOLDER", help="write a WFDB annotation file into this folder"
    )
    analyze.add_argument("--ray", action="store_true", help="spread a folder of recordings over a Ray cluster")
    analyze.add_argument("--page", type=int, default=1, help="of a PDF or TIFF of ECG paper; default 1")
    analyze.add_argument(
        "--turn", type=int, default=0, choices=TURNS, help="degrees clockwise, for ECG paper that lies on its side"
    )
    analyze.set_defaults(command=_analyze)


def _add_explain(commands: argparse._SubParsersAction) -> None:
    explain = commands.add_parser("explain", help="show why a beat has its class, or a 12-lead ECG its label")
    _add_recording(explain)
    explain.add_argument(
        "--checkpoint",
        help=f"name or folder; default {DEFAULT_BEAT_CHECKPOINT}, and {DEFAULT_RECORD_CHECKPOINT} without --at",
    )
    explain.add_argument(
        "--at", type=float, metavar="SECONDS", help="the beat nearest to this time; without it, the label of the whole"
    )
    explain.add_argument(
        "--method", help="grad_cam, hires_cam, se_attention, saliency, integrated_gradients or occlusion"
    )
    explain.add_argument("--target", help="class to explain; default: the one predicted")
    explain.add_argument("--seconds", type=float, default=10.0, help="length of the strip in the picture; default 10")
    explain.add_argument("--npz", type=file_to_write, metavar="FILE", help="write the map and its evidence as arrays")
    explain.add_argument(
        "--png", type=file_to_write, metavar="FILE", help="write the strip with the map (.png, .svg or .pdf)"
    )
    explain.add_argument(
        "--parts",
        action="store_true",
        help="tell what P, QRS, ST and T, and the RR before and after bring to the class",
    )
    explain.add_argument(
        "--each-lead", action="store_true", default=None, help="tell it of the waves of each lead by themselves"
    )
    explain.add_argument("--json", type=file_to_write, metavar="FILE", help="write the reasons by parts as JSON")
    explain.set_defaults(command=explain_recording)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    evaluate = commands.add_parser("evaluate", help="score a checkpoint on annotated records at detected beats")
    evaluate.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    evaluate.add_argument("--data", type=Path, required=True, help="folder of WFDB records with .atr")
    evaluate.add_argument("--split", default="all", help="all, train, validation, ds1 or test (DS2)")
    evaluate.add_argument("--records", default="", help="names separated by commas, instead of a split")
    evaluate.add_argument("--positions", choices=("detected", "reference"), default="detected")
    evaluate.add_argument("--lead", help="read this lead first")
    evaluate.add_argument("--json", type=file_to_write, metavar="FILE", help="write all metrics")
    evaluate.set_defaults(command=_evaluate)


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "record", type=record_named, help=f"a file, a WFDB record's name, a zip, or {SAMPLE_PREFIX}NAME"
    )
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--lead", help="read this lead first, whatever the network was trained on")
    parser.add_argument(
        "--beats", choices=("detected", "reference"), default="detected", help="whose R peaks to classify"
    )
    parser.add_argument("--fs", type=float, help="sampling frequency in Hz, where the file does not state it")
    parser.add_argument("--unit", help="mV, uV, V or unknown, where the file does not state it")
    parser.add_argument(
        "--leads",
        type=lambda text: text.replace(",", " ").split(),
        help="names of the leads in the file's order: I,II,V1",
    )


def _doctor(_: argparse.Namespace) -> int:
    from ecgviz.doctor import examine, render

    checks = examine()
    print(render(checks))
    return 0 if all(check.ok for check in checks) else 1


def _analyze(options: argparse.Namespace) -> int:
    if options.checkpoint is None or card_of(options.checkpoint).kind == "row":
        from ecgviz.choice_command import analyse_by_choice

        return analyse_by_choice(options)
    from ecgviz.record_command import analyse_records, record_checkpoint

    whole = record_checkpoint(options)
    return analyse_recordings(options) if whole is None else analyse_records(options, whole)


def _evaluate(options: argparse.Namespace) -> None:
    from ecgviz.signals.r_peaks import detect_r_peaks
    from models import load_checkpoint
    from models.evaluation.beats import evaluate, render

    names = [name.strip() for name in options.records.split(",") if name.strip()]
    with bar("record") as progress:
        result = evaluate(
            load_checkpoint(options.checkpoint),
            options.data,
            options.split,
            names,
            lead=options.lead,
            detect=detect_r_peaks if options.positions == "detected" else None,
            progress=progress,
        )
    print(render(result))
    if options.json is not None:
        write_file(options.json, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
