"""Page 12-lead: labels of a resting ECG with thresholds, and maps over leads and time."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ecgviz.analysis.records import RecordAnalysis
from ecgviz.errors import EcgvizError
from ecgviz.saliency.record_parts import RecordReasons, has_record_parts
from ecgviz.saliency.records import RecordMaps
from models import Checkpoint
from models.core.words import clock, counted
from pages.ecg import controls, this_beat, viewer
from pages.ecg.controls import Map
from pages.ecg.twelve_lead import (
    about,
    answer,
    caching,
    compare_tab,
    earlier_tab,
    export,
    measured,
    naming,
    network_input,
    paper,
    photo,
)
from pages.ecg.twelve_lead import controls as own
from pages.ecg.twelve_lead.caching import Explained, OpenedPicture
from pages.ecg.twelve_lead.keys import TAB, scope
from pages.ecg.twelve_lead.paper import Sheet
from pages.ecg.viewer import HeadPlaces
from pages.navigation import TWELVE_LEAD
from pages.parts import (
    keys,
    link,
    notices,
    opening,
    page_choice,
    page_head,
    progress,
    shared_calls,
    sidebar,
    view,
    why,
)
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Opened
from readers.recording import Recording

PURPOSE = "Read a resting ECG: the network labels the recording as a whole, and the paper shows why, lead by lead."
HELP = """
- **Open** takes a sample, files of your own, a path on the server or a record of PhysioNet; and a scan, a photograph
  or a PDF of an ECG on paper (3x4 with a rhythm strip), which a network for such pictures reads; **Turn** sets a sheet
  upright that lies on its side.
- **Labels** are the diagnostic superclasses of PTB-XL: normal (NORM), myocardial infarction (MI), ST or T wave change
  (STTC), conduction disturbance (CD), hypertrophy (HYP). Each is a probability by itself, several can be said.
- **Uncertain: refer** marks an answer that a person should look at; the reason stands below it.
- **Why** says which waves of which leads speak for the chosen label, compared with those of normal recordings.
- The **map** shows which samples of which lead spoke for the chosen label; the **weights** what happens without a lead.
- With the dashed square in the paper's corner a box can be drawn: it measures ms, 1/min and mV (**calipers**).
- The address of this page is a **link to what you see**.
"""
TABS = ("Median beat", "Earlier recording", "Compare two networks", "About this recording")
PATIENCE_S = 2.0
EXPLAIN_S = 1.5
MEASURE_S = 0.5


def page() -> None:
    """The whole page."""
    examples = [sample for sample in opening.samples() if sample.kind in ("12-lead", "photograph")]
    begun = opening.begin(TWELVE_LEAD, PURPOSE, HELP, examples)
    if begun is None:
        return
    head, title, address = begun
    at = viewer.head_places(head)
    with at.help:
        page_head.help_popover(f"{PURPOSE}\n{HELP}")
    state = st.session_state
    opened = opening.opened(address, caching.opening, state.get(keys.PAGE, 1), state.get(keys.TURN, 0))
    if opened is None:
        return
    page_choice.to_page_of(opened.picture if isinstance(opened, OpenedPicture) else opened.recording, TWELVE_LEAD)
    if isinstance(opened, OpenedPicture):
        photo.show(at, title, opened)
        link.write()
        return
    sidebar.offer_networks("record")
    try:
        checkpoint = sidebar.chosen_checkpoint(kind="record")
    except EcgvizError as error:
        st.error(str(error))
        return
    with at.other_page:
        page_choice.other_page(opened.recording, TWELVE_LEAD)
    _recording(at, title, naming.named(opened), checkpoint)
    link.write()


def _recording(head: HeadPlaces, title, opened: Opened, checkpoint: Checkpoint) -> None:
    """Contents for an open recording, with places reserved before anything is computed."""
    recording = opened.recording
    with head.display:
        drawn_paper = controls.paper(recording)
        drawn_map = own.saliency(checkpoint)
    start_s = view.start(recording)
    st.session_state[keys.START] = start_s
    seconds = min(view.seconds(), recording.duration_s)
    _title(title, recording, None)
    at = viewer.places()
    call = shared_calls.watch(
        "labels", caching.analysis, opened, checkpoint, opened.key, checkpoint.sha256, lasting=True
    )
    measured_s = start_s if recording.duration_s > 60 else 0.0
    measuring = shared_calls.watch("intervals", caching.measurement, opened, opened.key, measured_s)
    call.wait(PATIENCE_S)
    analysis: RecordAnalysis | None = call.result if call.done else None
    _title(title, recording, analysis)
    with at.told:
        _warnings(recording, analysis, call)
    with at.moves:
        own.move(recording, start_s)
        own.label_picker(checkpoint)
        controls.gain_buttons()
    label = own.target(analysis, checkpoint)
    explaining = _explain(opened, checkpoint, analysis, start_s, seconds, drawn_map)
    measuring.wait(MEASURE_S)  # beside the map, which takes longer
    with at.summary:
        measured.show_metrics(measuring)
    found: Explained | None = explaining.result if explaining is not None and explaining.done else None
    shown = found is not None and drawn_map is not None and label is not None
    tests = _tests(opened, checkpoint, found.maps, (start_s, seconds), label) if shown else None
    asked = _asked_why(opened, checkpoint, analysis, (start_s, seconds), label)
    sheet = Sheet(
        opened=opened,
        network_input=checkpoint.task.describe(),
        start_s=start_s,
        seconds=seconds,
        paper=drawn_paper,
        saliency=found.maps.of(label) if shown else None,
        vmax=found.maps.vmax if shown else None,
        reasons=asked.result if asked is not None and asked.done else None,
        tests=tests,
        drawn_map=drawn_map,
    )
    with at.paper:
        paper.show(sheet, keep_place_of_map=drawn_map is not None and analysis is not None)
    with at.verdict:
        _evidence(explaining, sheet)
        if found is not None and found.picture is not None:
            network_input.network_view(found.picture, checkpoint.task)
    with at.panel:
        _panel(sheet, checkpoint, analysis, found, label, asked)
    if head.export.open:
        with head.export:
            export.show(sheet, analysis)
    with at.lists:
        _tabs(sheet, checkpoint, analysis, measuring, drawn_map, label)


def _explain(
    opened: Opened,
    checkpoint: Checkpoint,
    analysis: RecordAnalysis | None,
    start_s: float,
    seconds: float,
    drawn: Map | None,
) -> BackgroundCall | None:
    """Maps and lead weights of the view, once known."""
    if analysis is None:
        return None
    method = drawn.method if drawn is not None else own.default_method(checkpoint)
    key = (opened.key, checkpoint.sha256, start_s, seconds, method)
    call = shared_calls.watch("map", caching.explanation, opened, checkpoint, *key)
    call.wait(EXPLAIN_S)
    return call


def _tests(
    opened: Opened, checkpoint: Checkpoint, maps: RecordMaps, view_s: tuple[float, float], label: str
) -> BackgroundCall | None:
    """Tests of the map in view, where they are wanted."""
    if not this_beat.tests_are_wanted():
        return None
    of = (opened.key, checkpoint.sha256, *view_s, maps.method)
    return shared_calls.watch("evidence", caching.evidence, checkpoint, maps, of, label)


def _evidence(explaining: BackgroundCall | None, sheet: Sheet) -> None:
    """Evidence on the map, or its progress."""
    if explaining is not None and not explaining.done:
        with st.container(key=styled("evidence")):
            progress.caption(explaining, "Measuring where the network looked …")
    elif explaining is not None and explaining.error is not None:
        st.error(str(explaining.error))
    elif sheet.saliency is not None:
        this_beat.show_evidence(sheet.saliency, sheet.tests)


def _panel(
    sheet: Sheet,
    checkpoint: Checkpoint,
    analysis: RecordAnalysis | None,
    found: Explained | None,
    label: str | None,
    asked: BackgroundCall | None,
) -> None:
    """Beside the paper: the labels, why the one in view, and what each lead weighs."""
    answer.show(analysis)
    if asked is not None and label is not None:
        key = _key_of_why(sheet.opened, checkpoint, (sheet.start_s, sheet.seconds), label)
        judged = partial(_parts_judged, checkpoint, key) if this_beat.tests_are_wanted() else None
        why.show(asked, judged, why.OF_A_RECORDING)
    answer.show_eight(sheet.opened, checkpoint, analysis)
    answer.show_weights(found.weights if found else None, label)


def _asked_why(
    opened: Opened,
    checkpoint: Checkpoint,
    analysis: RecordAnalysis | None,
    view_s: tuple[float, float],
    label: str | None,
) -> BackgroundCall | None:
    """What each wave of each group of leads brings to the label in view; None where the network cannot be asked."""
    if analysis is None or label is None or not has_record_parts(checkpoint):
        return None
    key = _key_of_why(opened, checkpoint, view_s, label)
    return shared_calls.watch("reasons", caching.reasons, opened, checkpoint, *key)


def _key_of_why(opened: Opened, checkpoint: Checkpoint, view_s: tuple[float, float], label: str) -> tuple:
    return (opened.key, checkpoint.sha256, *view_s, label)


def _parts_judged(checkpoint: Checkpoint, key: tuple, found: RecordReasons) -> BackgroundCall:
    return shared_calls.watch("parts", caching.parts_evidence, checkpoint, found, key)


def _title(place, recording: Recording, analysis: RecordAnalysis | None) -> None:
    seen = ""
    if analysis is not None:
        seen = f" · seen in training: **{'yes' if analysis.seen_in_training else 'no'}**"
    length = f"{recording.duration_s:.1f} s" if recording.duration_s < 100 else clock(recording.duration_s)
    st.set_page_config(page_title=f"{recording.name} · 12-lead · ecgviz")
    place.markdown(
        f"# **{recording.name}** · {length} · {counted(len(recording.leads), 'lead')} · {recording.fs:g} Hz{seen}"
    )


def _warnings(recording: Recording, analysis: RecordAnalysis | None, call: BackgroundCall) -> None:
    """How far the analysis is, and then what is to be known of it."""
    if not call.done:
        progress.bar(call, "Analysing", scope("analysis"))
    sentences = list(analysis.warnings if analysis else recording.warnings)
    if analysis is not None and analysis.seen_in_training:
        sentences.append(notices.trained_on(f"this recording ({analysis.seen_in_training})"))
    notices.show(sentences, recording.name, recording)
    if call.done and not sentences:
        st.caption("No warnings.")
    asked = call.done and call.error is not None and naming.ask(recording)
    if call.done and call.error is not None and not asked:
        st.error(str(call.error))
    if call.done and (call.error is not None or call.cancelled) and not asked:
        st.button("Analyse again", on_click=shared_calls.forget, args=("labels",), key=scope("again"))


def _tabs(
    sheet: Sheet,
    checkpoint: Checkpoint,
    analysis: RecordAnalysis | None,
    measuring: BackgroundCall,
    drawn: Map | None,
    label: str | None,
) -> None:
    """The tabs; only the open one is computed."""
    median, earlier, compare, known = st.tabs(TABS, key=TAB, bind="query-params")
    if median.open:
        with median:
            measured.show_tab(measuring, sheet.paper.gain_mm_mV)
    if earlier.open:
        with earlier:
            earlier_tab.show(measuring)
    if compare.open:
        with compare:
            if analysis is None or label is None:
                st.caption("The comparison appears when the recording is classified.")
            else:
                compare_tab.show(sheet, checkpoint, analysis, drawn, label)
    if known.open:
        with known:
            about.show(sheet.opened.recording, checkpoint, analysis)


page()
