"""From a recording and a checkpoint to an answer."""

from ecgviz.analysis.beats import analyse_beats
from ecgviz.analysis.devices import choose_device

__all__ = ["analyse_beats", "choose_device"]
