"""Results of an inspection as files: CSV table, JSON, zip of annotated pictures.

``decisions`` are the decisions of people that stand; everything here says the final verdict, and the network's beside
it where a person decided (:mod:`ecgviz.analysis.dispositions`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ecgviz.analysis.dispositions import NOBODY, Decisions, Final, final_batch, final_verdict, final_verdicts
from ecgviz.analysis.label_order import Candidate
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
    "network_verdict",
    "decided_by",
    "decided_at",
    "decision_reason",
)
ENCODING = "utf-8-sig"
"""Of the table: spreadsheets take a table without the mark for one of their own country."""
SET_ASIDE = "set aside"
CONTOUR_LEVEL = 0.5
SCALE_SAMPLE = 8
_LINE = 110
"""Letters of a line of a caption: a reason may have two thousand."""


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts by decreasing score; unreadable files first."""
    return sorted(verdicts, key=lambda one: -math.inf if math.isnan(one.score) else -one.score)


def verdict_row(verdict: Verdict, decisions: Decisions = NOBODY) -> dict[str, str]:
    """A verdict as a CSV row, its path as :func:`readable`; the score of an unreadable file is empty."""
    final = final_verdict(verdict, decisions)
    return {
        "path": readable(verdict.file),
        "sha256": verdict.sha256,
        "verdict": final.verdict,
        "pred_score": "" if math.isnan(verdict.score) else f"{verdict.score:.6f}",
        "threshold": f"{verdict.threshold:.6g}",
        "checkpoint": verdict.checkpoint,
        "checkpoint_sha256": verdict.checkpoint_sha256,
        "seconds": f"{verdict.seconds:.4f}",
        "error": verdict.error,
        "slice": "" if verdict.slice_index is None else str(verdict.slice_index + 1),
        "reason": verdict.reason,
        "warnings": " ".join(verdict.warnings),
        "network_verdict": verdict.verdict,
        "decided_by": final.decided_by,
        "decided_at": final.decided_at,
        "decision_reason": final.decision_reason,
    }


def aside_row(aside: Aside) -> dict[str, str]:
    """A file that was not judged as a line of the CSV."""
    return dict.fromkeys(COLUMNS, "") | {
        "path": readable(aside.path),
        "verdict": SET_ASIDE,
        "reason": aside.reason,
    }


def verdicts_csv(verdicts: Iterable[Verdict], aside: Iterable[Aside] = (), decisions: Decisions = NOBODY) -> bytes:
    """All verdicts, and the files that were set aside, as a CSV file with the columns ``COLUMNS``."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(verdict_row(verdict, decisions) for verdict in verdicts)
    writer.writerows(aside_row(one) for one in aside)
    return buffer.getvalue().encode(ENCODING, errors="backslashreplace")


def verdicts_json(
    name: str, verdicts: Sequence[Verdict], aside: Sequence[Aside] = (), decisions: Decisions = NOBODY
) -> str:
    """Everything that the table says, for programs, with the counts, the batch and each slice."""
    batch = final_batch(name, final_verdicts(verdicts, decisions), decisions)
    found = {
        "counts": counts(verdicts, aside, decisions),
        "network_counts": counts(verdicts, aside),
        "batch": None if batch is None else _plain(batch),
        "parts": [_part(one, decisions) for one in verdicts],
        "set_aside": [{"path": readable(one.path), "reason": one.reason} for one in aside],
    }
    return json.dumps(found, indent=1, allow_nan=False) + "\n"


def _plain(final: Final) -> dict[str, Any]:
    return {
        "verdict": final.verdict,
        "network_verdict": final.network.verdict,
        "decision": None if final.decision is None else asdict(final.decision),
        "slice_decisions": [asdict(one) for one in final.slices],
    }


def _part(verdict: Verdict, decisions: Decisions) -> dict[str, Any]:
    row = {name: value for name, value in verdict_row(verdict, decisions).items() if not name.startswith("deci")}
    scores = [None if math.isnan(one) else round(one, 6) for one in verdict.slice_scores]
    score = None if math.isnan(verdict.score) else verdict.score
    return (
        row
        | {"pred_score": score, "threshold": verdict.threshold, "slice_scores": scores}
        | _plain(final_verdict(verdict, decisions))
    )


def label_order_csv(order: Iterable[Candidate]) -> bytes:
    """Parts in the order of labelling as a CSV file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("rank", "path", "verdict", "pred_score", "uncertainty", "novelty"))
    for rank, one in enumerate(order, start=1):
        score = verdict_row(one.verdict)["pred_score"]
        novelty = "" if math.isnan(one.novelty) else f"{one.novelty:.4f}"
        writer.writerow(
            (rank, readable(one.verdict.file), one.verdict.verdict, score, f"{one.uncertainty:.4f}", novelty)
        )
    return buffer.getvalue().encode(ENCODING, errors="backslashreplace")


def counts(verdicts: Sequence[Verdict], aside: Sequence[Aside] = (), decisions: Decisions = NOBODY) -> dict[str, int]:
    """Number of files by final verdict: normal, defect, to review; out of distribution, (partly) unreadable, set aside.

    How many a person decided is counted where decisions are given.
    """
    finals = final_verdicts(verdicts, decisions)
    found = Counter(one.verdict for one in finals)
    decided = {} if decisions is NOBODY else {"decided by people": sum(one.decided for one in finals)}
    return {
        "files": len(verdicts),
        "normal": found["normal"],
        "defect": found["defect"],
        "review": found["review"],
        "unlike training": sum(one.in_distribution is False for one in verdicts),
        "not read": sum(bool(one.error) for one in verdicts),
        SET_ASIDE: len(aside),
        **decided,
    }


def annotated_pictures(
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    *,
    decisions: Decisions = NOBODY,
    method: str | None = None,
    most_px: int = 1024,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[tuple[str, bytes]]:
    """(name, PNG) of each readable file's deciding slice with its map, on a common scale.

    Args:
        verdicts: of ``inspect_files``; their files are read again.
        checkpoint: the one that judged them.
        decisions: of people.
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
            final = final_verdict(one, decisions)
            yield (
                _name(final, used),
                annotated(grey, caption(final), image_map=image_map, scale=scale, level=CONTOUR_LEVEL, most=most_px),
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


def caption(found: Verdict | Final) -> tuple[str, ...]:
    """Caption of a picture: file and final verdict, who decided it over the network's, and how it was made."""
    final = found if isinstance(found, Final) else Final(found, found.verdict)
    verdict = final.network
    place = f", slice {verdict.slice_index + 1}" if verdict.slice_index is not None else ""
    unlike = ", unlike the training" if verdict.in_distribution is False else ""
    made_with = f"threshold {verdict.threshold:.3f} (version {verdict.operating_point_version})"
    decided = f"network: {verdict.verdict}; decided by {final.decided_by}: {final.decision_reason}"
    return (
        f"{readable(Path(verdict.file).name)}{place}: {final.verdict.upper()}, score {verdict.score:.3f}{unlike}",
        *([decided if len(decided) <= _LINE else f"{decided[: _LINE - 1]}…"] if final.decided else []),
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


def _name(final: Final, used: set[str]) -> str:
    """A unique file name that sorts worst first and contains no path of the server."""
    verdict = final.network
    stem = re.sub(r"[^\w.-]+", "_", Path(verdict.file).stem)[:80] or "picture"
    name, number = f"{final.verdict}_{verdict.score:.3f}_{stem}.png", 1
    while name in used:
        number += 1
        name = f"{final.verdict}_{verdict.score:.3f}_{stem}_{number}.png"
    used.add(name)
    return name
