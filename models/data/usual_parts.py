"""Augmentation: replaces waves that do not define a beat's class by those of the patient's median N beat.

A network that relies on a P wave before an ectopic QRS, or on the T wave of an early beat, relies on a correlate of the
class in the training set (a shortcut). Here such waves are taken from the strip's median N beat and the label is kept:
V and F are defined by QRS and T wave, S by its timing and P wave, and an N beat with usual waves is N. Reasons by parts
test a trained network in the same way (``ecgviz.saliency.parts``).
"""

from __future__ import annotations

import numpy as np

from models.data.aami import AAMI_CLASSES

WAVES_S = {"P and PR": (-0.28, -0.07), "QRS": (-0.07, 0.09), "ST and T": (0.09, 0.36)}
"""Default bounds of each wave relative to the R peak, s, if they are not measured."""
UNDECIDED = {"N": tuple(WAVES_S), "S": ("QRS", "ST and T"), "V": ("P and PR",), "F": ("P and PR",)}
"""Waves that do not define a class."""
_FADE_S = 0.025
_FEWEST = 3
_CHOSEN = 0.5
"""Share of the beats whose waves are replaced, and of the waves of each."""


def make_usual(
    strip: np.ndarray, position: np.ndarray, label: np.ndarray, fs: float, generator: np.random.Generator
) -> np.ndarray:
    """Replace some waves that do not define a class by those of the strip's median N beat.

    Args:
        strip: samples, float32 (n_leads, L), NaN where there is no signal.
        position: R peaks, int64 (K,), ascending, inside the strip.
        label: classes of the beats (K,); -1 where unknown, which stay as they are.
        fs: sampling frequency, Hz.
        generator: source of all randomness.

    Returns:
        float32 (n_leads, L); the strip itself if it has fewer than three whole N beats.
    """
    start, stop = round(WAVES_S["P and PR"][0] * fs), round(WAVES_S["ST and T"][1] * fs)
    whole = (position + start >= 0) & (position + stop <= strip.shape[1])
    normal = position[whole & (label == AAMI_CLASSES.index("N"))]
    if len(normal) < _FEWEST:
        return strip
    usual = np.median(strip[:, normal[:, None] + np.arange(start, stop)], axis=1)
    strip = strip.copy()
    for at, one in zip(position[whole], label[whole], strict=True):
        waves = UNDECIDED.get(AAMI_CLASSES[one] if one >= 0 else "", ())
        if not waves or generator.random() >= _CHOSEN:
            continue
        weight = _weight([name for name in waves if generator.random() < _CHOSEN], start, stop, fs)
        piece = strip[:, at + start : at + stop]
        piece += (weight * np.nan_to_num(usual - piece)).astype(np.float32)
    return strip


def _weight(waves: list[str], start: int, stop: int, fs: float) -> np.ndarray:
    """Weight of the median beat in each sample, (stop - start,): 1 within the waves, tapered at their ends."""
    fade = max(round(_FADE_S * fs), 1)
    weight = np.zeros(stop - start + 2 * fade)
    for name in waves:
        low, high = (fade + round(one * fs) - start for one in WAVES_S[name])
        weight[low:high] = 1.0
    smooth = np.convolve(weight, np.full(2 * fade + 1, 1 / (2 * fade + 1)), "valid")
    faded: np.ndarray = np.minimum(weight[fade:-fade], smooth)
    return faded
