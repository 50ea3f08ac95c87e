"""Page Train: task, network, data and settings; preflight check, start and progress."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import confine
from models.config import TrainConfig, make_config
from models.core.errors import ConfigError
from models.data import catalogue
from models.data.catalogue import DataSet
from models.experiments.fields import settings_of
from models.experiments.preflight import network_size
from models.networks.registry import architecture, list_models
from models.plugins import plugin_of
from pages.parts import access, page_head
from pages.workshop import appearance, datasets, runs
from pages.workshop import draft as drafts
from pages.workshop.train import form, preflight, sweeping
from pages.workshop.train.keys import REFUSED, scope

PURPOSE = "Train a network on your data in the background: it goes on when you leave, reload or close this page."
HELP = """
- Choose a **task**, a **network**, the **data** (added once, by folder) and a configuration to **start from**. What you
  change in the **settings** is marked :primary[●]; the whole form is kept, also when you close the page.
- **Check** counts the cases of both sides of the split and measures a few steps: memory and time are estimates.
- **Start** puts the training into the queue. One training runs on a device at a time, the others wait in order.
- **Sweep** queues a training for each combination of some settings, or for random draws from their ranges.
- **Cancel** lets it write a checkpoint first; **Resume** goes on from there. **Clone** copies its
  settings into the form.
- **Promote** makes the trained network one of those that the other pages offer.
- The same from a shell: `python -m models jobs submit | list | show | logs | cancel | resume`.
"""


def page() -> None:
    """The whole page."""
    appearance.apply()
    with page_head.head():
        st.subheader("Train", anchor=False)
        page_head.help_popover(HELP)
    st.markdown(PURPOSE)
    permit = access.permit()
    if not permit.allowed:
        access.refused(permit)
        return
    runs.read_link()
    _form()
    runs.show()
    runs.write_link()


def _form() -> None:
    """The form, from task to start."""
    draft = drafts.current()
    _preselect(drafts.values(draft))
    values = drafts.values(draft)
    config, error = _checked(values)
    shape = config or drafts.example(values["task"])
    data = _steps(values, draft.base)
    with st.container(key=scope("form")):
        records = tuple(data.survey.records) if data is not None and data.survey is not None else ()
        form.show(settings_of(shape), error if isinstance(error, ConfigError) else None, records)
    refused = st.session_state.pop(REFUSED, "")
    preflight.show(config if error is None else None, error or (EcgvizError(refused) if refused else None))
    if config is not None and error is None:
        sweeping.show(config)


def _preselect(values: dict) -> None:
    """Choose the only data set that there is for the task, where none is chosen."""
    found = _sets(values)
    if len(found) == 1 and not any(str(one.root) == str(values["data"].get("root", "")) for one in found):
        drafts.set_data(found[0])


def _sets(values: dict) -> list[DataSet]:
    """Registered data sets of the task's kind that are still there."""
    wanted = drafts.data_kind(values["task"])
    return [one for one in catalogue.list_data_sets() if one.kind == wanted and one.there]


def _checked(values: dict) -> tuple[TrainConfig | None, EcgvizError | None]:
    """The configuration, or its fault."""
    try:
        config = make_config(values)
        network_size(config)
    except EcgvizError as error:
        return None, error
    try:
        return make_config(confine(values)), None
    except EcgvizError as error:
        if isinstance(error, ConfigError) and error.field == "data.root":
            return config, ConfigError("data.root", "choose the data to train on, or add a folder")
        return config, error


def _steps(values: dict, base: str) -> DataSet | None:
    """Task, network, data, start; returns the selected data set."""
    kind, generation, tasks = values["task"]["kind"], drafts.generation(), drafts.tasks()
    with st.container(horizontal=True, vertical_alignment="bottom", key=scope("steps")):
        st.selectbox(
            "Task", list(tasks), index=list(tasks).index(kind), format_func=tasks.__getitem__,
            key=scope("task", generation), on_change=_chosen, args=(scope("task", generation), drafts.set_task),
            help="What the network is to answer.",
        )  # fmt: skip
        networks = list_models(task=plugin_of(values).networks)
        chosen = values["network"]["architecture"]
        st.selectbox(
            "Network", networks, index=networks.index(chosen) if chosen in networks else 0,
            key=scope("network", generation), on_change=_chosen,
            args=(scope("network", generation), drafts.set_network),
            help="\n\n".join(f"**{name}**: {architecture(name).summary}" for name in networks),
        )  # fmt: skip
        data = _data(values, generation)
        names = list(drafts.bases_of(kind))
        options = names if base in names else [base, *names]
        st.selectbox(
            "Start from", options, index=options.index(base), key=scope("base", generation),
            on_change=_chosen, args=(scope("base", generation), drafts.set_base),
            format_func=lambda name: name if name in names else f"run {name}",
            help="A configuration that comes with the installation; what you change is marked against it.",
        )  # fmt: skip
        st.text_input(
            "Name", value=values["name"], key=scope("name", generation), on_change=_chosen,
            args=(scope("name", generation), drafts.set_name), help="Name of the run and of the checkpoint it makes.",
        )  # fmt: skip
        datasets.add_popover(scope("add"), drafts.set_data, primary=not catalogue.list_data_sets())
    return data


def _data(values: dict, generation: int) -> DataSet | None:
    """Selection of the data; returns the one whose folder the values name."""
    found = {one.name: one for one in _sets(values)}
    root = str(values["data"].get("root", ""))
    chosen = next((name for name, one in found.items() if str(one.root) == root), None)
    names = list(found)
    key = scope("data", generation, len(names))
    st.selectbox(
        "Data", names, index=names.index(chosen) if chosen else None,
        placeholder="choose" if names else "add some first",
        format_func=lambda name: f"{name}: {datasets.summary(found[name])}" if name in found else name,
        key=key, on_change=_data_chosen, args=(key,),
        help="Folders that were added once; the page Data shows what they hold.",
    )  # fmt: skip
    return found.get(chosen or "")


def _chosen(key: str, then) -> None:
    if st.session_state[key]:
        then(st.session_state[key])


def _data_chosen(key: str) -> None:
    name = st.session_state[key]
    data = next((one for one in catalogue.list_data_sets() if one.name == name), None)
    if data is not None:
        drafts.set_data(data)


page()
