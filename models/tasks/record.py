"""Task ``record``: cuts a whole recording into windows, which give one probability per label.

Everything between a recording's samples and the network's input is here, and training and analysis both come through
it: leads by name, resampled, band-passed with zero phase, cut into windows, each lead of each window scaled. A network
for pictures reads the same windows drawn: as a matrix of leads and time, or as ECG paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, model_validator

from models.core.errors import ConfigError
from models.data.ecg_paper import Stretch, draw, fit_picture, sheet_size, stretches
from models.data.ecg_picture import MATRIX_SIZE, as_picture, matrix
from models.data.ecg_scan import scanned, varied
from models.tasks.base import Task
from models.tasks.conditioning import bridged, equal_phases, rate_ratio
from readers.core.lead_names import TWELVE_LEADS

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
"""Diagnostic superclasses of PTB-XL (Wagner 2020)."""
_FROM_I_AND_II = {"iii": (-1.0, 1.0), "avr": (-0.5, -0.5), "avl": (1.0, -0.5), "avf": (-0.5, 1.0)}
"""Weights of I and II in the other limb leads (Einthoven, Goldberger)."""
_FILTER_ORDER = 4
_MM_PER_MV, _MM_PER_SD = 10.0, 2.0
"""Millimetres of paper for a millivolt; and, where voltages are lost, for an SD, which is about 0.2 mV."""
_FORMS = {"matrix": "a matrix", "paper": "ECG paper, 3x4 and a rhythm strip,"}
_FLAT = 1e-6
"""A lead whose SD is this share of the largest lead's holds rounding only and becomes zero."""

Side = Annotated[int, Field(ge=32, le=1024)]


class RecordTask(Task):
    """Windows of a recording, each scaled independently; predictions are averaged over the windows."""

    kind: Literal["record"] = "record"
    target: Annotated[
        Literal["superclasses", "abnormal"],
        Field(description="The five superclasses of PTB-XL, each by itself; or normal against abnormal."),
    ] = "superclasses"
    fs_out: Annotated[float, Field(ge=50, le=1000, description="Sampling frequency of the network's input, Hz.")] = (
        100.0
    )
    ecg_leads: Annotated[
        tuple[str, ...], Field(min_length=1, max_length=12, description="Leads by name, in the network's order.")
    ] = TWELVE_LEADS
    segment_seconds: Annotated[float, Field(ge=1, le=60, description="Length of a window, s.")] = 8.0
    hop_seconds: Annotated[
        float, Field(gt=0, le=60, description="From one window to the next, at most, where answers are averaged, s.")
    ] = 1.0
    padding: Annotated[
        float, Field(ge=0, le=0.5, description="Share of a window that zeros may fill where a recording is short.")
    ] = 0.01
    highpass_hz: Annotated[
        float, Field(ge=0, le=5, description="Zero-phase Butterworth filter of order 4 from here, Hz; 0: none.")
    ] = 0.5
    lowpass_hz: Annotated[float, Field(ge=0, le=250, description="And to here, Hz; 0: none.")] = 40.0
    scaling: Annotated[
        Literal["zscore", "mV"],
        Field(description="zscore: each lead of a window to mean 0 and SD 1; mV: voltages as they are."),
    ] = "zscore"
    form: Annotated[
        Literal["signal", "matrix", "paper"],
        Field(description="signal: samples; matrix: leads and time as a picture; paper: drawn on ECG paper, 3x4."),
    ] = "signal"
    px_per_mm: Annotated[float, Field(ge=0.5, le=12, description="Pixels for a millimetre of the paper.")] = 1.2

    matrix_size: Annotated[
        tuple[Side, Side], Field(description="Height and width of a matrix of leads and time, pixels.")
    ] = MATRIX_SIZE

    @model_validator(mode="after")
    def _can_be_computed(self) -> RecordTask:
        if self.lowpass_hz and not self.highpass_hz < self.lowpass_hz < self.fs_out / 2:
            raise ConfigError(
                "task.lowpass_hz",
                f"{self.lowpass_hz:g} Hz must lie between highpass_hz and half of fs_out ({self.fs_out / 2:g} Hz)",
            )
        if len({lead.lower() for lead in self.ecg_leads}) < len(self.ecg_leads):
            raise ConfigError("task.ecg_leads", "names a lead twice; name each once")
        if self.reads_paper and {lead.lower() for lead in self.ecg_leads} != {n.lower() for n in TWELVE_LEADS}:
            raise ConfigError("task.ecg_leads", f"a 3x4 paper needs {', '.join(TWELVE_LEADS)}; or choose another form")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the network's outputs, which are independent probabilities."""
        return SUPERCLASSES if self.target == "superclasses" else ("abnormal",)

    @property
    def in_channel(self) -> int:
        """Channels of the network's input: leads, or the three of a picture."""
        return 3 if self.reads_pictures else len(self.ecg_leads)

    @property
    def reads_pictures(self) -> bool:
        """Whether its networks read a window drawn as a picture, rather than its samples."""
        return self.form != "signal"

    @property
    def reads_paper(self) -> bool:
        """Whether its networks read pictures of ECG paper."""
        return self.form == "paper"

    def on_sheet(self) -> list[Stretch]:
        """Where an unchanged sheet of paper shows each lead; empty where the network is shown all of a window."""
        return stretches(self.segment_seconds, self.px_per_mm) if self.reads_paper else []

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the network's input where it is a picture, pixels."""
        return self.matrix_size if self.form == "matrix" else sheet_size(self.segment_seconds, self.px_per_mm)

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.segment_seconds * self.fs_out)

    @property
    def shortest(self) -> int:
        """Minimum length of a recording, in samples at ``fs_out``."""
        return ceil(self.length * (1 - self.padding) - 1e-9)

    def take_leads(self, signal: np.ndarray, leads: Sequence[str]) -> np.ndarray:
        """The network's leads in order, float64 (n, n_leads); missing limb leads are derived from I and II.

        Args:
            signal: float (n, len(leads)).
            leads: their names, in any case and order.

        Raises:
            ConfigError: a lead is missing and cannot be made of others.
        """
        if signal.ndim != 2 or signal.shape[1] != len(leads):
            raise ConfigError("leads", f"{len(leads)} names for samples of shape {signal.shape}; name each column")
        columns = {_plain(name): place for place, name in reversed(list(enumerate(leads)))}
        missing = [lead for lead in self.ecg_leads if _plain(lead) not in columns]
        derivable = {"i", "ii"} <= set(columns)
        lacking = [lead for lead in missing if not (derivable and _plain(lead) in _FROM_I_AND_II)]
        if lacking:
            raise ConfigError(
                "leads",
                f"the network reads {', '.join(self.ecg_leads)}; the recording lacks {', '.join(lacking)} "
                f"(it has {', '.join(leads) or 'none'}). Open one with these leads, or choose another checkpoint",
            )
        chosen = np.empty((len(signal), len(self.ecg_leads)))
        for place, lead in enumerate(self.ecg_leads):
            if _plain(lead) in columns:
                chosen[:, place] = signal[:, columns[_plain(lead)]]
            else:
                first, second = _FROM_I_AND_II[_plain(lead)]
                chosen[:, place] = first * signal[:, columns["i"]] + second * signal[:, columns["ii"]]
        return chosen

    def condition(
        self, signal_mV: np.ndarray, fs: float, leads: Sequence[str], *, filtered: bool = False
    ) -> np.ndarray:
        """A recording as the network's leads at ``fs_out``, band-passed, float32 (n_leads, m), not yet scaled.

        Gaps (NaN) are bridged by straight lines.

        Args:
            signal_mV: float (n, len(leads)), mV.
            fs: sampling frequency, Hz.
            leads: names of the columns.
            filtered: it has been through this band before, and only leads and sampling frequency are seen to.

        Raises:
            ConfigError: a lead is missing, or the recording is too short.
        """
        if not fs > 0:
            raise ConfigError("fs", f"the sampling frequency must be positive, got {fs}")
        chosen = bridged(self.take_leads(np.asarray(signal_mV), leads).T)
        resampled = _resample(chosen, fs, self.fs_out)
        if resampled.shape[1] < self.shortest:
            raise ConfigError(
                "recording",
                f"has {resampled.shape[1] / self.fs_out:.2f} s; the network needs {self.shortest / self.fs_out:g} s",
            )
        return (resampled if filtered else self._filter(resampled)).astype(np.float32)

    def starts(self, n: int, hop_seconds: float | None = None) -> np.ndarray:
        """First samples of the windows of a conditioned recording of ``n`` samples, evenly spaced, int64.

        Args:
            n: samples at ``fs_out``.
            hop_seconds: at most so far apart; the task's own by default.
        """
        room = max(n - self.length, 0)
        hop = (hop_seconds or self.hop_seconds) * self.fs_out
        count = ceil(room / hop - 1e-9) + 1
        return np.rint(np.linspace(0, room, count)).astype(np.int64)

    def window(self, conditioned: np.ndarray, start: int) -> torch.Tensor:
        """The network's input from sample ``start`` on, float32 (in_channel, length) or (3, height, width)."""
        return self.as_input(self.cut(conditioned, start))

    def cut(self, conditioned: np.ndarray, start: int) -> torch.Tensor:
        """Scaled samples from ``start`` on, float32 (n_leads, length), zero-padded."""
        cut = torch.from_numpy(self.scale(conditioned[:, start : start + self.length]))
        missing = self.length - cut.shape[1]
        return torch.nn.functional.pad(cut, (0, missing)) if missing > 0 else cut

    def as_input(
        self, cut: torch.Tensor, strength: float = 0.0, generator: np.random.Generator | None = None
    ) -> torch.Tensor:
        """The samples of a window in the form that the network reads.

        Args:
            cut: of :meth:`cut`, float32 (n_leads, length).
            strength: of the changes that training makes to a sheet of paper; 0 for none.
            generator: of these changes.
        """
        if not self.reads_pictures:
            return cut
        if self.form == "matrix":
            return matrix(cut, self.matrix_size)
        vary = generator if strength else None
        sheet = varied(strength, vary) if vary is not None else None
        mm = _MM_PER_SD if self.scaling == "zscore" else _MM_PER_MV
        page = draw(cut.numpy(), self.fs_out, self.ecg_leads, self.px_per_mm, mm_per_unit=mm, sheet=sheet)
        if vary is not None:
            page = scanned(page, self.px_per_mm, strength, vary)
        return as_picture(page)

    def photograph(self, pixels: np.ndarray) -> torch.Tensor:
        """The network's input of a scan or photograph of a sheet, float32 (3, height, width).

        Args:
            pixels: uint8 (h, w, 3) or (h, w).

        Raises:
            ConfigError: a network that does not read paper.
            ValueError: pixels of another shape or type.
        """
        if not self.reads_paper:
            raise ConfigError("task.form", "this network reads no paper; choose a checkpoint that does")
        return as_picture(fit_picture(pixels, self.picture_size).astype(np.float32) / 255)

    def inputs(self, cuts: torch.Tensor) -> torch.Tensor:
        """Inputs of windows of samples (n, n_leads, length), float32 (n, *shape of a window)."""
        return torch.stack([self.as_input(cut) for cut in cuts]) if self.reads_pictures else cuts

    def windows(self, conditioned: np.ndarray, starts: Sequence[int] | np.ndarray) -> torch.Tensor:
        """Inputs of several windows, float32 (len(starts), *shape of a window)."""
        return torch.stack([self.window(conditioned, int(start)) for start in starts])

    def scale(self, window: np.ndarray) -> np.ndarray:
        """Scale a window (n_leads, L) as the task says, float32; a flat lead becomes zero."""
        if self.scaling == "mV":
            return np.ascontiguousarray(window, dtype=np.float32)
        centred = window - window.mean(axis=-1, keepdims=True)
        deviation = centred.std(axis=-1, keepdims=True)
        lively = deviation > _FLAT * deviation.max(initial=0.0)
        return np.where(lively, centred / np.where(lively, deviation, 1.0), 0.0).astype(np.float32)

    def targets(self, superclasses: np.ndarray) -> np.ndarray:
        """Target outputs, float32 (n, n_classes), from superclasses (n, 5); abnormal is all but NORM alone."""
        if self.target == "superclasses":
            return superclasses.astype(np.float32)
        normal = (superclasses[:, 0] == 1) & (superclasses[:, 1:].sum(axis=1) == 0)
        abnormal: np.ndarray = ~normal[:, None]
        return abnormal.astype(np.float32)

    def describe(self) -> str:
        """One-line description of the network's input, for a page."""
        band = f"{self.highpass_hz:g}-{self.lowpass_hz:g} Hz" if self.lowpass_hz else f"from {self.highpass_hz:g} Hz"
        scaled = "each lead to mean 0 and SD 1" if self.scaling == "zscore" else "in mV"
        line = f"{band} at {self.fs_out:g} Hz, {self.segment_seconds:g} s of {len(self.ecg_leads)} leads, {scaled}"
        return f"{line}; as {_FORMS[self.form]} of {_size(self.picture_size)}" if self.reads_pictures else line

    def _filter(self, signal: np.ndarray) -> np.ndarray:
        from scipy.signal import butter, sosfiltfilt  # loaded when a recording is

        edges: float | tuple[float, float]
        if self.highpass_hz and self.lowpass_hz:
            edges, kind = (self.highpass_hz, self.lowpass_hz), "bandpass"
        elif self.highpass_hz or self.lowpass_hz:
            edges, kind = self.highpass_hz or self.lowpass_hz, "highpass" if self.highpass_hz else "lowpass"
        else:
            return signal
        sections = butter(_FILTER_ORDER, edges, kind, fs=self.fs_out, output="sos")
        filtered: np.ndarray = sosfiltfilt(sections, signal, axis=-1)
        return filtered


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]} pixels"


def _plain(name: str) -> str:
    """A normalised lead name: ``Lead aVR`` and ``AVR`` become ``avr``."""
    return name.strip().lower().removeprefix("lead").strip(" -_")


def _resample(signal: np.ndarray, fs_in: float, fs_out: float) -> np.ndarray:
    if fs_in == fs_out:
        return signal
    from scipy.signal import firwin, resample_poly  # loaded when a recording is

    ratio = rate_ratio(fs_in, fs_out)
    factor = max(ratio.numerator, ratio.denominator)
    # The filter that resample_poly designs by itself, which also multiplies what it is given by ``up``.
    taps = equal_phases(firwin(2 * 10 * factor + 1, 1 / factor, window=("kaiser", 5.0)), ratio.numerator)
    window = taps / ratio.numerator
    resampled: np.ndarray = resample_poly(
        signal, ratio.numerator, ratio.denominator, axis=-1, window=window, padtype="line"
    )
    return resampled
