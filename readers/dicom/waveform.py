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

from readers.arrays.to_recording import ScaledSource
from readers.channels.channel_selection import offer, settle
from readers.channels.leads import distinct, is_clinical, millivolts_per
from readers.core.decoding import decoding, pydicom_errors
from readers.core.errors import ReadError
from readers.core.once import once
from readers.dicom.header import DAMAGED, Header
from readers.recording import Recording
from readers.request import Request

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
    """Open a DICOM file with waveforms: the longest original multiplex group with an ECG; channels of the others are
    available by ``with_channel``.

    Raises:
        ReadError: damaged, a picture, or a waveform whose description does not fit its bytes.
    """
    header = read_header(request.path)
    groups = header.items("WaveformSequence")
    if not groups:
        raise ReadError(
            request.path, "this DICOM object holds no waveform; give an ECG, or open pictures on the inspection pages."
        )
    return _recording(request, header, groups)


def read_header(path: Path, *, without_pixels: bool = False) -> Header:
    """Data set of a file.

    Raises:
        ReadError: damaged, or as :func:`read_dataset`.
    """
    with decoding(path, DAMAGED, *pydicom_errors()):
        return Header(path, read_dataset(path, without_pixels=without_pixels))


def read_dataset(path: Path, *, without_pixels: bool = False) -> Dataset:
    """A DICOM data set, also of an old file without preamble.

    Raises:
        ReadError: it unpacks to more than memory should hold; pydicom raises what it likes for damaged files.
    """
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info

    _take_values_as_they_are()
    with path.open("rb") as file:
        has_preamble = file.read(132)[128:] == b"DICM"
    if has_preamble and read_file_meta_info(path).get("TransferSyntaxUID") == _DEFLATED:
        _check_inflation(path)
    return dcmread(path, force=not has_preamble, stop_before_pixels=without_pixels)


@once
def _take_values_as_they_are() -> None:
    """Silence pydicom's warnings about values that violate their representation.

    Its setting is one for the process: switched back and forth by threads (``disable_value_validation``) it ends as it
    happens to.
    """
    from pydicom import config

    config.settings.reading_validation_mode = config.IGNORE


def _check_inflation(path: Path) -> None:
    """Refuse a deflated file that inflates beyond a memory limit; pydicom has none."""
    from pydicom.filereader import _read_file_meta_info, read_preamble

    with path.open("rb") as file:
        read_preamble(file, False)
        _read_file_meta_info(file)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        if len(inflater.decompress(file.read(), MAX_INFLATED)) >= MAX_INFLATED:
            raise ReadError(path, "it unpacks to more than 1 GB; export it without compression.")


def _recording(request: Request, header: Header, groups: list[Header]) -> Recording:
    path = request.path
    labels = distinct([_label(group, i) for i, group in enumerate(groups)])
    settled: dict[int, Recording] = {}
    faults: dict[int, ReadError] = {}
    for i, group in enumerate(groups):
        if _seconds(group, request.fs) > 0:
            try:
                settled[i] = _group_recording(request, header, group)
            except ReadError as error:  # another group may be sound
                faults[i] = error
    chosen, notes = _choose(path, groups, labels, settled, faults)
    recording = settled[chosen]
    recording = replace(recording, warnings=(*notes, *recording.warnings))
    for i, other in settled.items():
        if i != chosen:
            offset_s = _offset_s(groups[i]) - _offset_s(groups[chosen])
            recording = offer(recording, other, labels[i], offset_s)
    return recording


def _group_recording(request: Request, header: Header, group: Header) -> Recording:
    """The recording of one multiplex group."""
    path = request.path
    fs = request.sampling_frequency(group.number("SamplingFrequency"))
    digital, missing, notes = _digital(path, header, group)
    names, units, steps, offsets = _channels(group)
    warnings, start = (*notes, *_skewed(group)), _start(header)

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
            start=start,
            warnings=warnings,
        )

    return settle(request, names, units, [fs] * len(names), build, in_memory=True)


def _choose(
    path: Path, groups: list[Header], labels: Sequence[str], settled: dict[int, Recording], faults: dict[int, ReadError]
) -> tuple[int, list[str]]:
    """The longest original group with an ECG; the others are named in a warning.

    What is derived from the rhythm, such as a median beat of a second, is not shown in its place.
    """
    if not settled:
        nothing = ReadError(
            path, "no waveform in it states its length and sampling frequency; give that (fs), or export it again."
        )
        raise next(iter(faults.values()), nothing)
    lengths = [_seconds(group) for group in groups]
    original = [group.text("WaveformOriginality", "ORIGINAL") != "DERIVED" for group in groups]
    has_ecg = {i: len(recording.no_ecg) < len(recording.leads) for i, recording in settled.items()}
    chosen = max(settled, key=lambda i: (has_ecg[i], original[i], lengths[i]))
    faulty = next((i for i in faults if original[i]), None)
    if faulty is not None and not (original[chosen] and has_ecg[chosen]):
        raise faults[faulty]
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
    notes = [f"The waveform {labels[i]} of {path.name} cannot be read: {error.fault}" for i, error in faults.items()]
    if others:
        words = f"{labels[chosen]} is shown and {', '.join(others[:6])} is not"
        notes.insert(0, f"The file holds {len(groups)} waveforms; {words}.")
    return chosen, notes


def _offset_s(group: Header) -> float:
    """Start of a group after the acquisition's, s (stored in ms); 0 where unstated."""
    try:
        offset = group.number("MultiplexGroupTimeOffset") / 1000
    except ReadError:  # where its channels lie beside the others', and no more, rests on it
        return 0.0
    return offset if abs(offset) < 86400 else 0.0


def _seconds(group: Header, given_fs: float | None = None) -> float:
    """Duration of a group, 0 where invalid; ``given_fs`` replaces a stated 0 Hz."""
    try:
        n_samples, fs = group.whole("NumberOfWaveformSamples"), group.number("SamplingFrequency")
    except ReadError:  # another group may be sound
        return 0.0
    fs = fs or given_fs or 0.0
    return n_samples / fs if fs else 0.0


def _label(group: Header, index: int) -> str:
    label = group.text("MultiplexGroupLabel").strip()
    return label.lower()[:40] if label else f"number {index + 1}"


def _digital(path: Path, header: Header, group: Header) -> tuple[np.ndarray, float | None, list[str]]:
    """Stored samples, (n, n_channels) as a view of the file, the padding value, and a warning."""
    n_channels, n_samples = group.whole("NumberOfWaveformChannels"), group.whole("NumberOfWaveformSamples")
    kind = group.text("WaveformSampleInterpretation", "SS")
    n_described = len(group.items("ChannelDefinitionSequence"))
    if kind not in _DTYPES:
        raise ReadError(path, f"its samples are stored as {kind!r}; readable are {', '.join(_DTYPES)}.")
    dtype = np.dtype(_DTYPES[kind]).newbyteorder(">" if _is_big_endian(header) else "<")
    data = group.get("WaveformData")
    data = data if isinstance(data, bytes) else b""
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
    held = len(data) // (n_channels * dtype.itemsize)
    if held > n_samples + 1:  # by one where bytes are filled up to an even number
        announced = _seconds(group)
        words = f"holds {announced * held / n_samples:.4g} s and {announced:.4g} s are announced: these are shown"
        notes.append(f"The waveform of {path.name} {words}. Correct its number of samples to see all.")
    padding = group.get("WaveformPaddingValue")
    if isinstance(padding, bytes):
        padding = np.frombuffer(padding, dtype, 1)[0] if len(padding) >= dtype.itemsize else None
    elif not isinstance(padding, int):
        padding = None
    return digital, padding, notes


def _is_big_endian(header: Header) -> bool:
    """Whether samples are big-endian; pydicom does not swap those of waveforms."""
    meta = getattr(header.dataset, "file_meta", None)
    return meta is not None and Header(header.path, meta).text("TransferSyntaxUID") == _BIG_ENDIAN


def _is_swapped(digital: np.ndarray) -> bool:
    """Whether 16-bit samples have the opposite byte order to the one stated.

    High bytes of a signal take few values and low ones many; and read the right way it jumps about less.
    """
    if digital.dtype.itemsize != 2 or len(digital) < 100:
        return False
    stored = digital[:_LOOK_SAMPLES]
    unsigned = stored.astype(np.int64) & 0xFFFF
    n_low, n_high = len(np.unique(unsigned & 0xFF)), len(np.unique(unsigned >> 8))
    return n_high > 3 * n_low > 3 and _roughness(stored) > 1.1 * _roughness(stored.byteswap())


def _roughness(digital: np.ndarray) -> float:
    """Ratio of step size to value size, median over channels: 1.4 for noise, NaN if constant."""
    values = digital.astype(np.float64)
    spread, steps = values.std(axis=0), np.diff(values, axis=0).std(axis=0)
    moving = spread > 0
    return float(np.median(steps[moving] / spread[moving])) if moving.any() else float("nan")


def _channels(group: Header) -> tuple[list[str], list[str | None], list[float], list[float]]:
    """Name, unit, factor and offset from stored values to that unit, of each channel."""
    names, units, factors, offsets = [], [], [], []
    for number, channel in enumerate(group.items("ChannelDefinitionSequence"), 1):
        sensitivity, unit = _sensitivity(channel)
        names.append(_lead_name(channel) or f"lead {number}")
        units.append(unit)
        factors.append(sensitivity)
        offsets.append(channel.number("ChannelBaseline"))
    return names, units, factors, offsets


def _skewed(group: Header) -> list[str]:
    skews = {channel.number("ChannelSampleSkew") for channel in group.items("ChannelDefinitionSequence")}
    if not any(abs(skew) > 1 for skew in skews):
        return []
    return ["The leads were not sampled at the same time; they are shown without shifting them."]


def _sensitivity(channel: Header) -> tuple[float, str | None]:
    """Physical units per digital step and the unit; (1, None) where unstated."""
    units = channel.items("ChannelSensitivityUnitsSequence")
    if not units:
        return 1.0, None
    sensitivity = channel.number("ChannelSensitivity") * channel.number("ChannelSensitivityCorrectionFactor", 1.0)
    code, meaning = units[0].text("CodeValue"), units[0].text("CodeMeaning")
    if not _SENSITIVITIES[0] <= abs(sensitivity) <= _SENSITIVITIES[1]:
        return 1.0, None
    return sensitivity, code if millivolts_per(code) or not millivolts_per(meaning) else meaning


def _lead_name(channel: Header) -> str:
    """A lead's name from its label, the code's meaning, or the code's last number."""
    source = channel.items("ChannelSourceSequence")
    meaning = source[0].text("CodeMeaning") if source else ""
    label = channel.text("ChannelLabel")
    for text in (meaning, label):
        if is_clinical(distinct([text])[0]):
            return text
    code = source[0].text("CodeValue") if source else ""
    tail = code.replace(":", "-").rsplit("-", 1)[-1]
    if code.startswith(("5.6.3-9-", "2:")) and tail.isdecimal() and int(tail) in _NUMBERED:
        return _NUMBERED[int(tail)]
    return meaning or label


def _start(header: Header) -> datetime | None:
    text = header.text("AcquisitionDateTime")[:14]
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        return None
