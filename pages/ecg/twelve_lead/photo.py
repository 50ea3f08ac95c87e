"""12-lead page for a scan, photograph or PDF of an ECG: labels and saliency map."""

from __future__ import annotations

import json

import streamlit as st

from ecgviz.analysis.ecg_pictures import PictureAnalysis
from ecgviz.errors import EcgvizError
from ecgviz.figures.ecg_photo import BAR_PX, HEAD_PX, ecg_photo_figure, ecg_photo_file
from ecgviz.figures.overlay import HeatScale
from ecgviz.figures.picture import CHART_CONFIG
from ecgviz.figures.picture_layers import picture_scale, scale_words
from ecgviz.reports.annotations import wfdb_record_name
from ecgviz.reports.records import picture_document
from ecgviz.results import ImageMap
from ecgviz.saliency.ecg_pictures import EcgPictureMaps
from models import Checkpoint
from models.checkpoints import STATEMENT
from pages.ecg.controls import Map
from pages.ecg.twelve_lead import answer, photo_caching
from pages.ecg.twelve_lead import controls as own
from pages.ecg.twelve_lead.caching import OpenedPicture
from pages.ecg.twelve_lead.keys import scope
from pages.ecg.twelve_lead.network_input import network_view
from pages.ecg.viewer import HeadPlaces
from pages.parts import appearance, keys, notices, picture_evidence, progress, shared_calls, sidebar, tables
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.width import measure
from readers.paper.pictures import EcgPicture

PATIENCE_S = 2.0
EXPLAIN_S = 1.5
_HIGHEST_PX = 760
_PAGE = scope("page")


def show(head: HeadPlaces, title, opened: OpenedPicture) -> None:
    """Contents for an open picture, with places reserved before anything is computed."""
    sidebar.offer_networks("paper")
    try:
        checkpoint = sidebar.chosen_checkpoint(kind="paper")
    except EcgvizError as error:
        st.error(str(error))
        return
    picture = opened.picture
    told = st.container()
    key = (opened.key, checkpoint.sha256)
    call = shared_calls.watch("labels", photo_caching.analysis, opened, checkpoint, *key, lasting=True)
    call.wait(PATIENCE_S)
    found: PictureAnalysis | None = call.result if call.done else None
    _notices(told, picture, found, call)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("picture_row")):
        _page_number(picture)
        st.button(
            "Turn", icon=":material/rotate_90_degrees_cw:", key=scope("turn"), on_click=_quarter,
            args=(picture.turned,), help="By a quarter, clockwise: for a sheet that lies on its side or upside down.",
        )  # fmt: skip
        withheld = found is not None and found.withheld is not None
        if not withheld:
            own.label_picker(checkpoint)
    with head.display:
        drawn = None if withheld else own.saliency(checkpoint, picture=True)
        if drawn is None and withheld:
            st.caption("Labels are withheld, so there is no map.")
    label = None if withheld else own.target(found, checkpoint)
    explaining = _explain(opened, checkpoint, found, drawn)
    maps: EcgPictureMaps | None = explaining.result if explaining is not None and explaining.done else None
    image_map = maps.of(label) if maps is not None and drawn is not None and label is not None else None
    scale = _scale(maps, drawn)
    with st.container(horizontal=True, key=styled("viewer")):
        with st.container(key=styled("paper")):
            _draw(opened, image_map, scale)
            _evidence(opened, checkpoint, explaining, maps if image_map is not None else None, label, image_map)
        with st.container(key=styled("panel"), width=appearance.PANEL_PX):
            answer.show(found)
    title.markdown(f"# **{picture.name}** · {describe(picture)}")
    if head.export.open:
        with head.export:
            _export(picture, found, image_map, scale)
    if found is not None:
        network_view(found.answer.picture, checkpoint.task)
    _about(picture, checkpoint, found)


def describe(picture: EcgPicture) -> str:
    """Format, page and size in one line."""
    page = f" · page {picture.page} of {picture.pages}" if picture.pages > 1 else ""
    turned = f" · turned by {picture.turned}°" if picture.turned else ""
    return f"{picture.format}{page} · {picture.pixels.shape[1]} × {picture.pixels.shape[0]} pixels{turned}"


def _page_number(picture: EcgPicture) -> None:
    if picture.pages < 2:
        return
    # Use the page that is shown: the widget may still hold that of another file.
    st.session_state[_PAGE] = picture.page
    st.selectbox(
        "Page", range(1, picture.pages + 1), key=_PAGE, on_change=_choose_page, width=150, label_visibility="collapsed",
        format_func=lambda number: f"Page {number} of {picture.pages}",
    )  # fmt: skip


def _choose_page() -> None:
    st.session_state[keys.PAGE] = st.session_state[_PAGE]


def _quarter(turned: int) -> None:
    st.session_state[keys.TURN] = (turned + 90) % 360


def _notices(place, picture: EcgPicture, found: PictureAnalysis | None, call: BackgroundCall) -> None:
    """Warnings at the top."""
    with place:
        notices.show(found.warnings if found is not None else picture.warnings)
        if call.done and call.error is not None:
            st.error(str(call.error))
        if not call.done:
            progress.caption(call, "Measuring the picture …")


def _explain(
    opened: OpenedPicture, checkpoint: Checkpoint, found: PictureAnalysis | None, drawn: Map | None
) -> BackgroundCall | None:
    if found is None or drawn is None:
        return None
    call = shared_calls.watch(
        "map", photo_caching.maps, opened, checkpoint, opened.key, checkpoint.sha256, drawn.method
    )
    call.wait(EXPLAIN_S)
    return call


def _scale(maps: EcgPictureMaps | None, drawn: Map | None) -> HeatScale | None:
    if maps is None or drawn is None:
        return None
    return picture_scale(maps.vmax, colormap=drawn.colours, opacity=drawn.opacity, paper="light")


def _draw(opened: OpenedPicture, image_map: ImageMap | None, scale: HeatScale | None) -> None:
    """The picture with its map, of constant size with and without it."""
    picture = opened.picture
    height, width = picture.pixels.shape[:2]
    wide = max(measure(scope("paper", "width")) - BAR_PX, 100)
    figure = ecg_photo_figure(
        picture.pixels,
        image_map=image_map,
        scale=scale,
        revision=opened.key,
        height_px=min(round(wide * height / width), _HIGHEST_PX) + HEAD_PX + 4,
        theme=appearance.theme(),
    )
    over = "with the map of what the network looked at over it" if image_map is not None else "without a map"
    st.plotly_chart(
        figure,
        key=scope("photo"),
        theme=None,
        config=CHART_CONFIG | {"doubleClick": "reset"},
        alt=f"{picture.name}, {over}",
    )
    words = "&nbsp;"
    if image_map is not None:
        words = f"Colour: {scale_words(image_map)}. One scale for all labels; the dotted line is half of it."
    st.caption(words)


def _evidence(
    opened: OpenedPicture,
    checkpoint: Checkpoint,
    explaining: BackgroundCall | None,
    maps: EcgPictureMaps | None,
    label: str | None,
    image_map: ImageMap | None,
) -> None:
    """Evidence on the map, or its progress."""
    if explaining is None:
        return
    with st.container(key=styled("evidence")):
        if explaining.error is not None:
            st.error(str(explaining.error))
        elif not explaining.done:
            progress.caption(explaining, "Measuring where the network looked …")
        elif maps is not None and image_map is not None:
            key = (opened.key, checkpoint.sha256, maps.method)
            tested = shared_calls.watch("evidence", photo_caching.evidence, opened, checkpoint, maps, key, label)
            picture_evidence.show(image_map, tested, "content")


def _export(
    picture: EcgPicture, found: PictureAnalysis | None, image_map: ImageMap | None, scale: HeatScale | None
) -> None:
    stem = wfdb_record_name(picture.name)
    document = "" if found is None else json.dumps(picture_document(picture, found), indent=1)
    withheld = found is not None and found.withheld is not None
    st.download_button(
        "Answer, without labels (JSON)" if withheld else "Labels (JSON)", document, f"{stem}_labels.json",
        "application/json", on_click="ignore", disabled=found is None, width="stretch", key=scope("json"),
        icon=":material/data_object:",
    )  # fmt: skip
    st.download_button(
        "Picture (PNG)" if withheld else "Picture with the map (PNG)",
        ecg_photo_file(picture.pixels, image_map, scale), f"{stem}{'' if withheld else '_map'}.png", "image/png",
        on_click="ignore", width="stretch", key=scope("png"), icon=":material/image:",
    )  # fmt: skip
    st.caption(STATEMENT)


def _about(picture: EcgPicture, checkpoint: Checkpoint, found: PictureAnalysis | None) -> None:
    """Details of file and network."""
    with st.expander("About this picture and the network", icon=":material/info:"):
        file, network = st.columns(2, gap="large")
        rows = [("Format", picture.format), ("Pages", str(picture.pages))]
        rows.append(("Size", f"{picture.pixels.shape[1]} × {picture.pixels.shape[0]} pixels"))
        if found is not None:
            rows.append(("Classified", f"on {found.device} in {sum(found.seconds.values()):.2f} s"))
            if found.answer.distance is not None and found.answer.limit is not None:
                words = f"{found.answer.distance:.2f}; unlike beyond {found.answer.limit:.2f}"
                rows.append(("How unlike the training sheets", words))
        with file:
            st.markdown(tables.facts(rows))
        with network:
            st.markdown(f"**{checkpoint.name}** reads {checkpoint.task.describe()}.")
            for sentence in checkpoint.card.limits:
                st.markdown(f"- {sentence}")
