"""A sweep: several trainings of the form's settings, one for each combination of some values."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import confine
from models.config import TrainConfig
from models.core.words import counted
from models.experiments import sweep
from pages.parts import access
from pages.workshop.train.keys import scope

_OUTCOME = scope("sweep_outcome")
_SHOWN = 12


def show(config: TrainConfig) -> None:
    """Settings and their values, what would be trained, and the button that queues it."""
    with st.expander("Sweep: several trainings at once", icon=":material/grid_on:", key=scope("sweep")):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            text = st.text_area(
                "A setting and its values on a line", key=scope("sweep_text"), height=110, width=380,
                placeholder="lr=1e-3,3e-4\nbatch_size=16,32", persist_state="session",
                help="`name=value,value` tries each, `name=low..high` is a range to draw from; names as `--set` takes "
                "them, which each setting's help shows.",
            )  # fmt: skip
            count = st.number_input(
                "Random draws", 0, sweep.MOST_RUNS, 0, key=scope("sweep_count"), width=150, persist_state="session",
                help="0 trains every combination of the values; a range needs a number of draws.",
            )  # fmt: skip
        wanted, fault = [], ""
        if lines := [line.strip() for line in text.splitlines() if line.strip()]:
            try:
                wanted = sweep.combinations(lines, int(count))
                sweep.configurations(config, wanted)
            except EcgvizError as error:
                wanted, fault = [], str(error)
        if fault:
            st.error(fault)
        for one in wanted[:_SHOWN]:
            st.caption(", ".join(f"{name} {value}" for name, value in one.items()))
        if len(wanted) > _SHOWN:
            st.caption(f"and {len(wanted) - _SHOWN} more")
        st.button(
            f"Queue {counted(len(wanted), 'training')}", icon=":material/playlist_add:", key=scope("sweep_start"),
            disabled=not wanted, on_click=_submit, args=(config, wanted),
        )  # fmt: skip
        if words := st.session_state.pop(_OUTCOME, ""):
            st.info(words)


def _submit(config: TrainConfig, wanted: list[sweep.Combination]) -> None:
    if not access.permit().allowed:
        return
    try:
        for _, one in sweep.configurations(config, wanted):
            confine(one.model_dump(mode="json"))
        jobs = sweep.submit(config, wanted, who=access.who())
        st.session_state[_OUTCOME] = f"{counted(len(jobs), 'training')} queued; Experiments compares them."
    except EcgvizError as error:
        st.session_state[_OUTCOME] = str(error)
