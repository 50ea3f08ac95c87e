"""What a session remembers of the workshop pages, each key once."""

from __future__ import annotations

RUN = "run"
"""The chosen run, in the URL and in the session."""
BASELINE = "baseline"
"""The run that the chosen one is drawn against."""
DATA = "data"
"""The chosen data set of the page Data, in the URL and in the session."""
GROUP = "settings"
VIEW = "view"

DRAFT = "_train_draft"
GENERATION = "_train_generation"
CHECK = "_train_check"
PACE = "_train_pace"
REGISTERED = "_registered"
COMPARE = "runs"
FIGURE = "figure"
