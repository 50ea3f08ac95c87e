"""Addresses of the dashboard that show what a number of a report is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import urlencode

PAGE = "holter"
_BEFORE_S = 5.0
"""The view has ten seconds as a rule; what is linked stands in its middle."""


@dataclass(frozen=True)
class Links:
    """Makes links to one recording.

    Attributes:
        base_url: of the dashboard, such as ``http://localhost:8501``; "" for no links.
        address: of the recording as the dashboard has it (:mod:`ecgviz.sources.address`).
        checkpoint: that is to classify it there.
    """

    base_url: str = ""
    address: str = ""
    checkpoint: str = ""

    def to(self, time_s: float = 0.0, sample: int | None = None) -> str:
        """The view around a time, with a beat chosen by its sample number; "" where there is no dashboard."""
        if not self.base_url or not self.address or math.isnan(time_s):
            return ""
        view: dict[str, str] = {"record": self.address, "t": f"{max(time_s - _BEFORE_S, 0.0):.2f}"}
        if sample is not None:
            view["beat"] = str(sample)
        if self.checkpoint:
            view["checkpoint"] = self.checkpoint
        return f"{self.base_url.rstrip('/')}/{PAGE}?{urlencode(view, errors='surrogateescape')}"
