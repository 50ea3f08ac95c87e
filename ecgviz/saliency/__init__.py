"""Where a network looked, and whether to believe it: maps of beats, of any network that splits, and their evidence.

>>> saliency_map = explain_beat(recording, checkpoint, beats, index, target="V")
>>> evidence = judge_map(recording, checkpoint, beats, saliency_map)
"""

from ecgviz.saliency import cam, gradients, occlusion  # noqa: F401  they enter their methods into the table
from ecgviz.saliency.beat import (
    default_method,
    deletion_curve,
    explain_beat,
    explain_beats,
    judge_map,
    recording_scale,
)
from ecgviz.saliency.deletion import DeletionCurve
from ecgviz.saliency.question import Question
from ecgviz.saliency.registry import Method, compute_map, get_method, list_methods, register_method

__all__ = [
    "DeletionCurve",
    "Method",
    "Question",
    "compute_map",
    "default_method",
    "deletion_curve",
    "explain_beat",
    "explain_beats",
    "get_method",
    "judge_map",
    "list_methods",
    "recording_scale",
    "register_method",
]
