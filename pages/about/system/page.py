"""Page System: installation checks with remedies, devices and folders."""

from __future__ import annotations

import streamlit as st

from ecgviz.doctor import Check, examine
from ecgviz.home import home_folder
from ecgviz.sources.roots import data_roots
from models.checkpoints import checkpoints_root
from pages.parts import tables
from pages.parts.key_scope import KeyScope

PURPOSE = "Whether everything is in place; `python -m ecgviz doctor` prints the same."
scope = KeyScope("system")


@st.cache_data(ttl=600, show_spinner="Looking at the installation")
def _checks() -> list[Check]:
    return examine()


def page() -> None:
    """The whole page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("System", anchor=False)
        st.button("Check again", on_click=_checks.clear, icon=":material/refresh:")
    st.markdown(PURPOSE)
    checks = _checks()
    faults = [check for check in checks if not check.ok]
    if faults:
        st.warning(f"{len(faults)} of {len(checks)} checks found a fault.", icon=":material/warning:")
        for check in faults:
            st.error(f"**{check.name}**: {check.detail}. {check.remedy}")
    else:
        st.success(f"All {len(checks)} checks passed.", icon=":material/check:")
    tables.dataframe(
        [{"Check": check.name, "State": "ok" if check.ok else "fault", "Found": check.detail} for check in checks],
        hide_index=True,
        key=scope("checks"),
        height="content",
    )
    st.markdown("##### Folders")
    rows = [
        ("Uploads, fetched records", str(home_folder()), "ECGVIZ_HOME"),
        ("Checkpoints", str(checkpoints_root()), "ECGVIZ_CHECKPOINTS"),
        *(("Recordings that may be opened by path", str(root), "ECGVIZ_DATA_ROOTS") for root in data_roots()),
    ]
    tables.dataframe(
        [{"What": what, "Folder": folder, "Set by": variable} for what, folder, variable in rows],
        hide_index=True,
        key=scope("folders"),
        height="content",
    )


page()
