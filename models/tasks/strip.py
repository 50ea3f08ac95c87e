"""Task ``strip``: a long strip is read once and every beat in it is classified with its neighbours in view.

The network sees the strip, gathers features at the R peaks and reads them in order: it learns the rhythm and the
patient's own beats from the context. Strips overlap by a margin on both sides; a beat is answered by the strip whose
core it lies in, so every beat has at least the margin as context.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from models.tasks.beat import BeatTaskBase
from models.tasks.conditioning import Conditioner, Read
from models.tasks.inputs import BeatInputs


class StripTask(BeatTaskBase):
    """Strips of ``segment_seconds`` with all their beats, each lead scaled by its own size within the strip."""

    kind: Literal["strip"] = "strip"
    fs_out: Annotated[float, Field(ge=50, le=1000, description="Sampling frequency of the network's input, Hz.")] = (
        120.0
    )
    ecg_leads: Annotated[tuple[str, ...], Field(min_length=1, max_length=12)] = ("MLII", "*")
    segment_seconds: Annotated[float, Field(ge=4, le=600, description="Length of a strip, s.")] = 60.0
    margin_seconds: Annotated[
        float, Field(ge=0, le=60, description="Part of the strip at both ends that is context only, s.")
    ] = 6.0

    @model_validator(mode="after")
    def _core_is_positive(self) -> Self:
        if self.hop <= 0:
            raise ValueError(f"margin_seconds must be less than half of segment_seconds ({self.segment_seconds:g} s)")
        return self

    @property
    def length(self) -> int:
        """Samples of a strip."""
        return round(self.segment_seconds * self.fs_out)

    @property
    def margin(self) -> int:
        """Samples of context at each end."""
        return round(self.margin_seconds * self.fs_out)

    @property
    def hop(self) -> int:
        """Samples from one strip to the next."""
        return self.length - 2 * self.margin

    def scale(self, strip: np.ndarray) -> torch.Tensor:
        """Divide each lead by the median over seconds of its range, a size that a few large beats do not move.

        Args:
            strip: conditioned samples, float32 (n_leads, L).

        Returns:
            float32 (in_channel, L); leads that the recording lacks are zero.
        """
        width = round(self.fs_out)
        seconds = strip[:, : strip.shape[1] // width * width].reshape(len(strip), -1, width)
        spans = seconds.max(axis=-1) - seconds.min(axis=-1)
        scaled = np.zeros((self.in_channel, strip.shape[1]), np.float32)
        for lead, span in enumerate(spans):
            lively = span[span > 1e-4]
            if len(lively):
                scaled[lead] = np.clip(strip[lead] / np.median(lively), -20, 20)
        return torch.from_numpy(scaled)

    def strip(
        self, conditioner: Conditioner, read: Read, n_samples: int, position: np.ndarray, number: int
    ) -> BeatInputs:
        """Strip ``number`` of a recording with B = 1; ``position`` are all R peaks at ``fs_out``."""
        start = number * self.hop - self.margin
        first, stop = np.searchsorted(position, [start, start + self.length])
        beats = position[first:stop] - start
        core = (beats >= self.margin) & (beats < self.length - self.margin)
        x = self.scale(conditioner.condition(read, n_samples, start, start + self.length))
        return BeatInputs(
            x[None],
            {"beats": torch.from_numpy(beats[None].astype(np.int64))},
            np.where(core, np.arange(first, stop), -1)[None],
            conditioner.time_s([start]),
            self.fs_out,
        )

    def batches(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, batch_size: int = 8
    ) -> Iterator[BeatInputs]:
        """All strips of a recording that hold beats, in order; arguments as in :meth:`BeatTask.batches`."""
        conditioner = self.conditioner(fs)
        position = conditioner.position(peaks)
        waiting: list[BeatInputs] = []
        for number in np.unique(position // self.hop):
            waiting.append(self.strip(conditioner, read, n_samples, position, int(number)))
            if len(waiting) == batch_size:
                yield stack(waiting)
                waiting = []
        if waiting:
            yield stack(waiting)

    def inputs_for_beat(self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, index: int) -> BeatInputs:
        """The strip that answers for beat ``index``: the slot where ``beat[0] == index`` is its output."""
        conditioner = self.conditioner(fs)
        position = conditioner.position(peaks)
        return self.strip(conditioner, read, n_samples, position, int(position[index] // self.hop))


def stack(items: list[BeatInputs]) -> BeatInputs:
    """Several strips as one batch: beats are padded with -1 to the longest."""
    most = max(item.beat.shape[1] for item in items)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, most - values.shape[1])), constant_values=-1)

    return BeatInputs(
        torch.cat([item.x for item in items]),
        {"beats": torch.from_numpy(np.concatenate([padded(item.kwargs["beats"].numpy()) for item in items]))},
        np.concatenate([padded(item.beat) for item in items]),
        np.concatenate([item.start_s for item in items]),
        items[0].fs,
    )
