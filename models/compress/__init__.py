"""Compression of checkpoints: ONNX, int8, pruning; cost, accuracy, and the gate before promotion.

A lighter form is a checkpoint like any other, with the name and the hash of its original in the card. Nothing of
onnx or onnxruntime is imported before one is made or loaded.
"""
