"""Augmentation: supraventricular beats with aberrant conduction, made from a patient's narrow beats.

In DS1 a patient has a bundle branch block all the time or never, so a network learns that a wide beat among narrow
ones is V. But block comes and goes with the rate in many patients, and then a beat is wide and still N (or S): it
comes on time, behind its P wave, in runs. So runs of beats are widened here and keep their class. The shape follows
what the block does: the last part of the ventricles is reached 40 to 60 ms late by slow conduction, which draws the
QRS out (left) or adds a late wave behind it (right), and the T wave turns away from that late force
(Surawicz et al. 2009, AHA/ACCF/HRS recommendations, part III: intraventricular conduction disturbances).
"""

from __future__ import annotations

import numpy as np

_BEFORE_S, _AFTER_S = 0.06, 0.06
_REACH_S = 0.5


def make_aberrant(
    strip: np.ndarray, position: np.ndarray, widened: np.ndarray, fs: float, generator: np.random.Generator
) -> np.ndarray:
    """A strip in which the given beats are wide.

    One block a strip: its side, its strength in each lead and the T wave are drawn once, as they are one patient's.

    Args:
        strip: samples, float32 (n_leads, L).
        position: R peaks, int64 (K,), ascending, inside the strip.
        widened: which of them, bool (K,), as :func:`choose_runs` draws.
        fs: sampling frequency, Hz.
        generator: source of all randomness.

    Returns:
        float32 (n_leads, L); positions and classes stay as they are.
    """
    if not widened.any():
        return strip
    stretch = generator.uniform(1.3, 2.0) if generator.random() < 0.6 else 1.0
    late = _late_wave(len(strip), fs, stretch, generator)
    strip = strip.copy()
    before, after = round(_BEFORE_S * fs), round(_AFTER_S * fs)
    size = qrs_size(strip, position, fs)
    for at in position[widened]:
        if at - 2 * before < 0 or at + 2 * after >= strip.shape[1]:
            continue
        if stretch > 1:
            _draw_out(strip, int(at), before, after, stretch)
        stop = min(at + late.shape[1], strip.shape[1])
        strip[:, at:stop] += size * late[:, : stop - at]
    return strip


def choose_runs(label: np.ndarray, allowed: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Beats to widen, bool (K,): a long run, the whole strip, or every second beat of a run.

    Args:
        label: classes of the beats (K,).
        allowed: classes that may be widened.
        generator: source of all randomness.
    """
    n = len(label)
    chosen = np.zeros(n, bool)
    if n == 0:
        return chosen
    at = int(generator.integers(0, max(n // 2, 1)))
    every = 2 if generator.random() < 0.2 else 1
    while at < n:
        run = 2 + int(generator.geometric(0.06))
        chosen[at : at + run : every] = True
        at += run + 2 + int(generator.geometric(0.08))
    return chosen & np.isin(label, allowed)


def _late_wave(n_leads: int, fs: float, stretch: float, generator: np.random.Generator) -> np.ndarray:
    """The wave after the R peak in units of the QRS amplitude, float32 (n_leads, _REACH_S x fs)."""
    time = np.arange(round(_REACH_S * fs)) / fs
    force = generator.uniform(-1.0, 1.0, (n_leads, 1)) * (1.0 if stretch == 1 else 0.5)
    centre, width = generator.uniform(0.055, 0.085), generator.uniform(0.014, 0.028)
    wave = force * np.exp(-0.5 * ((time - centre) / width) ** 2)
    sign = np.sign(force) if stretch == 1 else generator.choice([-1.0, 1.0], (n_leads, 1))
    t_centre, t_width = generator.uniform(0.2, 0.3), generator.uniform(0.04, 0.08)
    wave -= sign * generator.uniform(0, 0.5) * np.exp(-0.5 * ((time - t_centre) / t_width) ** 2)
    taper = np.clip((_REACH_S - time) / 0.1, 0, 1)
    return (wave * taper).astype(np.float32)


def qrs_size(strip: np.ndarray, position: np.ndarray, fs: float) -> np.ndarray:
    """Median peak-to-peak QRS amplitude over the beats at ``position``, float32 (n_leads, 1); 0 without a beat."""
    reach = round(_BEFORE_S * fs)
    inside = position[(position >= reach) & (position < strip.shape[1] - reach)]
    if not len(inside):
        return np.zeros((len(strip), 1), np.float32)
    beats = strip[:, inside[:, None] + np.arange(-reach, reach + 1)]
    size: np.ndarray = np.median(np.ptp(beats, axis=-1), axis=1)[:, None]
    return size.astype(np.float32)


def _draw_out(strip: np.ndarray, at: int, before: int, after: int, stretch: float) -> None:
    """Stretch the QRS around ``at`` in place; its surroundings are compressed, so the ends meet."""
    offset = np.arange(-2 * before, 2 * after + 1)
    knots = [-2 * before, -before, 0, after, 2 * after]
    source = np.interp(offset, knots, [-2 * before, -before / stretch, 0, after / stretch, 2 * after])
    piece = strip[:, at - 2 * before : at + 2 * after + 1]
    place = source + 2 * before
    low = np.clip(place.astype(np.int64), 0, piece.shape[1] - 2)
    share = (place - low).astype(np.float32)
    piece[:] = piece[:, low] * (1 - share) + piece[:, low + 1] * share
