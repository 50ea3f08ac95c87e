# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Selected file of a batch: picture, map and evidence as on the Scan page, for one slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from ecgviz.analysis.dispositions import Decisions, Final
from ecgviz.errors import EcgvizError
from ecgviz.results import Verdict
from ecgviz.saliency import explain_image, shared_scale
from ecgviz.sources.roots import inside_roots
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.inspection import caching, like_good, maps, override, picture
from pages.inspection.address import OpenedStack
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.inspection.caching import MapWish
from pages.inspection.maps import Drawn, Explained
from pages.inspection.picture import Shown
from pages.inspection.truth import WORDS, KnownTruth
from pages.inspection.verdict import COLOURS
from pages.navigation import SCAN
from pages.parts import appearance, picture_evidence, picture_link, progress, shared_calls
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from readers.core.file_names import readable
from readers.image_stack import ImageStack
from readers.images import open_images

SAMPLE = 8
_SCALE_S = 0.25


def show(
    source: Source,
    final: Final,
    decisions: Decisions,
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    then: Callable[[], None],
    *,
    alone: bool,
) -> None:
    """Picture and map with captions, and the override.

    Args:
        source, verdicts: the batch.
        final: the part.
        decisions: what stands.
        checkpoint: what judged.
        then: called when a decision was entered.
        alone: whether the keys are for this part; else they are for those that are marked.
    """
    verdict = final.network
    st.markdown(f"##### {readable(Path(verdict.file).name)}")
    if math.isnan(verdict.score):
        st.error(verdict.error or "This file could not be read.")
        if verdict.sha256:
            override.picker(final, decisions, then=then, alone=alone)
        return
    try:
        opened = _opened(source, verdict.file, verdict.sha256)
        index = verdict.slice_index or 0
        pixels = caching.pixels(opened.stack, opened.key, index)
    except EcgvizError as error:
        st.error(str(error))
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("map_row")):
        drawn = maps.picker(checkpoint)
        _open_in_scan(verdict)
    explained, waiting = _explain(opened, verdicts, checkpoint, source.key, index, drawn)
    window = next(iter(caching.presets(opened.stack, opened.key).values()))
    truth = picture.truth_of(opened, index, pixels.shape)
    shown = Shown(opened, index, pixels, window, explained, drawn, truth)
    with st.container(horizontal=True, key=styled("viewer")):
        with st.container(key=styled("paper")):
            picture.show(shown, "batch")
        with st.container(key=styled("panel"), width=appearance.PANEL_PX):
            _words(source, final)
            override.picker(final, decisions, index=verdict.slice_index, then=then, alone=alone)
            with st.container(key=styled("evidence")):
                if waiting is not None:
                    progress.caption(waiting, "Making the map …")
                if explained is not None and drawn is not None:
                    maps.show_evidence(opened, checkpoint, explained, index, drawn)
                    like_good.show(shown, checkpoint)
                elif drawn is not None:
                    picture_evidence.keep_place()


@st.cache_resource(max_entries=8, show_spinner=False)
def _stack(file: str, sha256: str) -> ImageStack:
    return open_images(file)


def _opened(source: Source, file: str, sha256: str) -> OpenedStack:
    row = source.rows.get(file)
    rows = {} if row is None else {Path(file).resolve(): row}
    return OpenedStack(_stack(file, sha256), KnownTruth(rows=rows), f"file {sha256}", Path(file))


def _words(source: Source, final: Final) -> None:
    verdict = final.network
    place = f", slice {verdict.slice_index + 1}" if verdict.slice_index is not None else ""
    st.markdown(
        f"Probability of a defect **{verdict.score:.2f}**{place}  \n"
        f":{COLOURS[verdict.verdict]}-badge[network: {verdict.verdict} at {verdict.threshold:.3f}]"
    )
    if final.decided:
        words = f"decided by **{final.decided_by}**: {final.decision_reason}"
        st.markdown(f":{COLOURS[final.verdict]}-badge[{final.verdict}] {words}")
    if verdict.in_distribution is False:
        st.caption(":orange[Out of distribution]: unlike the training, so it goes to review whatever its score.")
    row = source.rows.get(verdict.file)
    if row is not None:
        st.markdown(f"Truth: **{WORDS[row.label]}**")
    if verdict.error:
        st.caption(verdict.error)


def _open_in_scan(verdict: Verdict) -> None:
    """Link to the Scan page, for files with an openable path."""
    try:
        inside_roots(verdict.file)
    except EcgvizError:
        return
    if st.button("Open in Scan", icon=":material/open_in_full:", key=scope("open_in_scan")):
        picture_link.open_picture(f"path:{verdict.file}", verdict.slice_index)
        st.switch_page(SCAN.page())


def _explain(
    opened: OpenedStack,
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    key: str,
    index: int,
    drawn: Drawn | None,
) -> tuple[Explained | None, BackgroundCall | None]:
    """Map of the slice on the batch's common scale, or the pending call for either."""
    if drawn is None:
        return None, None
    scale = shared_calls.watch(
        "scale", _batch_scale, tuple(verdicts), checkpoint, f"{key}{checkpoint.sha256}", drawn.wish
    )
    found = shared_calls.watch(
        "map", caching.image_map, opened, checkpoint, f"{opened.key}{checkpoint.sha256}", index, drawn.wish
    )
    for call in (scale, found):
        if not call.wait(_SCALE_S if call is scale else 0.0):
            return None, call
        if call.result is None:
            st.error(str(call.error or "The map was stopped; choose the file again."))
            return None, None
    return Explained(found.result, scale.result), None


@shared_calls.kept(unwatched=16)
def _batch_scale(_verdicts: tuple[Verdict, ...], _checkpoint: Checkpoint, key: str, wish: MapWish) -> BackgroundCall:
    """Upper end of the batch's common colour scale, from a few of its files including the worst."""
    readable = [one for one in _verdicts if not math.isnan(one.score)]
    spread = readable[:: max(1, len(readable) // (SAMPLE // 2))]
    chosen = {one.file: one for one in (*readable[: SAMPLE // 2], *spread)}

    def compute(tell: Progress, should_stop: ShouldStop) -> float:
        found = []
        for one in list(chosen.values())[:SAMPLE]:
            try:
                pixels = open_images(one.file).pixels(one.slice_index or 0)
            except (EcgvizError, OSError):
                continue
            found.append(explain_image(pixels, _checkpoint, target=wish.target, method=wish.method))
        return shared_scale(found)

    return BackgroundCall(compute, Lane.MAP)
