"""Registry of pages: `st.switch_page` and `st.page_link` take an entry's `page()`, never a path.

What stands here is shared by all sessions, so it does not change. `st.navigation` marks the ``st.Page`` that is to run;
one that two sessions had in common would be run for the wrong one, so a run of the script makes its own.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import streamlit as st

_FOLDER = Path(__file__).resolve().parent
_navigated = threading.Event()
"""Whether a run of this server has told Streamlit its pages."""


@dataclass(frozen=True)
class Entry:
    """A page of the navigation.

    Attributes:
        folder: of its script, page.py, and of its parts; below this one.
        title: its name in the sidebar.
        icon: of Material Symbols.
        url_path: its place in the address; "" for the page that comes first.
    """

    folder: str
    title: str
    icon: str
    url_path: str

    @property
    def file(self) -> Path:
        """Path of its script."""
        return _FOLDER / self.folder / "page.py"

    def page(self) -> st.Page:
        """The `st.Page`, for this script run only."""
        address = {"url_path": self.url_path} if self.url_path else {"default": True}
        return st.Page(self.file, title=self.title, icon=f":material/{self.icon}:", **address)


HOME = Entry("home", "Home", "home", "")
HOLTER = Entry("ecg/holter", "Holter", "ecg_heart", "holter")
TWELVE_LEAD = Entry("ecg/twelve_lead", "12-lead", "cardiology", "twelve-lead")
SCAN = Entry("inspection/scan", "Scan", "battery_unknown", "scan")
VOLUME = Entry("inspection/volume", "Volume", "view_in_ar", "volume")
BATCH = Entry("inspection/batch", "Batch", "inventory", "batch")
SIMULATOR = Entry("inspection/simulator", "Simulator", "compare", "simulator")
TRAIN = Entry("workshop/train", "Train", "model_training", "train")
DATA = Entry("workshop/data", "Data", "database", "data")
EXPERIMENTS = Entry("workshop/experiments", "Experiments", "science", "experiments")
NETWORKS = Entry("about/networks", "Networks", "hub", "networks")
SYSTEM = Entry("about/system", "System", "dns", "system")

SECTIONS = MappingProxyType(
    {
        "": (HOME,),
        "ECG": (HOLTER, TWELVE_LEAD),
        "Inspection": (SCAN, VOLUME, BATCH, SIMULATOR),
        "Workshop": (TRAIN, DATA, EXPERIMENTS),
        "About": (NETWORKS, SYSTEM),
    }
)


def page_of_this_run() -> st.Page | None:
    """The page that the address names; None where a browser is this server's first, which then has to come again.

    Until a run has called `st.navigation`, Streamlit takes a folder ``pages`` for its old kind of pages: the first
    visitor sees a list of its files, and who comes by a link is told that there is no such page. No setting says
    otherwise, and what the browser was told it keeps until it loads the address once more.
    """
    first = not _navigated.is_set() and bool(st.context.url)
    page = st.navigation(sections())
    _navigated.set()
    return None if first else page


def sections() -> dict[str, list[st.Page]]:
    """All pages for `st.navigation`, for this script run only."""
    return {title: [entry.page() for entry in entries] for title, entries in SECTIONS.items()}


def reads(page: st.Page) -> Literal["ecg", "record", "image"]:
    """What a page classifies: beats, whole recordings or pictures."""
    if page.url_path == TWELVE_LEAD.url_path:
        return "record"
    return "image" if page.url_path in {entry.url_path for entry in SECTIONS["Inspection"]} else "ecg"
