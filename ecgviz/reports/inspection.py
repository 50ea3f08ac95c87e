"""Results of an inspection as files: CSV table, zip of annotated pictures, PDF report."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ecgviz.errors import EcgvizError
from ecgviz.figures.picture_layers import annotated, picture_scale
from ecgviz.figures.window_level import apply_window, window_presets
from ecgviz.results import ImageMap, Verdict
from ecgviz.saliency.images import explain_image, shared_scale
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from readers.core.file_names import readable
from readers.images import open_images
from readers.images.listing import Aside

COLUMNS = (
    "path",
    "sha256",
    "verdict",
    "pred_score",
    "threshold",
    "checkpoint",
    "checkpoint_sha256",
    "seconds",
    "error",
    "slice",
    "reason",
    "warnings",
)
ENCODING = "utf-8-sig"
"""Of the table: spreadsheets take a table without the mark for one of their own country."""
SET_ASIDE = "set aside"
CONTOUR_LEVEL = 0.5
SCALE_SAMPLE = 8


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts by decreasing score; unreadable files first."""
    return sorted(verdicts, key=lambda one: -math.inf if math.isnan(one.score) else -one.score)


def verdict_row(verdict: Verdict) -> dict[str, str]:
    """A verdict as a CSV row, its path as :func:`readable`; the score of an unreadable file is empty."""
    return {
        "path": readable(verdict.file),
        "sha256": verdict.sha256,
        "verdict": verdict.verdict,
        "pred_score": "" if math.isnan(verdict.score) else f"{verdict.score:.6f}",
        "threshold": f"{verdict.threshold:.6g}",
        "checkpoint": verdict.checkpoint,
        "checkpoint_sha256": verdict.checkpoint_sha256,
        "seconds": f"{verdict.seconds:.4f}",
        "error": verdict.error,
        "slice": "" if verdict.slice_index is None else str(verdict.slice_index + 1),
        "reason": verdict.reason,
        "warnings": " ".join(verdict.warnings),
    }


def aside_row(aside: Aside) -> dict[str, str]:
    """A file that was not judged as a line of the CSV."""
    return dict.fromkeys(COLUMNS, "") | {
        "path": readable(aside.path),
        "verdict": SET_ASIDE,
        "reason": aside.reason,
    }


def verdicts_csv(verdicts: Iterable[Verdict], aside: Iterable[Aside] = ()) -> bytes:
    """All verdicts, and the files that were set aside, as a CSV file with the columns ``COLUMNS``."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(verdict_row(verdict) for verdict in verdicts)
    writer.writerows(aside_row(one) for one in aside)
    return buffer.getvalue().encode(ENCODING, errors="backslashreplace")


def counts(verdicts: Sequence[Verdict], aside: Sequence[Aside] = ()) -> dict[str, int]:
    """Number of files: normal, defect, to review, out of distribution, (partly) unreadable, and set aside."""
    found = Counter(one.verdict for one in verdicts)
    return {
        "files": len(verdicts),
        "normal": found["normal"],
        "defect": found["defect"],
        "review": found["review"],
        "unlike training": sum(one.in_distribution is False for one in verdicts),
        "not read": sum(bool(one.error) for one in verdicts),
        SET_ASIDE: len(aside),
    }


def annotated_pictures(
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    *,
    method: str | None = None,
    most_px: int = 1024,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each readable file's deciding slice with its map, on a common scale.

    Args:
        verdicts: of ``inspect_files``; their files are read again.
        checkpoint: the one that judged them.
        method: of the map.
        most_px: longest side of a picture.
        progress: told pictures done, pictures in all, a note.
        should_stop: asked before each picture; True ends early.
    """
    readable = [one for one in verdicts if not math.isnan(one.score)]
    sample = worst_first(readable)[:: max(1, len(readable) // SCALE_SAMPLE)]
    found = [_explained(one, checkpoint, method) for one in sample]
    scale, used = picture_scale(shared_scale(one[1] for one in found if one is not None)), set[str]()
    for done, one in enumerate(readable, start=1):
        if should_stop is not None and should_stop():
            return
        explained = _explained(one, checkpoint, method)
        if explained is not None:
            grey, image_map = explained
            yield (
                _name(one, used),
                annotated(grey, caption(one), image_map=image_map, scale=scale, level=CONTOUR_LEVEL, most=most_px),
            )
        if progress is not None:
            progress(done, len(readable), "Drawing pictures")


def pictures_zip(pictures: Iterable[tuple[str, bytes]]) -> bytes:
    """Zip of ``annotated_pictures``, stored, since PNG is compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in pictures:
            archive.writestr(name, content)
    return buffer.getvalue()


def caption(verdict: Verdict) -> tuple[str, str]:
    """Caption of a picture: file and verdict, then how it was made."""
    place = f", slice {verdict.slice_index + 1}" if verdict.slice_index is not None else ""
    unlike = ", unlike the training" if verdict.in_distribution is False else ""
    made_with = f"threshold {verdict.threshold:.3f} (version {verdict.operating_point_version})"
    return (
        f"{readable(Path(verdict.file).name)}{place}: {verdict.verdict.upper()}, score {verdict.score:.3f}{unlike}",
        f"{made_with}, network {verdict.checkpoint} {verdict.checkpoint_sha256[:12]}",
    )


def _explained(verdict: Verdict, checkpoint: Checkpoint, method: str | None) -> tuple[np.ndarray, ImageMap] | None:
    """The deciding slice, windowed, and its map; None where the file is gone."""
    try:
        stack = open_images(verdict.file)
        pixels = stack.pixels(verdict.slice_index or 0)
    except (EcgvizError, OSError):
        return None
    window = next(iter(window_presets(pixels, stack).values()))
    return apply_window(pixels, window), explain_image(pixels, checkpoint, method=method)


def _name(verdict: Verdict, used: set[str]) -> str:
    """A unique file name that sorts worst first and contains no path of the server."""
    stem = re.sub(r"[^\w.-]+", "_", Path(verdict.file).stem)[:80] or "picture"
    name, number = f"{verdict.verdict}_{verdict.score:.3f}_{stem}.png", 1
    while name in used:
        number += 1
        name = f"{verdict.verdict}_{verdict.score:.3f}_{stem}_{number}.png"
    used.add(name)
    return name
