"""Page Holter: classified beats of a recording, navigation, and explanations."""

from __future__ import annotations

import math
from functools import partial

import streamlit as st

from ecgviz.analysis.summary import Summary
from ecgviz.errors import EcgvizError
from ecgviz.figures.geometry import CLASS_WORDS
from ecgviz.results import SaliencyMap
from ecgviz.saliency.parts import Reasons, has_parts
from ecgviz.sources.samples import list_samples
from models import Checkpoint
from models.core.words import clock
from pages.ecg import controls, this_beat
from pages.ecg.controls import Map
from pages.ecg.holter import (
    about_tab,
    beat_rows,
    beats_tab,
    compare_tab,
    ec57_tab,
    edit_bar,
    export,
    numbers_tab,
    overview,
    reading,
    review_tab,
    reviewing,
)
from pages.ecg.holter import strip as strips
from pages.ecg.holter.keys import TAB, scope
from pages.ecg.holter.reviewing import Reviewing
from pages.ecg.holter.strip import Explained, Strip
from pages.ecg.paper_view import viewer_places
from pages.navigation import HOLTER
from pages.parts import (
    background,
    caching,
    keys,
    link,
    notices,
    opening,
    page_choice,
    page_head,
    progress,
    shared_calls,
    sidebar,
    tables,
    view,
    why,
)
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis, Opened, OpenedRows
from pages.parts.pool import POOL, Lane
from readers.recording import Recording

PURPOSE = "Go through a long ECG: every beat is classified, and the paper shows what the network looked at."
HELP = """
- **Open** takes a sample, files of your own, a path on the server or a record of PhysioNet. Of a table whose rows are
  single beats (as `mitbih_test.csv`) each row is classified.
- The **overview** shows heart rate, beats of each class, rhythms and signal quality; a click goes there.
- The **paper** is dragged, zoomed by the wheel once it was clicked, and measured with **Calipers** (`M`: ms, 1/min, mV,
  QTc); `Shift` and a drag select beats to label them all. The row below it is the whole recording: drag along it.
- **Keys**: left and right turn the view, up and down change the gain. `J` goes to the next event; `Shift+S`,
  `Shift+V` and `Shift+F` to the next of that class, `L` to the beat of lowest confidence. `E` goes to the next
  episode of a rhythm that is not sinus rhythm, `Shift+E` to the one before, where the checkpoint knows rhythms.
- A click on a **beat's letter** chooses it; `Shift` with left and right goes from beat to beat.
- **Review**: write your name, choose a beat and press `N` `S` `V` `F` `Q` to give it that class, `X` for artefact (no
  RR goes across), `D` to delete it (RR goes to the next beat), `Y` to confirm it; `W` goes to the beat whose label is
  most likely wrong. `Ctrl+Z` and `Ctrl+Y` undo and redo. The tab Review has the families, the queue and the log.
- Classes are those of AAMI EC57: N normal, S supraventricular ectopic, V ventricular ectopic, F fusion,
  Q paced or unclassifiable.
- The address of this page is a **link to what you see**.
"""
TABS = (
    "Beats",
    "Review",
    "Rhythm and numbers",
    "Compare two checkpoints",
    "Against the annotations",
    "About this recording",
)
PATIENCE_S = 2.0
EXPLAIN_S = 0.25


def page() -> None:
    """The whole page."""
    begun = opening.begin(HOLTER, PURPOSE, HELP, list_samples())
    if begun is None:
        return
    head, title, address = begun
    with head:
        reading_place = st.container(width="content", key=scope("reading"))
    opened = opening.opened(address)
    if opened is None:
        return
    if isinstance(opened, OpenedRows):
        beat_rows.show(title, opened)
        with head:
            page_head.help_popover(f"{PURPOSE}\n{HELP}")
        link.write()
        return
    page_choice.to_page_of(opened.recording, HOLTER)
    sidebar.offer_networks("ecg")
    try:
        checkpoint = sidebar.chosen_checkpoint()
    except EcgvizError as error:
        st.error(str(error))
        return
    with reading_place:
        reading.picker(opened.recording, checkpoint, opened.avoid)
    with head:
        page_choice.other_page(opened.recording, HOLTER)
    _recording(head, title, opened, checkpoint)
    link.write()


def _recording(head, title, opened: Opened, checkpoint: Checkpoint) -> None:
    """Contents for an open recording, with places reserved before anything is computed."""
    lead, positions = reading.choice(opened.recording)
    opened = reading.widened(opened, lead)
    recording = opened.recording
    told, metrics, strip_place = st.container(), st.container(), st.container()
    key = (opened.key, checkpoint.sha256, lead, positions)
    call = shared_calls.watch("analysis", caching.analysis, opened, checkpoint, *key, lasting=True)
    background.note("holter", f"The analysis of {recording.name}", call)
    call.wait(PATIENCE_S if st.session_state.get(keys.JUMP) else 0.0)
    network, reviewed, analysis = _answer(opened, checkpoint, call)
    start_s, about = view.settle(recording, analysis.beats if analysis else None)

    _warnings(told, recording, analysis, call)
    with metrics:
        _metrics(analysis, call, checkpoint)
    with strip_place:
        overview.show(opened, analysis, checkpoint, start_s)
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=styled("moves")):
            controls.move(recording, analysis, start_s, about)
            paper = controls.paper(recording)
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("map_row")):
            drawn_map = controls.saliency(checkpoint)
            if checkpoint.card.rhythm_classes:
                controls.episodes(recording, analysis, start_s, about)  # the row above has no room for them
        paper_place, panel, verdict = viewer_places()
    beats = analysis.beats if analysis else None
    # Maps and reasons are of the network's own answer, which no edit changes.
    beat = about if reviewed is None else reviewed.network_index(about)
    explained, waiting = _explain(opened, checkpoint, network, beat, drawn_map)
    asked = _why(opened, checkpoint, network, beat, drawn_map)
    strip = Strip(
        opened=opened,
        checkpoint=checkpoint,
        start_s=start_s,
        seconds=min(view.seconds(), recording.duration_s),
        paper=paper,
        beats=beats,
        about=about,
        explained=explained,
        drawn_map=drawn_map,
        reasons=asked.result if asked is not None else None,
    )
    with paper_place:
        strips.show(strip, reviewed, keep_place_of_map=drawn_map is not None)
    with verdict:
        _verdict(strip, network, waiting)
    with panel:
        told = None
        if asked is not None:
            told = partial(why.show, asked, partial(_parts_judged, opened, checkpoint, network), why.OF_A_BEAT)
        edit = None if reviewed is None else partial(edit_bar.show, reviewed, about)
        this_beat.show(beats, about, told, edit)
    _title(title, recording, analysis)
    with head:
        export.picker(strip, analysis, reviewed)
        page_head.help_popover(f"{PURPOSE}\n{HELP}")
    _tabs(reviewed, opened, checkpoint, network, lead, positions)


def _answer(
    opened: Opened, checkpoint: Checkpoint, call: BackgroundCall
) -> tuple[Analysis | None, Reviewing | None, Analysis | None]:
    """The network's own answer, its review, and the answer with the edited beats, which the page follows.

    What was stopped has not all beats, so a decision about the rest of them would have none to be about.
    """
    network: Analysis | None = call.result if call.done else None
    if network is None or call.cancelled:
        return network, None, network
    seen = reviewing.as_known(opened, checkpoint, network)
    if seen is not None:
        edit_bar.act_on_keys(seen)
    reviewed = reviewing.of(opened, checkpoint, network)
    return network, reviewed, reviewed.analysis


def _verdict(strip: Strip, analysis: Analysis | None, waiting: BackgroundCall | None) -> None:
    """Whether the map on the strip deserves belief; ``waiting`` computes one that is not there."""
    if waiting is not None:
        with st.container(key=styled("evidence")):
            progress.caption(waiting, "Measuring where the network looked, on the scale of colours of this recording …")
    if strip.explained is not None:
        found = strip.explained.map
        this_beat.show_evidence(found, _judged(strip.opened, strip.checkpoint, analysis, found))


def _title(place, recording: Recording, analysis: Analysis | None) -> None:
    seen = ""
    if analysis is not None:
        record = analysis.beats.seen_in_training
        seen = f" · seen in training: **{'yes' if record else 'no'}**"
    length = clock(recording.duration_s, hours=recording.duration_s >= 3600)
    leads = " ".join(recording.leads)
    place.markdown(f"**{recording.name}** · {length} · {leads} · {recording.fs:g} Hz{seen}")


def _warnings(place, recording: Recording, analysis: Analysis | None, call: BackgroundCall) -> None:
    """Warnings at the top."""
    with place:
        sentences = list(analysis.beats.warnings if analysis else recording.warnings)
        if analysis is not None and analysis.beats.seen_in_training:
            sentences.append(notices.trained_on(f"record {analysis.beats.seen_in_training}"))
        if call.done and call.cancelled and call.error is None and not any("Stopped" in one for one in sentences):
            sentences.append("The analysis was stopped before its end.")
        notices.show(sentences, recording.name, recording)
        if call.done and call.error is not None:
            st.error(str(call.error))
        if call.done and (call.error is not None or call.cancelled):
            st.button("Analyse again", on_click=shared_calls.forget, args=("analysis",), key=scope("again"))


def _metrics(analysis: Analysis | None, call: BackgroundCall, checkpoint: Checkpoint) -> None:
    """The numbers at the top; dashes until they are known."""
    found = analysis.summary if analysis else None
    with st.container(horizontal=True, key=styled("metrics")):
        st.metric("Beats", f"{found.n_beats:,}" if found else "–", width="content")
        for letter in ("V", "S", "F"):
            value = "–"
            if found and found.n_beats:
                value = f"{found.counts.get(letter, 0):,} ({tables.percent(found.share(letter))})"
            st.metric(f"{letter}: {CLASS_WORDS[letter]}", value, width="content")
        if checkpoint.card.rhythm_classes:
            _af_burden(found)
        rates = (found.rate_min, found.rate_median, found.rate_max) if found else (math.nan,) * 3
        few = found is not None and math.isnan(found.rate_min)  # too few beats for averages over eight
        rates = rates[1:2] if few else rates
        st.metric(
            "Heart rate, median" if few else "Heart rate, min · median · max",
            " · ".join("–" if math.isnan(rate) else f"{rate:.0f}" for rate in rates) + " /min",
            width="content",
            help="From the median RR interval." if few else "Of averages over eight beats.",
        )
        usable = found.usable_share if found else math.nan
        st.metric(
            "Signal usable", "–" if math.isnan(usable) else tables.percent(usable), width="content",
            help="Share of the time that is no gap or flat line, nor in ten seconds of clipping, noise or motion.",
        )  # fmt: skip
        if not call.done:
            with st.container(key=scope("analysing"), width=300):
                progress.bar(call, "Analysing", scope("analysis"))


def _af_burden(found: Summary | None) -> None:
    """Share of time in atrial fibrillation or flutter."""
    af = found.af if found else None
    told = "Share of the time with a known rhythm in atrial fibrillation or flutter."
    if af is not None and af.episodes:
        longest = f"{af.longest_s:.0f} s" if af.longest_s < 120 else f"{af.longest_s / 60:,.0f} min"
        told += f" Episodes: {af.episodes:,}, of 30 s or more: {af.clinical:,}; the longest lasts for {longest}."
    value = "–" if af is None or math.isnan(af.burden) else tables.percent(af.burden)
    st.metric("AF burden", value, width="content", help=told)


def _explain(
    opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, about: int | None, drawn: Map | None
) -> tuple[Explained | None, BackgroundCall | None]:
    """Map of the current beat, or the pending call for its scale."""
    if analysis is None or about is None or drawn is None:
        return None, None
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    asked = (opened, checkpoint, analysis.beats, key)
    scale = shared_calls.watch("scale", caching.map_scale, *asked, drawn.target, drawn.method)
    found = shared_calls.watch("map", caching.saliency_map, *asked, about, drawn.target, drawn.method)
    queue_is_short = POOL.waiting(Lane.MAP) <= POOL.cores + 2  # these two among them
    for call in (found, scale):
        if not call.wait(EXPLAIN_S if queue_is_short else 0.0):
            return None, call
        if call.result is None:
            st.error(str(call.error or "The map was stopped."))
            return None, None
    return Explained(found.result, scale.result), None


def _why(
    opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, about: int | None, drawn: Map | None
) -> BackgroundCall | None:
    """Contributions of the current beat's parts to its class; None where the network does not support them."""
    if analysis is None or about is None or drawn is None or not has_parts(checkpoint):
        return None
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    call = shared_calls.watch("reasons", caching.reasons, opened, checkpoint, analysis.beats, key, about, drawn.target)
    call.wait(EXPLAIN_S if POOL.waiting(Lane.MAP) <= POOL.cores + 2 else 0.0)
    return call


def _parts_judged(opened: Opened, checkpoint: Checkpoint, analysis: Analysis, found: Reasons) -> BackgroundCall:
    """Evidence on the current reasons."""
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    asked = (opened, checkpoint, analysis.beats, found, key, found.beat, found.target)
    return shared_calls.watch("parts", caching.parts_evidence, *asked)


def _judged(opened: Opened, checkpoint: Checkpoint, analysis: Analysis, found: SaliencyMap) -> BackgroundCall:
    """Evidence on the current map."""
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    asked = (opened, checkpoint, analysis.beats, found, key, found.beat, found.target, found.method)
    return shared_calls.watch("evidence", caching.evidence, *asked)


def _tabs(
    reviewed: Reviewing | None,
    opened: Opened,
    checkpoint: Checkpoint,
    network: Analysis | None,
    lead: str | None,
    positions: str,
) -> None:
    """The tabs; only the open one is computed; all but the comparison follow the edited beats."""
    analysis = network if reviewed is None else reviewed.analysis
    beats, review, numbers, compare, annotations, about = st.tabs(TABS, key=TAB, bind="query-params")
    both = partial(compare_tab.show, opened, checkpoint)
    waits = {
        beats: ("The table appears", analysis, lambda found: beats_tab.show(opened.recording, found)),
        review: ("The review begins", reviewed, review_tab.show),
        numbers: ("The numbers appear", analysis, lambda found: numbers_tab.show(opened, checkpoint, found)),
        compare: ("The comparison appears", network, lambda found: both(found, lead, positions)),
        annotations: ("The comparison appears", analysis, lambda found: ec57_tab.show(opened.recording, found.beats)),
    }
    for tab, (what, found, show) in waits.items():
        if tab.open:
            with tab:
                if found is None:
                    st.caption(f"{what} when all beats are classified.")
                else:
                    show(found)
    if about.open:
        with about:
            about_tab.show(opened.recording, checkpoint, analysis)


page()
