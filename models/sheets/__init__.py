"""Detects sheets of ECG paper in other styles than those that a network was trained on.

Sheets of other styles are drawn here by code, a detector learns them apart from the training's own, and its few
numbers stand beside a checkpoint's weights.
"""
