"""Page Batch: inspection of a folder, worst first, with operating point, overrides and exports."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ecgviz.analysis.coverage import aside_words, lost
from ecgviz.analysis.dispositions import Final, final_verdicts
from ecgviz.analysis.label_order import Candidate
from ecgviz.errors import EcgvizError
from ecgviz.reports.inspection import worst_first
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import caching, opening, style, verdict
from pages.inspection.batch import deciding, detail, export, learning, operating_point, runs, sources, table
from pages.inspection.batch.keys import scope
from pages.inspection.batch.runs import BatchRun
from pages.inspection.batch.sources import Source
from pages.parts import background, forms, page_head, picture_keys, picture_link, shared_calls, sidebar, tables
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from readers.core.file_names import readable

PURPOSE = "Go through many pictures: every one is judged, the worst come first, and the threshold follows the costs."
HELP = """
- **Open** takes the sample, a folder on the server, or uploads (pictures or a zip of them). A folder without pictures
  of its own whose folders hold some is taken as one stack a folder.
- **Start** inspects all files in the background; cancelled or interrupted, it goes on where it was.
- Folders named normal and defect, or a labels.csv (file,label), make the truth known: then **escapes** (defects
  passed) and **overkill** (good parts rejected) are counted, and the threshold can be chosen by what each costs.
- A click in a **row** or on the **filmstrip** shows the picture with its map. **Override** enters your verdict with
  name and reason and goes on to the next row. **Keys**: `O` OK, `D` defect, `V` review, `U` undo. Several parts are
  marked with Ctrl or Shift and decided at once; the whole batch is decided apart.
"""
PATIENCE_S = 1.5


def page() -> None:
    """The whole page."""
    style.apply()
    picture_link.read_folder()
    head = page_head.head()
    address = st.session_state.get(picture_keys.FOLDER)
    if not address:
        page_head.invite(head, "Batch", PURPOSE, HELP, _picker)
        with st.container(width=320):
            _sample(scope("example"))
        return
    title = page_head.title_and_picker(head, _picker)
    source = _opened(address)
    if source is None:
        title.markdown("**Batch**")
        return
    known = f" · truth of {len(source.rows):,} known" if source.rows else ""
    title.markdown(f"**{source.name}** · {counted(len(source.paths), 'file')}{known}")
    try:
        checkpoint = sidebar.chosen_checkpoint(kind="image")
        _batch(head, source, checkpoint, caching.operating_point(checkpoint))
    except EcgvizError as error:
        st.error(str(error))
    picture_link.write_folder()


def _picker() -> None:
    ways = {"Sample": _samples, "Upload": _upload, "Path": _path}
    forms.open_popover(scope("open"), picture_keys.OPENINGS, ways, default="Path")


def _samples() -> None:
    st.caption(sources.SAMPLE.description)
    _sample(scope("sample"))


def _sample(key: str) -> None:
    forms.sample_buttons([sources.SAMPLE], key, picture_link.open_folder)


def _upload() -> None:
    forms.upload_form(
        scope("upload"), "Pictures, or one zip of them", "Open upload",
        f"Readable are {opening.readable()}. A labels.csv among them makes the truth known. The files are "
        "written to this server's disk at once and stay in its ECGVIZ_HOME folder.", picture_link.open_folder,
    )  # fmt: skip


def _path() -> None:
    forms.path_form(scope("path"), "Folder on the server", "Open folder", "pcb", picture_link.open_folder)


@shared_calls.kept(unwatched=8)
def _opening(address: str, mark: str) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> Source:
        return sources.open_source(address, mark, progress=tell, should_stop=should_stop)

    return BackgroundCall(compute, Lane.OPENING)


def _opened(address: str) -> Source | None:
    """Files at an address; while they open, a progress bar, or an error message."""
    return forms.opened(_opening, address, what="folder", patience_s=PATIENCE_S)


def _batch(head, source: Source, checkpoint: Checkpoint, point: OperatingPoint) -> None:
    """Contents for the files of a batch."""
    if source.note:
        st.warning(source.note, icon=":material/warning:")
    run = runs.runs().get(source, checkpoint)
    if run is not None:
        background.note("batch", f"The inspection of {source.name}", run.call)
    _run_row(run, source, checkpoint)
    verdicts = worst_first(runs.at_point(one, point) for one in (run.verdicts[:] if run else []))
    decisions, log = verdict.standing()
    order: tuple[Candidate, ...] = ()
    finals = final_verdicts(verdicts, decisions)
    with st.container(horizontal=True, key=styled("metrics")):
        _counts(finals, source)
    _aside(source)
    if run is not None and verdicts:
        labels = runs.labelled(run, verdicts)
        operating_point.show(checkpoint, point, labels, source.name, finished=run.complete)
        deciding_row = deciding.whole(source.name, finals, decisions)
        with deciding_row:
            finals, order = learning.ordered(finals, checkpoint, decisions, source.key)
            learning.popover(source, verdicts, decisions, checkpoint)
        here, below = st.container(), st.container()
        with here:
            chosen = table.show(source, finals, below)
            deciding.marked(chosen)
            if chosen.final is not None:
                then, alone = deciding.after(chosen, finals), not chosen.marked
                detail.show(source, chosen.final, decisions, verdicts, checkpoint, then, alone=alone)
            else:
                st.caption("A click in a row or on the filmstrip shows the picture with its map.")
    with head:
        export.picker(source, verdicts, log, checkpoint, point, order)
        page_head.help_popover(f"{PURPOSE}\n{HELP}")


def _run_row(run: BatchRun | None, source: Source, checkpoint: Checkpoint) -> None:
    """Start button, progress bar, or result, of constant height."""
    with st.container(key=scope("run_row")):
        if run is not None and not run.call.done:
            runs.bar(run)
            return
        if run is not None and run.call.error is not None:
            st.error(str(run.call.error))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            done, total = len(run.verdicts) if run else 0, len(source.paths)
            if run is None:
                label, words = "Start", f"{counted(total, 'file')} with **{checkpoint.name}**"
            elif run.complete:
                label, words = (
                    "Rescan",
                    f"Inspected: {counted(total, 'file')}; only changed ones cost time again.",
                )
            else:
                label, words = "Go on", f"Stopped at {done:,} of {counted(total, 'file')}; what is done is kept."
            st.button(
                label, key=scope("start"), type="secondary" if run and run.complete else "primary",
                icon=":material/play_arrow:", on_click=_start, args=(source, checkpoint),
            )  # fmt: skip
            st.markdown(words, width="content")


def _start(source: Source, checkpoint: Checkpoint) -> None:
    runs.runs().start(source, checkpoint)
    st.session_state[picture_keys.CHOSEN] = None


def _aside(source: Source) -> None:
    """The files that are not judged, each with its reason; those that may hold a part in sight."""
    if not source.aside:
        return
    if lost(source.aside):
        st.warning(f"Not the whole folder: {aside_words(lost(source.aside))}.", icon=":material/warning:")
    with st.expander(f"Set aside: {aside_words(source.aside)}", key=scope("aside")):
        rows = [{"File": readable(one.path.name), "Reason": one.reason} for one in source.aside]
        tables.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _counts(finals: Sequence[Final], source: Source) -> None:
    """How many of each, dashes while there is nothing."""
    kinds = [one.kind for one in finals]
    words = {
        "Defect": ("defect", "At or above the threshold, or so decided by a person."),
        "To review": ("review", "In the grey zone, out of distribution, or only partly readable."),
        "Normal": ("normal", "Below the threshold."),
        "Not read": ("not read", "Damaged or of an unknown kind; the table says why."),
    }
    for label, (kind, help_text) in words.items():
        count = kinds.count(kind)
        share = f" ({count / len(kinds):.1%})" if count else ""
        st.metric(label, f"{count:,}{share}" if kinds else "–", width="content", help=help_text)
    people = sum(one.decided for one in finals)
    st.metric("Decided by people", f"{people:,}" if kinds else "–", width="content")
    st.metric("Inspected", f"{len(finals):,} of {len(source.paths):,}", width="content")
    st.metric(
        "Set aside", f"{len(source.aside):,}" if kinds else "–", width="content",
        help="Files of the folder that are no pictures to judge: masks, tables, files of systems, formats not read.",
    )  # fmt: skip


page()
