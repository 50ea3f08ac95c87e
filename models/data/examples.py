"""Random examples of a data set: a beat of each class, some pictures of each class; seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.config.image import ImageDataConfig
from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.image_folder import ImageRow, read_rows
from models.data.mitdb import open_record

_WINDOW_S = 2.4


@dataclass(frozen=True)
class BeatExample:
    """One beat with its context.

    Attributes:
        letter: its AAMI class.
        record: where it is from.
        at_s: its time in the record, s.
        lead: name of the lead.
        time_s: times around the beat, s, 0 at the R peak, (n,).
        signal_mV: float32 (n,).
    """

    letter: str
    record: str
    at_s: float
    lead: str
    time_s: np.ndarray
    signal_mV: np.ndarray


def draw_beats(root: str | Path, records: Mapping[str, Mapping[str, int]], seed: int = 0) -> list[BeatExample]:
    """A random beat of each class in the data.

    Args:
        root: folder of the WFDB records.
        records: cases of each class in each record, as :class:`models.data.survey_result.Survey` has them.
        seed: of the draw.

    Raises:
        ReadError: a record that cannot be read any more.
    """
    generator = np.random.default_rng(seed)
    drawn = []
    for number, letter in enumerate(AAMI_CLASSES):
        holders = [name for name, counts in sorted(records.items()) if counts.get(letter)]
        if holders:
            drawn.append(_beat(Path(root), str(generator.choice(holders)), number, generator))
    return drawn


def _beat(root: Path, name: str, number: int, generator: np.random.Generator) -> BeatExample:
    recording = open_record(root, name)
    marks, fs = recording.annotations, recording.fs
    assert marks is not None
    peaks = marks.sample[aami_classes(marks.symbol) == number]
    half = round(_WINDOW_S / 2 * fs)
    inside = peaks[(peaks > half) & (peaks < recording.n_samples - half)]
    peak = int(generator.choice(inside if len(inside) else peaks))
    start, stop = max(peak - half, 0), min(peak + half, recording.n_samples)
    signal = recording.signal_mV(start, stop)[:, 0]
    return BeatExample(
        AAMI_CLASSES[number], name, peak / fs, recording.leads[0], (np.arange(start, stop) - peak) / fs, signal
    )


def draw_pictures(
    root: str | Path, count: int = 8, seed: int = 0, config: ImageDataConfig | None = None
) -> list[ImageRow]:
    """Random pictures of both classes, alternating, normal first.

    Raises:
        ReadError, ConfigError: as :func:`models.data.image_folder.read_rows`.
    """
    rows = read_rows(root, config)
    generator = np.random.default_rng(seed)
    drawn: list[ImageRow] = []
    for label in (0, 1):
        own = [row for row in rows if row.label == label and row.path.is_file()]
        chosen = generator.permutation(len(own))[: count // 2]
        drawn += [own[place] for place in sorted(chosen)]
    return drawn
