"""Rhythms in figures: names and colours, overview row, and strip labels.

Each rhythm has a letter as well as a colour. The colours are those of Okabe and Ito (2008), which people with any
colour vision tell apart; sinus rhythm is grey.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ecgviz.figures.geometry import Theme
from ecgviz.results import RhythmEpisode
from models.core.words import clock

RHYTHM_WORDS = {
    "N": "sinus rhythm",
    "AFIB": "atrial fibrillation",
    "AFL": "atrial flutter",
    "SVTA": "supraventricular tachyarrhythmia",
    "VT": "ventricular tachycardia",
    "B": "ventricular bigeminy",
    "T": "ventricular trigeminy",
    "P": "paced rhythm",
    "OTHER": "another rhythm",
}
_LETTERS = {"N": "N", "AFIB": "AF", "AFL": "FL", "SVTA": "SV", "VT": "VT", "B": "B", "T": "T", "P": "P", "OTHER": "O"}
RHYTHM_COLOURS = {
    "N": "#a9a9a9",
    "AFIB": "#cc79a7",
    "AFL": "#e69f00",
    "SVTA": "#56b4e9",
    "VT": "#d55e00",
    "B": "#009e73",
    "T": "#f0e442",
    "P": "#0072b2",
    "OTHER": "#7a5c3e",
}
ROW_SPAN = (-0.22, -0.07)
"""Lower and upper edge of the row in the overview, below its axis of 0 to 1."""
_LEAST_SHARE = 1 / 900
"""No episode is drawn narrower than this share of the recording."""
_LETTER_SHARE = 0.011
_FRAME_CHARACTERS = 1.5
"""Room that the frame around a text on a strip takes, in characters."""
_DARK_TEXT, _LIGHT_TEXT = "#1a1a1a", "#ffffff"
_LIGHT_ON = ("VT", "P", "OTHER", "B")


def rhythm_words(label: str) -> str:
    """Display name of a rhythm: "atrial fibrillation (AFIB)"."""
    return f"{RHYTHM_WORDS[label]} ({label})" if label in RHYTHM_WORDS else label


def rhythm_row(episodes: Sequence[RhythmEpisode], duration_s: float) -> list[dict]:
    """The overview row as bars, one trace per rhythm, rarer ones in front, at most 900 bars each."""
    found = Counter()
    for episode in episodes:
        found[episode.label] += episode.duration_s
    bottom, top = ROW_SPAN
    return [
        {
            "type": "bar",
            "x": [(start + stop) / 2 for start, stop in spans],
            "width": [stop - start for start, stop in spans],
            "y": [top - bottom] * len(spans),
            "base": bottom,
            "marker": {"color": RHYTHM_COLOURS.get(label, RHYTHM_COLOURS["OTHER"]), "line": {"width": 0}},
            "hoverinfo": "skip",
            "name": f"rhythm {label}",
        }
        for label, _ in found.most_common()
        for spans in [_drawn([one for one in episodes if one.label == label], duration_s)]
    ]


def _drawn(episodes: Sequence[RhythmEpisode], duration_s: float) -> list[tuple[float, float]]:
    """Drawn (start, stop) of one rhythm's episodes: wide enough to be visible, merged where they overlap."""
    least = duration_s * _LEAST_SHARE
    spans: list[tuple[float, float]] = []
    for episode in episodes:
        middle, half = (episode.start_s + episode.end_s) / 2, max(episode.duration_s, least) / 2
        start, stop = max(middle - half, 0.0), min(middle + half, duration_s)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return spans


def row_names(episodes: Sequence[RhythmEpisode], duration_s: float, colours: Theme) -> list[dict]:
    """Name of the row, and rhythm codes in episodes that are wide enough."""
    middle = sum(ROW_SPAN) / 2
    plain = {"showarrow": False, "font": {"size": 10, "color": colours.text}}
    names = [plain | {"xref": "x domain", "x": 0, "xanchor": "right", "xshift": -6, "y": middle, "text": "rhythm"}]
    for episode in episodes:
        letters = _LETTERS.get(episode.label, episode.label)
        if episode.duration_s >= duration_s * _LETTER_SHARE * len(letters):
            shade = _LIGHT_TEXT if episode.label in _LIGHT_ON else _DARK_TEXT
            place = {"x": (episode.start_s + episode.end_s) / 2, "y": middle, "text": f"<b>{letters}</b>"}
            names.append(plain | place | {"font": {"size": 10, "color": shade}})
    return names


def rhythm_legend(episodes: Sequence[RhythmEpisode]) -> str:
    """HTML legend of the rhythms that occur, breaking between entries only.

    A figure does not know how wide it is shown, and would cut the words off on a narrow screen.
    """
    present = {episode.label for episode in episodes}
    return " ".join(
        f'<span style="white-space:nowrap;margin-left:.8em"><span style="color:{RHYTHM_COLOURS[label]}">■</span> '
        f"{_LETTERS[label]} {words}</span>"
        for label, words in RHYTHM_WORDS.items()
        if label in present
    )


def episode_text(episode: RhythmEpisode, *, hours: bool) -> str:
    """An episode as one line: "atrial fibrillation (AFIB) 0.93, 01:02 to 05:40"."""
    span = f"{clock(episode.start_s, hours=hours)} to {clock(episode.end_s, hours=hours)}"
    return f"{rhythm_words(episode.label)} {episode.prob:.2f}, {span}"


def hover_texts(episodes: Sequence[RhythmEpisode], edges_s: np.ndarray) -> list[str]:
    """Rhythms in each bin of the overview: " · AFIB 0.93", "" where none is known.

    Args:
        episodes: in time order.
        edges_s: edges of the bins, (n + 1,), ascending.
    """
    ends = np.array([episode.end_s for episode in episodes])
    starts = np.array([episode.start_s for episode in episodes])
    first = np.searchsorted(ends, edges_s[:-1], side="right")
    stop = np.searchsorted(starts, edges_s[1:], side="left")
    texts = []
    for a, b in zip(first, stop, strict=True):
        named = {episode.label: episode.prob for episode in episodes[a:b]}
        texts.append("".join(f" · {label} {prob:.2f}" for label, prob in named.items()))
    return texts


def labels_in_view(
    episodes: Sequence[RhythmEpisode], start_s: float, stop_s: float, character_s: float = 0.0
) -> list[tuple[float, bool, RhythmEpisode, str]]:
    """(time, whether it begins there, episode, text) of the rhythm labels on a strip: at its left edge and at each
    start. Texts are shortened to fit, by ``character_s`` per character, "" where there is no room."""
    seen = [episode for episode in episodes if episode.start_s < stop_s and episode.end_s > start_s]
    places = [*(max(episode.start_s, start_s) for episode in seen), stop_s]
    found = []
    for episode, place, following in zip(seen, places, places[1:], strict=False):
        forms = (f"{episode.label} {episode.prob:.2f}", episode.label, _LETTERS.get(episode.label, episode.label))
        fits = (form for form in forms if (len(form) + _FRAME_CHARACTERS) * character_s <= following - place)
        found.append((place, episode.start_s > start_s, episode, next(fits, "")))
    return found
