# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Registers data sets, and surveys them in the background."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import readable_folder
from ecgviz.sources.roots import data_roots
from ecgviz.sources.training_example import NAME as EXAMPLE
from ecgviz.sources.training_example import write_example
from models.core.callbacks import Progress, ShouldStop
from models.data import catalogue
from models.data.catalogue import DataSet
from models.data.survey import survey
from models.plugins import task_for_data
from pages.parts import progress
from pages.parts.background_call import BackgroundCall
from pages.parts.forms import submitted
from pages.workshop import keys

PATIENCE_S = 1.5


def summary(data: DataSet) -> str:
    """Contents of a data set in a few words."""
    found = data.survey
    if found is None:
        return data.kind
    return task_for_data(data.kind).data_words(found)


def add_popover(key: str, then: Callable[[DataSet], None], *, primary: bool = False) -> None:
    """Popover that registers a folder of the server, or the simulated example."""
    count = st.session_state.get(keys.REGISTERED, 0)
    kind = "primary" if primary else "secondary"
    with st.popover("Add data", icon=":material/create_new_folder:", type=kind, key=f"{key}-{count}"):
        roots = "\n".join(f"- `{root}`" for root in data_roots())
        with st.form(f"{key}-register", border=False):
            path = st.text_input(
                "Folder on the server", placeholder="mitdb",
                help="WFDB records with beat annotations (.hea, .dat, .atr), PTB-XL (ptbxl_database.csv), or pictures "
                "in class folders or beside a labels.csv. Only below these folders, which ECGVIZ_DATA_ROOTS sets:"
                f"\n\n{roots}",
            )  # fmt: skip
            name = st.text_input("Name", placeholder="from the folder")
            if submitted("Add folder", bool(path.strip()), "Enter a folder first."):
                _register(path, name.strip(), then)
        st.caption("Nothing at hand? Five simulated ECG recordings of five minutes:")
        st.button("Add the example", key=f"{key}-example", on_click=_add_example, args=(then,))


def _register(path: str, name: str, then: Callable[[DataSet], None]) -> None:
    try:
        root = readable_folder(path)
        data = catalogue.register(name or catalogue.suggested_name(root), root)
    except EcgvizError as error:
        st.error(str(error))
        return
    _registered(data, then)
    st.rerun()


def _add_example(then: Callable[[DataSet], None]) -> None:
    _registered(catalogue.register(EXAMPLE, write_example()), then)


def _registered(data: DataSet, then: Callable[[DataSet], None]) -> None:
    st.session_state[keys.REGISTERED] = st.session_state.get(keys.REGISTERED, 0) + 1
    looking(data.name, str(data.root), data.added).wait(PATIENCE_S)
    then(next(one for one in catalogue.list_data_sets() if one.name == data.name))


@st.cache_resource(max_entries=16, show_spinner=False)
def looking(name: str, root: str, added: float) -> BackgroundCall:
    """Background call that surveys a data set and stores the result in the catalogue."""

    def compute(tell: Progress, should_stop: ShouldStop) -> None:
        catalogue.note_survey(name, survey(root, progress=tell, should_stop=should_stop))

    return BackgroundCall(compute)


def surveyed(data: DataSet) -> bool:
    """Whether a data set was surveyed; meanwhile a progress bar or an error message is shown."""
    if data.survey is not None:
        return True
    call = looking(data.name, str(data.root), data.added)
    if not call.wait(PATIENCE_S):
        progress.bar(call, f"Looking at {data.name}", keys.scope("look", data.name))
        return False
    if call.error is not None:
        st.error(str(call.error))
        return False
    st.rerun()
    return True
