"""Why a beat has its class, by its parts: each is replaced by this patient's usual one, and the network asked again.

A part is a wave of the beat (P and PR, QRS, ST and T) or an interval beside it (the RR before, the RR after). The usual
one is the sample-wise median of beats called N nearby, cross-faded at its ends: an input of the kind that the network
knows, unlike zeros or noise. All combinations of five parts are asked in one batch, so the contributions are exact
Shapley values (Shapley 1953; Lundberg, Lee 2017) of the target's log odds: they sum to what all parts together change.
What is left comes from the rest of the strip (``context``) and from what the network says of a usual beat (``base``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from scipy.special import softmax

from ecgviz.errors import ConfigError
from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.coalitions import CoalitionReasons
from ecgviz.saliency.donors import find_usual
from ecgviz.saliency.population_beat import BEATS, among_its_like
from ecgviz.saliency.shapley import Kept, shapley
from ecgviz.saliency.usual_beat import (
    INTERVALS,
    WAVES_S,
    Groups,
    Timed,
    Usual,
    exchange,
    indices_of,
    with_usual_rr,
    with_usual_waves,
)
from ecgviz.saliency.window_parts import answer, ask_windows, read_strip, reads_strips, reads_windows
from models import Checkpoint
from models.compress.twin import float_twin
from models.networks.ecg.beat_strip import BeatStripNet
from models.networks.ecg.strip_variants import Moved, VariantMaps, read_layers, samples_for
from models.networks.folding import folded_once
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

MOST_LEADS = 3
"""Leads that can be exchanged one by one: two thousand sets of parts."""


@dataclass(frozen=True)
class Part:
    """One part of a beat.

    Attributes:
        name: one of ``PARTS``; "QRS in V1" where leads are exchanged one by one.
        start_s: where it begins, seconds from the start of the recording.
        end_s: where it ends.
        contribution: log odds of the target that it brings, compared with the usual one.
        leads: that it lies in, where they are exchanged one by one; empty for all together.
        measured: whether a wave's bounds were measured; else it lies at fixed places beside R.
    """

    name: str
    start_s: float
    end_s: float
    contribution: float
    leads: tuple[str, ...] = ()
    measured: bool = False

    @property
    def kind(self) -> str:
        """Which of ``PARTS``."""
        return self.name.partition(" in ")[0]


@dataclass(frozen=True, kw_only=True)
class Reasons(CoalitionReasons[Part]):
    """Why the network gives a beat a class, in log odds of that class against all others, calibrated.

    ``log_odds`` is the sum of all contributions, ``context`` and ``base``.

    Attributes:
        beat: index of the beat.
        target: the class.
        parts: in the order of ``PARTS``, those of the first lead first where they are exchanged one by one.
        base: log odds of the class for a usual beat of this recording, or of a population among its like.
        usual: the usual beat, float32 (n_leads, n), in the unit of the recording, from the first wave to the last.
        usual_start_s: where it begins beside this beat, seconds from the start of the recording.
        leads: name of the lead of each of its rows.
        usual_of: beats that it is the median of; recordings, where it is that of a population.
        population: whether this recording has no usual beat, and that of normal recordings takes its place.
        checkpoint: name of the checkpoint.
        usual_rr_s: RR interval before a usual beat, s.
        coalition_values: log odds of the target for every set of parts that are the beat's own.
        coalition_labels: the likeliest class and its probability for each of them.
        groups: rows of the leads that were exchanged together.
        within: what the network reads of a beat: "strip" or "window".
    """

    beat: int
    target: str
    parts: tuple[Part, ...]
    base: float
    usual: np.ndarray = field(repr=False)
    usual_start_s: float
    leads: tuple[str, ...]
    usual_of: int
    population: bool
    checkpoint: str
    usual_rr_s: float
    coalition_values: dict[Kept, float] = field(repr=False)
    coalition_labels: dict[Kept, tuple[str, float]] = field(repr=False)
    groups: Groups = field(repr=False)
    within: str = "strip"

    def label_without(self, *names: str) -> tuple[str, float]:
        """The likeliest class and its probability with some parts usual."""
        return self.coalition_labels[self.kept_without(*names)]


def has_parts(checkpoint: Checkpoint) -> bool:
    """Whether a network can be asked by parts: it reads strips, or windows of recordings."""
    checkpoint = float_twin(checkpoint)
    return reads_strips(checkpoint) or reads_windows(checkpoint)


def explain_parts(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    index: int,
    *,
    target: str | None = None,
    each_lead: bool = False,
) -> Reasons:
    """What each part of beat ``index`` brings to its class ``target``; the class it has when None.

    Args:
        recording: of the beat.
        checkpoint: that reads strips.
        beats: of the recording.
        index: which beat.
        target: class to explain.
        each_lead: exchange the waves of each lead by themselves.

    Raises:
        IndexError: there is no such beat.
        ConfigError: an unknown class, a network without parts, or too many leads to take each by itself.
    """
    checkpoint = float_twin(checkpoint)
    if not has_parts(checkpoint):
        fault = f"{checkpoint.name} reads neither strips nor windows of recordings, as reasons by parts need it"
        raise ConfigError("parts", f"{fault}; choose another network")
    if not 0 <= index < len(beats):
        raise IndexError(f"there is no beat {index}; the recording has {len(beats)}, counted from 0")
    target = target or beats.classes[int(beats.prob[index].argmax())]
    if target not in beats.classes:
        raise ConfigError("target", f"there is no class {target!r}; the network knows {', '.join(beats.classes)}")
    strip = read_strip(recording, checkpoint, beats, index)
    usual, groups = find_usual(recording, checkpoint, beats, index, strip), _groups(strip, beats, each_lead)
    column, temperature = beats.classes.index(target), checkpoint.card.temperature
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    if reads_strips(checkpoint):
        # As the analysis reads it.
        network = folded_once(checkpoint.network, (strip.x, strip.kwargs))
        logits = ask(network, strip, slot, usual, groups)
    else:
        own = read_inputs(recording, checkpoint, beats, index)
        logits = ask_windows(checkpoint, beats, strip, slot, usual, groups, own)
    calibrated = np.stack(list(logits.values())) / temperature
    coalition_values = dict(zip(logits, log_odds(calibrated, column).tolist(), strict=True))
    prob = dict(zip(logits, softmax(calibrated.astype(np.float64), axis=-1), strict=True))
    bases = _logs(beats.network_prob[usual.beats])
    if usual.population:
        x, places = among_its_like(usual)
        bases = answer(checkpoint, x, places, strip.fs, BEATS // 2)[None] / temperature
    first, last = (place - usual.start for place in usual.span(strip.fs))
    players = len(WAVES_S) * len(groups) + len(INTERVALS)
    return Reasons(
        beat=index,
        target=target,
        parts=_parts(beats, index, usual, groups, shapley(coalition_values, players)),
        base=float(np.median(log_odds(bases, column))),
        usual=usual.wave[:, first:last] * strip.size[0][:, None],
        usual_start_s=float(beats.time_s[index] + (usual.start + first) / strip.fs),
        leads=beats.leads,
        usual_of=usual.population or len(usual.beats),
        population=bool(usual.population),
        checkpoint=checkpoint.name,
        usual_rr_s=usual.rr / strip.fs,
        coalition_values=coalition_values,
        coalition_labels={kept: (beats.classes[int(p.argmax())], float(p.max())) for kept, p in prob.items()},
        groups=groups,
        within="window" if reads_windows(checkpoint) else "strip",
    )


def _groups(strip: BeatInputs, beats: Beats, each_lead: bool) -> tuple[tuple[int, ...], ...]:
    """Rows of the leads that are exchanged together.

    Raises:
        ConfigError: too many to take each by itself.
    """
    if not each_lead:
        return (tuple(range(strip.x.shape[1])),)
    alive = [row for row in range(len(beats.leads)) if strip.size[0][row] != 0]
    if len(alive) > MOST_LEADS:
        fault = f"the network reads {len(alive)} leads here, and at most {MOST_LEADS} can be taken one by one"
        raise ConfigError("each-lead", f"{fault}; leave it out")
    return tuple((row,) for row in alive) or ((0,),)


@torch.inference_mode()
def ask(
    network: BeatStripNet, strip: BeatInputs, slot: int, usual: Usual, groups: Groups | None = None
) -> dict[Kept, np.ndarray]:
    """Logits (n_classes,) of a beat for every set of parts that are its own.

    The changed maps are computed around the beat alone, with the gates of the whole strip: a part of a second changes
    the means over a minute by nothing that counts, and it costs a tenth.

    Args:
        network: reads strips.
        strip: one, B = 1.
        slot: of the beat.
        usual: what takes the place of its parts.
        groups: rows of the leads that are exchanged together; all when None.
    """
    waves = len(WAVES_S) * len(groups or (0,))
    of_rr, of_waves = (list(product((False, True), repeat=n)) for n in (len(INTERVALS), waves))
    timed = [with_usual_rr(strip, slot, usual, own) for own in of_rr]
    at = [int(one.beats[slot]) for one in timed]
    moved = _moved(network, timed, at, usual.span(strip.fs))
    layers = read_layers(network, strip.x, moved)
    shape = network.beat_shapes(layers.maps.transpose(1, 2), strip.kwargs["beats"])
    exchanged, pieces = exchange(usual, of_waves, strip.fs, groups), []
    for one, place in zip(timed, at, strict=True):
        begin, end = samples_for(place // 2 + moved.start, place // 2 + moved.stop, network)
        low, high = max(begin, 0), min(end, one.x.shape[-1])
        piece = with_usual_waves(one.x[:, low:high], place - low, usual, exchanged)
        pieces.append(torch.nn.functional.pad(piece, (low - begin, end - high)))
    beats = torch.from_numpy(np.stack([one.beats for one in timed]))
    shapes = VariantMaps(network, layers, moved, torch.stack(pieces, dim=1)).shapes(beats, shape)
    # Read together: the LSTM goes over the beats of all variants at once.
    logits = network.forward_beat(shapes, beats, slot).flatten(0, 1).float().numpy()
    return dict(zip([(*waves, *rr) for waves in of_waves for rr in of_rr], logits, strict=True))


def _moved(network: BeatStripNet, timed: Sequence[Timed], at: Sequence[int], span: tuple[int, int]) -> Moved:
    """How strips with other RR intervals differ, in which other waves may stand in a span beside the beat at ``at``."""
    reach, changed = network.stem[0].kernel_size[1] // 2, []
    for one, place in zip(timed, at, strict=True):
        first, last = min(place + span[0], one.changed[0]), max(place + span[1], one.changed[1])
        changed.append(((first - reach) // 2 - place // 2, (last - 1 + reach) // 2 + 1 - place // 2))
    return Moved(
        place=tuple(place // 2 for place in at),
        start=min(first for first, _ in changed),
        stop=max(last for _, last in changed),
        shift=tuple(sum(one.shifts) // 2 for one in timed),
        length=tuple(-(-one.x.shape[-1] // 2) for one in timed),
    )


def log_odds(logits: np.ndarray, column: int) -> np.ndarray:
    """Log odds of one class against all others, float64 (...,), from calibrated logits (..., n_classes)."""
    logits = np.asarray(logits, np.float64)
    odds: np.ndarray = logits[..., column] - np.logaddexp.reduce(np.delete(logits, column, axis=-1), axis=-1)
    return odds


def _logs(prob: np.ndarray) -> np.ndarray:
    """Of probabilities; of one that single precision has rounded to nothing, that of the smallest."""
    logs: np.ndarray = np.log(np.maximum(prob, np.finfo(np.float32).tiny).astype(np.float64))
    return logs


def _parts(beats: Beats, index: int, usual: Usual, groups: Groups, contributions: Sequence[float]) -> tuple[Part, ...]:
    at = float(beats.time_s[index])
    brought, found = iter(contributions), []
    for rows in groups:
        leads = tuple(beats.leads[row] for row in rows) if len(groups) > 1 else ()
        for name, (start, end) in usual.waves_s.items():
            called = f"{name} in {', '.join(leads)}" if leads else name
            found.append(Part(called, at + start, at + end, float(next(brought)), leads, name in usual.measured))
    # At an end of the recording and at a gap there is no RR interval: a part of no length.
    before_s, after_s = np.nan_to_num([beats.rr_before_ms[index], beats.rr_after_ms[index]]) / 1000
    places = (at - float(before_s), at), (at, at + float(after_s))
    found += [Part(name, *place, float(next(brought))) for name, place in zip(INTERVALS, places, strict=True)]
    return tuple(found)
