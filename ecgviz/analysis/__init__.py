"""Analysis: applies a checkpoint to a recording or picture."""

from ecgviz.analysis.beats import analyse_beats
from ecgviz.analysis.devices import choose_device

__all__ = ["analyse_beats", "choose_device"]
