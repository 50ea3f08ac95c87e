"""Page Data: registered data sets, their contents, samples and problems."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.data_examples import beats_figure
from ecgviz.figures.training import class_bars
from ecgviz.operator import readable_folder
from ecgviz.sources.roots import data_roots
from models.core.words import counted
from models.data import catalogue
from models.data.catalogue import DataSet
from models.data.survey_result import Survey
from models.plugins import task_for_data
from pages.navigation import TRAIN
from pages.parts import access, address_bar, page_head, tables
from pages.parts.appearance import styled
from pages.parts.key_scope import KeyScope
from pages.workshop import appearance, datasets
from pages.workshop import draft as drafts
from pages.workshop.data import samples

PURPOSE = "Add a folder of annotated recordings or labelled pictures once; see what it holds before you train on it."
HELP = """
- **Add data** takes a folder of this server: WFDB records with beat annotations (.hea, .dat, .atr), or pictures: in
  class folders, as MVTec AD has them, with COCO, YOLO or other boxes, with masks, or beside a labels.csv (`file,label`,
  and `group`, `split` where there are any). What was understood is said below the chart.
- Every file is read once. **Problems** lists what is missing or unreadable, duplicates across the split, and patients
  or groups on both sides of it: such metrics would be too good.
- The **split** keeps whole records, cells or boards on one side: what a network is judged by, it has not seen.
- Nothing is copied: the folder stays where it is, and **Forget** leaves it alone.
"""
scope = KeyScope("data")
_DATA = scope.in_url("data")
_LINKED = scope("linked")
_SIDES = {"train": "to learn from", "validation": "to choose by", "test": "to judge by"}


def page() -> None:
    """The whole page."""
    appearance.apply()
    permit = access.permit()
    with page_head.head():
        st.subheader("Data", anchor=False)
        if permit.allowed:
            datasets.add_popover(scope("add"), _choose, primary=True)
        page_head.help_popover(HELP)
    st.markdown(PURPOSE)
    if not permit.allowed:
        access.refused(permit)
        return
    found = {one.name: one for one in catalogue.list_data_sets()}
    if not found:
        st.caption("No data yet. **Add data** also has an example: five simulated ECG recordings.")
        return
    _read_link()
    wanted = st.session_state.get(_DATA)
    start = wanted if wanted in found else next(iter(found))
    # Another choice from outside is another widget: its own state would win over it.
    name = st.pills(
        "Data set", list(found), default=start, required=True, key=scope("set", start), label_visibility="collapsed"
    )
    chosen = found[name or start]
    if name and name != wanted:
        _choose(chosen)
        st.rerun()
    address_bar.write(_LINKED, {_DATA: chosen.name})
    _data_set(chosen)


def _read_link() -> None:
    found = {_DATA: st.query_params.get(_DATA, "")}
    if found[_DATA] and not address_bar.is_ours(_LINKED, found):
        st.session_state[_DATA] = found[_DATA]


def _choose(data: DataSet) -> None:
    st.session_state[_DATA] = data.name
    address_bar.write(_LINKED, {_DATA: data.name})


def _data_set(data: DataSet) -> None:
    try:
        root = readable_folder(str(data.root))
    except EcgvizError as error:
        st.error(str(error))
        _buttons(data, usable=False)
        return
    if not datasets.surveyed(data):
        return
    survey = data.survey
    if survey is None:
        return
    _buttons(data, usable=True)
    with st.container(horizontal=True, key=styled("metrics")):
        _metrics(survey)
    st.markdown("##### Classes on each side of the split")
    sides = {_SIDES[side]: counts for side, counts in survey.sides.items() if sum(counts.values())}
    st.plotly_chart(
        class_bars(sides, theme=appearance.theme()), key=scope("class_bars"), theme=None,
        config={"displayModeBar": False}, alt="Cases of each class on each side of the split",
    )  # fmt: skip
    st.caption(f"Split: {survey.split}.")
    if survey.layout:
        st.caption(_understood(survey))
    _samples(data, str(root), survey)
    _problems(survey)
    if survey.records:
        with st.expander(f"All {counted(survey.items, 'record')}"):
            table = pd.DataFrame([{"Record": name, **counts} for name, counts in survey.records.items()])
            tables.dataframe(table, hide_index=True, key=scope("records"))


def _understood(survey: Survey) -> str:
    """What a folder of pictures was taken for, and how many of its files are none."""
    types = ", ".join(f"{name} {count:,}" for name, count in survey.types.items())
    aside = sum(survey.set_aside.values())
    words = [f"Understood as {survey.layout}.", f"Types of defect: {types}." if types else ""]
    words.append(f"{counted(aside, 'file')} set aside: masks, tables, files of systems." if aside else "")
    unread = survey.set_aside.get("unread", 0)
    words.append(f"{counted(unread, 'file')} of them may hold a part and cannot be read." if unread else "")
    return " ".join(filter(None, words))


def _buttons(data: DataSet, *, usable: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Folder `{_below_its_root(data.root)}`", width="stretch")
        if st.button("Train on it", icon=":material/model_training:", key=scope("train"), disabled=not usable):
            if drafts.data_kind(drafts.values(drafts.current())["task"]) != data.kind:
                drafts.set_task(task_for_data(data.kind).kind)
            drafts.set_data(data)
            st.switch_page(TRAIN.page())
        st.button("Look again", icon=":material/refresh:", key=scope("again"), on_click=_again, args=(data,),
                  disabled=not usable, help="Read all files again.")  # fmt: skip
        st.button("Forget", icon=":material/delete:", key=scope("forget"), on_click=catalogue.forget, args=(data.name,),
                  help="Strike it out of this list; the folder stays.")  # fmt: skip


def _below_its_root(folder: Path) -> str:
    """Display name of a folder, relative to its data root."""
    resolved = folder.resolve()
    above = [root for root in data_roots() if resolved.is_relative_to(root) and resolved != root]
    return str(resolved.relative_to(above[0])) if above else folder.name


def _again(data: DataSet) -> None:
    try:
        catalogue.register(data.name, readable_folder(str(data.root)))
    except EcgvizError:
        return  # the page itself says what is wrong with it


def _metrics(survey: Survey) -> None:
    for fact in task_for_data(survey.kind).data_facts(survey):
        st.metric(fact.label, fact.value, width="content", help=fact.help)
    grave = sum(problem.grave for problem in survey.problems)
    st.metric("Problems", f"{len(survey.problems):,}" + (f", {grave:,} grave" if grave else ""), width="content")


def _samples(data: DataSet, root: str, survey: Survey) -> None:
    if data.kind == "whole recordings":
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("##### Samples", width="content")
        st.button("Others", icon=":material/casino:", key=scope("others"), on_click=_others, help="Draw other samples.")
    seed = st.session_state.get(scope("seed"), 0)
    try:
        if data.kind == "recordings":
            st.plotly_chart(
                beats_figure(samples.beats(root, data.added, survey, seed), theme=appearance.theme()),
                key=scope("samples"), theme=None, config={"displayModeBar": False}, alt="One beat of each class",
            )  # fmt: skip
        else:
            for caption, files in samples.pictures(root, data.added, seed).items():
                st.caption(caption)
                st.image([png for _, png in files], [name for name, _ in files], width=128)
    except EcgvizError as error:
        st.error(str(error))


def _others() -> None:
    st.session_state[scope("seed")] = st.session_state.get(scope("seed"), 0) + 1


def _problems(survey: Survey) -> None:
    st.markdown("##### Problems")
    if not survey.problems:
        st.success("None was found: every file can be read, and nothing is on two sides.", icon=":material/check:")
        return
    rows = [
        {"Grave": "yes" if one.grave else "", "What": one.what, "File": one.file, "That is": one.words}
        for one in survey.problems
    ]
    tables.dataframe(
        pd.DataFrame(rows), hide_index=True, key=scope("problems"), height=min(35 * (len(rows) + 1) + 2, 320),
        column_config={
            "Grave": st.column_config.TextColumn(width="small", help="It would fail, or its metrics be too good."),
            "That is": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip


page()
