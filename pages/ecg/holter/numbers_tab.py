"""Rhythm and numbers: summary, events, hours, heart rate variability, ST level; what is chosen moves the view there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ecgviz.figures.holter_charts import poincare_figure, st_figure
from ecgviz.figures.rhythms import rhythm_words
from ecgviz.holter.events import KINDS, events_of
from ecgviz.holter.hours import Hour
from ecgviz.holter.numbers import HolterNumbers
from ecgviz.holter.pauses import exceeding
from ecgviz.holter.rates import BRADYCARDIA_BELOW, TACHYCARDIA_ABOVE
from ecgviz.reports.holter_tables import HRV_ROWS, NOT_ASSESSED, hour_words
from ecgviz.results import Beats
from models import Checkpoint
from models.core.words import clock, counted
from pages.ecg.holter import measures
from pages.ecg.holter.keys import scope
from pages.ecg.holter.measures import Measures
from pages.parts import appearance, progress, shared_calls, tables, view
from pages.parts.appearance import styled
from pages.parts.caching import Analysis, Opened
from pages.parts.shared_calls import Kept
from readers.recording import Recording

_MOST = 500
_DOUBT = {"noise": ", in noise", "other lead": ", but a lead goes on", "no line": ", but no lead keeps its line"}


def show(opened: Opened, checkpoint: Checkpoint, analysis: Analysis) -> None:
    """The counts at once, the measures when they are there."""
    key = (opened, analysis, opened.key, checkpoint.sha256, analysis.mark)
    counts = _result("counts", measures.holter_counts, key, 2.0)
    if counts is None:
        return
    recording, beats = opened.recording, analysis.beats
    with st.container(key=styled("numbers")):
        summary, events = st.columns([2, 3], gap="large")
        with summary:
            st.markdown("**Summary**")
            st.markdown(tables.facts(_summary(counts)))
        with events:
            _events(recording, beats, counts)
        st.markdown("**Hour by hour**")
        _hours(recording, beats, counts.hours)
        found = _result("measures", measures.measured, key, 0.5)
        if found is None:
            return
        variability, level = st.columns(2, gap="large")
        with variability:
            _variability(recording, beats, found)
        with level:
            _level(recording, found)


def _result(slot: str, kept: Kept, key: tuple, patience_s: float) -> Any:
    """What a kept call has found; None while it is at work, with its bar, and where it failed, with its reason."""
    call = shared_calls.watch(slot, kept, *key)
    if not call.wait(patience_s):
        progress.bar(call, "Measuring", scope("measuring", slot))
        return None
    if call.error is not None or call.cancelled:
        st.info(str(call.error or "The measuring was stopped before its end."))
        st.button("Measure again", on_click=shared_calls.forget, args=(slot,), key=scope("measure_again", slot))
        return None
    return call.result


def _summary(numbers: HolterNumbers) -> list[tuple[str, str]]:
    """Names and values; what the network does not know is not assessed."""
    rates = numbers.rates
    rows = [
        (
            "Heart rate, min · mean · max",
            " · ".join(map(_whole, (rates.minimum.value, rates.mean, rates.maximum.value))) + " /min",
        ),
    ]
    for letter, word, fast in (("V", "Ventricular", "VT"), ("S", "Supraventricular", "SVT")):
        found = numbers.ectopy.get(letter)
        if found is None:
            rows.append((f"{word} ectopic beats", NOT_ASSESSED))
            continue
        rows += [
            (f"{word} ectopic beats", f"{found.count:,} ({tables.percent(numbers.share(letter))})"),
            (
                f"{letter}: isolated, couplets, triplets",
                f"{found.isolated:,}, {len(found.couplets):,}, {len(found.triplets):,}",
            ),
            (
                f"{letter}: runs ({fast}), bigeminy, trigeminy",
                f"{len(found.runs):,} ({len(found.tachycardias):,}), {len(found.bigeminy):,}, {len(found.trigeminy):,}",
            ),
        ]
    pauses = exceeding(numbers.pauses)
    longest = f"{numbers.longest_rr.value:.2f} s" if numbers.longest_rr.beat >= 0 else tables.MISSING
    limits = ", ".join(f"{limit:g}" for limit in pauses)
    rows += [
        (f"Pauses of {limits} s and more", ", ".join(f"{n:,}" for n in pauses.values())),
        ("Longest RR", longest),
    ]
    doubtful = sum(bool(one.doubt) for one in numbers.pauses)
    if doubtful:
        rows.append(("Doubtful long RR, not counted", f"{doubtful:,}"))
    af = numbers.af
    if af is None or math.isnan(af.burden):
        rows.append(("AF burden", NOT_ASSESSED))
    else:
        rows.append(("AF burden", f"{tables.percent(af.burden)} ({counted(af.episodes, 'episode')})"))
    for kind, limit in (
        ("bradycardia", f"below {BRADYCARDIA_BELOW:g}"),
        ("tachycardia", f"above {TACHYCARDIA_ABOVE:g}"),
    ):
        episodes = [one for one in numbers.episodes if one.kind == kind]
        minutes = sum(one.end_s - one.start_s for one in episodes) / 60
        rows.append(
            (
                f"{kind.capitalize()} ({limit}/min for 30 s)",
                f"{len(episodes):,} ({minutes:.0f} min)" if episodes else "0",
            )
        )
    return rows


def _events(recording: Recording, beats: Beats, numbers: HolterNumbers) -> None:
    """Kinds to choose, and the table; a chosen row moves the view there."""
    every = events_of(numbers, beats)
    present = [kind for kind in KINDS if every[kind]]
    if not present:
        st.markdown("**Events**")
        st.caption("No runs, pauses, couplets or episodes.")
        return
    usual = [kind for kind in present if kind in KINDS[:4]] or present
    kinds = st.pills(
        "Events", present, selection_mode="multi", default=usual, key=scope("event_kinds", *present),
        format_func=lambda kind: f"{kind[:1].upper()}{kind[1:]} ({len(every[kind]):,})",
    )  # fmt: skip
    rows = sorted((row for kind in kinds for row in every[kind]), key=lambda row: row.time_s)
    if len(rows) > _MOST:
        st.caption(f"The first {_MOST} of {len(rows):,}; the report and its JSON have all.")
        rows = rows[:_MOST]
    hours = recording.duration_s >= 3600
    _jumping(
        scope("events", *kinds),
        pd.DataFrame(
            {
                "Time": [clock(row.time_s, hours=hours, decimals=1) for row in rows],
                "What": [rhythm_words(row.what) + _DOUBT.get(row.doubt, "") for row in rows],
                "Length": [row.length for row in rows],
                "Rate, /min": [None if row.rate is None else round(row.rate) for row in rows],
            }
        ),
        lambda number: _go(recording, beats, rows[number].time_s, rows[number].beat),
        height=_height(rows),
    )


def _hours(recording: Recording, beats: Beats, hours: Sequence[Hour]) -> None:
    columns: dict[str, list] = {
        "Hour": [hour_words(hour) for hour in hours],
        "Beats": [hour.beats for hour in hours],
        "Min": [_known(hour.rate_min) for hour in hours],
        "Mean": [_known(hour.rate_mean) for hour in hours],
        "Max": [_known(hour.rate_max) for hour in hours],
    }
    for letter in hours[0].ectopic if hours else ():
        columns[letter] = [hour.ectopic[letter] for hour in hours]
        columns[f"{letter} couplets"] = [hour.couplets[letter] for hour in hours]
        columns[f"{letter} runs"] = [hour.runs[letter] for hour in hours]
    columns["Pauses"] = [hour.pauses for hour in hours]
    columns["AF, min"] = [None if hour.af_min is None else round(hour.af_min, 1) for hour in hours]
    columns["Usable, %"] = [None if math.isnan(hour.usable) else round(100 * hour.usable) for hour in hours]
    _jumping(
        scope("hours"),
        pd.DataFrame(columns),
        lambda number: _go(recording, beats, hours[number].start_s + view.seconds() / 2, -1),
        help_text="Rates in 1/min, of means over eight beats.",
    )


def _variability(recording: Recording, beats: Beats, found: Measures) -> None:
    hrv = found.hrv
    st.markdown(
        "**Heart rate variability**",
        help="Between neighbouring normal beats, outside of atrial fibrillation, gaps and noise.",
    )
    if not math.isnan(hrv.sdnn_ms):
        values = [(name, _measure(getattr(hrv, key), unit)) for key, name, unit in HRV_ROWS]
        with st.container(horizontal=True, key=styled("measures")):
            for name, value in values:
                st.metric(name, value, width="content")
        key = scope("poincare")
        st.plotly_chart(
            poincare_figure(found.nn, theme=appearance.theme()), key=key, theme=None, on_select="rerun",
            selection_mode=("points", "box"), config={"displayModeBar": False},
            alt="Poincaré plot: each interval between normal beats against the one before it",
        )  # fmt: skip
        _selected(recording, beats, key)
    for caution in hrv.cautions:
        st.caption(caution)


def _selected(recording: Recording, beats: Beats, key: str) -> None:
    """The beats that were selected in the Poincare plot, as a table that moves the view."""
    points = st.session_state[key].selection.points if key in st.session_state else []
    chosen = sorted({int(_first(point["customdata"])) for point in points if "customdata" in point})
    chosen = [beat for beat in chosen if 0 <= beat < len(beats)]
    if not chosen:
        st.caption("A click or a box in the plot selects beats.")
        return
    shown = chosen[:_MOST]
    hours = recording.duration_s >= 3600
    st.caption(
        f"{counted(len(chosen), 'interval')} selected{f', the first {_MOST} shown' if len(chosen) > _MOST else ''}."
    )
    _jumping(
        scope("selected", len(chosen), chosen[0], chosen[-1]),
        pd.DataFrame(
            {
                "Time": [clock(beats.time_s[beat], hours=hours, decimals=2) for beat in shown],
                "RR before, ms": beats.rr_before_ms[shown].round(),
            }
        ),
        lambda number: _go(recording, beats, 0.0, shown[number]),
        height=_height(shown),
    )


def _level(recording: Recording, found: Measures) -> None:
    trend = found.st
    st.markdown(
        "**ST level**",
        help="Median of each minute's normal beats at J + 80 ms (J + 60 ms from 120/min on) against the PR segment.",
    )
    if trend.assessed:
        key = scope("st")
        st.plotly_chart(
            st_figure(trend, theme=appearance.theme()), key=key, theme=None, selection_mode="points",
            on_select=lambda: _minute_chosen(recording, key), config={"displayModeBar": False},
            alt=f"ST level by minute of {', '.join(trend.leads)}",
        )  # fmt: skip
    for limit in trend.limits:
        st.caption(limit)


def _minute_chosen(recording: Recording, key: str) -> None:
    points = st.session_state[key].selection.points
    if points and "customdata" in points[0]:
        view.to_time(recording, float(_first(points[0]["customdata"])) + 30.0)


def _jumping(
    key: str, table: pd.DataFrame, go: Callable[[int], None], *, height: int | None = None, help_text: str = ""
) -> None:
    """A table whose chosen row is handed to ``go``."""

    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        if rows and rows[0] < len(table):
            go(rows[0])

    options = {} if height is None else {"height": height}
    tables.dataframe(table, key=key, on_select=chosen, selection_mode="single-row", hide_index=True, **options)
    if help_text:
        st.caption(help_text)


def _height(rows: Sequence[object]) -> int | None:
    """Of a table: room for ten rows, and no more than there are."""
    return 388 if len(rows) > 10 else None


def _go(recording: Recording, beats: Beats, time_s: float, beat: int) -> None:
    if 0 <= beat < len(beats):
        view.to_beat(recording, beats, beat)
    else:
        view.to_time(recording, time_s)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) else value


def _known(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def _whole(value: float) -> str:
    return tables.MISSING if math.isnan(value) else f"{value:.0f}"


def _measure(value: float, unit: str) -> str:
    if math.isnan(value):
        return tables.MISSING
    if not unit:
        return tables.percent(value) if value <= 1 else f"{value:.2f}"
    return f"{value:,.1f} h" if unit == "h" else f"{value:,.0f} {unit.replace('ms2', 'ms²')}"
