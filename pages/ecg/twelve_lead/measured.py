"""Rate, intervals and axis at the top of the page, and the median beat and ST levels behind them."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.figures.record_labels import median_beat_figure
from ecgviz.reports.resting_pdf import axis_words, whole
from ecgviz.signals.intervals import Intervals
from ecgviz.signals.resting import RestingMeasurements
from models.core.words import counted
from pages.ecg.twelve_lead.keys import scope
from pages.parts import appearance
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.width import measure

_HELP = (
    "Measured on the median beat of all leads together. On twenty annotated recordings of LUDB the error is "
    "about 10 ms (SD); docs/intervals.md has the table. Not valid in atrial "
    "fibrillation, flutter, pacing or block of the AV node."
)
_AXIS_HELP = (
    "Direction of each wave in the frontal plane: -30 to 90 degrees is usual for QRS, further left is left axis "
    "deviation, further right is right axis deviation. docs/intervals.md compares it with the reports of PTB-XL."
)

WIDTH_PX = 900


def show_metrics(call: BackgroundCall) -> None:
    """The numbers at the top; dashes until they are known."""
    measured: RestingMeasurements | None = call.result if call.done else None
    found, axis = (measured and measured.intervals), (measured and measured.axis)
    rows = [
        ("Rate", f"{whole(found and found.rate)} /min", "60 over the median RR interval."),
        ("PR", _ms(found and found.pr_ms), _HELP),
        ("QRS", _ms(found and found.qrs_ms), _HELP),
        ("QT", _ms(found and found.qt_ms), _HELP),
        ("QTc Bazett", _ms(found and found.qtc_bazett_ms), "QT over the square root of RR in seconds."),
        ("QTc Fridericia", _ms(found and found.qtc_fridericia_ms), "QT over the cube root of RR in seconds."),
        ("Axis P · QRS · T", axis_words(axis.p, axis.qrs, axis.t) if axis else "–", _AXIS_HELP),
        ("RR, shortest · longest", _range(found), "Far apart: the rhythm is irregular, and QTc means little."),
    ]
    with st.container(horizontal=True, key=styled("metrics")):
        for name, value, words in rows:
            st.metric(name, value, width="content", help=words)


def show_tab(call: BackgroundCall, gain_mm_mV: float) -> None:
    """Median beat of each lead with fiducial points."""
    if not call.done:
        st.caption("The median beat appears when it is measured.")
        return
    if call.error is not None:
        st.error(str(call.error))
        return
    found: RestingMeasurements | None = call.result
    if found is None:
        st.info("Fewer than three whole beats were found here, so no median beat can be made.")
        return
    median = found.median
    st.caption(
        f"{median.count} of {counted(median.found, 'beat')} that look alike, aligned, 0.5-40 Hz, 50 mm/s. "
        "Lines: beginning of P, beginning and end of QRS, end of T."
    )
    with st.container(width=WIDTH_PX):
        st.plotly_chart(
            median_beat_figure(
                median,
                found.intervals,
                theme=appearance.theme(),
                width_px=measure(scope("median_width")),
                gain_mm_mV=gain_mm_mV,
            ),
            key=scope("median"),
            theme=None,
            config={"displayModeBar": False},
            alt=f"Median beat of each lead: {', '.join(median.leads)}",
        )
    st.caption("ST level above the line before the QRS complex, mV.")
    levels = {
        "": ["J point", "J + 60 ms"],
        **{lead: ["–" if math.isnan(one) else f"{one:+.2f}" for one in pair] for lead, pair in found.st_mV.items()},
    }
    st.table(levels)


def _ms(value: float | None) -> str:
    return f"{whole(value)} ms"


def _range(found: Intervals | None) -> str:
    if found is None or math.isnan(found.rr_range_s[0]):
        return "– ms"
    return f"{1000 * found.rr_range_s[0]:.0f} · {1000 * found.rr_range_s[1]:.0f} ms"
