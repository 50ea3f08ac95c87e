"""Saliency maps of beats and their evidence, on the time axis of the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from ecgviz.analysis.devices import network_on
from ecgviz.results import Beats, Evidence, SaliencyMap
from ecgviz.saliency.cam import se_gates
from ecgviz.saliency.deletion import FRACTIONS, DeletionCurve, deletion_test
from ecgviz.saliency.evidence import judge, neighbourhood
from ecgviz.saliency.registry import compute_map, get_method
from ecgviz.saliency.target import AttributionTarget, match_network
from models import Checkpoint
from models.compress.twin import float_twin
from models.core.callbacks import Progress
from models.plugins import plugin_of
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

OCCLUSION_MS = 100.0
WINDOWS = 64


def default_method(checkpoint: Checkpoint) -> str:
    """Default method: Grad-CAM for windows, HiResCAM for strips."""
    return plugin_of(checkpoint).saliency or "grad_cam"


def explain_beat(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    index: int,
    *,
    target: str | None = None,
    method: str | None = None,
    device: str | torch.device | None = None,
) -> SaliencyMap:
    """Saliency map of the class ``target`` for beat ``index``.

    Args:
        recording: the recording that ``beats`` were found in.
        checkpoint: the checkpoint that classified them.
        beats: all beats of the recording; their leads are read again.
        index: which beat.
        target: class to explain; the predicted one when None.
        method: one of ``list_methods(checkpoint.network)``; ``default_method(checkpoint)`` when None.
        device: where to compute; where the network is when None.

    Raises:
        IndexError: there is no such beat.
        ValueError: an unknown class, or a method that is unknown or does not suit the network.
    """
    return explain_beats(recording, checkpoint, beats, [index], target=target, method=method, device=device)[0]


def explain_beats(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    indices: Sequence[int],
    *,
    target: str | None = None,
    method: str | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
) -> list[SaliencyMap]:
    """Saliency maps of several beats in the given order; arguments and errors as for ``explain_beat``. ``progress`` is
    called before each strip or batch of windows.

    Beats of one strip share its reading and its feature maps; windows go through the network as one batch.
    Occlusion of a strip looks at the neighbourhood of the beat alone and is 0 elsewhere.
    """
    checkpoint = float_twin(checkpoint)
    network = network_on(checkpoint.network, device)
    method = method or default_method(checkpoint)
    if not get_method(method).fits(network):
        raise ValueError(f"{method} does not suit the network of {checkpoint.name}")
    found: dict[int, SaliencyMap] = {}
    for inputs, group in _groups(recording, checkpoint, beats, indices):
        if progress is not None:
            progress(len(found), len(indices), "making maps")
        together = get_method(method).detail == "maps" or inputs.beat.ndim == 1
        for part in [group] if together else [[index] for index in group]:
            attribution_target = _attribution_target(recording, beats, inputs, part, target)
            values, spacing = compute_map(network, attribution_target, method)
            gates = _gates(network, attribution_target) if method == "se_attention" else [{} for _ in part]
            for place, index in enumerate(part):
                found[index] = SaliencyMap(
                    values=values[place].cpu().numpy(),
                    time_s=inputs.start_s[_place(inputs, index)[0]] + np.arange(values.shape[1]) / inputs.fs,
                    method=method,
                    target=beats.classes[int(attribution_target.class_index[place])],
                    checkpoint=checkpoint.name,
                    resolution_ms=spacing / inputs.fs * 1000,
                    beat=index,
                    gates=gates[place],
                )
    return [found[index] for index in indices]


def judge_map(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    saliency_map: SaliencyMap,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evidence:
    """Evidence on a map of ``explain_beat``; see ``ecgviz.saliency.evidence``.

    Args:
        recording: the recording that was explained.
        checkpoint: the checkpoint that was explained.
        beats: the beats given to ``explain_beat``.
        saliency_map: its result.
        seed: of the random parts of the deletion test.
        progress: told of each finished test.

    Raises:
        ValueError: the map is of another recording, checkpoint or set of beats.
    """
    checkpoint = float_twin(checkpoint)
    inputs, attribution_target = _inputs_and_target(recording, checkpoint, beats, saliency_map)
    return judge(
        checkpoint.network,
        attribution_target,
        saliency_map.values,
        saliency_map.method,
        fs=inputs.fs,
        centre=_centre(recording, beats, inputs, saliency_map.beat),
        spacing=saliency_map.resolution_ms / 1000 * inputs.fs,
        temperature=checkpoint.card.temperature,
        seed=seed,
        progress=progress,
    )


def deletion_curve(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    saliency_map: SaliencyMap,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> DeletionCurve:
    """Probability over the replaced fraction of the map, beside random parts, for plotting.

    Arguments and errors as for ``judge_map``; ``fractions`` are shares of the neighbourhood of the beat.
    """
    checkpoint = float_twin(checkpoint)
    inputs, attribution_target = _inputs_and_target(recording, checkpoint, beats, saliency_map)
    length = len(saliency_map.values)
    region = neighbourhood(_centre(recording, beats, inputs, saliency_map.beat), length, inputs.fs)
    whole, marked, random = deletion_test(
        checkpoint.network,
        match_network(checkpoint.network, attribution_target),
        saliency_map.values,
        region,
        inputs.fs,
        fractions=tuple(fractions),
        temperature=checkpoint.card.temperature,
        seed=seed,
    )
    return DeletionCurve(
        fraction=np.concatenate([[0.0], fractions]),
        prob=np.concatenate([[whole], marked]).astype(np.float32),
        random_prob=np.pad(random, ((0, 0), (1, 0)), constant_values=whole).astype(np.float32),
        neighbourhood_s=(float(saliency_map.time_s[region[0]]), float(saliency_map.time_s[region[1] - 1])),
    )


def recording_scale(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    *,
    target: str | None = None,
    method: str | None = None,
    device: str | torch.device | None = None,
    sample: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
) -> float:
    """Common upper end of the colour scale for a recording, so that maps of its beats are comparable.

    It is the 99th percentile of the maps near their beats over ``sample`` beats drawn at random (all, where there are
    fewer); 1.0 where no map marks anything. Worth keeping: it costs as much as that many maps.
    """
    if len(beats) == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.choice(len(beats), min(sample, len(beats)), replace=False))
    maps = explain_beats(
        recording, checkpoint, beats, drawn.tolist(), target=target, method=method, device=device, progress=progress
    )
    near = []
    for one in maps:
        fs = (len(one.time_s) - 1) / (one.time_s[-1] - one.time_s[0])
        centre = (beats.sample[one.beat] / recording.fs - one.time_s[0]) * fs
        near.append(one.values[slice(*neighbourhood(centre, len(one.values), fs))])
    top = float(np.quantile(np.concatenate(near), 0.99))
    return top if top > 0 else 1.0


def read_inputs(recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int) -> BeatInputs:
    def read(start: int, stop: int) -> np.ndarray:
        return recording.signal_mV(start, stop, leads=beats.leads)

    return checkpoint.task.inputs_for_beat(read, recording.fs, recording.n_samples, beats.sample, index, beats.gaps)


def _groups(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, indices: Sequence[int]
) -> Iterator[tuple[BeatInputs, list[int]]]:
    """Inputs with their beats: one strip at a time, or up to ``WINDOWS`` windows.

    Raises:
        IndexError: there is no such beat.
    """
    for index in indices:
        if not 0 <= index < len(beats):
            raise IndexError(f"there is no beat {index}; the recording has {len(beats)}, counted from 0")
    waiting = list(dict.fromkeys(indices))
    while waiting:
        inputs = read_inputs(recording, checkpoint, beats, waiting[0])
        if inputs.beat.ndim == 2:
            group = [index for index in waiting if index in inputs.beat[0]]
        else:
            group = waiting[:WINDOWS]
            others = [read_inputs(recording, checkpoint, beats, index) for index in group[1:]]
            inputs = _stack([inputs, *others])
        yield inputs, group
        waiting = [index for index in waiting if index not in group]


def _stack(windows: list[BeatInputs]) -> BeatInputs:
    return BeatInputs(
        torch.cat([one.x for one in windows]),
        {name: torch.cat([one.kwargs[name] for one in windows]) for name in windows[0].kwargs},
        np.concatenate([one.beat for one in windows]),
        np.concatenate([one.start_s for one in windows]),
        windows[0].fs,
    )


def _place(inputs: BeatInputs, index: int) -> tuple[int, int | None]:
    """Row of a beat in its inputs, and its slot in a strip."""
    where = np.argwhere(inputs.beat == index)[0].tolist()
    return where[0], where[1] if len(where) > 1 else None


def _centre(recording: Recording, beats: Beats, inputs: BeatInputs, index: int) -> float:
    """R peak of a beat in samples of its input."""
    start_s = inputs.start_s[_place(inputs, index)[0]]
    return float((beats.sample[index] / recording.fs - start_s) * inputs.fs)


def _attribution_target(
    recording: Recording, beats: Beats, inputs: BeatInputs, group: list[int], target: str | None
) -> AttributionTarget:
    """Attribution target of some beats of one batch: class ``target``, or the likeliest where it is None."""
    if target is not None and target not in beats.classes:
        raise ValueError(f"there is no class {target!r}; the network knows {', '.join(beats.classes)}")
    rows, slots = zip(*(_place(inputs, index) for index in group), strict=True)
    strip = slots[0] is not None
    near = None
    if strip and len(group) == 1:
        near = neighbourhood(_centre(recording, beats, inputs, group[0]), inputs.x.shape[-1], inputs.fs)
    classes = [beats.classes.index(target)] * len(group) if target else beats.prob[group].argmax(axis=1).tolist()
    return AttributionTarget(
        x=inputs.x,
        class_index=torch.tensor(classes),
        row=None if list(rows) == list(range(len(inputs.x))) else torch.tensor(rows),
        slot=torch.tensor(slots) if strip else None,
        kwargs=inputs.kwargs,
        region=near,
        occlusion=round(OCCLUSION_MS / 1000 * inputs.fs),
    )


def _gates(network: nn.Module, attribution_target: AttributionTarget) -> list[dict[str, np.ndarray]]:
    gates = {
        name: gate.cpu().numpy() for name, gate in se_gates(network, match_network(network, attribution_target)).items()
    }
    return [{name: gate[place] for name, gate in gates.items()} for place in range(len(attribution_target))]


def _inputs_and_target(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, saliency_map: SaliencyMap
) -> tuple[BeatInputs, AttributionTarget]:
    """Inputs and attribution target of a map.

    Raises:
        ValueError: the map is of another recording, checkpoint or set of beats.
    """
    if saliency_map.checkpoint != checkpoint.name:
        raise ValueError(f"the map explains {saliency_map.checkpoint}, not {checkpoint.name}: make it again")
    [(inputs, group)] = _groups(recording, checkpoint, beats, [saliency_map.beat])
    start_s = inputs.start_s[_place(inputs, saliency_map.beat)[0]]
    if inputs.x.shape[-1] != len(saliency_map.values) or abs(start_s - saliency_map.time_s[0]) > 0.5 / inputs.fs:
        raise ValueError(
            f"the map does not lie on the input of beat {saliency_map.beat}: make it again for these beats"
        )
    return inputs, _attribution_target(recording, beats, inputs, group, saliency_map.target)
