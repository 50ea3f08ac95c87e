"""Task ``beat``: cuts a window around each R peak, which is classified independently.

Everything between a recording and the network's input is here, and training and analysis both come through it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field

from models.core.gaps import Gaps, spans_gap, without_gaps
from models.data.aami import AAMI_CLASSES
from models.tasks.base import Task
from models.tasks.conditioning import Conditioner
from models.tasks.inputs import BeatInputs
from models.tasks.leads import LeadChoice, choose_leads
from readers.recording import Read

RR_FEATURES = 8
_LOCAL_BEATS = 32
_BLOCK_S = 300.0
_FLAT = 1e-6
"""A lead whose SD is this share of what stands beside it holds rounding only."""


class BeatTaskBase(Task):
    """Base of the beat tasks: classes, leads and conditioning."""

    fs_out: Annotated[float, Field(ge=50, le=1000, description="Sampling frequency of the network's input, Hz.")] = (
        360.0
    )
    ecg_leads: Annotated[
        tuple[str, ...],
        Field(
            min_length=1, max_length=12, description='Leads by name, the deciding one first; "*" is any further lead.'
        ),
    ] = ("MLII",)
    further_leads: Annotated[
        tuple[str, ...],
        Field(
            max_length=40, description="Leads that the training read as the first, too: they come without a warning."
        ),
    ] = ()
    highpass_s: Annotated[
        float,
        Field(ge=0, le=10, description="Length of the moving average that is taken away as baseline, s; 0: none."),
    ] = 2.0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the network's outputs."""
        return AAMI_CLASSES

    @property
    def in_channel(self) -> int:
        """Channels of the network's input."""
        return len(self.ecg_leads)

    @property
    def sees_rhythm(self) -> bool:
        """Whether the network sees neighbouring beats, or their distances."""
        return True

    @property
    def classes_in_view(self) -> tuple[str, ...]:
        """Classes whose probabilities may be adapted to the whole recording."""
        return self.classes

    @property
    def beyond_ends(self) -> int:
        """Samples that inputs may reach beyond both ends of a recording."""
        return 0

    def network_arguments(self) -> dict[str, Any]:
        """Network arguments for inputs beside the signal."""
        return {}

    def choose_leads(
        self, available: Sequence[str], wanted: str | None = None, avoid: Sequence[str] = ()
    ) -> LeadChoice:
        """Leads of a recording to read; see :func:`models.tasks.leads.choose_leads`."""
        return choose_leads(available, self.ecg_leads, wanted, avoid, self.further_leads)

    @property
    @abstractmethod
    def length(self) -> int:
        """Samples of an input."""

    @abstractmethod
    def batches(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, batch_size: int = 8, gaps: Gaps = ()
    ) -> Iterator[BeatInputs]:
        """Inputs of all beats of a recording, in order; see :meth:`BeatTask.batches`."""

    def conditioner(self, fs: float) -> Conditioner:
        """Conditioning for recordings sampled at ``fs`` Hz."""
        return Conditioner(fs, self.fs_out, self.highpass_s)

    def describe(self) -> str:
        """One-line description of the network's input, for a page."""
        leads = " + ".join("another lead" if lead == "*" else lead for lead in self.ecg_leads)
        low = f"{1 / self.highpass_s:.2g}" if self.highpass_s else "0"
        return f"{low}-{0.45 * self.fs_out:.0f} Hz at {self.fs_out:g} Hz, {leads}"


class BeatTask(BeatTaskBase):
    """A window of ``segment_seconds`` centred on each R peak, each window scaled to mean 0 and SD 1."""

    kind: Literal["beat"] = "beat"
    segment_seconds: Annotated[
        float, Field(ge=0.01, le=30, description="Length of the window around the R peak, s.")
    ] = 5.0
    rr: Annotated[bool, Field(description="Give the network eight ratios of RR intervals beside the window.")] = False
    rows: Annotated[
        bool,
        Field(description="Windows are the rows of a table of beats, which begin at the R peak, not cut around it."),
    ] = False

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.segment_seconds * self.fs_out)

    @property
    def sees_rhythm(self) -> bool:
        return self.rr

    @property
    def reads_rows(self) -> bool:
        return self.rows

    @property
    def classes_in_view(self) -> tuple[str, ...]:
        return ()

    @property
    def beyond_ends(self) -> int:
        return self.length + round(self.fs_out)

    def network_arguments(self) -> dict[str, Any]:
        return {"rr_features": RR_FEATURES} if self.rr else {}

    def cut(self, conditioned: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Windows of ``length`` centred on ``position``.

        Args:
            conditioned: float32 (n_leads, n).
            position: sample numbers in ``conditioned``, int64 (B,); every window must lie inside.

        Returns:
            float32 (B, in_channel, length); leads that the recording lacks are zero.
        """
        offsets = np.arange(self.length) - self.length // 2
        windows = conditioned[:, position[:, None] + offsets].transpose(1, 0, 2)
        missing = self.in_channel - windows.shape[1]
        return np.pad(windows, ((0, 0), (0, missing), (0, 0))) if missing else windows

    def scale(self, windows: np.ndarray) -> torch.Tensor:
        """Scale each lead of each window to mean 0 and SD 1 over its signal, float32 tensor (B, C, L).

        Zero where there is no signal (NaN), and on a lead that is flat: whose SD is nothing beside that of the other
        leads, or beside its own values.
        """
        there = np.isfinite(windows)
        count = np.maximum(there.sum(axis=-1, keepdims=True), 1)
        values = np.where(there, windows, 0.0).astype(np.float64)
        centred = np.where(there, values - values.sum(axis=-1, keepdims=True) / count, 0.0)
        deviation = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
        largest = np.maximum(deviation.max(axis=1, keepdims=True), np.abs(values).max(axis=-1, keepdims=True))
        lively = deviation > _FLAT * largest
        return torch.from_numpy(np.where(lively, centred / np.where(lively, deviation, 1.0), 0.0).astype(np.float32))

    def rr_kwargs(self, peaks: np.ndarray, fs: float, indices: np.ndarray, gaps: Gaps = ()) -> dict[str, torch.Tensor]:
        """Further network arguments for the beats ``indices``."""
        return {"rr": torch.from_numpy(rr_ratios(peaks / fs, gaps)[indices])} if self.rr else {}

    def batches(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, batch_size: int = 512, gaps: Gaps = ()
    ) -> Iterator[BeatInputs]:
        """Inputs of all beats of a recording, in order, read in blocks of five minutes.

        Args:
            read: gives the chosen leads; see :data:`models.tasks.conditioning.Read`.
            fs: sampling frequency of the recording, Hz.
            n_samples: its length.
            peaks: R peaks as sample numbers, int64 (n,), ascending.
            batch_size: windows in a batch.
            gaps: where no beat can be seen, s: nothing is read there, and no RR interval goes across.
        """
        conditioner, read = self.conditioner(fs), without_gaps(read, fs, gaps)
        position = conditioner.beats(peaks, n_samples)
        ratios = rr_ratios(peaks / fs, gaps) if self.rr else None
        block = round(_BLOCK_S * self.fs_out)
        half = self.length // 2 + 1
        for start in range(0, conditioner.n_out(n_samples), block):
            chosen = np.flatnonzero((position >= start) & (position < start + block))
            if not len(chosen):
                continue
            first = int(position[chosen[0]]) - half
            conditioned = conditioner.condition(read, n_samples, first, int(position[chosen[-1]]) + half)
            for at in range(0, len(chosen), batch_size):
                beat = chosen[at : at + batch_size]
                x = self.scale(self.cut(conditioned, position[beat] - first))
                kwargs = {} if ratios is None else {"rr": torch.from_numpy(ratios[beat])}
                start_s = conditioner.time_s(position[beat] - self.length // 2)
                yield BeatInputs(x, kwargs, beat, start_s, self.fs_out)

    def inputs_for_beat(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, index: int, gaps: Gaps = ()
    ) -> BeatInputs:
        """Input of one beat, identical to that of :meth:`batches`; same arguments, ``index`` is the beat."""
        conditioner, read = self.conditioner(fs), without_gaps(read, fs, gaps)
        position = conditioner.beats(peaks[index : index + 1], n_samples)
        first = int(position[0]) - self.length // 2 - 1
        conditioned = conditioner.condition(read, n_samples, first, first + self.length + 2)
        beat = np.array([index])
        x = self.scale(self.cut(conditioned, position - first))
        start_s = conditioner.time_s(position - self.length // 2)
        return BeatInputs(x, self.rr_kwargs(peaks, fs, beat, gaps), beat, start_s, self.fs_out)


def rr_ratios(peak_s: np.ndarray, gaps: Gaps = ()) -> np.ndarray:
    """Eight rhythm features per beat, float32 (n, 8), from R peak times in seconds, (n,).

    Logarithms of: RR before / local median, RR after / local median, RR before / RR after, RR before / the RR before
    it, RR after / the RR after it, RR before / 1 s, mean of the last 4 / local median, local median / 1 s. The local
    median is over 65 beats around (de Chazal 2004 uses the record's mean, which a page that streams does not know).
    The time across one of the ``gaps`` (s) is no RR interval: what lies on either side is as a recording of its own.
    """
    sides = np.flatnonzero(spans_gap(peak_s, gaps)) + 1
    if len(sides):
        return np.concatenate([rr_ratios(side) for side in np.split(peak_s, sides)])
    n = len(peak_s)
    if n < 2:
        return np.zeros((n, RR_FEATURES), np.float32)
    rr = np.clip(np.diff(peak_s), 0.15, 4.0)
    padded = np.pad(rr, 2, mode="edge")
    before2, before, after, after2 = padded[:n], padded[1 : n + 1], padded[2 : n + 2], padded[3 : n + 3]
    median = _running_median(before)
    mean4 = np.convolve(np.pad(before, (3, 0), mode="edge"), np.full(4, 0.25), "valid")
    ratios = [
        before / median,
        after / median,
        before / after,
        before / before2,
        after / after2,
        before,
        mean4 / median,
        median,
    ]
    logarithms: np.ndarray = np.log(np.stack(ratios, axis=1))
    return logarithms.clip(-2.0, 2.0).astype(np.float32)


def _running_median(values: np.ndarray) -> np.ndarray:
    width = 2 * _LOCAL_BEATS + 1
    padded = np.pad(values, _LOCAL_BEATS, mode="reflect" if len(values) > _LOCAL_BEATS else "edge")
    median: np.ndarray = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return median
