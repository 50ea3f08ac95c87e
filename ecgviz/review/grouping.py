"""Which beats are of one shape: the groups that families begin with.

Beats of one label are grouped by the wave around their R peak, by how early they come, and by what the network says of
them: first into many small groups (k-means on main components), which are then joined as long as that costs little
(Ward JH. J Am Stat Assoc 58:236-244 (1963)). What it was chosen by stands in docs/review.md.
"""

from __future__ import annotations

import numpy as np

from ecgviz.results import Beats
from ecgviz.review.waves import Waves

FEWEST, MOST = 5, 30
"""Families of a recording, if it has that many beats."""
_COMPONENTS, _BLOCK = 12, 8192
_SMALL_GROUPS, _LEARN, _ROUNDS = 40, 6000, 12
"""Small groups of each label at most, beats that they are found by, rounds of k-means."""
_QRS_S = (-0.1, 0.14)
_QRS_WEIGHT, _EARLY_WEIGHT, _NETWORK_WEIGHT = 2.0, 1.0, 0.5
_LARGEST_LOG_ODDS = 6.0
_JOIN = 1.0
"""Groups are joined as long as it adds no more than this to the root of the squared distances of all beats from their
centres; 1 is a wave that is elsewhere by the usual height of one."""
_LOCAL_BEATS = 9
_EARLIEST, _LATEST = 0.6, -0.3


def features(beats: Beats, waves: Waves) -> np.ndarray:
    """What beats are told apart by, float32 (n, k): main components of the wave, how early, what the network says.

    Args:
        beats: the network's answer.
        waves: of these beats.
    """
    qrs = (waves.time_s >= _QRS_S[0]) & (waves.time_s <= _QRS_S[1])
    weight = np.where(qrs, _QRS_WEIGHT, 1.0)
    scale = (weight / waves.size[:, None] / np.sqrt(len(waves.leads) * weight.sum() / _QRS_WEIGHT)).astype(np.float32)
    odds = np.clip(log_odds(beats.prob) / _LARGEST_LOG_ODDS, -1, 1)
    parts = [_components(waves.samples, scale), _EARLY_WEIGHT * early(beats)[:, None], _NETWORK_WEIGHT * odds]
    return np.concatenate(parts, axis=1).astype(np.float32)


def log_odds(prob: np.ndarray) -> np.ndarray:
    """Of each class, float64 of the same shape, no surer than one in a thousand."""
    sure = np.clip(prob.astype(np.float64), 1e-3, 1 - 1e-3)
    found: np.ndarray = np.log(sure / (1 - sure))
    return found


def early(beats: Beats) -> np.ndarray:
    """By how much each beat comes before its time, float64 (n,): 0.3 is early by 30% of the usual RR interval around;
    late is less than 0."""
    rr = np.nan_to_num(beats.rr_before_ms, nan=0.0)
    if len(rr) < 3:
        return np.zeros(len(rr))
    from scipy.ndimage import median_filter

    usual = median_filter(rr, size=_LOCAL_BEATS, mode="nearest")
    found = np.where((rr > 0) & (usual > 0), 1 - rr / np.maximum(usual, 1e-9), 0.0)
    clipped: np.ndarray = np.clip(found, _LATEST, _EARLIEST)
    return clipped


def group_beats(label: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Number of the group of each beat, int64 (n,), from 0; the same for the same beats.

    Args:
        label: of each beat, str (n,); a group has beats of one label.
        points: :func:`features` of each beat.
    """
    group = np.zeros(len(label), np.int64)
    centres: list[np.ndarray] = []
    sizes: list[int] = []
    of_label: list[str] = []
    for letter in np.unique(label):
        inside = np.flatnonzero(label == letter)
        found = _small_groups(points[inside])
        group[inside] = found + len(centres)
        for one in range(int(found.max()) + 1):
            members = points[inside[found == one]]
            centres.append(members.mean(axis=0))
            sizes.append(len(members))
            of_label.append(str(letter))
    if not centres:
        return group
    joined = _join(np.stack(centres).astype(np.float64), np.array(sizes, np.float64), np.array(of_label))
    return np.unique(joined[group], return_inverse=True)[1].astype(np.int64)


def halves(points: np.ndarray) -> np.ndarray | None:
    """Which points are of the smaller of two parts, bool (n,); None where all are one."""
    if len(points) < 2:
        return None
    part = _nearest(points, _centres(points, 2)) == 1
    if not 0 < part.sum() < len(points):
        return None
    smaller: np.ndarray = part if part.sum() <= len(points) / 2 else ~part
    return smaller


def _components(samples: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The main components of the waves (n, n_leads, m) times ``scale``, float32 (n, k).

    By the covariance, block by block, so that a day costs what half an hour does and is in memory once.
    """
    size = scale.size
    blocks = [slice(first, first + _BLOCK) for first in range(0, len(samples), _BLOCK)]
    total, products = np.zeros(size), np.zeros((size, size))
    for block in blocks:
        flat = (samples[block] * scale).reshape(-1, size)
        total += flat.sum(axis=0, dtype=np.float64)
        products += flat.T @ flat
    mean = total / max(len(samples), 1)
    values, vectors = np.linalg.eigh(products / max(len(samples), 1) - np.outer(mean, mean))
    main = vectors[:, np.argsort(values)[::-1][:_COMPONENTS]].astype(np.float32)
    found = np.empty((len(samples), main.shape[1]), np.float32)
    for block in blocks:
        found[block] = ((samples[block] * scale).reshape(-1, size) - mean.astype(np.float32)) @ main
    return found


def _small_groups(points: np.ndarray) -> np.ndarray:
    """Number of the group of each point, without empty groups, int64 (n,)."""
    learn = points[:: max(1, len(points) // _LEARN)]
    centres = _centres(learn, min(_SMALL_GROUPS, max(1, len(points) // 4)))
    return np.unique(_nearest(points, centres), return_inverse=True)[1].astype(np.int64)


def _centres(points: np.ndarray, count: int) -> np.ndarray:
    """Centres of at most ``count`` groups by k-means, float32 (k, n_features)."""
    centres = _spread_out(points, count)
    for _ in range(_ROUNDS):
        nearest = _nearest(points, centres)
        n = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, points)
        centres = np.where(n[:, None] > 0, sums / np.maximum(n, 1)[:, None], centres).astype(np.float32)
    return centres


def _spread_out(points: np.ndarray, count: int) -> np.ndarray:
    """First centres, far from each other, drawn by a fixed seed (Arthur D, Vassilvitskii S. Proc SODA:1027-1035
    (2007))."""
    rng = np.random.default_rng(0)
    centres = [points[len(points) // 2]]
    distance = np.square(points - centres[0]).sum(axis=1, dtype=np.float64)
    while len(centres) < count and distance.sum() > 0:
        centres.append(points[rng.choice(len(points), p=distance / distance.sum())])
        distance = np.minimum(distance, np.square(points - centres[-1]).sum(axis=1, dtype=np.float64))
    return np.stack(centres)


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Number of the nearest centre of each point, int64 (n,)."""
    found: np.ndarray = (np.square(centres).sum(axis=1) - 2 * points @ centres.T).argmin(axis=1)
    return found


def _join(centres: np.ndarray, sizes: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Number of the family of each small group: groups of one label are joined, the cheapest first."""
    family = np.arange(len(centres))
    cost = _cost(centres, sizes, centres, sizes)
    cost[(label[:, None] != label) | np.tri(len(label), dtype=bool)] = np.inf
    left = len(centres)
    while left > FEWEST:
        first, second = (int(one) for one in np.unravel_index(cost.argmin(), cost.shape))
        if not np.isfinite(cost[first, second]) or (cost[first, second] > _JOIN and left <= MOST):
            break
        both = sizes[first] + sizes[second]
        centres[first] = (sizes[first] * centres[first] + sizes[second] * centres[second]) / both
        sizes[first], family[family == second] = both, first
        cost[second], cost[:, second] = np.inf, np.inf
        alive = np.unique(family)
        others = alive[(alive != first) & (label[alive] == label[first])]
        new = _cost(centres[first][None], sizes[first : first + 1], centres[others], sizes[others])[0]
        cost[np.minimum(first, others), np.maximum(first, others)] = new
        left -= 1
    return family


def _cost(first: np.ndarray, n_first: np.ndarray, second: np.ndarray, n_second: np.ndarray) -> np.ndarray:
    """Root of what joining groups adds to the squared distances of all beats from their centres."""
    distance = np.square(first[:, None] - second[None]).sum(axis=-1)
    found: np.ndarray = np.sqrt(distance * (n_first[:, None] * n_second / (n_first[:, None] + n_second)))
    return found
