"""Probabilities of ectopic beats (V, S) adapted to the whole recording, of which the network reads a minute at a time.

Two things follow from the other beats of a recording. Beats of one shape have one origin, so whether a beat is
ventricular is asked of the beats most like it together (the templates of Holter systems). And ectopic beats are common
in some people and absent in most, so the probabilities are adapted to how common they are here (Saerens M, Latinne P,
Decaestecker C. Adjusting the outputs of a classifier to new a priori probabilities. Neural Comput 14:21-41 (2002)).
docs/history.md says by what both were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit, logit

from models.tasks.inputs import BeatInputs

BEFORE_S, AFTER_S = 0.117, 0.175
"""A shape begins and ends so long before and after the R peak, s: the QRS and the start of the ST segment."""
_ALIKE, _REACH, _BLOCK = 40, 600, 200
"""Beats that are asked together, how many beats away they may lie, beats that are compared at once."""
_WIDTH = 0.25
"""Distance at which a beat's say has fallen to exp(-1/2), as a share of the shape's own size."""
_AS_MANY, _STEP = 600.0, 0.5
"""The usual shares weigh like so many beats; the log odds go this part of the way, since the answers within a recording
err together."""
_SURE = 1e-4
"""No answer counts as surer than this."""
_SILENT = 1e-6


def shape_size(n_leads: int, fs: float) -> tuple[int, int]:
    """Leads and samples of a beat shape at the sampling frequency of the network's input."""
    return n_leads, round(BEFORE_S * fs) + round(AFTER_S * fs) + 1


def beat_shapes(inputs: BeatInputs) -> np.ndarray:
    """Signal around each beat of a batch of strips, float32 (B, K, C, n), in the recording's unit."""
    strips = inputs.x.numpy() * inputs.size[..., None]
    beats = inputs.kwargs["beats"].numpy()
    return np.stack([cut_shapes(strip, places, inputs.fs) for strip, places in zip(strips, beats, strict=True)])


def cut_shapes(signal: np.ndarray, beats: np.ndarray, fs: float) -> np.ndarray:
    """Signal around each beat, float32 (K, n_leads, n); zero where none is recorded and beyond its ends.

    Args:
        signal: conditioned samples, float32 (n_leads, L).
        beats: R peaks as sample numbers in ``signal``, int64 (K,).
        fs: sampling frequency of ``signal``, Hz.
    """
    place = beats[:, None] + np.arange(-round(BEFORE_S * fs), round(AFTER_S * fs) + 1)
    inside = (place >= 0) & (place < signal.shape[-1])
    shapes = np.where(inside, signal[:, np.clip(place, 0, signal.shape[-1] - 1)], 0.0)
    return np.nan_to_num(shapes.transpose(1, 0, 2)).astype(np.float32)


def adapt_to_recording(
    prob: np.ndarray, shapes: np.ndarray, classes: Sequence[str], usual: Mapping[str, float], in_af: np.ndarray
) -> np.ndarray:
    """Probabilities of each beat given all beats of the recording.

    Args:
        prob: calibrated, of the network, float (n, n_classes), in the order of time; NaN for beats it did not reach.
        shapes: from :func:`beat_shapes`, float32 (n, n_leads, n_samples).
        classes: names of the columns of ``prob``.
        usual: shares of beats that classes have where nothing is known of the recording, such as {"V": 0.005}.
        in_af: beats within atrial fibrillation, bool (n,): they do not say how common S is.

    Returns:
        float64 (n, n_classes), each row sums to 1; NaN as in ``prob``.
    """
    there = np.isfinite(prob).all(axis=1)
    adapted = np.full(prob.shape, np.nan)
    if not there.any():
        return adapted
    known = np.asarray(prob, np.float64)[there]
    if "V" in usual:
        known = _ventricular_by_shape(known, shapes[there], classes.index("V"), classes.index("F"))
    gain = np.ones(len(classes))
    for name, share in usual.items():
        column = classes.index(name)
        asked = known[~in_af[there], column] if name == "S" else known[:, column]
        gain[column] = np.exp(_STEP * more_common(_log_odds(asked), share))
    known = known * gain
    adapted[there] = known / known.sum(axis=1, keepdims=True)
    return adapted


def more_common(log_odds: np.ndarray, usual: float) -> float:
    """Log odds by which a class is more common here than usual, by expectation-maximisation (Saerens 2002).

    Args:
        log_odds: of the class, for each beat, (n,), as calibrated where it has the share ``usual``.
        usual: share of the beats.
    """
    before = logit(usual)
    share = usual
    for _ in range(50):
        now = logit(share)
        share = (_AS_MANY * usual + expit(log_odds + now - before).sum()) / (_AS_MANY + len(log_odds))
    return float(logit(share) - before)


def _ventricular_by_shape(prob: np.ndarray, shapes: np.ndarray, ventricular: int, fusion: int) -> np.ndarray:
    """Probabilities with V averaged over beats of similar shape, the other classes scaled in proportion.

    Fusion beats keep theirs: by their shape they lie between the normal and the ventricular ones.
    """
    no_fusion = np.maximum(1 - prob[:, fusion], _SURE)
    alone = np.clip(prob[:, ventricular] / no_fusion, 0, 1)
    together = expit(_of_alike(_log_odds(alone), shapes))
    others = np.maximum(1 - alone, _SURE)
    found: np.ndarray = prob * ((1 - together) / others)[:, None]
    found[:, ventricular], found[:, fusion] = together * no_fusion, prob[:, fusion]
    found /= found.sum(axis=1, keepdims=True)
    return found


def scaled_shapes(shapes: np.ndarray) -> np.ndarray:
    """Shapes without their mean, each lead by its usual size, float32 (n, n_leads * n_samples); a silent lead is zero.

    Args:
        shapes: from :func:`beat_shapes` or :func:`cut_shapes`, float32 (n, n_leads, n_samples).
    """
    if not len(shapes):
        return np.zeros((0, shapes.shape[1] * shapes.shape[2]), np.float32)
    n_lead = round((BEFORE_S / (BEFORE_S + AFTER_S)) * shapes.shape[-1])
    size = np.median(np.ptp(shapes[..., : 2 * n_lead + 1], axis=-1), axis=0)
    centred = shapes - shapes.mean(axis=-1, keepdims=True)
    scaled = centred * np.where(size > _SILENT * size.max(initial=0.0), 1 / np.maximum(size, 1e-30), 0.0)[:, None]
    flat: np.ndarray = scaled.reshape(len(shapes), -1).astype(np.float32)
    return flat


def _of_alike(log_odds: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Mean log odds over the most similar beats of each, (n,), weighted by similarity."""
    scaled = scaled_shapes(shapes)
    energy = np.square(scaled).sum(axis=1)
    mean = np.empty(len(scaled))
    for start in range(0, len(scaled), _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = slice(max(start - _REACH, 0), start + _BLOCK + _REACH)
        distance = energy[rows, None] + energy[None, near] - 2 * scaled[rows] @ scaled[near].T
        alike = np.argpartition(distance, min(_ALIKE, distance.shape[1]) - 1, axis=1)[:, :_ALIKE]
        chosen = np.maximum(np.take_along_axis(distance, alike, axis=1), 0)
        larger = np.maximum(energy[rows, None], energy[near][alike])
        say = np.exp(-chosen / (2 * _WIDTH**2 * np.maximum(larger, 1e-9)))
        mean[rows] = (say * log_odds[near][alike]).sum(axis=1) / say.sum(axis=1)
    return mean


def _log_odds(prob: np.ndarray) -> np.ndarray:
    found: np.ndarray = logit(np.clip(prob, _SURE, 1 - _SURE))
    return found
