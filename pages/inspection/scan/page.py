"""Page Scan: verdict on a CT picture or stack, with saliency map."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.analysis.dispositions import final_verdict
from ecgviz.errors import EcgvizError
from ecgviz.notices import Notice, Weight
from ecgviz.results import Verdict
from models import Checkpoint
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import caching, like_good, maps, opening, override, picture, style, verdict
from pages.inspection.address import OpenedStack
from pages.inspection.caching import Scored
from pages.inspection.picture import Shown
from pages.inspection.scan import export, keys, slices, this_slice, window
from pages.inspection.scan.keys import scope
from pages.parts import (
    appearance,
    notices,
    page_head,
    picture_evidence,
    picture_keys,
    picture_link,
    progress,
    shared_calls,
    sidebar,
    tables,
)
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from readers.image_stack import ImageStack

PURPOSE = "Look into one battery: normal or defect, how sure the network is, and where it looked."
HELP = """
- **Open** takes a sample, files of your own, or a file or folder on the server; a folder is a stack of slices.
- The **strip** holds the score of every slice, the threshold (dashed) and the grey zone that goes to review; a click
  goes there. **Keys**: left and right change the slice, `J` goes to the worst one.
- Left is the picture as it was stored, right the same with the **map** of what the network looked at and, where it is
  known, the **truth** in blue. Zoom (wheel) and shift (drag) act on both; a double click takes them back.
  The **line** in the bar over the picture is a ruler: its length is told in mm below the picture.
- The method **Reasons by parts** says in a sentence which parts of the picture speak for the class.
- **Window** changes what the eye sees, never what the network reads.
- **Override** enters your own verdict on the part or on one slice, with name and reason; the network's stays beside
  it. **Keys**: `O` OK, `D` defect, `V` review, `U` undo.
- The address of this page is a **link to what you see**.
"""
PATIENCE_S = 2.0


def page() -> None:
    """The whole page."""
    style.apply()
    picture_link.read()
    begun = opening.begin("Scan", PURPOSE, HELP, opening.EXAMPLE)
    if begun is None:
        return
    head, title, address = begun
    opened = opening.opened(address)
    if opened is None:
        title.markdown("**Scan**")
        return
    try:
        checkpoint = sidebar.chosen_checkpoint(kind="image")
        point = caching.operating_point(checkpoint)
        _stack(head, opened, checkpoint, point)
    except EcgvizError as error:
        st.error(str(error))
    title.markdown(f"**{opened.stack.name}** · {describe(opened.stack)}")
    picture_link.write()


def describe(stack: ImageStack) -> str:
    """Slices, size, depth and spacing in one line."""
    several = f"{stack.n_slices} slices · " if stack.n_slices > 1 else ""
    depth = f"{stack.dtype.itemsize * 8} bit{' float' if stack.dtype.kind == 'f' else ''}"
    size = "pixel size not stated"
    if stack.spacing_mm is not None:
        row, column = (f"{edge:.3g}" for edge in stack.spacing_mm)
        size = f"{column} mm" if row == column else f"{column} × {row} mm"
    if stack.slice_spacing_mm is not None:
        size += f" · slices {stack.slice_spacing_mm:.3g} mm apart"
    return f"{several}{stack.width} × {stack.height} · {depth} · {size}"


def _stack(head, opened: OpenedStack, checkpoint: Checkpoint, point: OperatingPoint) -> None:
    """Contents for an open stack, with places reserved before anything is computed."""
    stack = opened.stack
    told, metrics, strip = st.container(), st.container(horizontal=True, key=styled("metrics")), st.container()
    key = (opened.key, checkpoint.sha256)
    call = shared_calls.watch("scores", caching.scoring, opened, checkpoint, *key, lasting=True)
    call.wait(PATIENCE_S if st.session_state.get(picture_keys.SLICE) is None else 0.0)
    scored: Scored | None = call.result if call.done else None
    found = caching.verdict(opened, checkpoint, scored, point) if scored is not None else None
    index = slices.settle(stack, found)
    pixels = caching.pixels(stack, opened.key, index)

    decisions, log = verdict.standing()
    final = None if found is None else final_verdict(found, decisions)
    _notices(told, opened, found, call)
    with metrics:
        verdict.show(final, checkpoint, point)
        if not call.done:
            with st.container(key=scope("analysing"), width=300):
                progress.bar(call, "Scoring", scope("scoring"))
    if stack.n_slices > 1:
        with strip:
            slices.show(stack, index, scored, final, point)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("map_row")):
        drawn = maps.picker(checkpoint)
        grey = window.picker(stack, caching.presets(stack, opened.key), pixels)
        truth_on = bool(opened.truth) and st.toggle("Truth", value=True, key=keys.TRUTH, bind="query-params")
    explained, waiting = maps.explain(opened, checkpoint, scored, index, drawn)
    truth = picture.truth_of(opened, index, pixels.shape) if truth_on else None
    shown = Shown(opened, index, pixels, grey, explained, drawn, truth)
    with st.container(horizontal=True, key=styled("viewer")):
        with st.container(key=styled("paper")):
            picture.show(shown)
        with st.container(key=styled("panel"), width=appearance.PANEL_PX):
            left_out = found is not None and index in found.left_out
            this_slice.show(shown, scored, point, left_out=left_out)
            override.picker(final, decisions, index=index if stack.n_slices > 1 else None)
            _evidence(shown, scored, checkpoint, waiting)
    with head:
        export.picker(shown, scored, final, checkpoint, point, log)
        page_head.help_popover(f"{PURPOSE}\n{HELP}")
    _about(opened, checkpoint)


def _notices(place, opened: OpenedStack, found: Verdict | None, call: BackgroundCall) -> None:
    """Warnings at the top."""
    with place:
        sentences = list(opened.stack.warnings)
        if opened.truth.note:
            sentences.append(opened.truth.note)
        if found is not None and found.in_distribution is False:
            sentence = "**This picture is unlike what the network was trained on**: a person has to review it, "
            sentences.append(Notice(f"{sentence}whatever its score.", Weight.UNSURE))
        sentences += list(found.warnings) if found is not None else []
        if found is not None and found.error:
            sentences.append(Notice(f"{found.error.removesuffix('.')}.", Weight.UNSURE))
        notices.show(sentences)
        if call.done and call.error is not None:
            st.error(str(call.error))
        if call.done and (call.error is not None or call.cancelled):
            st.button("Score again", on_click=shared_calls.forget, args=("scores",), key=scope("score_again"))


def _evidence(shown: Shown, scored: Scored | None, checkpoint: Checkpoint, waiting: BackgroundCall | None) -> None:
    """Why, and the evidence on the map."""
    if shown.drawn is None:
        return
    if shown.drawn.wish.method == maps.PARTS and scored is not None and not math.isnan(scored.scores[shown.index]):
        maps.show_reasons(shown.opened, checkpoint, scored, shown.index, shown.drawn)
        return
    with st.container(key=styled("evidence")):
        if waiting is not None:
            progress.caption(waiting, "Making the map …")
        if shown.explained is None:
            picture_evidence.keep_place()
        elif scored is not None and not math.isnan(scored.scores[shown.index]):
            maps.show_evidence(shown.opened, checkpoint, shown.explained, shown.index, shown.drawn)
            like_good.show(shown, checkpoint)


def _about(opened: OpenedStack, checkpoint: Checkpoint) -> None:
    """Details of file and network."""
    with st.expander("About this picture and the network", icon=":material/info:"):
        file, network = st.columns(2, gap="large")
        stack = opened.stack
        with file:
            st.markdown(tables.facts([
                ("Format", stack.format), ("Slices", f"{stack.n_slices:,}"),
                ("Size", f"{stack.width} × {stack.height} pixels"), ("Stored as", str(stack.dtype)),
                ("Unit of the values", stack.value_unit or "none"),
                ("Truth", "known" if opened.truth else "not known"), *stack.tags,
            ]))  # fmt: skip
        with network:
            st.markdown(f"**{checkpoint.name}** reads {checkpoint.task.describe()}.")
            for sentence in checkpoint.card.limits:
                st.markdown(f"- {sentence}")


page()
