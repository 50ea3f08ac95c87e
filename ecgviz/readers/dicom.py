"""DICOM waveform objects (12-lead, general and ambulatory ECG), read with pydicom.

Only the waveform sequence is looked at: nothing of the patient module reaches the Recording.
Source: DICOM PS3.3 C.10.9 (waveform module), PS3.16 CID 3001 (ECG leads).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.arrays import ScaledSource
from ecgviz.readers.channels import offer, settle
from ecgviz.readers.leads import distinct, is_clinical, millivolts_per
from ecgviz.readers.request import Request, check_fs
from ecgviz.recording import Recording

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_INFLATED = 1 << 30
_DEFLATED, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
_DTYPES = {"SB": "i1", "UB": "u1", "SS": "<i2", "US": "<u2", "SL": "<i4", "UL": "<u4"}
_LOOK_SAMPLES = 5000
_SENSITIVITIES = 1e-12, 1e12
"""What lies outside, 0 and infinity among it, states no sensitivity."""
_NUMBERED = {1: "I", 2: "II", **{n: f"V{n - 2}" for n in range(3, 9)}, 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"}
"""Lead numbers of ISO 11073-91064 (SCP-ECG), which both SCPECG 5.6.3-9-n and MDC 2:n codes end in."""


def read_dicom(request: Request) -> Recording:
    """Open a DICOM file with waveforms; of several multiplex groups the longest original one with an ECG in it
    is taken, and the channels of the others can be had by ``with_channel``.

    Raises:
        ReadError: damaged, a picture, or a waveform whose description does not fit its bytes.
    """
    path = request.path
    try:
        dataset = read_dataset(path)
        groups = list(dataset.get("WaveformSequence") or [])
        if not groups:
            raise ReadError(
                path, "this DICOM object holds no waveform; give an ECG, or open pictures on the inspection pages."
            )
        return _recording(request, dataset, groups)
    except ReadError:
        raise
    except Exception as error:  # pydicom raises whatever the bytes lead it to, often only when a value is asked for
        raise ReadError(path, "the DICOM file is damaged or truncated; export it again.") from error


def read_dataset(path: Path, *, without_pixels: bool = False) -> Dataset:
    """A DICOM data set, also of an old file without preamble.

    Raises:
        ReadError: it unpacks to more than memory should hold; pydicom raises what it likes for damaged files.
    """
    from pydicom import config, dcmread
    from pydicom.filereader import read_file_meta_info

    with config.disable_value_validation():
        with path.open("rb") as file:
            has_preamble = file.read(132)[128:] == b"DICM"
        if has_preamble and read_file_meta_info(path).get("TransferSyntaxUID") == _DEFLATED:
            _check_inflation(path)
        return dcmread(path, force=not has_preamble, stop_before_pixels=without_pixels)


def _check_inflation(path: Path) -> None:
    """Refuse a deflated file that unpacks to more than memory should hold; pydicom has no bound of its own."""
    from pydicom.filereader import _read_file_meta_info, read_preamble

    with path.open("rb") as file:
        read_preamble(file, False)
        _read_file_meta_info(file)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        if len(inflater.decompress(file.read(), MAX_INFLATED)) >= MAX_INFLATED:
            raise ReadError(path, "it unpacks to more than 1 GB; export it without compression.")


def _recording(request: Request, dataset: Dataset, groups: list[Dataset]) -> Recording:
    path = request.path
    labels = [_label(group, i) for i, group in enumerate(groups)]
    settled: dict[int, Recording] = {}
    for i, group in enumerate(groups):
        if _seconds(group) > 0:
            settled[i] = _group_recording(request, dataset, group)
    chosen, notes = _choose(path, groups, labels, settled)
    recording = settled[chosen]
    recording = replace(recording, warnings=(*notes, *recording.warnings))
    for i, other in settled.items():
        if i != chosen:
            offset_s = _offset_s(groups[i]) - _offset_s(groups[chosen])
            recording = offer(recording, other, labels[i], offset_s)
    return recording


def _group_recording(request: Request, dataset: Dataset, group: Dataset) -> Recording:
    """The recording of one multiplex group."""
    path = request.path
    fs = check_fs(path, float(group.SamplingFrequency))
    digital, missing, order_notes = _digital(path, dataset, group)
    names, units, steps, offsets = _channels(group)

    def build(kept: Sequence[int], kept_units: Sequence[str | None]) -> Recording:
        scales = [millivolts_per(unit) or 1.0 for unit in kept_units]
        return Recording(
            name=path.stem,
            fs=fs,
            n_samples=len(digital),
            leads=(),
            units=(),
            source=ScaledSource(
                digital,
                [steps[i] * scale for i, scale in zip(kept, scales, strict=True)],
                columns=None if list(kept) == list(range(len(names))) else kept,
                offsets=[offsets[i] * scale for i, scale in zip(kept, scales, strict=True)],
                missing=missing,
            ),
            format="DICOM",
            start=_start(dataset),
            warnings=(*order_notes, *_skewed(group)),
        )

    return settle(request, names, units, [fs] * len(names), build)


def _choose(
    path: Path, groups: list[Dataset], labels: list[str], settled: dict[int, Recording]
) -> tuple[int, list[str]]:
    """Which group is shown: the longest original one with an ECG in it; the others are named in a warning.

    What is derived from the rhythm, such as a median beat of a second, is not shown in its place.
    """
    if not settled:
        raise ReadError(path, "no waveform in it states its length and sampling frequency; export it again.")
    lengths = [_seconds(group) for group in groups]
    original = [str(group.get("WaveformOriginality", "ORIGINAL")) != "DERIVED" for group in groups]
    has_ecg = {i: len(recording.no_ecg) < len(recording.leads) for i, recording in settled.items()}
    chosen = max(settled, key=lambda i: (has_ecg[i], original[i], lengths[i]))
    unusable = next((i for i in range(len(groups)) if original[i] and i not in settled), None)
    if not original[chosen] and unusable is not None:
        fs, n_samples = groups[unusable].get("SamplingFrequency"), groups[unusable].get("NumberOfWaveformSamples")
        raise ReadError(
            path,
            f"its waveform {labels[unusable]} states {fs or 0} Hz and {n_samples or 0} samples, which cannot be, and "
            f"{labels[chosen]} ({lengths[chosen]:.1f} s) is only derived from it; export it again.",
        )
    others = [
        f"{labels[i]} ({f'{lengths[i]:.1f} s' if lengths[i] > 0 else 'of no stated length'})"
        for i in range(len(groups))
        if i != chosen
    ]
    if not others:
        return chosen, []
    words = f"{labels[chosen]} is shown and {', '.join(others[:6])} is not"
    return chosen, [f"The file holds {len(groups)} waveforms; {words}."]


def _offset_s(group: Dataset) -> float:
    """Seconds (of milliseconds) after the acquisition began at which a group begins."""
    offset = float(group.get("MultiplexGroupTimeOffset") or 0) / 1000
    return offset if np.isfinite(offset) and abs(offset) < 86400 else 0.0


def _seconds(group: Dataset) -> float:
    """Length of a group, 0 where it states none that can be."""
    try:
        seconds = int(group.NumberOfWaveformSamples) / float(group.SamplingFrequency)
    except (AttributeError, ValueError, TypeError, ZeroDivisionError, OverflowError):
        return 0.0
    return seconds if np.isfinite(seconds) else 0.0


def _label(group: Dataset, index: int) -> str:
    label = str(group.get("MultiplexGroupLabel", "") or "").strip()
    return label.lower()[:40] if label else f"number {index + 1}"


def _digital(path: Path, dataset: Dataset, group: Dataset) -> tuple[np.ndarray, float | None, list[str]]:
    """The samples as stored, (n, n_channels) over the bytes of the file, the value that means none, and a warning."""
    n_channels, n_samples = int(group.NumberOfWaveformChannels), int(group.NumberOfWaveformSamples)
    kind = str(group.get("WaveformSampleInterpretation", "SS"))
    n_described = len(group.get("ChannelDefinitionSequence") or [])
    if kind not in _DTYPES:
        raise ReadError(path, f"its samples are stored as {kind!r}; readable are {', '.join(_DTYPES)}.")
    big = _is_big_endian(dataset)
    dtype = np.dtype(_DTYPES[kind]).newbyteorder(">" if big else "<")
    data = bytes(group.get("WaveformData") or b"")
    if n_channels < 1 or n_samples < 1 or n_described != n_channels:
        raise ReadError(
            path, f"it states {n_channels} leads of {n_samples} samples and describes {n_described}; export it again."
        )
    if len(data) < n_channels * n_samples * dtype.itemsize:
        raise ReadError(
            path,
            f"the waveform is truncated: {len(data)} bytes for {n_channels} x {n_samples} samples; export it again.",
        )
    notes = []
    digital = np.frombuffer(data, dtype, n_channels * n_samples).reshape(n_samples, n_channels)
    if _is_swapped(digital):
        dtype = dtype.newbyteorder("S")
        digital = digital.view(dtype)
        words = "have the other byte order than the file states; they are read so that they follow each other"
        notes = [f"The samples of {path.name} {words}."]
    padding = group.get("WaveformPaddingValue")
    if isinstance(padding, bytes):
        padding = np.frombuffer(padding, dtype)[0] if len(padding) >= dtype.itemsize else None
    return digital, padding, notes


def _is_big_endian(dataset: Dataset) -> bool:
    """Whether numbers lie in the file with their high byte first; pydicom leaves those of waveforms as they are."""
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    return syntax == _BIG_ENDIAN


def _is_swapped(digital: np.ndarray) -> bool:
    """Whether samples of two bytes have their high bytes where the file says that the low ones are.

    High bytes of a signal take few values and low ones many; and read the right way it jumps about less.
    """
    if digital.dtype.itemsize != 2 or len(digital) < 100:
        return False
    stored = digital[:_LOOK_SAMPLES]
    unsigned = stored.astype(np.int64) & 0xFFFF
    n_low, n_high = len(np.unique(unsigned & 0xFF)), len(np.unique(unsigned >> 8))
    return n_high > 3 * n_low > 3 and _roughness(stored) > 1.1 * _roughness(stored.byteswap())


def _roughness(digital: np.ndarray) -> float:
    """Size of the steps over that of the values, median of the channels: 1.4 for what has no order, NaN if flat."""
    values = digital.astype(np.float64)
    spread, steps = values.std(axis=0), np.diff(values, axis=0).std(axis=0)
    moving = spread > 0
    return float(np.median(steps[moving] / spread[moving])) if moving.any() else float("nan")


def _channels(group: Dataset) -> tuple[list[str], list[str | None], list[float], list[float]]:
    """Of each channel: name, unit, and what to multiply a stored value with and then add, in that unit."""
    names, units, factors, offsets = [], [], [], []
    for number, channel in enumerate(group.ChannelDefinitionSequence, 1):
        sensitivity, unit = _sensitivity(channel)
        names.append(_lead_name(channel) or f"lead {number}")
        units.append(unit)
        factors.append(sensitivity)
        offsets.append(float(channel.get("ChannelBaseline") or 0))
    return names, units, factors, offsets


def _skewed(group: Dataset) -> list[str]:
    skews = {float(channel.get("ChannelSampleSkew") or 0) for channel in group.ChannelDefinitionSequence}
    if not any(abs(skew) > 1 for skew in skews):
        return []
    return ["The leads were not sampled at the same time; they are shown without shifting them."]


def _sensitivity(channel: Dataset) -> tuple[float, str | None]:
    """Physical units per digital step and the unit, or (1, None) where the file does not say."""
    value = channel.get("ChannelSensitivity")
    units = channel.get("ChannelSensitivityUnitsSequence")
    if value is None or not units:
        return 1.0, None
    correction = channel.get("ChannelSensitivityCorrectionFactor")
    sensitivity = float(value) * (1.0 if correction is None else float(correction))
    code, meaning = str(units[0].get("CodeValue", "")), str(units[0].get("CodeMeaning", ""))
    if not _SENSITIVITIES[0] <= abs(sensitivity) <= _SENSITIVITIES[1]:
        return 1.0, None
    return sensitivity, code if millivolts_per(code) or not millivolts_per(meaning) else meaning


def _lead_name(channel: Dataset) -> str:
    """A lead's name from its label, the code's meaning, or the number that its code ends in."""
    source = channel.get("ChannelSourceSequence")
    meaning = str(source[0].get("CodeMeaning", "")) if source else ""
    label = str(channel.get("ChannelLabel", "") or "")
    for text in (meaning, label):
        if is_clinical(distinct([text])[0]):
            return text
    code = str(source[0].get("CodeValue", "")) if source else ""
    tail = code.replace(":", "-").rsplit("-", 1)[-1]
    if code.startswith(("5.6.3-9-", "2:")) and tail.isdecimal() and int(tail) in _NUMBERED:
        return _NUMBERED[int(tail)]
    return meaning or label


def _start(dataset: Dataset) -> datetime | None:
    text = str(dataset.get("AcquisitionDateTime", "") or "")[:14]
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        return None
