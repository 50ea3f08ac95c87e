"""Metrics with their intervals, from counts or probabilities."""
