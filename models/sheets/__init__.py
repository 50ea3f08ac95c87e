"""Which pictures are sheets of the kind that a network for ECG paper was trained on, and which are others.

Sheets of other styles are drawn here by code, a detector learns them apart from the training's own, and its few
numbers stand beside a checkpoint's weights.
"""
