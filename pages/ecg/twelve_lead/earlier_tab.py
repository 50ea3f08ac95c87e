"""Tab: what changed since an earlier recording of the same person."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.median_beats import overlaid_picture
from ecgviz.reports.resting_pdf import MARK, Earlier, number
from ecgviz.signals.resting import RestingMeasurements
from ecgviz.signals.serial import Change, compare_resting
from ecgviz.sources.address import stamp
from pages.ecg.twelve_lead import caching
from pages.ecg.twelve_lead.keys import scope
from pages.parts import file_browser, progress, shared_calls
from pages.parts.background_call import BackgroundCall

_ADDRESS = scope("earlier")
_WAIT_S = 2.0


def show(measuring: BackgroundCall) -> None:
    """A choice of an earlier recording, or what changed since."""
    call = chosen()
    if call is None:
        st.caption("Choose an earlier recording of the same person; nothing is kept of it.")
        file_browser.show("earlier", _choose)
        return
    st.button("Choose another", icon=":material/undo:", key=scope("earlier_again"), on_click=_choose, args=("",))
    if not call.wait(_WAIT_S) or not measuring.done:
        progress.bar(call, "Measuring", scope("earlier_bar"))
        return
    error = call.error or measuring.error
    measured: RestingMeasurements | None = measuring.result
    earlier: Earlier | None = call.result
    if error is not None:
        st.error(str(error))
    elif earlier is None or measured is None:
        st.info("Fewer than three whole beats were found in one of the two, so they cannot be compared.")
    else:
        _compare(earlier, measured)


def chosen() -> BackgroundCall | None:
    """The call that opens and measures the chosen recording; None where none is chosen."""
    address = st.session_state.get(_ADDRESS)
    if not address:
        return None
    try:
        mark = stamp(address)
    except EcgvizError:
        mark = ""  # opening it says what is wrong
    return shared_calls.watch("earlier", caching.earlier, address, mark)


def _choose(address: str) -> None:
    st.session_state[_ADDRESS] = address


def _compare(earlier: Earlier, measured: RestingMeasurements) -> None:
    st.markdown(f"## Since {earlier.name}")
    changes = compare_resting(earlier.measured, measured)
    rows = ["| | before | now | change | |", "|:--|--:|--:|--:|:--|", *map(_row, changes)]
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=420):
            st.markdown("\n".join(rows))
        with st.container(width="stretch"):
            picture, _, _ = overlaid_picture(earlier.measured.median, measured.median, dpi=110)
            st.image(picture, caption=earlier.words(measured))


def _row(one: Change) -> str:
    mark = f"**{MARK}**" if one.marked else ""
    values = number(one.before, one), number(one.now, one), number(one.difference, one, "+")
    return f"| {one.name} | {' | '.join(values)} | {mark} |"
