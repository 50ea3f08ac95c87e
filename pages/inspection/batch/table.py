"""Filmstrip and table of a batch, paginated, with thumbnails of the deciding slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ecgviz.analysis.dispositions import NOT_READ, Final
from ecgviz.errors import EcgvizError
from ecgviz.figures.picture_layers import grey_png, shrink
from ecgviz.figures.window_level import apply_window, window_presets
from ecgviz.results import Verdict
from models.core.callbacks import Progress, ShouldStop
from pages.inspection.batch import filmstrip, keys
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.inspection.truth import WORDS
from pages.parts import picture_keys, progress, shared_calls, tables
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from readers.core.file_names import readable
from readers.images import open_images

ROWS = 25
THUMBNAIL_PX = 64
_KINDS = ("defect", "review", "normal", NOT_READ)
_THUMBNAIL_BYTES = 12_000
_PATIENCE_S = 0.6
_ROW_PX, _TABLE_PX = 56, 440


@dataclass(frozen=True)
class Chosen:
    """What is chosen in a batch.

    Attributes:
        final: the part on show; None where none is.
        marked: parts that are marked for a decision about all of them.
        following: file of the part behind the one on show in the order of the table; empty at the end.
    """

    final: Final | None
    marked: tuple[Final, ...]
    following: str


def show(source: Source, finals: Sequence[Final], below: DeltaGenerator) -> Chosen:
    """Filter, pager and filmstrip of the parts, which come in the order they are to be shown, and in ``below`` the
    table: the part on show has its place between."""
    counts = {kind: sum(one.kind == kind for one in finals) for kind in _KINDS}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("filter_row")):
        shown = st.pills(
            "Verdict", _KINDS, selection_mode="multi", key=keys.SHOWN, bind="query-params", on_change=_to_page,
            args=(0,), format_func=lambda kind: f"{kind} {counts[kind]:,}", label_visibility="collapsed",
        )  # fmt: skip
        rows = [one for one in finals if not shown or one.kind in shown]
        page = _pager(len(rows))
    part = rows[page * ROWS : (page + 1) * ROWS]
    if not part:
        st.caption("No file has such a verdict.")
        return Chosen(_chosen(finals), (), "")
    thumbnails = _thumbnails([one.network for one in part])
    marked = filmstrip.show(part, thumbnails)
    with below:
        _table(source, part, thumbnails)
    chosen = _chosen(finals)
    return Chosen(chosen, marked, _following(rows, chosen))


def _chosen(finals: Sequence[Final]) -> Final | None:
    """The part on show: it stays there when a decision takes it out of the filter."""
    file = st.session_state.get(picture_keys.CHOSEN)
    return next((one for one in finals if one.network.file == file), None)


def _following(rows: Sequence[Final], chosen: Final | None) -> str:
    files = [one.network.file for one in rows]
    if chosen is None or chosen.network.file not in files:
        return files[0] if files else ""
    place = files.index(chosen.network.file) + 1
    return files[place] if place < len(files) else ""


def go_to(file: str, rows: Sequence[Final]) -> None:
    """Show another part, and the page of the table that it is on."""
    st.session_state[picture_keys.CHOSEN] = file or None
    files = [one.network.file for one in rows]
    if file in files:
        st.session_state[picture_keys.PAGE] = files.index(file) // ROWS


def _pager(count: int) -> int:
    """Selected page of the table."""
    pages = max(1, math.ceil(count / ROWS))
    page = min(max(st.session_state.get(picture_keys.PAGE) or 0, 0), pages - 1)
    first, last = page * ROWS + 1, min((page + 1) * ROWS, count)
    st.markdown(f"{first:,} to {last:,} of {count:,}" if count else "none", width="content")
    for words, icon, to, off in (
        ("The page before", ":material/chevron_left:", page - 1, page == 0),
        ("The next page", ":material/chevron_right:", page + 1, page == pages - 1),
    ):
        st.button("", icon=icon, key=scope("page", words), on_click=_to_page, args=(to,), disabled=off, help=words)
    return page


def _to_page(page: int) -> None:
    st.session_state[picture_keys.PAGE] = page
    st.session_state[picture_keys.CHOSEN] = None


def _table(source: Source, finals: Sequence[Final], thumbnails: dict[str, str]) -> None:
    rows = [one.network for one in finals]
    columns = {
        "Picture": [thumbnails.get(one.file) for one in rows],
        "Score": [None if math.isnan(one.score) else one.score for one in rows],
        "Verdict": [one.kind for one in finals],
        "File": [readable(Path(one.file).name) for one in rows],
    }
    if any(one.decided for one in finals):
        columns["Network"] = [one.network.verdict for one in finals]
        columns["Decided by"] = [one.decided_by for one in finals]
    if source.rows:
        known = (source.rows.get(one.file) for one in rows)
        columns["Truth"] = ["" if row is None else WORDS[row.label] for row in known]
    if any(one.slice_index is not None for one in rows):
        columns["Slice"] = [None if one.slice_index is None else one.slice_index + 1 for one in rows]
    if any(one.in_distribution is False for one in rows):
        columns["In distribution"] = ["no" if one.in_distribution is False else "" for one in rows]
    if any(one.error for one in rows):
        columns["Not read"] = [one.error for one in rows]
    # Another page or filter is another table: a cell that was chosen there means nothing here.
    key = scope("table", hash(tuple(one.file for one in rows)))
    tables.dataframe(
        pd.DataFrame(columns),
        key=key,
        on_select=lambda: _selected(key, rows),
        selection_mode="single-cell",
        hide_index=True,
        row_height=_ROW_PX,
        height=min(_ROW_PX * len(rows) + 40, _TABLE_PX),
        column_config={
            "Picture": st.column_config.ImageColumn("Picture", width="small", help="The slice that decided."),
            "Score": st.column_config.ProgressColumn("P(defect)", min_value=0.0, max_value=1.0, format="%.3f"),
            "Verdict": st.column_config.TextColumn(help="What counts: a person's decision before the network's."),
            "Network": st.column_config.TextColumn(help="What the network says, unchanged."),
            "Decided by": st.column_config.TextColumn(help="Who decided; the network where it is empty."),
        },
    )


def _selected(key: str, rows: Sequence[Verdict]) -> None:
    """Callback of a click anywhere in a row."""
    cells = st.session_state[key].selection.cells
    if cells and cells[0][0] < len(rows):
        st.session_state[picture_keys.CHOSEN] = rows[cells[0][0]].file


def _thumbnails(rows: Sequence[Verdict]) -> dict[str, str]:
    """Thumbnails by file, as far as they are ready; reruns the page when they are."""
    wanted = tuple((one.file, one.sha256, one.slice_index or 0) for one in rows if one.sha256)
    call = shared_calls.watch("thumbnails", _drawing, wanted)
    if not call.wait(_PATIENCE_S):
        progress.caption(call, "Drawing thumbnails …")
    return call.result or {}


@shared_calls.kept(unwatched=40)
def _drawing(wanted: tuple[tuple[str, str, int], ...]) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> dict[str, str]:
        found = {}
        for done, (file, _, index) in enumerate(wanted, start=1):
            if should_stop():
                break
            try:
                found[file] = _thumbnail(file, index)
            except (EcgvizError, OSError):
                continue
            tell(done, len(wanted), "Drawing thumbnails")
        return found

    return BackgroundCall(compute, Lane.MAP)


def _thumbnail(file: str, index: int) -> str:
    stack = open_images(file)
    pixels = stack.pixels(index)
    window = next(iter(window_presets(pixels, stack).values()))
    return grey_png(shrink(apply_window(pixels, window), THUMBNAIL_PX), _THUMBNAIL_BYTES)
