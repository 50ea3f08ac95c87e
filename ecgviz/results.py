"""Results of an analysis: immutable dataclasses of arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ecgviz.edits import Edits
from models.core.gaps import Gaps, spans_gap
from models.postprocessing.rhythm_episodes import RhythmEpisode, af_burden, early_in_af, rhythm_at

NORMAL = "N"


@dataclass(frozen=True)
class Beats:
    """Every beat of a recording with the network's answer, and the rhythms where the network knows them.

    Within an episode of atrial fibrillation or flutter a beat that the network calls S is N: fibrillating atria have no
    premature beats, and in an irregular rhythm every second beat is early. Cardiologists do the same: of the 5.25
    million beats that MIT-BIH and the Long-Term AF Database mark in AF, 91 are S. ``prob`` is what the network says in
    view of the whole recording, see :mod:`models.postprocessing.ectopic_beats`; ``network_label`` what it says of the
    beat in its strip alone.

    Attributes:
        sample: R peaks as sample numbers of the recording, int64 (n,), ascending.
        prob: calibrated class probabilities, float32 (n, n_classes), each row sums to 1.
        classes: names of the columns of ``prob``; AAMI EC57's N, S, V, F, Q for beat networks.
        fs: sampling frequency of the recording, Hz.
        checkpoint: name of the checkpoint that classified them.
        leads: names of the recording's leads that the network read, first the one that decides.
        source: "detected" (R peaks found by us) or "reference" (positions of the file's annotations).
        device: where the network ran, such as "cpu" or "cuda:0".
        seconds: wall-clock seconds of the steps: load, detect, classify.
        warnings: sentences that must stay visible beside the result.
        seen_in_training: name of the training record that this recording is (or is part of), else None.
        rhythm_prob: calibrated probabilities of the rhythm at each beat, float32 (n, n_rhythms); None where the
            checkpoint says nothing of the rhythm.
        rhythm_classes: names of the columns of ``rhythm_prob``, see :mod:`models.data.rhythms`.
        rhythms: episodes in time order; see :func:`models.postprocessing.rhythm_episodes.decode_rhythms`.
        offset: how far each R peak lies behind its sample, in samples, float64 (n,), at sampling frequencies too low
            for whole samples to say when a beat is; None where all are zero.
        alone: ``prob`` as the network gives it in the beat's strip alone, where the whole recording was taken into
            account; None where the two are one.
        gaps: (start, end) of the stretches of 0.6 s and more in which no beat can be seen, seconds from the start of
            the recording, in order: the time from the beat before to the beat behind is no RR interval. Of edited
            beats also the places of those that a person rejected.
        unlearnt: classes that the network was trained without: its saying none of them is no answer.
        edits: what people decided, see :mod:`ecgviz.review`; None for the network's own answer. A class that a person
            gave holds in every rhythm and has the probability 1; ``prob`` stays the network's.
    """

    sample: np.ndarray
    prob: np.ndarray
    classes: tuple[str, ...]
    fs: float
    checkpoint: str
    leads: tuple[str, ...]
    source: str = "detected"
    device: str = "cpu"
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seen_in_training: str | None = None
    rhythm_prob: np.ndarray | None = None
    rhythm_classes: tuple[str, ...] = ()
    rhythms: tuple[RhythmEpisode, ...] = ()
    offset: np.ndarray | None = None
    alone: np.ndarray | None = None
    gaps: Gaps = ()
    edits: Edits | None = None
    unlearnt: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sample)

    def take(self, index: slice | np.ndarray) -> Beats:
        """A subset of the beats; the rhythms stay those of the whole recording."""
        rhythm_prob = None if self.rhythm_prob is None else self.rhythm_prob[index]
        offset = None if self.offset is None else self.offset[index]
        alone = None if self.alone is None else self.alone[index]
        return replace(
            self,
            sample=self.sample[index],
            prob=self.prob[index],
            rhythm_prob=rhythm_prob,
            offset=offset,
            alone=alone,
            edits=None if self.edits is None else self.edits.take(index),
        )

    @cached_property
    def time_s(self) -> np.ndarray:
        """Seconds from the start of the recording, float64 (n,)."""
        return (self.sample if self.offset is None else self.sample + self.offset) / self.fs

    @cached_property
    def label(self) -> np.ndarray:
        """Class of each beat, str (n,): a person's, else the likeliest, but N for an S within atrial fibrillation or
        flutter."""
        return self._named(self.class_index)

    @cached_property
    def class_index(self) -> np.ndarray:
        """Column of ``classes`` of each ``label``, int64 (n,)."""
        found = np.where(self.not_early, self._column(NORMAL), self._likeliest)
        return found if self.edits is None else np.where(self.edits.given, self.edits.letter, found)

    @property
    def label_before_edits(self) -> np.ndarray:
        """``label`` as it is without a person's word, str (n,); "" for a beat that a person added."""
        if self.edits is None:
            return self.label
        return np.where(self.edits.added, "", self._named(self.edits.before))

    @property
    def network_label(self) -> np.ndarray:
        """Likeliest class of each beat by the network alone, in the beat's strip, str (n,); "" where a person added the
        beat."""
        label = self._named(self.network_prob.argmax(axis=1) if len(self) else np.empty(0, np.int64))
        return label if self.edits is None else np.where(self.edits.added, "", label)

    @property
    def network_prob(self) -> np.ndarray:
        """Calibrated probabilities by the network alone, in the beat's strip, float32 (n, n_classes)."""
        return self.prob if self.alone is None else self.alone

    @property
    def changed(self) -> np.ndarray:
        """Beats whose class differs between the whole recording and the network's strip, bool (n,)."""
        alone = self.network_prob.argmax(axis=1) if len(self) else np.empty(0, np.int64)
        differs: np.ndarray = alone != self._likeliest
        return differs

    @cached_property
    def not_early(self) -> np.ndarray:
        """Beats predicted as S that count as N within atrial fibrillation or flutter, bool (n,)."""
        return self._early if self.edits is None else self._early & ~self.edits.given

    @property
    def rhythm(self) -> np.ndarray:
        """Rhythm of each beat's episode, str (n,); "" where none is known."""
        names = np.array([*(episode.label for episode in self.rhythms), ""])
        return names[rhythm_at(self.rhythms, self.time_s)]

    @property
    def af_burden(self) -> float:
        """Share of the time with a known rhythm in atrial fibrillation or flutter, 0 to 1; NaN where none is known."""
        return af_burden(self.rhythms)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability of each ``label``, float32 (n,): of an N that the network calls S, of N and S together; 1 where a
        person decided."""
        if not len(self):
            return np.empty(0, np.float32)
        sure = self.prob.max(axis=1)
        if (ruled := self.not_early).any():
            sure[ruled] += self.prob[ruled, self._column(NORMAL)]
        if self.edits is None:
            return sure
        if self.edits.adapted_prob is not None:
            sure = np.where(np.isnan(self.edits.adapted_prob), sure, self.edits.adapted_prob)
        return np.where(self.edits.decided, np.float32(1), sure)

    @property
    def entropy(self) -> np.ndarray:
        """Shannon entropy of the probabilities in bits, float32 (n,): 0 is certain, log2(n_classes) knows nothing."""
        p = np.clip(self.prob, 1e-12, 1.0)
        return -(p * np.log2(p)).sum(axis=1)

    @cached_property
    def rr_before_ms(self) -> np.ndarray:
        """RR interval to the beat before, ms, float64 (n,); NaN for the first and across a gap."""
        rr = np.where(spans_gap(self.time_s, self.gaps), np.nan, np.diff(self.time_s))
        return np.concatenate([[np.nan], rr])[: len(self)] * 1000

    @property
    def rr_after_ms(self) -> np.ndarray:
        """RR interval to the beat after, ms, float64 (n,); NaN for the last and across a gap."""
        return np.append(self.rr_before_ms[1:], np.nan)[: len(self)]

    @cached_property
    def _early(self) -> np.ndarray:
        return early_in_af(self._likeliest, self.classes, self.time_s, self.rhythms)

    @cached_property
    def _likeliest(self) -> np.ndarray:
        return self.prob.argmax(axis=1) if len(self) else np.empty(0, np.int64)

    def _column(self, letter: str) -> int:
        return self.classes.index(letter) if letter in self.classes else -1

    def _named(self, index: np.ndarray) -> np.ndarray:
        return np.asarray(self.classes)[index] if len(self) else np.empty(0, "<U1")


@dataclass(frozen=True)
class SaliencyMap:
    """Saliency of one input for one target class, aligned with the recording's time.

    Attributes:
        values: importance of each sample of the network's input, float32 (n,), same sign convention
            for all methods: >= 0, larger is more important; not scaled to 1.
        time_s: seconds from the start of the recording of each value, float64 (n,).
        method: registered name, such as "grad_cam".
        target: name of the class explained.
        checkpoint: name of the checkpoint.
        resolution_ms: the finest detail the map can have: spacing of the feature map it was made of.
        beat: index of the explained beat in its Beats.
        gates: for SE attention, the channel gates of each SE block, {block name: float32 (channels,)}.
        by_lead: for whole recordings, the values of each lead that the network read by its name in small letters,
            float32 (n,) each; empty where there is one map for all leads.
    """

    values: np.ndarray
    time_s: np.ndarray
    method: str
    target: str
    checkpoint: str
    resolution_ms: float
    beat: int
    gates: dict[str, np.ndarray] = field(default_factory=dict)
    by_lead: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def window_s(self) -> tuple[float, float]:
        """First and last second of the network's input; the map is undefined outside."""
        return float(self.time_s[0]), float(self.time_s[-1])

    def of_lead(self, lead: str) -> SaliencyMap:
        """The map of a lead by its name on a lane (-aVR is aVR); the common map where there is one for all leads."""
        values = self.by_lead.get(lead.lstrip("-").lower())
        return self if values is None else replace(self, values=values)


@dataclass(frozen=True, kw_only=True)
class MapEvidence:
    """Evidence for and against a saliency map (Adebayo 2018; Samek 2017).

    Attributes:
        randomised_correlation: rank correlation with the maps of the same network with random weights;
            near 1 means that the map shows the input and not the network.
        deletion_drop: fall of the target's probability when the marked part is replaced.
        random_drop: mean fall when other parts are replaced: random ones of the same size in a signal, ones of the
            same shape in a picture.
        random_drop_95: 95th percentile of those falls.
        agreement: rank correlation with the map of another method.
        agreement_with: name of that method.
        reasons: one sentence for each test it failed; empty when none.
    """

    randomised_correlation: float
    deletion_drop: float
    random_drop: float
    random_drop_95: float
    agreement: float
    agreement_with: str
    reasons: tuple[str, ...] = ()

    @property
    def weak(self) -> bool:
        """Whether the map should not be relied on."""
        return bool(self.reasons)


@dataclass(frozen=True, kw_only=True)
class Evidence(MapEvidence):
    """Evidence on the map of a beat, beyond :class:`MapEvidence`.

    Attributes:
        resolution_ms: finest detail of the map.
        width_ms: length of the shortest set of samples that holds half of the map's mass.
    """

    resolution_ms: float
    width_ms: float


@dataclass(frozen=True)
class Verdict:
    """Result of inspecting one file: a picture, or a stack judged by its slices.

    Attributes:
        file: path as it was given.
        slice_index: the slice that decided, None for a single picture.
        sha256: hash of the file's content; "" where it could not be read.
        verdict: "review" means that a person has to look: the score lies in the grey zone, the picture is unlike the
            training, or (a part of) the file could not be read.
        score: calibrated probability of a defect; NaN where nothing could be read.
        threshold: of the operating point.
        grey_zone: (low, high) of the operating point, None without one.
        operating_point_version: which choice of threshold that was.
        checkpoint: name of the checkpoint.
        checkpoint_sha256: hash of its weights.
        distance: of the features from those of the training; None where the checkpoint does not know them.
        in_distribution: whether the distance is within the checkpoint's limit; None where it does not know.
        seconds: reading the file, preparing it, and its share of the network's batches; 0 when it was remembered.
        error: why (a part of) the file could not be read, "" where it could.
        slice_scores: score of every slice, NaN where one could not be read.
        warnings: sentences about the file that stay with its verdict.
        defect_type: the likeliest type of a defect; empty where the network knows none.
        left_out: slices that the verdict does not rest on: they lie outside of the regions that the network judges.
    """

    file: str
    slice_index: int | None
    sha256: str
    verdict: Literal["normal", "defect", "review"]
    score: float
    threshold: float
    grey_zone: tuple[float, float] | None
    operating_point_version: str
    checkpoint: str
    checkpoint_sha256: str
    distance: float | None
    in_distribution: bool | None
    seconds: float
    error: str = ""
    slice_scores: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    defect_type: str = ""
    left_out: tuple[int, ...] = ()

    @property
    def reason(self) -> str:
        """Why this verdict: what decided, in a clause."""
        if math.isnan(self.score):
            return "nothing could be judged"
        if self.in_distribution is False:
            return "unlike the training pictures"
        if self.grey_zone is not None and self.grey_zone[0] <= self.score < self.grey_zone[1]:
            return f"score in the grey zone from {self.grey_zone[0]:.3f} to {self.grey_zone[1]:.3f}"
        if self.score >= self.threshold:
            return "score at or above the threshold" + (f": {self.defect_type}" if self.defect_type else "")
        return "a part of it could not be read" if self.error else "score below the threshold"


@dataclass(frozen=True)
class ImageMap:
    """Saliency over a picture, aligned with its pixels.

    Attributes:
        values: importance of each pixel, float32 (H, W), >= 0, larger is more important; not scaled to 1.
        method: registered name, such as "grad_cam".
        target: name of the class explained.
        checkpoint: name of the checkpoint.
        resolution_px: the finest detail the map can have, in pixels of the picture.
    """

    values: np.ndarray
    method: str
    target: str
    checkpoint: str
    resolution_px: float


@dataclass(frozen=True, kw_only=True)
class ImageEvidence(MapEvidence):
    """Evidence on the map of a picture, beyond :class:`MapEvidence`.

    Attributes:
        resolution_px: finest detail of the map, in pixels of the picture.
        resolution_mm: the same in mm, None where the spacing is not known.
        area_share: share of the picture that the smallest part with half of the map's mass covers.
    """

    resolution_px: float
    resolution_mm: float | None
    area_share: float
