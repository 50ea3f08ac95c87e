"""Where the usual beat comes from that takes the place of a beat's parts: the strip, the recording, or a population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgviz.results import NORMAL, Beats
from ecgviz.saliency.population_beat import population_usual
from ecgviz.saliency.usual_beat import FEWEST_USUAL, Usual, indices_of, usual_of
from ecgviz.saliency.wave_bounds import with_measured_waves
from ecgviz.saliency.window_parts import read_strip
from models import Checkpoint
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

_STRIPS_TRIED = 20


def find_usual(recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, strip: BeatInputs) -> Usual:
    """The usual beat: of the beat's own strip, else of the strips of the nearest beats called N, else that of normal
    recordings; with the bounds of the waves of beat ``index``."""
    usual = usual_of(beats, strip, index) or _elsewhere(recording, checkpoint, beats, index, strip)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    return with_measured_waves(usual or population_usual(strip, beats.leads), strip, slot)


def _elsewhere(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, strip: BeatInputs
) -> Usual | None:
    normal = np.flatnonzero(beats.class_index == beats.classes.index(NORMAL))
    for other in normal[np.argsort(abs(normal - index))][:: FEWEST_USUAL * 2][:_STRIPS_TRIED]:
        elsewhere = read_strip(recording, checkpoint, beats, int(other))
        # A lead that is off there says nothing of how the beat would be here.
        found = None if ((elsewhere.size == 0) & (strip.size != 0)).any() else usual_of(beats, elsewhere, index)
        if found is not None:
            # In mV a beat is the same in both strips, which divide by a size of their own.
            here = np.where(strip.size[0] != 0, strip.size[0], np.inf)
            return replace(found, wave=found.wave * (elsewhere.size[0] / here)[:, None].astype(np.float32))
    return None
