"""Inference and evaluation: classification, scores, operating points, out-of-distribution detection."""
