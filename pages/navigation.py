"""The pages, each once, as objects: `st.switch_page` takes these, never a path."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import streamlit as st

_FOLDER = Path(__file__).resolve().parent

HOME = st.Page(_FOLDER / "home.py", title="Home", icon=":material/home:", default=True)
HOLTER = st.Page(_FOLDER / "ecg" / "holter.py", title="Holter", icon=":material/ecg_heart:", url_path="holter")
TWELVE_LEAD = st.Page(
    _FOLDER / "ecg" / "twelve_lead.py", title="12-lead", icon=":material/cardiology:", url_path="twelve-lead"
)
SCAN = st.Page(_FOLDER / "inspection" / "scan.py", title="Scan", icon=":material/battery_unknown:", url_path="scan")
BATCH = st.Page(_FOLDER / "inspection" / "batch.py", title="Batch", icon=":material/inventory:", url_path="batch")
SIMULATOR = st.Page(
    _FOLDER / "inspection" / "simulator.py", title="Simulator", icon=":material/compare:", url_path="simulator"
)
TRAIN = st.Page(_FOLDER / "workshop" / "train.py", title="Train", icon=":material/model_training:", url_path="train")
DATA = st.Page(_FOLDER / "workshop" / "data.py", title="Data", icon=":material/database:", url_path="data")
EXPERIMENTS = st.Page(
    _FOLDER / "workshop" / "experiments.py", title="Experiments", icon=":material/science:", url_path="experiments"
)
NETWORKS = st.Page(_FOLDER / "about" / "networks.py", title="Networks", icon=":material/hub:", url_path="networks")
SYSTEM = st.Page(_FOLDER / "about" / "system.py", title="System", icon=":material/dns:", url_path="system")

SECTIONS = {
    "": [HOME],
    "ECG": [HOLTER, TWELVE_LEAD],
    "Inspection": [SCAN, BATCH, SIMULATOR],
    "Workshop": [TRAIN, DATA, EXPERIMENTS],
    "About": [NETWORKS, SYSTEM],
}


def reads(page: st.Page) -> Literal["ecg", "record", "image"]:
    """What a page has classified: beats, whole recordings or pictures."""
    if page.url_path == TWELVE_LEAD.url_path:
        return "record"
    return "image" if page.url_path in {one.url_path for one in SECTIONS["Inspection"]} else "ecg"
