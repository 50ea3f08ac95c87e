"""Beat annotations on ECG paper: letters, rings, RR intervals, click targets, rhythms, and calipers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgviz.figures.beat_marks import Marks, colour_of, unlike, words_of
from ecgviz.figures.paper_layers import Sheet, scatter
from ecgviz.figures.rhythms import RHYTHM_COLOURS, episode_text, labels_in_view
from ecgviz.results import RhythmEpisode

REFERENCE_PX = 16
"""Height of the row of annotated beats."""
_MOST_R_PEAKS = 600
_CHARACTER_PX = 7.0
"""Of the names of rhythms, capitals and digits of 11 px."""


def add_beats(sheet: Sheet, marks: Marks) -> None:
    """Letters above the leads, RR intervals between them, and click targets at the R peaks."""
    if not len(marks):
        return
    px_per_s = sheet.strip.speed_mm_s * sheet.px_per_mm
    known = marks.rr_ms[np.isfinite(marks.rr_ms)]
    room = float(np.median(known)) / 1000 * px_per_s if len(known) else np.inf
    size = 14 if room >= 20 else 11
    height = sheet.strip.letters_mm / sheet.strip.gain_mm_mV
    _add_chosen(sheet, marks, height, size + 6)
    for letter in marks.classes():
        sheet.traces.append(_letters(sheet, marks, letter, height, size=size, dot=room < 13 and letter == "N"))
    if marks.edited.any():
        ring = {"size": size + 7, "symbol": "circle-open", "color": sheet.colours.text, "line": {"width": 1.5}}
        x = marks.time_s[marks.edited]
        sheet.traces.append(
            scatter(
                x=x, y=np.full(len(x), height), mode="markers", marker=ring, hoverinfo="skip", name="changed by hand"
            )
        )
    _add_intervals(sheet, marks, height, px_per_s)
    sheet.traces.append(_r_peaks(sheet, marks))


def _add_chosen(sheet: Sheet, marks: Marks, height: float, size: int) -> None:
    """A disc under the selected beat's letter and a line through the leads."""
    for time_s, letter in zip(marks.time_s[marks.selected], marks.label[marks.selected], strict=True):
        colour = colour_of(letter)
        sheet.shapes.append(
            dict(
                type="line",
                x0=time_s,
                x1=time_s,
                y0=sheet.strip.foot_mm / sheet.strip.gain_mm_mV,
                y1=height,
                line={"color": colour, "width": 1, "dash": "dot"},
                layer="below",
            )
        )
        sheet.traces.append(
            scatter(
                x=[time_s],
                y=[height],
                mode="markers",
                marker={"size": size, "color": colour},
                hoverinfo="skip",
                name="chosen beat",
            )
        )


def _letters(sheet: Sheet, marks: Marks, letter: str, height: float, *, size: int, dot: bool) -> dict:
    colour, mask = colour_of(letter), marks.label == letter
    chosen = marks.selected[mask]
    shades = np.where(chosen, "#ffffff", colour).tolist() if chosen.any() else colour
    return scatter(
        x=np.round(marks.time_s[mask], 4),
        y=np.full(int(mask.sum()), height, np.float32),
        mode="markers+text",
        text="·" if dot else letter,
        textposition="middle center",
        textfont={"size": size, "weight": 700, "color": shades},
        marker={"size": 20, "color": colour, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}, "textfont": {} if chosen.any() else {"color": colour}},
        customdata=marks.index[mask].tolist(),
        hovertext=[marks.hover[i] for i in np.flatnonzero(mask)],
        hovertemplate="%{hovertext}<extra></extra>",
        hoverlabel={"bgcolor": sheet.colours.paper, "bordercolor": colour, "font": {"color": sheet.colours.text}},
        name=f"beats {letter}",
    )


def _add_intervals(sheet: Sheet, marks: Marks, height: float, px_per_s: float) -> None:
    """RR in ms, with the rate where it fits; nothing where it would overlap the letters."""
    room = marks.rr_ms / 1000 * px_per_s
    shown = np.flatnonzero(room >= 78)
    if not len(shown):
        return
    texts = [
        f"{marks.rr_ms[i]:.0f} ms · {60000 / marks.rr_ms[i]:.0f}/min" if room[i] >= 132 else f"{marks.rr_ms[i]:.0f} ms"
        for i in shown
    ]
    sheet.traces.append(
        scatter(
            x=np.round((marks.time_s[shown] + marks.time_s[shown + 1]) / 2, 4),
            y=np.full(len(shown), height, np.float32),
            mode="text",
            text=texts,
            textfont={"size": 11, "color": sheet.colours.faint},
            unselected={"textfont": {"color": sheet.colours.faint}},
            hoverinfo="skip",
            name="RR",
        )
    )


def _r_peaks(sheet: Sheet, marks: Marks) -> dict:
    """Invisible points at the R peaks, so that a click on the QRS complex selects the beat."""
    xs, ys, index = [], [], []
    few = len(marks) * len(sheet.strip.lanes) <= _MOST_R_PEAKS
    for lane in sheet.strip.lanes if few else sheet.strip.lanes[:1]:
        inside = np.flatnonzero((marks.time_s >= lane.start_s) & (marks.time_s <= lane.stop_s))
        rows = np.clip(np.round(marks.time_s[inside] * sheet.signal.fs).astype(int) - sheet.signal.first, 0, None)
        inside, rows = inside[rows < len(sheet.signal.samples)], rows[rows < len(sheet.signal.samples)]
        heights = (
            lane.y_mm(np.nan_to_num(sheet.signal.samples[rows, lane.column], nan=lane.reference))
            / sheet.strip.gain_mm_mV
        )
        xs += np.round(marks.time_s[inside], 4).tolist()
        ys += np.round(heights, 3).tolist()
        index += marks.index[inside].tolist()
    # plotly takes a line's sample under the pointer before a wide marker around it, but after a narrow one at the same
    # distance that is drawn later: so each peak has both.
    return scatter(
        x=xs * 2,
        y=ys * 2,
        mode="markers",
        marker={"size": [24] * len(xs) + [6] * len(xs), "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=index * 2,
        hovertemplate="R peak at %{x:.3f} s<extra></extra>",
        name="R peaks",
    )


def add_reference(sheet: Sheet, marks: Marks, reference: tuple[np.ndarray, np.ndarray] | None) -> None:
    """The annotated beats as a second row of smaller letters, those that are not alike in a box; ``reference`` as of
    ``Shown``."""
    if reference is None:
        return
    strip, (time_s, letter) = sheet.strip, reference
    lowest_mm = strip.height_mm - strip.head_mm - strip.tags_mm
    height = (lowest_mm + REFERENCE_PX / 2 / sheet.px_per_mm) / strip.gain_mm_mV
    boxed = unlike(marks, time_s, letter)
    box = {"size": 15, "symbol": "square-open", "color": sheet.colours.text, "line": {"width": 1}}
    sheet.traces.append(
        scatter(
            x=np.round(time_s, 4),
            y=np.full(len(time_s), height, np.float32),
            mode="markers+text",
            text=letter.tolist(),
            textposition="middle center",
            textfont={"size": 10, "color": [colour_of(one) for one in letter]},
            marker=box | {"opacity": boxed.astype(float).tolist()},
            hovertext=[f"annotated: {words_of(one)}" for one in letter],
            hovertemplate="%{hovertext}<extra></extra>",
            name="annotated",
        )
    )
    sheet.annotations.append(
        dict(
            text="ref.",
            xref="paper",
            x=0.0,
            xanchor="right",
            xshift=-2,
            y=height,
            yanchor="middle",
            showarrow=False,
            font={"size": 9, "color": sheet.colours.faint},
            name="annotated",
        )
    )


def add_rhythms(sheet: Sheet, episodes: Sequence[RhythmEpisode]) -> None:
    """Rhythm and probability above the leads, at the left edge and at each change, with a line there."""
    strip = sheet.strip
    top = strip.tags_top_mm / strip.gain_mm_mV
    character_s = _CHARACTER_PX / sheet.px_per_mm / strip.speed_mm_s
    for time_s, begins, episode, text in labels_in_view(episodes, strip.start_s, strip.stop_s, character_s):
        colour = RHYTHM_COLOURS.get(episode.label, RHYTHM_COLOURS["OTHER"])
        if begins:
            line = {"color": colour, "width": 2, "dash": "dash"}
            low = strip.foot_mm / strip.gain_mm_mV
            sheet.shapes.append(dict(type="line", x0=time_s, x1=time_s, y0=low, y1=top, line=line, name="rhythm"))
        if not text:
            continue
        sheet.annotations.append(
            dict(
                x=time_s,
                y=top,
                text=text,
                hovertext=episode_text(episode, hours=episode.end_s >= 3600),
                xanchor="left",
                yanchor="top",
                xshift=2,
                showarrow=False,
                font={"size": 11, "color": sheet.colours.text},
                bgcolor=sheet.colours.paper,
                bordercolor=colour,
                borderwidth=2,
                borderpad=1,
                opacity=0.9,
                name="rhythm",
            )
        )


def add_calipers(sheet: Sheet, box: tuple[float, float, float, float] | None) -> None:
    """A measured box (x0, y0, x1, y1) labelled with ms, 1/min and mV."""
    if box is None:
        return
    x0, x1 = sorted((box[0], box[2]))
    y0, y1 = sorted((box[1], box[3]))
    rate = f" · {60 / (x1 - x0):.0f} /min" if x1 > x0 else ""
    line = {"color": sheet.colours.text, "width": 1.5}
    sheet.shapes.append(dict(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, name="calipers", line=line))
    sheet.annotations.append(
        dict(
            x=(x0 + x1) / 2,
            y=y1,
            text=f"{(x1 - x0) * 1000:.0f} ms{rate} · {y1 - y0:.2f} mV",
            yanchor="bottom",
            showarrow=False,
            font={"size": 13, "color": sheet.colours.text},
            bgcolor=sheet.colours.paper,
        )
    )
