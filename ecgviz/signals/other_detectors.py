"""R peak detectors of other packages, as a second opinion and for the comparison in docs/r_peaks.md.

Both refuse signals that are flat or too short, and answer with exceptions of many kinds where there are no beats, so
they are handed usable stretches only. Their thresholds adapt from the start of a stretch, so the answer depends on
where it starts.
"""

from __future__ import annotations

import numpy as np

from models.core.gaps import true_runs

MIN_STRETCH_S = 4.0


def detect_block(x: np.ndarray, usable: np.ndarray, fs: float, method: str) -> np.ndarray:
    """Beats in ``x`` (n,) by each method, int64 (k,), within the stretches of ``usable`` (n,)."""
    found = [np.empty(0, np.int64)]
    for start, stop in _stretches(usable, fs):
        found.append(DETECTORS[method](x[start:stop].astype(np.float64), fs) + start)
    return np.concatenate(found)


def _stretches(usable: np.ndarray, fs: float) -> np.ndarray:
    """Usable stretches of at least four seconds, across gaps of less than one second."""
    gaps = true_runs(~usable)
    mask = np.ones(len(usable), bool)
    for start, stop in gaps[np.diff(gaps, axis=1).ravel() >= fs]:
        mask[start:stop] = False
    runs = true_runs(mask)
    return runs[np.diff(runs, axis=1).ravel() >= MIN_STRETCH_S * fs]


def _sleepecg(x: np.ndarray, fs: float) -> np.ndarray:
    from sleepecg import detect_heartbeats  # loads in a second

    return np.asarray(detect_heartbeats(x, fs), np.int64)


def _neurokit(x: np.ndarray, fs: float) -> np.ndarray:
    import neurokit2 as nk  # loads in three seconds

    clean = nk.ecg_clean(x, sampling_rate=fs, method="neurokit")
    try:
        return np.asarray(nk.ecg_findpeaks(clean, sampling_rate=fs, method="neurokit")["ECG_R_Peaks"], np.int64)
    except (IndexError, ValueError):
        # no peak at all is an error there (NeuroKit2 #817)
        return np.empty(0, np.int64)


DETECTORS = {"sleepecg": _sleepecg, "neurokit": _neurokit}
"""Name to function of (samples float64 (n,), fs) to sample numbers."""
