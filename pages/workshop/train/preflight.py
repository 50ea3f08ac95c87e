"""Preflight check and start of a training."""

from __future__ import annotations

import json

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import confine
from models.config import TrainConfig, make_config
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError
from models.core.words import counted
from models.experiments.preflight import Outlook, network_size, outlook
from models.jobs import backend
from models.plugins import plugin_of
from pages.parts import access, notices, progress
from pages.parts.background_call import BackgroundCall
from pages.workshop import draft as drafts
from pages.workshop import keys
from pages.workshop.train.keys import REFUSED, scope

_CHECK = scope("checked")
_DASH = "–"


@st.cache_resource(max_entries=16, show_spinner=False)
def checking(values: str) -> BackgroundCall:
    """Background call that checks a configuration; its result is an ``Outlook``."""

    def compute(tell: Progress, should_stop: ShouldStop) -> Outlook:
        return outlook(make_config(json.loads(values)), progress=tell, should_stop=should_stop)

    return BackgroundCall(compute)


def show(config: TrainConfig | None, error: EcgvizError | None) -> None:
    """The check and the start button."""
    key = None if config is None else json.dumps(config.model_dump(mode="json"), sort_keys=True)
    asked = key is not None and st.session_state.get(_CHECK) == key
    call = checking(key) if asked and key is not None else None
    result: Outlook | None = call.result if call is not None and call.done else None
    with st.container(border=True, key=scope("before")):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(horizontal=True, key=scope("before_figures")):
                _metrics(config, result)
            with st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"):
                st.button(
                    "Check", icon=":material/fact_check:", on_click=_check, args=(key,), key=scope("check_button"),
                    disabled=key is None, help="Counts the data of both sides and measures a few steps here.",
                )  # fmt: skip
                st.button(
                    "Start", icon=":material/play_arrow:", type="primary", on_click=_start, key=scope("start"),
                    disabled=key is None, help="Puts the training into the queue; it runs on when this page is closed.",
                )  # fmt: skip
        with st.container(key=scope("before_note")):
            _note(error, call, result)


def _metrics(config: TrainConfig | None, result: Outlook | None) -> None:
    train, validation = _counted(result)
    st.metric("Train", train, width="content", help=_classes(result, "train"))
    st.metric(
        "Validation", validation, width="content", help=f"The epoch is chosen by it. {_classes(result, 'validation')}"
    )
    st.metric("Test", _test(config, result), width="content", help="Kept apart: neither trained on nor chosen by.")
    size = network_size(config) if config else 0
    words = f"{size / 1e6:.3g} M" if size >= 1e5 else f"{size:,}"
    st.metric("Parameters", words if config else _DASH, width="content", help="Trained numbers of the network.")
    st.metric("Memory", f"{result.memory_bytes / 1e9:.1f} GB" if result else _DASH, width="content",
              help="At the peak: the program, the data, the network and what a step keeps. An estimate.")  # fmt: skip
    time = f"{progress.spell_seconds(result.seconds)}" if result else _DASH
    where = {"cpu": "CPU", "cuda": "GPU"}.get(result.device, result.device) if result else "this machine"
    st.metric(f"Time on {where}", time, width="content",
              help="All epochs, from a few measured steps; other work on the machine makes it longer.")  # fmt: skip


def _test(config: TrainConfig | None, result: Outlook | None) -> str:
    if config is None or result is None:
        return _DASH
    return "none" if not result.test else counted(result.test, plugin_of(config).case)


def _counted(result: Outlook | None) -> tuple[str, str]:
    if result is None:
        return _DASH, _DASH
    train, validation = (f"{count:,} {result.cases.units}" for count in result.cases.sizes)
    return train, validation


def _classes(result: Outlook | None, side: str) -> str:
    if result is None:
        return "Cases on this side of the split; Check counts them."
    counts = getattr(result.cases, side)
    return " · ".join(f"{name} {count:,}" for name, count in counts.items())


def _note(error: EcgvizError | None, call: BackgroundCall | None, result: Outlook | None) -> None:
    """Message about the check, in a constant place."""
    if error is not None:
        named = isinstance(error, ConfigError) and error.field != "data.root"
        words = error.why if isinstance(error, ConfigError) else str(error)
        words = f"{words[:1].upper()}{words[1:]}".rstrip(".")
        st.markdown(f":red[:material/error: {words}.]" + (f" `{error.field}`" if named else ""))
    elif call is not None and not call.done:
        progress.bar(call, "Checking", scope("check"))
    elif call is not None and call.error is not None:
        st.markdown(f":red[:material/error: {call.error}]")
    elif result is not None:
        counts = f"Train: {_classes(result, 'train')}. Validation: {_classes(result, 'validation')}."
        notices.show(result.warnings)
        st.caption(f"{counts} About {counted(result.cases.steps, 'step')} an epoch, {result.step_s:.2g} s each.")
    else:
        st.caption("Check counts the data and measures a few steps; Start needs no check.")


def _check(key: str) -> None:
    st.session_state[_CHECK] = key
    call = checking(key)
    if call.done and call.error is not None:
        checking.clear(key)


def _start() -> None:
    """Submit the draft and select the new run."""
    if not access.permit().allowed:
        return
    draft = drafts.current()
    try:
        config = make_config(confine(drafts.values(draft)))
        job = backend().submit(config, who=access.who(), name=config.name)
    except ConfigError as error:
        st.session_state[REFUSED] = str(error)
        return
    except EcgvizError as error:
        st.session_state[REFUSED] = str(error)
        return
    st.session_state[keys.RUN] = job
    st.session_state.pop(REFUSED, None)
