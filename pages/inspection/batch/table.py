"""Table of a batch, worst first, paginated, with thumbnails of the deciding slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from ecgviz.analysis.overrides import Override
from ecgviz.errors import EcgvizError
from ecgviz.figures.picture_layers import grey_png, shrink
from ecgviz.figures.window_level import apply_window, window_presets
from ecgviz.results import Verdict
from models.core.callbacks import Progress, ShouldStop
from pages.inspection.batch import keys
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
_KINDS = ("defect", "review", "normal", "not read")
_THUMBNAIL_BYTES = 12_000
_PATIENCE_S = 0.6
_ROW_PX, _TABLE_PX = 56, 440
Decisions = dict[tuple[str, str], Override]


def kind_of(verdict: Verdict, decided: Decisions) -> str:
    """Effective verdict: a person's before the network's; "not read" where there is nothing to judge."""
    found = decided.get((verdict.sha256, verdict.checkpoint_sha256))
    if found is not None:
        return found.new
    return "not read" if math.isnan(verdict.score) else verdict.verdict


def show(source: Source, verdicts: Sequence[Verdict], decided: Decisions) -> Verdict | None:
    """Filter, table and pager; returns the verdict of the selected row."""
    counts = {kind: sum(kind_of(one, decided) == kind for one in verdicts) for kind in _KINDS}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("filter_row")):
        shown = st.pills(
            "Verdict", _KINDS, selection_mode="multi", key=keys.SHOWN, bind="query-params", on_change=_to_page,
            args=(0,), format_func=lambda kind: f"{kind} {counts[kind]:,}", label_visibility="collapsed",
        )  # fmt: skip
        rows = [one for one in verdicts if not shown or kind_of(one, decided) in shown]
        page = _pager(len(rows))
    part = rows[page * ROWS : (page + 1) * ROWS]
    if not part:
        st.caption("No file has such a verdict.")
        return None
    thumbnails = _thumbnails(part)
    return _table(source, part, decided, thumbnails)


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


def _table(source: Source, rows: Sequence[Verdict], decided: Decisions, thumbnails: dict[str, str]) -> Verdict | None:
    columns = {
        "Picture": [thumbnails.get(one.file) for one in rows],
        "Score": [None if math.isnan(one.score) else one.score for one in rows],
        "Verdict": [kind_of(one, decided) for one in rows],
        "File": [readable(Path(one.file).name) for one in rows],
    }
    if any(_decider(one, decided) for one in rows):
        columns["Decided by"] = [_decider(one, decided) for one in rows]
    if source.rows:
        known = (source.rows.get(one.file) for one in rows)
        columns["Truth"] = ["" if row is None else WORDS[row.label] for row in known]
    if any(one.slice_index is not None for one in rows):
        columns["Slice"] = [None if one.slice_index is None else one.slice_index + 1 for one in rows]
    if any(one.in_distribution is False for one in rows):
        columns["Unlike training"] = ["yes" if one.in_distribution is False else "" for one in rows]
    if any(one.error for one in rows):
        columns["Not read"] = [one.error for one in rows]
    # Another page or filter is another table: a row that was chosen there means nothing here.
    key = scope("table", hash(tuple(one.file for one in rows)))
    tables.dataframe(
        pd.DataFrame(columns),
        key=key,
        on_select=lambda: _selected(key, rows),
        selection_mode="single-row",
        hide_index=True,
        row_height=_ROW_PX,
        height=min(_ROW_PX * len(rows) + 40, _TABLE_PX),
        column_config={
            "Picture": st.column_config.ImageColumn("Picture", width="small", help="The slice that decided."),
            "Score": st.column_config.ProgressColumn("P(defect)", min_value=0.0, max_value=1.0, format="%.3f"),
            "Decided by": st.column_config.TextColumn(help="Who decided otherwise; the network where it is empty."),
        },
    )
    chosen = st.session_state.get(picture_keys.CHOSEN)
    return next((one for one in rows if one.file == chosen), None)


def _decider(verdict: Verdict, decided: Decisions) -> str:
    found = decided.get((verdict.sha256, verdict.checkpoint_sha256))
    return "" if found is None else f"{found.who} ({found.old} before)"


def _selected(key: str, rows: Sequence[Verdict]) -> None:
    chosen = st.session_state[key].selection.rows
    st.session_state[picture_keys.CHOSEN] = rows[chosen[0]].file if chosen and chosen[0] < len(rows) else None


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
