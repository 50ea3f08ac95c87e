"""Sources of training beats: annotated WFDB records, tables of single beats, or prepared sets.

Each source says what it lacks before a training starts, and counts its beats from annotations and tables, without the
samples of the records.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.config.beat import BeatTrainConfig
from models.core.errors import ConfigError
from models.data import heartbeat_csv, mitdb
from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.augment import NOISE_RECORDS, Augmenter
from models.data.beat_sets import ENDING
from models.data.beats import Batch, PreparedRecord, prepare_record
from models.data.record_names import record_names
from models.plugins.results import Cases, SampleBatches
from models.tasks import StripTask

if TYPE_CHECKING:
    from models.plugins.beats import BeatPlugin

_SHOWN = 5


def source_of(config: BeatTrainConfig) -> Source:
    """The source of a configuration's beats."""
    if config.data.prepared:
        return PreparedSets(config)
    return Tables(config) if heartbeat_csv.is_layout(config.data.root) else Records(config)


class Source(ABC):
    """A source of a configuration's beats."""

    def __init__(self, config: BeatTrainConfig):
        self.config = config

    @property
    def files(self) -> tuple[int, int]:
        """Number of records read for training and for validation."""
        train, validation = record_names(self.config)
        return len(train), len(validation)

    @abstractmethod
    def check(self) -> None:
        """Refuse missing data.

        Raises:
            ConfigError: they are not.
        """

    @abstractmethod
    def count(self, plugin: BeatPlugin[Any]) -> Cases:
        """Beats of each class on both sides.

        Raises:
            ConfigError, ReadError: as the training would.
        """

    def _cases(
        self,
        plugin: BeatPlugin[Any],
        counts: Sequence[np.ndarray],
        *,
        data_bytes: float,
        steps: Sequence[int],
        record: Callable[[], PreparedRecord],
    ) -> Cases:
        train, validation = (
            {letter: int(count) for letter, count in zip(AAMI_CLASSES, tally, strict=True)} for tally in counts
        )
        return Cases(
            train=train,
            validation=validation,
            units=plugin.unit,
            data_bytes=data_bytes,
            steps=steps[0],
            validation_steps=steps[1],
            sample=lambda _: _sample(self.config, plugin, record),
        )

    def _steps(self, items: Sequence[int]) -> list[int]:
        return [math.ceil(count / self.config.batch_size) for count in items]


class Records(Source):
    """A folder of WFDB records with beat annotations."""

    def check(self) -> None:
        config, root = self.config, Path(self.config.data.root)
        train, validation = record_names(config)
        if not root.is_dir():
            raise ConfigError("data.root", f"{root} is no folder; set it to the folder that holds the WFDB records")
        for field, names in (("data.train", train), ("data.validation", validation)):
            missing = [name for name in names if not all((root / f"{name}{end}").is_file() for end in (".hea", ".atr"))]
            if missing:
                more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
                raise ConfigError(
                    field,
                    f"{', '.join(missing[:_SHOWN])}{more} have no .hea or no .atr in data.root ({root}); name others",
                )
        noise = Path(config.data.noise_root)
        if config.data.noise_root and config.augment.noise_probability:
            for name in NOISE_RECORDS:
                if not (noise / f"{name}.hea").is_file():
                    raise ConfigError(
                        "data.noise_root", f"{noise} has no record {name}; it must hold {', '.join(NOISE_RECORDS)}"
                    )

    def count(self, plugin: BeatPlugin[Any]) -> Cases:
        config, root = self.config, Path(self.config.data.root)
        names = record_names(config)
        data_bytes = 0.0
        tallies: list[np.ndarray] = []
        items: list[int] = []
        for records in names:
            total = np.zeros(len(AAMI_CLASSES), np.int64)
            lengths = []
            for name in records:
                counts, samples, leads, fs = _annotated(root / name, (root / f"{name}.atr").stat().st_mtime_ns)
                total += counts
                lengths.append(samples / fs * config.task.fs_out)
                data_bytes += 4.0 * samples * leads + 4.0 * lengths[-1] * min(leads, config.task.in_channel)
            tallies.append(total)
            drawn = config.beats_per_epoch if not items else 0
            items.append(plugin.inputs(drawn or int(total.sum()), lengths, config.task))
        return self._cases(
            plugin,
            tallies,
            data_bytes=data_bytes,
            steps=self._steps(items),
            record=lambda: prepare_record(mitdb.load_record(root, names[0][0]), config.task),
        )


class Tables(Source):
    """Tables of single beats; see :mod:`models.data.heartbeat_csv`."""

    @property
    def files(self) -> tuple[int, int]:
        """One table holds both sides."""
        return 1, 0

    def check(self) -> None:
        root = self.config.data.root
        heartbeat_csv.check_task(self.config.task, heartbeat_csv.width_of(root))

    def count(self, plugin: BeatPlugin[Any]) -> Cases:
        config = self.config
        sides = heartbeat_csv.load_sides(config.data.root, config.task)
        counts = [
            np.bincount(np.concatenate([one.label for one in side]), minlength=len(AAMI_CLASSES)) for side in sides
        ]
        train, validation = (int(tally.sum()) for tally in counts)
        return self._cases(
            plugin,
            counts,
            data_bytes=8.0 * (train + validation) * config.task.length,
            steps=self._steps((config.beats_per_epoch or train, validation)),
            record=lambda: prepare_record(sides[0][0], config.task),
        )


class PreparedSets(Source):
    """Sets written by ``scripts/prepare_beats.py``."""

    def check(self) -> None:
        strip_task(self.config)
        data = self.config.data
        missing = [name for name in data.sets if not (Path(data.prepared) / f"{name}{ENDING}").is_file()]
        if missing:
            raise ConfigError(
                "data.prepared", f"has no set {', '.join(missing)}; python -m scripts.prepare_beats makes it"
            )

    def count(self, plugin: BeatPlugin[Any]) -> Cases:
        from models.training.prepared_run import prepared_sides  # not part of what a page needs otherwise

        sides = prepared_sides(self.config, strip_task(self.config))
        held_out = sides.validation
        counts = [np.bincount(sides.train.labels, minlength=len(AAMI_CLASSES))]
        counts.append(
            np.zeros_like(counts[0]) if held_out is None else np.bincount(held_out.labels, minlength=len(counts[0]))
        )
        records = [*sides.train.records, *(record for group in sides.train.others for record in group.records)]
        return self._cases(
            plugin,
            counts,
            data_bytes=float(sum(record.conditioned.nbytes for record in records)),
            steps=(self.config.batches_per_epoch, 0 if held_out is None else len(held_out)),
            record=lambda: records[0],
        )


def strip_task(config: BeatTrainConfig) -> StripTask:
    """The task of a training on prepared sets.

    Raises:
        ConfigError: it reads no strips, which is what the sets hold.
    """
    if not isinstance(config.task, StripTask):
        raise ConfigError("data.prepared", "holds strips; train a network that reads strips, or give data.root instead")
    return config.task


def _sample(config: BeatTrainConfig, plugin: BeatPlugin[Any], record: Callable[[], PreparedRecord]) -> SampleBatches:
    """Batches of one record."""
    since = time.monotonic()
    prepared = record()
    read_s = time.monotonic() - since
    augmenter = Augmenter(config.augment.model_copy(update={"noise_probability": 0.0}))
    data = plugin.dataset([prepared], config.task, augmenter=augmenter, batch_size=1, seed=config.seed)

    def make(count: int) -> Batch:
        data.batch_size = count
        batch: Batch = data[0]
        return batch

    return SampleBatches(make=make, read_s=read_s)


@lru_cache(maxsize=512)
def _annotated(path: Path, _stamp: int) -> tuple[np.ndarray, int, int, float]:
    """Beats by class, samples, leads and sampling frequency of a record; cached by the file's stamp."""
    recording = mitdb.open_record(path.parent, path.name)
    assert recording.annotations is not None
    label = aami_classes(recording.annotations.symbol)
    counts = np.bincount(label[label >= 0], minlength=len(AAMI_CLASSES))
    return counts, recording.n_samples, len(recording.leads), recording.fs
