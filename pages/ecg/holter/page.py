"""Page Holter: classified beats of a recording, navigation, and explanations."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.sources.samples import list_samples
from models import Checkpoint
from pages.ecg import controls, this_beat, viewer
from pages.ecg.holter import (
    about_tab,
    beat_rows,
    beats_tab,
    compare_tab,
    ec57_tab,
    edit_bar,
    explaining,
    export,
    moves,
    numbers_tab,
    overview,
    reading,
    review_tab,
    reviewing,
    summary,
)
from pages.ecg.holter import strip as strips
from pages.ecg.holter.keys import TAB
from pages.ecg.holter.reviewing import Reviewing
from pages.ecg.holter.strip import Strip
from pages.ecg.viewer import HeadPlaces
from pages.navigation import HOLTER
from pages.parts import (
    background,
    caching,
    keys,
    link,
    opening,
    page_choice,
    page_head,
    shared_calls,
    sidebar,
    view,
)
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis, Opened, OpenedRows

PURPOSE = "Go through a long ECG: every beat is classified, and the paper shows what the network looked at."
HELP = """
- **Open** takes a sample, files of your own, a path on the server or a record of PhysioNet. Of a table whose rows are
  single beats (as `mitbih_test.csv`) each row is classified.
- The **overview** shows heart rate, beats of each class, rhythms and signal quality; a click goes there.
- **Display** has what is set once: paper, map, and which lead is read.
- The **paper** is dragged, zoomed by the wheel once it was clicked, and measured with **Calipers** (`M`: ms, 1/min, mV,
  QTc); `Shift` and a drag select beats to label them all. The row below it is the whole recording: drag along it.
- **Keys**: left and right turn the view, up and down change the gain. `J` goes to the next event of the kind that is
  chosen above the paper, `K` to the one before: ectopic beats, one class, pauses, rhythm episodes, lowest confidence,
  or beats that are not as annotated. `Shift+S`, `Shift+V` and `Shift+F` go to the next of that class, `L` to the beat
  of lowest confidence. `E` goes to the next episode of a rhythm that is not sinus rhythm, `Shift+E` to the one before,
  where the checkpoint knows rhythms.
- **Test explanations** tests the map and the reasons of what is shown; a weak map is drawn faded.
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


def page() -> None:
    """The whole page."""
    begun = opening.begin(HOLTER, PURPOSE, HELP, list_samples())
    if begun is None:
        return
    head, title, address = begun
    at = viewer.head_places(head)
    with at.help:
        page_head.help_popover(f"{PURPOSE}\n{HELP}")
    opened = opening.opened(address)
    if opened is None:
        return
    if isinstance(opened, OpenedRows):
        beat_rows.show(at, title, opened)
        link.write()
        return
    page_choice.to_page_of(opened.recording, HOLTER)
    sidebar.offer_networks("ecg")
    try:
        checkpoint = sidebar.chosen_checkpoint()
    except EcgvizError as error:
        st.error(str(error))
        return
    with at.other_page:
        page_choice.other_page(opened.recording, HOLTER)
    _recording(at, title, opened, checkpoint)
    link.write()


def _recording(head: HeadPlaces, title, opened: Opened, checkpoint: Checkpoint) -> None:
    """Contents for an open recording, with places reserved before anything is computed."""
    with head.display:
        paper = controls.paper(opened.recording)
        drawn_map = controls.saliency(checkpoint)
        reading.picker(opened.recording, checkpoint, opened.avoid)
    lead, positions = reading.choice(opened.recording)
    opened = reading.widened(opened, lead)
    recording = opened.recording
    summary.title(title, recording, None)
    at = viewer.places()
    key = (opened.key, checkpoint.sha256, lead, positions)
    call = shared_calls.watch("analysis", caching.analysis, opened, checkpoint, *key, lasting=True)
    background.note("holter", f"The analysis of {recording.name}", call)
    call.wait(PATIENCE_S if st.session_state.get(keys.JUMP) else 0.0)
    network, reviewed, analysis = _answer(opened, checkpoint, call)
    beats = analysis.beats if analysis else None
    start_s, about = view.settle(recording, beats)

    summary.title(title, recording, analysis)
    with at.summary:
        summary.metrics(analysis, checkpoint)
    with at.told:
        summary.warnings(recording, analysis, call)
    with at.moves:
        moves.show(opened, checkpoint, analysis, start_s, about)
    # Maps and reasons explain the network's own predictions, which edits do not change.
    beat = about if reviewed is None else reviewed.network_index(about)
    explained, waiting = explaining.explain(opened, checkpoint, network, beat, drawn_map)
    asked = explaining.reasons(opened, checkpoint, network, beat, drawn_map)
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
    with at.paper:
        strips.show(strip, reviewed, moves.places(opened, analysis), keep_place_of_map=drawn_map is not None)
    with at.overview:
        overview.show(opened, analysis, checkpoint, start_s)
    with at.verdict:
        explaining.verdict(strip, waiting)
    with at.panel:
        told = explaining.told(opened, checkpoint, network, asked)
        edit = None if reviewed is None else partial(edit_bar.show, reviewed, about)
        this_beat.show(beats, about, told, edit)
    if head.export.open:
        with head.export:
            export.show(strip, analysis, reviewed)
    with at.lists:
        _tabs(reviewed, opened, checkpoint, network, lead, positions)


def _answer(
    opened: Opened, checkpoint: Checkpoint, call: BackgroundCall
) -> tuple[Analysis | None, Reviewing | None, Analysis | None]:
    """The network's analysis, its review, and the analysis with the edited beats, which the page shows.

    An analysis that was stopped lacks beats and therefore has no review.
    """
    network: Analysis | None = call.result if call.done else None
    if network is None or call.cancelled:
        return network, None, network
    seen = reviewing.as_known(opened, checkpoint, network)
    if seen is not None:
        edit_bar.act_on_keys(seen)
    reviewed = reviewing.of(opened, checkpoint, network)
    return network, reviewed, reviewed.analysis


def _tabs(
    reviewed: Reviewing | None,
    opened: Opened,
    checkpoint: Checkpoint,
    network: Analysis | None,
    lead: str | None,
    positions: str,
) -> None:
    """The tabs; only the open one is computed, and all but the comparison use the edited beats."""
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
