"""What a session remembers of the page Scan alone, each key once; a widget's key is its name in the link too."""

from __future__ import annotations

WINDOW = "window"
INVERSE = "inverse"
TRUTH = "truth"
