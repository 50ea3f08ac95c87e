"""Random access to WFDB signal files in all formats of signal(5).

A 30 min record of two leads decodes in about 10 ms and is kept, as its checksums, its missing values and its beats are
looked for one after the other. Of a longer one a range costs what the range holds: the packed formats are cut at whole
blocks, the FLAC ones (508, 516, 524) seek. Format 8 stores differences and is summed once as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError

_WHOLE = {16: "<i2", 32: "<i4", 61: ">i2", 80: "u1", 160: "<u2", 8: "i1"}
_BLOCKS = {212: (2, 3), 310: (3, 4), 311: (3, 4), 24: (1, 3)}
"""Samples and bytes of one block of a packed format."""
_FLAC = {508: "PCM_S8", 516: "PCM_16", 524: "PCM_24"}
_FLAC_BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}
_CHUNK = 1 << 20
_DAMAGED = "the FLAC file is damaged or truncated; copy the record again."
INVALID = {
    16: -(1 << 15), 24: -(1 << 23), 32: -(1 << 31), 61: -(1 << 15), 80: -(1 << 7), 160: -(1 << 15), 212: -(1 << 11),
    310: -(1 << 9), 311: -(1 << 9), 508: -(1 << 7), 516: -(1 << 15), 524: -(1 << 23),
}  # fmt: skip
"""Value that means "no sample here"; format 8 has none."""


def exact_in_float32(code: int) -> bool:
    """Whether differences of two samples are exact in float32 (formats of up to 16 bits)."""
    return code not in {8, 24, 32, 524}


@dataclass(frozen=True)
class SignalFile:
    """One signal file with interleaved signals.

    Attributes:
        path: the file.
        format: WFDB format number.
        per_frame: samples per frame of each of its signals, in the file's order.
        offset: bytes before the first sample; for FLAC, samples.
        initial: first values of its signals (format 8).
    """

    path: Path
    format: int
    per_frame: tuple[int, ...]
    offset: int
    initial: tuple[int, ...]
    _kept: list[np.ndarray] = field(default_factory=list, repr=False)

    @property
    def width(self) -> int:
        """Samples per frame over all signals."""
        return sum(self.per_frame)

    def n_frames(self) -> int:
        """Complete frames in the file.

        Raises:
            ReadError: a FLAC file that is none, or of other channels or resolution than the header says.
        """
        if self.format in _FLAC:
            return self._open_flac_frames()
        n_bytes = max(0, self.path.stat().st_size - self.offset)
        if self.format in _BLOCKS:
            samples, size = _BLOCKS[self.format]
            whole, rest = divmod(n_bytes, size)
            extra = {212: (0, 0, 1), 310: (0, 0, 1, 1), 311: (0, 0, 1, 2), 24: (0, 0, 0)}[self.format][rest]
            return (whole * samples + extra) // self.width
        return n_bytes // np.dtype(_WHOLE[self.format]).itemsize // self.width

    def read(self, start: int, stop: int) -> np.ndarray:
        """Frames ``start`` to ``stop``, integers (stop - start, width); samples of one signal are adjacent.

        Raises:
            ReadError: the file has become shorter, or its FLAC stream is damaged.
        """
        if self.format == 8:
            self.keep(self.n_frames())
        if self._kept and stop <= len(self._kept[0]):
            return self._kept[0][start:stop]
        if self.format in _FLAC:
            return self._read_flac(start, stop)
        flat = self._read_flat(start * self.width, stop * self.width)
        if len(flat) < (stop - start) * self.width:
            raise ReadError(self.path, "the file is shorter than its header says; copy the record again.")
        return flat.reshape(-1, self.width)

    def keep(self, n_frames: int) -> None:
        """Decode the first ``n_frames`` frames and keep them in memory.

        Raises:
            ReadError: as in :meth:`read`.
        """
        if not self._kept:
            frames = self._sum_differences(n_frames) if self.format == 8 else self.read(0, n_frames)
            frames.flags.writeable = False  # whoever reads gets a part of it
            self._kept.append(frames)

    def _read_flat(self, first: int, last: int) -> np.ndarray:
        if self.format not in _BLOCKS:
            dtype = np.dtype(_WHOLE[self.format])
            values = np.fromfile(self.path, dtype, last - first, offset=self.offset + first * dtype.itemsize)
            if self.format == 80:
                return (values ^ 0x80).view(np.int8)
            if self.format == 160:
                return (values ^ 0x8000).astype("<u2", copy=False).view("<i2")
            return values
        samples, size = _BLOCKS[self.format]
        block = first // samples
        n_blocks = -(-last // samples) - block
        raw = np.fromfile(self.path, np.uint8, n_blocks * size, offset=self.offset + block * size)
        if len(raw) < n_blocks * size:
            raw = np.concatenate([raw, np.zeros(n_blocks * size - len(raw), np.uint8)])
        return _UNPACK[self.format](raw)[first - block * samples : last - block * samples]

    def _sum_differences(self, n_frames: int) -> np.ndarray:
        steps = self._read_flat(0, n_frames * self.width).reshape(-1, self.width)
        total = np.empty(steps.shape, np.int32)
        left = 0
        for count, initial in zip(self.per_frame, self.initial, strict=True):
            part = steps[:, left : left + count]
            summed = part.ravel().cumsum(dtype=np.int32) + np.int32(initial)
            total[:, left : left + count] = summed.reshape(part.shape)
            left += count
        return total

    def _open_flac_frames(self) -> int:
        import soundfile

        per_frame = self.per_frame[0]
        if any(count != per_frame for count in self.per_frame):
            raise ReadError(
                self.path, "its leads differ in samples per frame, which FLAC formats forbid; correct the header."
            )
        with self.path.open("rb") as file:
            if file.read(4) != b"fLaC":
                raise ReadError(self.path, f"it is no FLAC file, which format {self.format} demands; copy it again.")
        with decoding(self.path, _DAMAGED), soundfile.SoundFile(self.path) as flac:
            channels, subtype, frames = flac.channels, flac.subtype, flac.frames
            if frames > 0:
                flac.seek(frames - 1)
                last = flac.read(1, dtype="int32")
        bits = _FLAC_BITS.get(subtype, 99)
        if channels != len(self.per_frame) or bits > _FLAC_BITS[_FLAC[self.format]]:
            raise ReadError(
                self.path,
                f"it holds {channels} channels of {bits} bits, the header says {len(self.per_frame)} of "
                f"format {self.format}; correct the header.",
            )
        if frames > 0 and len(last) < 1:
            raise ReadError(self.path, "the file is truncated; copy the record again.")
        return int(max(0, frames - self.offset) // per_frame)

    def _read_flac(self, start: int, stop: int) -> np.ndarray:
        import soundfile

        per_frame, n_signals = self.per_frame[0], len(self.per_frame)
        with decoding(self.path, _DAMAGED), soundfile.SoundFile(self.path) as flac:
            bits = _FLAC_BITS.get(flac.subtype, 99)
            samples = np.empty(((stop - start) * per_frame, n_signals), np.int32 if bits > 16 else np.int16)
            flac.seek(self.offset + start * per_frame)
            # libsndfile fails on reads of more than 2**24 samples at once (libsndfile #431)
            for left in range(0, len(samples), _CHUNK):
                part = samples[left : left + _CHUNK]
                if len(flac.read(out=part)) < len(part):
                    raise ReadError(self.path, "the file is truncated; copy the record again.")
        if bits in {8, 24}:  # soundfile left-justifies them
            samples >>= 8
        if per_frame == 1:
            return samples
        return samples.reshape(-1, per_frame, n_signals).transpose(0, 2, 1).reshape(-1, self.width)


def _unpack_212(raw: np.ndarray) -> np.ndarray:
    low, middle, high = (raw[i::3].astype(np.uint16) for i in range(3))
    packed = np.empty(2 * len(low), np.uint16)
    packed[0::2] = low << 4 | middle << 12
    packed[1::2] = high << 4 | (middle & 0xF0) << 8
    return packed.view(np.int16) >> 4


def _unpack_310(raw: np.ndarray) -> np.ndarray:
    words = raw.view("<u2").astype(np.uint16, copy=False)
    first, second = words[0::2], words[1::2]
    packed = np.empty(3 * len(first), np.uint16)
    packed[0::3] = first << 5
    packed[1::3] = second << 5
    packed[2::3] = (first >> 11) << 6 | (second >> 11) << 11
    return (packed & 0xFFC0).view(np.int16) >> 6


def _unpack_311(raw: np.ndarray) -> np.ndarray:
    words = raw.view("<u4")
    packed = np.empty(3 * len(words), np.uint16)
    for i in range(3):
        packed[i::3] = (words >> np.uint32(10 * i) & np.uint32(0x3FF)) << np.uint32(6)
    return packed.view(np.int16) >> 6


def _unpack_24(raw: np.ndarray) -> np.ndarray:
    wide = np.zeros((len(raw) // 3, 4), np.uint8)
    wide[:, 1:] = raw.reshape(-1, 3)
    return wide.view("<i4").ravel() >> 8


_UNPACK = {212: _unpack_212, 310: _unpack_310, 311: _unpack_311, 24: _unpack_24}
