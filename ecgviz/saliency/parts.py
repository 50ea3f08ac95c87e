"""Why a beat has its class, by its parts: each is replaced by this patient's usual one, and the network asked again.

A part is a wave of the beat (P and PR, QRS, ST and T) or an interval beside it (the RR before, the RR after). The usual
one is the sample-wise median of beats called N nearby, cross-faded at its ends: an input of the kind that the network
knows, unlike zeros or noise. All combinations of five parts are asked in one batch, so the contributions are exact
Shapley values (Shapley 1953; Lundberg, Lee 2017) of the target's log odds: they sum to what all parts together change.
What is left comes from the rest of the strip (``context``) and from what the network says of a usual beat (``base``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from scipy.special import softmax

from ecgviz.errors import ConfigError
from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.coalitions import CoalitionReasons
from ecgviz.saliency.shapley import Kept, shapley
from ecgviz.saliency.usual_beat import (
    INTERVALS,
    PARTS,
    WAVES_S,
    Usual,
    find_usual,
    indices_of,
    with_usual_rr,
    with_usual_waves,
)
from models import Checkpoint
from models.compress.twin import float_twin
from models.networks.ecg.beat_strip import BeatStripNet
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

_ALL_OWN = (True,) * len(PARTS)


@dataclass(frozen=True)
class Part:
    """One part of a beat.

    Attributes:
        name: one of ``PARTS``.
        start_s: where it begins, seconds from the start of the recording.
        end_s: where it ends.
        contribution: log odds of the target that it brings, compared with the usual one.
    """

    name: str
    start_s: float
    end_s: float
    contribution: float


@dataclass(frozen=True, kw_only=True)
class Reasons(CoalitionReasons[Part]):
    """Why the network gives a beat a class, in log odds of that class against all others, calibrated.

    ``log_odds`` is the sum of all contributions, ``context`` and ``base``.

    Attributes:
        beat: index of the beat.
        target: the class.
        parts: in the order of ``PARTS``.
        base: log odds of the class for a usual beat of this recording.
        usual: the usual beat, float32 (n_leads, n), in the unit of the recording, from the first wave to the last.
        usual_start_s: where it begins beside this beat, seconds from the start of the recording.
        leads: name of the lead of each of its rows.
        usual_of: beats that it is the median of.
        checkpoint: name of the checkpoint.
        usual_rr_s: RR interval before a usual beat, s.
        coalition_values: log odds of the target for every set of parts that are the beat's own.
        coalition_labels: the likeliest class and its probability for each of them.
    """

    beat: int
    target: str
    parts: tuple[Part, ...]
    base: float
    usual: np.ndarray = field(repr=False)
    usual_start_s: float
    leads: tuple[str, ...]
    usual_of: int
    checkpoint: str
    usual_rr_s: float
    coalition_values: dict[Kept, float] = field(repr=False)
    coalition_labels: dict[Kept, tuple[str, float]] = field(repr=False)

    def label_without(self, *names: str) -> tuple[str, float]:
        """The likeliest class and its probability with some parts usual."""
        return self.coalition_labels[self.kept_without(*names)]


def has_parts(checkpoint: Checkpoint) -> bool:
    """Whether a network can be asked by parts: it reads strips."""
    return isinstance(float_twin(checkpoint).network, BeatStripNet)


def explain_parts(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, *, target: str | None = None
) -> Reasons:
    """What each part of beat ``index`` brings to its class ``target``; the class it has when None.

    Raises:
        IndexError: there is no such beat.
        ConfigError: an unknown class, a network that reads no strips, or a recording without usual beats.
    """
    checkpoint = float_twin(checkpoint)
    if not isinstance(checkpoint.network, BeatStripNet):
        raise ConfigError(
            "parts",
            f"{checkpoint.name} reads no strips, as reasons by parts need it; choose one whose card says strip",
        )
    if not 0 <= index < len(beats):
        raise IndexError(f"there is no beat {index}; the recording has {len(beats)}, counted from 0")
    target = target or beats.classes[int(beats.prob[index].argmax())]
    if target not in beats.classes:
        raise ConfigError("target", f"there is no class {target!r}; the network knows {', '.join(beats.classes)}")
    strip = read_inputs(recording, checkpoint, beats, index)
    usual = find_usual(recording, checkpoint, beats, index, strip)
    if usual is None:
        fault = f"{recording.name} has too few beats called N to compare with"
        raise ConfigError("parts", f"{fault}; explain the beat by a map, or open a longer recording")
    column, temperature = beats.classes.index(target), checkpoint.card.temperature
    logits = ask(checkpoint.network, strip, int(np.flatnonzero(indices_of(strip) == index)[0]), usual)
    coalition_values = {kept: log_odds(values / temperature, column) for kept, values in logits.items()}
    prob = {kept: softmax(values.astype(np.float64) / temperature) for kept, values in logits.items()}
    return Reasons(
        beat=index,
        target=target,
        parts=_parts(beats, index, shapley(coalition_values, len(PARTS))),
        base=float(np.median([log_odds(_logs(beats.network_prob[one]), column) for one in usual.beats])),
        usual=usual.wave * strip.size[0][:, None],
        usual_start_s=float(beats.time_s[index] + usual.start / strip.fs),
        leads=beats.leads,
        usual_of=len(usual.beats),
        checkpoint=checkpoint.name,
        usual_rr_s=usual.rr / strip.fs,
        coalition_values=coalition_values,
        coalition_labels={kept: (beats.classes[int(p.argmax())], float(p.max())) for kept, p in prob.items()},
    )


@torch.inference_mode()
def ask(network: BeatStripNet, strip: BeatInputs, slot: int, usual: Usual) -> dict[Kept, np.ndarray]:
    """Logits (n_classes,) of a beat for every set of parts that are its own.

    The changed maps are computed around the beat alone, with the gates of the whole strip: a part of a second changes
    the means over a minute by nothing that counts, and it costs a tenth.

    Args:
        network: reads strips.
        strip: one, B = 1.
        slot: of the beat.
        usual: what takes the place of its parts.
    """
    maps, gates = network.maps_and_gates(strip.x)
    shape = network.beat_shapes(maps, strip.kwargs["beats"])
    kept = list(product((False, True), repeat=len(WAVES_S)))
    sets: list[Kept] = []
    shapes, places = [], []
    for own_rr in product((False, True), repeat=len(INTERVALS)):
        timed = with_usual_rr(strip, slot, usual.rr, own_rr)
        at = int(timed.beats[slot])
        inputs = torch.stack([with_usual_waves(timed.x, at, usual, waves, strip.fs) for waves in kept])
        changed = min(at + usual.start, timed.changed[0]), max(at + usual.start + usual.wave.shape[1], timed.changed[1])
        beats = torch.from_numpy(timed.beats)[None]
        shapes.append(network.variant_shapes(timed.maps_of(maps), gates, inputs, changed, beats, shape))
        places.append(beats.expand(len(kept), -1))
        sets += [(*waves, *own_rr) for waves in kept]
    # Read together: the LSTM goes over the beats of all variants at once.
    logits = network.forward_shapes(torch.cat(shapes), torch.cat(places))[:, slot].float().numpy()
    coalition_values = dict(zip(sets, logits, strict=True))
    # As it is, the strip is read whole.
    whole = network.forward_shapes(shape[None], strip.kwargs["beats"])
    return coalition_values | {_ALL_OWN: whole[0, slot].float().numpy()}


def log_odds(logits: np.ndarray, column: int) -> float:
    """Log odds of one class against all others, from calibrated logits (n_classes,)."""
    others = np.delete(np.asarray(logits, np.float64), column)
    return float(logits[column] - np.logaddexp.reduce(others))


def _logs(prob: np.ndarray) -> np.ndarray:
    """Of probabilities (n_classes,); of one that single precision has rounded to nothing, that of the smallest."""
    logs: np.ndarray = np.log(np.maximum(prob, np.finfo(np.float32).tiny).astype(np.float64))
    return logs


def _parts(beats: Beats, index: int, contributions: list[float]) -> tuple[Part, ...]:
    time_s = beats.time_s
    at = float(time_s[index])
    places = [(at + start, at + end) for start, end in WAVES_S.values()]
    # At an end of the recording and at a gap there is no RR interval: a part of no length.
    before_s, after_s = np.nan_to_num([beats.rr_before_ms[index], beats.rr_after_ms[index]]) / 1000
    places += [(at - float(before_s), at), (at, at + float(after_s))]
    return tuple(
        Part(name, *place, float(contribution))
        for name, place, contribution in zip(PARTS, places, contributions, strict=True)
    )
