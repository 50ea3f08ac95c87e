"""Content and drawing options of a strip, shared by screen, file and report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecgviz.figures.geometry import THEMES
from ecgviz.figures.strip_signal import Range
from ecgviz.results import Beats, SaliencyMap
from readers.recording import Read, Recording

if TYPE_CHECKING:
    from ecgviz.saliency.parts import Reasons
    from ecgviz.saliency.record_parts import RecordReasons

MAP_STYLES = ("band", "trace")


@dataclass(frozen=True)
class Shown:
    """Content of a strip: a stretch of a recording with its results.

    Attributes:
        recording: only the samples of the view are read.
        start_s: where the view begins, seconds from the start of the recording.
        seconds: its length.
        leads: names of the leads, all by default.
        beats: their letters are drawn, coloured by class, with the RR intervals between them where there is room, and
            the rhythms where they begin.
        selected: index of the chosen beat.
        edited: indices of beats that a person changed (drawn with a ring).
        saliency: drawn in the lanes of the leads that the network read, only inside its window.
        reasons: of one beat by its parts: its usual beat, the parts' weight, early and late are drawn with it.
        normal: reasons of a 12-lead ECG: the beat of normal recordings is drawn behind every beat.
        map_vmax: value of the full colour, the same for the whole recording. None: the map's own maximum.
        read: gives filtered samples for display, ``read(start, stop) -> (n, n_leads)`` of the shown leads.
        display_filter: name of that filter, printed on the paper.
        network_input: what the network reads, printed apart from it.
        ranges: of ``lead_ranges``; with it the lanes keep their height from view to view.
    """

    recording: Recording
    start_s: float
    seconds: float
    leads: Sequence[str] | None = None
    beats: Beats | None = None
    selected: int | None = None
    edited: Sequence[int] = ()
    saliency: SaliencyMap | None = None
    map_vmax: float | None = None
    reasons: Reasons | None = None
    normal: RecordReasons | None = None
    read: Read | None = None
    display_filter: str = "none"
    network_input: str = ""
    ranges: dict[str, Range] | None = None


@dataclass(frozen=True)
class Drawn:
    """Drawing options: paper and colours.

    Attributes:
        layout: "stacked", or one of ``geometry.LAYOUTS`` for a 12-lead recording.
        theme: "light" or "dark".
        speed_mm_s: paper speed.
        gain_mm_mV: paper gain.
        map_style: "band" behind the trace, or "trace" to colour the trace itself.
        colormap: "hue" (transparent to one hue), "cividis" or "magma".
        opacity: of the band's full colour.

    Raises:
        ValueError: a theme or map style that does not exist.
    """

    layout: str = "stacked"
    theme: str = "light"
    speed_mm_s: float = 25.0
    gain_mm_mV: float = 10.0
    map_style: str = "band"
    colormap: str = "hue"
    opacity: float = 0.6

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise ValueError(f"theme {self.theme!r} is unknown; choose {', '.join(THEMES)}")
        if self.map_style not in MAP_STYLES:
            raise ValueError(f"map style {self.map_style!r} is unknown; choose {' or '.join(MAP_STYLES)}")
