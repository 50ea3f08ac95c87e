"""Which pictures the checkpoint for ECG paper takes for unlike its training: its own sheets, and those of others.

    python -m benchmarks.ecg_sheets --data FOLDER [--each N]

FOLDER holds ptbxl, ludb, ecg_paper_images, image_cases, battery_ct, pcb and xray_welds. Own sheets show PTB-XL's fold
10 and LUDB, drawn as training draws them and photographed ever worse; the others are drawn by software that had no part
in the detector's training (:mod:`benchmarks.sheets_of_others`). A table for docs/tables.md is printed.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.sheets_of_others import OTHERS
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_PAPER_CHECKPOINT
from models.data.ptbxl import TABLE
from models.evaluation.operating_scores import wilson
from models.evaluation.record_pictures import classify_picture
from models.sheets.augmentation import own
from readers import open_recording
from readers.core.lead_names import TWELVE_LEADS
from readers.paper.pictures import open_picture

STRENGTHS = (0.0, 0.35, 0.7, 1.0)
RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
FOLD = 10
Signal = tuple[np.ndarray, float]
Unlike = Callable[[np.ndarray], bool]


def recordings(data: Path) -> list[Signal]:
    """PTB-XL's fold 10 and LUDB by turns: ten seconds of the standard leads in mV, (12, n), and Hz."""
    import pandas as pd

    table = pd.read_csv(data / "ptbxl" / TABLE)
    first = [data / "ptbxl" / f"{name}.hea" for name in table.filename_lr[table.strat_fold == FOLD]]
    second = sorted((data / "ludb").glob("*.hea"))
    found = []
    for file in (one for pair in zip(first, second, strict=False) for one in pair):
        recording = open_recording(file)
        count = round(10 * recording.fs)
        if recording.n_samples >= count:
            named = {name.lower(): name for name in recording.leads}
            signal = recording.signal_mV(0, count, leads=[named[lead.lower()] for lead in TWELVE_LEADS]).T
            found.append((np.nan_to_num(signal - np.nanmedian(signal, axis=1, keepdims=True)), recording.fs))
    return found


def own_rows(signals: list[Signal], each: int, unlike: Unlike) -> Iterator[tuple[str, int, int]]:
    """How many of the training's own sheets are taken for unlike, by how badly they are photographed."""
    for strength in STRENGTHS:
        count = 0
        for number in range(each):
            generator = np.random.default_rng([int(strength * 100), number])
            signal, fs = signals[number % len(signals)]
            px_per_mm = RESOLUTIONS[number % len(RESOLUTIONS)]
            count += unlike(own(signal * 10, fs, generator, strength, px_per_mm))
        yield f"its own, changes of strength {strength:g}", count, each


def other_rows(signals: list[Signal], each: int, unlike: Unlike) -> Iterator[tuple[str, int, int]]:
    """How many sheets of other software are."""
    for name, drawing in OTHERS.items():
        count = 0
        for number in range(each):
            generator = np.random.default_rng([zlib.crc32(name.encode()), number])
            signal, fs = signals[int(generator.integers(len(signals)))]
            count += unlike(drawing(signal, fs, generator))
        yield name, count, each


def file_rows(data: Path, unlike: Unlike) -> Iterator[tuple[str, int, int]]:
    """How many pictures of files are: ECG sheets of elsewhere, and what is no ECG."""
    folders = {
        "ECG-Image-Kit": [*(data / "ecg_paper_images").glob("*.png")],
        "6x2 sheet of image_cases": [data / "image_cases" / "ecg_6x2.png"],
        "battery CT": _pictures(data / "battery_ct"),
        "circuit boards": _pictures(data / "pcb"),
        "X-ray welds": _pictures(data / "xray_welds"),
    }
    for name, files in folders.items():
        yield name, sum(unlike(open_picture(file).pixels) for file in files), len(files)
    from skimage import data as pictures

    shown = [
        getattr(pictures, name)() for name in ("astronaut", "coffee", "chelsea", "rocket", "page", "text", "coins")
    ]
    coloured = [np.asarray(Image.fromarray(one).convert("RGB")) for one in shown]
    yield "photographs and pages of scikit-image", sum(map(unlike, coloured)), len(coloured)


def _pictures(folder: Path, most: int = 20) -> list[Path]:
    """Some of a folder's pictures, evenly chosen."""
    found = sorted(file for file in folder.rglob("*") if file.suffix in (".png", ".tif"))
    return found[:: max(1, len(found) // most)][:most]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--each", type=int, default=20, help="sheets of each foreign kind; five times as many own ones")
    options = parser.parse_args()
    checkpoint: Checkpoint = load_checkpoint(DEFAULT_PAPER_CHECKPOINT)
    signals = recordings(options.data)
    groups = (
        (
            "all of its own",
            own_rows(signals, 5 * options.each, lambda pixels: classify_picture(checkpoint, pixels).unlike),
        ),
        (
            "all of others",
            other_rows(signals, options.each, lambda pixels: classify_picture(checkpoint, pixels).unlike),
        ),
        ("all files", file_rows(options.data, lambda pixels: classify_picture(checkpoint, pixels).unlike)),
    )
    print("| sheets | withheld | of |\n|---|---|---|")
    for name, rows in groups:
        total = [0, 0]
        for row, count, of in rows:
            print(_row(row, count, of), flush=True)
            total = [total[0] + count, total[1] + of]
        print(_row(f"**{name}**", *total), flush=True)


def _row(name: str, count: int, of: int) -> str:
    low, high = wilson(count, of)
    return f"| {name} | {count / of:.3f} ({low:.3f}-{high:.3f}) | {of} |"


if __name__ == "__main__":
    main()
