"""CT scanner model: parallel-beam projections, their artefacts, and the reconstruction.

Filtered back-projection is linear. So the map itself needs no way there and back, which would cost its sharpness and
most of the time: only the difference between the measured and the ideal line integrals is reconstructed, on a coarser
grid, and added. It carries the counting noise (Poisson), beam hardening with its cups and streaks, starved rays behind
metal, and rings from uneven detector elements. Projection and back-projection are one sparse matrix and its transpose;
a test holds them against scikit-image's `radon` and `iradon`, which take thirty times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage, sparse

from models.data.battery_ct_sim.parameters import Ranges

GRID = 256
VIEWS = 180
REFERENCE_MM = 0.08


@dataclass(frozen=True)
class Scan:
    """The settings of a scan.

    Attributes:
        photons: counted by a detector element without an object, in one view.
        hardening: share by which a line integral of 1 reads too low; grows with its square (dimensionless).
        ring: SD of the gain error of detector elements, left after the flat field (dimensionless).
        blur_px: SD of the point spread in pixels of the picture.
        grain: SD of the noise finer than the reconstruction grid, 1/mm.
        gamma: exponent of the change of contrast when grey values are written.
        black, white: attenuation that becomes 0 and 65,535, 1/mm.
    """

    photons: float
    hardening: float
    ring: float
    blur_px: float
    grain: float
    gamma: float
    black: float
    white: float


def draw_scan(ranges: Ranges, generator: np.random.Generator) -> Scan:
    """Random scanner settings within the ranges."""
    u = generator.uniform
    return Scan(
        photons=float(np.exp(u(*np.log(ranges.photons)))),
        hardening=u(*ranges.hardening),
        ring=u(*ranges.ring),
        blur_px=u(*ranges.blur_px),
        grain=float(np.exp(u(*np.log(ranges.grain)))),
        gamma=u(*ranges.gamma),
        black=u(-0.03, 0.012),
        white=u(0.42, 0.75),
    )


@dataclass(frozen=True)
class Projector:
    """Parallel-beam projection of a square grid at ``VIEWS`` angles over half a turn.

    The matrix holds the first quarter turn; the second is the same matrix on the picture turned by 90 degrees.
    """

    matrix: sparse.csr_matrix
    size: int

    def project(self, picture: np.ndarray) -> np.ndarray:
        """Line integrals (VIEWS, size) in pixels, of a picture (size, size); pixels outside the circle are ignored."""
        turned = np.rot90(picture, -1)
        halves = [self.matrix @ np.ascontiguousarray(p, dtype=np.float32).ravel() for p in (picture, turned)]
        return np.concatenate(halves).reshape(VIEWS, self.size)

    def back_project(self, sinogram: np.ndarray) -> np.ndarray:
        """The filtered back-projection (size, size) of line integrals (VIEWS, size); ramp under a Hann window."""
        filtered = _filter(sinogram).astype(np.float32)
        first, second = filtered[: VIEWS // 2].ravel(), filtered[VIEWS // 2 :].ravel()
        shape = (self.size, self.size)
        picture = (self.matrix.T @ first).reshape(shape) + np.rot90((self.matrix.T @ second).reshape(shape), 1)
        scaled: np.ndarray = picture * (np.pi / (2 * VIEWS))
        return scaled


@lru_cache(maxsize=2)
def projector(size: int = GRID) -> Projector:
    """The cached projector of a grid (about 80 MB at 256)."""
    middle = size // 2
    y, x = np.mgrid[:size, :size] - middle
    inside = np.flatnonzero((x**2 + y**2 <= middle**2).ravel())
    x, y = x.ravel()[inside], y.ravel()[inside]
    parts = []
    for angle in np.deg2rad(np.arange(VIEWS // 2) * 180 / VIEWS):
        at = x * np.cos(angle) - y * np.sin(angle) + middle
        low = np.floor(at).astype(np.int32)
        share = (at - low).astype(np.float32)
        keep = (low >= 0) & (low < size - 1)
        rows = np.concatenate([low[keep], low[keep] + 1])
        weights = np.concatenate([1 - share[keep], share[keep]])
        columns = np.concatenate([inside[keep], inside[keep]])
        parts.append(sparse.csr_matrix((weights, (rows, columns)), shape=(size, size * size), dtype=np.float32))
    return Projector(sparse.vstack(parts, format="csr"), size)


def _filter(sinogram: np.ndarray) -> np.ndarray:
    """Filter rows with the band-limited ramp (Kak and Slaney 1988, eq. 3.61) under a Hann window."""
    size = sinogram.shape[1]
    length = max(64, 1 << int(np.ceil(np.log2(2 * size))))
    n = np.fft.fftfreq(length, 1 / length).astype(int)
    ramp = np.zeros(length)
    ramp[0] = 0.25
    odd = n % 2 == 1
    ramp[odd] = -1 / (np.pi * n[odd]) ** 2
    response = 2 * np.fft.rfft(ramp).real
    response *= 0.5 * (1 + np.cos(np.pi * np.linspace(0, 1, len(response))))
    return np.fft.irfft(np.fft.rfft(sinogram, length, axis=1) * response, length, axis=1)[:, :size]


def faults(mu: np.ndarray, pixel_mm: float, scan: Scan, generator: np.random.Generator) -> np.ndarray:
    """Artefacts of the scanner, (GRID, GRID) 1/mm: noise, cupping, streaks and rings.

    Args:
        mu: attenuation map of the whole slice, (GRID, GRID) 1/mm; the object lies inside the inscribed circle.
        pixel_mm: its pixel size.
        scan: the scanner's settings.
        generator: source of all randomness.
    """
    ideal = projector(len(mu)).project(mu) * pixel_mm
    hardened = ideal - scan.hardening * ideal**2
    # A small object is scanned longer, since noise grows with the inverse of the pixel size.
    photons = scan.photons * max(1.0, (REFERENCE_MM / pixel_mm) ** 2)
    counts = generator.poisson(photons * np.exp(-np.clip(hardened, 0, 12)))
    measured = -np.log(np.maximum(counts, 0.7) / photons)
    gain = generator.normal(0, scan.ring, ideal.shape[1]) * (generator.random(ideal.shape[1]) < 0.35)
    measured += ndimage.gaussian_filter1d(gain, 0.4) + generator.normal(0, scan.ring * 0.3, (VIEWS, 1))
    return projector(len(mu)).back_project(measured - ideal) / pixel_mm


def expose(mu: np.ndarray, added: np.ndarray, scan: Scan, generator: np.random.Generator) -> np.ndarray:
    """The 16-bit picture (H, W) of a map and the scanner's artefacts at its pixels, both in 1/mm."""
    picture = ndimage.gaussian_filter(mu, scan.blur_px) + added
    picture += scan.grain * ndimage.gaussian_filter(generator.standard_normal(mu.shape).astype(np.float32), 0.55) * 1.9
    scaled = np.clip((picture - scan.black) / (scan.white - scan.black), 0, 1) ** scan.gamma
    steps: np.ndarray = np.rint(scaled * 65535)
    return steps.astype(np.uint16)
