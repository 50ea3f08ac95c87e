"""Form for overriding a verdict, with a mandatory reason and name."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.overrides import VERDICTS, Override, override
from ecgviz.errors import EcgvizError
from ecgviz.results import Verdict
from pages.inspection import keys


def picker(verdict: Verdict | None, decided: Override | None) -> None:
    """Popover with the form; the network's verdict is kept."""
    holds = decided.new if decided is not None else verdict.verdict if verdict is not None else ""
    # Another key is another popover: this one closes when its decision was entered.
    key = keys.scope("override", verdict.sha256[:16] if verdict is not None else "", decided.time if decided else "")
    with st.popover(
        "Decide otherwise", icon=":material/gavel:", key=key, disabled=verdict is None or not verdict.sha256,
        help="Enters your verdict into the log beside the network's, with your reason and name.",
    ):  # fmt: skip
        if verdict is not None:
            _form(verdict, holds, key)


def _form(verdict: Verdict, holds: str, key: str) -> None:
    with st.form(f"{key}-form", border=False):
        st.caption(f"It is **{holds}** now. The network's own result is kept, and so is every earlier decision.")
        new = st.segmented_control(
            "Verdict", [one for one in VERDICTS if one != holds], required=True, key=f"{key}-new"
        )
        reason = st.text_area("Reason", key=f"{key}-reason", max_chars=2000, height=90)
        who = st.text_input("Your name", value=st.session_state.get(keys.DECIDER, ""), key=f"{key}-who", max_chars=200)
        if st.form_submit_button("Enter", type="primary"):
            try:
                entered = override(verdict, new or "", reason=reason, who=who)
            except EcgvizError as error:
                st.error(str(error))
                return
            st.session_state[keys.DECIDER] = entered.who
            st.rerun()
