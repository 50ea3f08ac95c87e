"""Beside the map of a network of good parts: its oddest places, each with the good patch that is most like it."""

# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.saliency.good_parts import GoodMatch, around, nearest_good
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.inspection.address import OpenedStack
from pages.inspection.caching import STILLNESS_S
from pages.inspection.picture import Shown
from pages.parts import progress, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane

_SIDE_PX = 96


def show(shown: Shown, checkpoint: Checkpoint) -> None:
    """The oddest places of the picture; nothing where the network keeps no pictures of good patches."""
    if not len(getattr(checkpoint.network, "bank_crop", ())):
        return
    key = f"{shown.opened.key}{checkpoint.sha256}"
    call = shared_calls.watch("nearest", _matches, shown.opened, checkpoint, key, shown.index)
    if not call.done:
        progress.caption(call, "Looking for the nearest good patches …")
        return
    if call.result is None:
        st.caption(str(call.error or "The search for good patches was stopped; move to another slice and back."))
        return
    st.markdown(
        "**Most like these, differs here**",
        help="The oddest places of this picture (left), each with the patch of a good part that is nearest to it "
        "for the network (right).",
    )
    for match in call.result:
        _one(shown.grey(), match)


def _one(grey: np.ndarray, match: GoodMatch) -> None:
    row, column = (round(middle) for middle in match.place)
    with st.container(horizontal=True, gap="small"):
        st.image(around(grey, match), width=_SIDE_PX, caption=f"here: row {row}, column {column}")
        st.image(match.crop, width=_SIDE_PX, caption="nearest good patch")
    farther = f"{match.distance / match.usual:.1f} times as far as usual · " if match.usual > 0 else ""
    st.caption(f"{farther}good patch from `{match.file}`")


@shared_calls.kept(unwatched=16)
def _matches(_opened: OpenedStack, _checkpoint: Checkpoint, key: str, index: int) -> BackgroundCall:
    """Background call for the matches of a slice, a list of ``GoodMatch``. Starts once the view stands still."""

    def compute(tell: Progress, should_stop: ShouldStop) -> list[GoodMatch]:
        return nearest_good(_opened.stack.pixels(index), _checkpoint)

    return BackgroundCall(compute, Lane.MAP, STILLNESS_S)
