"""Panel beside the picture with the network's score of the slice."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.figures.slices import slice_kinds
from models.evaluation.operating_point import OperatingPoint
from pages.inspection.caching import Scored
from pages.inspection.picture import Shown
from pages.inspection.verdict import COLOURS


def show(
    shown: Shown, scored: Scored | None, point: OperatingPoint, *, several: bool = True, left_out: bool = False
) -> None:
    """Name, probability and ground truth of the slice."""
    stack, index = shown.stack, shown.index
    if several and stack.n_slices > 1:
        name = stack.slice_names[index] if index < len(stack.slice_names) else ""
        place = f" · at {stack.slice_mm[index]:.2f} mm" if stack.slice_mm else ""
        st.markdown(f"**Slice {index + 1}** of {stack.n_slices}{place} · {name}")
    else:
        st.markdown("**This picture**")
    if scored is None:
        st.caption("The score appears when the slices are scored.")
    elif math.isnan(scored.scores[index]):
        st.caption("Not scored: it could not be read, or is of one value everywhere.")
    else:
        score = float(scored.scores[index])
        kind = str(slice_kinds(scored.scores[index : index + 1], point.threshold, point.grey_zone)[0])
        st.markdown(f"Probability of a defect **{score:.2f}** :{COLOURS[kind]}-badge[slice verdict: {kind}]")
    if left_out:
        st.caption("Not judged: this slice lies outside of the regions that the network was made for.")
    words = shown.opened.truth.words(stack, index, shown.pixels.shape)
    if words:
        st.markdown(f"Truth: **{words}**")
