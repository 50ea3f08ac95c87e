"""Saliency maps of beats, recordings and pictures, and the evidence on them.

>>> saliency_map = explain_beat(recording, checkpoint, beats, index, target="V")
>>> evidence = judge_map(recording, checkpoint, beats, saliency_map)
>>> image_map = explain_image(pixels, checkpoint, target="defect")
>>> evidence = judge_image_map(pixels, checkpoint, image_map)
"""

from ecgviz.saliency import (  # noqa: F401  they enter their methods into the table
    cam,
    good_parts,
    gradients,
    occlusion,
    picture_parts,
    rollout,
)
from ecgviz.saliency.beat import (
    default_method,
    deletion_curve,
    explain_beat,
    explain_beats,
    judge_map,
    recording_scale,
)
from ecgviz.saliency.deletion import DeletionCurve
from ecgviz.saliency.image_evidence import PictureDeletionCurve, image_deletion_curve, judge_image_map
from ecgviz.saliency.images import explain_image, image_methods, shared_scale, stack_scale
from ecgviz.saliency.registry import Method, compute_map, get_method, list_methods, register_method
from ecgviz.saliency.target import AttributionTarget

__all__ = [
    "AttributionTarget",
    "DeletionCurve",
    "Method",
    "PictureDeletionCurve",
    "compute_map",
    "default_method",
    "deletion_curve",
    "explain_beat",
    "explain_beats",
    "explain_image",
    "get_method",
    "image_deletion_curve",
    "image_methods",
    "judge_image_map",
    "judge_map",
    "list_methods",
    "recording_scale",
    "register_method",
    "shared_scale",
    "stack_scale",
]
