"""The work of the pages on what is open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecgviz.sources.samples import simulate_holter
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from pages.parts import caching
from readers.recording import SignalSource


class Counting:
    """A source that counts the samples which it decodes."""

    def __init__(self, source: SignalSource):
        self.source, self.decoded = source, 0

    def read(self, start: int, stop: int) -> np.ndarray:
        self.decoded += stop - start
        return self.source.read(start, stop)


def test_a_recording_is_decoded_once_for_its_beats_and_its_quality():
    recording = simulate_holter(seconds=120)
    counting = Counting(recording.source)
    opened = caching.Opened(replace(recording, source=counting), "counted", ())
    checkpoint = load_checkpoint(DEFAULT_BEAT_CHECKPOINT)
    work = caching.analysis(opened, checkpoint, opened.key, checkpoint.sha256, None, "detected")
    assert work.wait(120)
    assert len(work.result.beats) > 100
    assert work.result.quality.usable_share > 0.9
    assert counting.decoded == recording.n_samples
