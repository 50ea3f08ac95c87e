"""Lighter forms of a checkpoint: ONNX, int8, pruned; what they cost and whether one may take the original's place.

A lighter form is a checkpoint like any other, with the name and the hash of its original in the card. Nothing of
onnx or onnxruntime is imported before one is made or loaded.
"""
