"""Recognises a recording by its samples, so that a page can say "seen in training".

Two marks. ``sha256`` is that of the decoded samples: equal for the same record in any lossless file format.
``landmarks`` recognise an excerpt, one lead alone or a copy with another baseline: the differences of neighbouring
samples are hashed over a sliding window, and the hashes that are divisible by 2^14 are kept (Manber, "Finding similar
files in a large file system", USENIX 1994), about one in 45 s at 360 Hz. A resampled or filtered copy is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from readers.core.once import once

STEP_MV = 0.005
"""Quantisation before hashing: the step of the MIT-BIH converters (200 units per mV)."""
_WINDOW = 24
_MASK = np.uint64((1 << 14) - 1)
_BLOCK = 1 << 15
"""Windows that are hashed at once: what they need stays in the processor's cache."""
_BASE = 0x9E3779B97F4A7C15
"""Base of the polynomial hash; odd, so it has an inverse modulo 2^64."""
ENOUGH_LANDMARKS = 3
"""Landmarks in common that make two recordings one: three 64-bit hashes do not meet by chance."""


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of a recording's samples.

    Attributes:
        sha256: hash of all samples of all leads, hexadecimal.
        landmarks: content-defined hashes of stretches of any lead, hexadecimal.
    """

    sha256: str
    landmarks: frozenset[str]

    def matches(self, sha256: str, landmarks: Iterable[str]) -> bool:
        """Whether the other hashes are of the same samples, whole or in part."""
        return self.sha256 == sha256 or len(self.landmarks.intersection(landmarks)) >= ENOUGH_LANDMARKS


def quantise(signal_mV: np.ndarray) -> np.ndarray:
    """Samples in whole steps of 5 uV, int32 of the same shape; gaps (NaN) become the lowest value."""
    steps = np.rint(np.asarray(signal_mV, dtype=np.float32) / np.float32(STEP_MV))
    return np.where(np.isfinite(steps), np.clip(steps, -(2**30), 2**30), -(2.0**31)).astype(np.int32)


def landmarks(steps: np.ndarray) -> frozenset[str]:
    """Content-defined hashes of one quantised lead, int32 (n,)."""
    difference = np.diff(steps.astype(np.int64))
    starts = range(0, len(difference) - _WINDOW + 1, _BLOCK)
    return frozenset().union(*(_landmarks(difference[low : low + _BLOCK + _WINDOW - 1]) for low in starts))


def _landmarks(difference: np.ndarray) -> frozenset[str]:
    """Hashes of the windows within a block of differences, int64 (at most _BLOCK + _WINDOW - 1,)."""
    n = len(difference) - _WINDOW + 1
    power, inverse = _powers()
    # Prefix sums of a polynomial hash modulo 2^64; the inverse power takes each window's place out of its hash, so
    # it does not depend on where the block begins.
    prefix = np.zeros(len(difference) + 1, np.uint64)
    np.cumsum(difference.astype(np.uint64) * power[: len(difference)], out=prefix[1:])
    rolling = (prefix[_WINDOW:] - prefix[:-_WINDOW]) * inverse[:n]
    # The low bits of a product depend on the low bits of its factors alone: mix the high ones in.
    mixed = (rolling ^ (rolling >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    chosen = np.flatnonzero(((mixed >> np.uint64(40)) & _MASK) == 0)
    # A flat or nearly flat stretch looks the same in every recording.
    lively = [i for i in chosen if np.abs(difference[i : i + _WINDOW]).sum() >= 2 * _WINDOW]
    return frozenset(f"{int(mixed[i]):016x}" for i in lively)


@once
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """Powers of the base and of its inverse modulo 2^64, for the differences of a block, uint64."""
    factors = np.full((2, _BLOCK + _WINDOW - 1), [[_BASE], [pow(_BASE, -1, 1 << 64)]], np.uint64)
    factors[:, 0] = 1
    power, inverse = np.cumprod(factors, axis=1)
    return power, inverse


def fingerprint(signal_mV: np.ndarray) -> Fingerprint:
    """Fingerprint of a recording, float (n_samples, n_leads) in mV."""
    steps = quantise(signal_mV)
    digest = hashlib.sha256(np.ascontiguousarray(steps).data).hexdigest()
    return Fingerprint(digest, frozenset().union(*(landmarks(steps[:, lead]) for lead in range(steps.shape[1]))))
