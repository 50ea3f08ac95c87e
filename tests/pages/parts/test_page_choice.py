"""What a person opens is shown where it belongs, whatever page it was opened from; a link stays on its page."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.navigation import HOLTER, TWELVE_LEAD
from pages.parts import keys, page_choice
from readers.channels.lead_order import is_unnamed
from readers.core.lead_names import EIGHT_LEADS, TWELVE_LEADS
from readers.recording import ArraySource, Recording
from tests.ecgviz.simulated import only, sheet, twelve_leads
from tests.pages.conftest import PAGES
from tests.pages.outline import metrics, settle

ON = {"home": "parts-open_own-from", "holter": "parts-open-from", "twelve-lead": "parts-open-from"}


def _open_path(app: AppTest, page: str, path: str) -> AppTest:
    app.button_group(key=ON[page]).set_value("Path").run()
    app.text_input[0].set_value(path)
    next(one for one in app.button if one.label == "Open path").click()
    app.run()
    # AppTest runs the page again that it was told of; a browser that to which it was led.
    while app.session_state[keys.SUITING]:
        app.switch_page(PAGES[app.session_state[keys.LAST_PAGE].url_path])
        app.run()
    app.switch_page(PAGES[app.session_state[keys.LAST_PAGE].url_path])
    return settle(app.run())


def _write(folder, name: str, recording: Recording) -> str:
    leads = recording.leads
    wfdb.wrsamp(
        name, recording.fs, ["mV"] * len(leads), list(leads), recording.signal_mV().astype(float),
        fmt=["16"] * len(leads), write_dir=str(folder),
    )  # fmt: skip
    return f"{name}.hea"


def _is_on(app: AppTest, page: str) -> bool:
    """By what each page alone shows: intervals, counts of beats, a picture."""
    if page == "photo":
        return any(one.key == "twelve_lead-turn" for one in app.button)
    return ("QRS" if page == "twelve-lead" else "Beats") in metrics(app)


@pytest.mark.parametrize("start", ON)
def test_opening_leads_to_the_page_that_suits(visit, own_home, start):
    folder = own_home / "data"
    resting = _write(folder, "resting", twelve_leads(seconds=10.0))
    strip = _write(folder, "strip", only(twelve_leads(seconds=10.0), ("II", "V1")))
    Image.fromarray(sheet()).save(folder / "sheet.png")
    for path, page in ((strip, "holter"), (resting, "twelve-lead"), ("sheet.png", "photo"), (strip, "holter")):
        app = visit(start)
        app = _open_path(app, start, path)
        assert not app.exception
        assert not app.error
        assert _is_on(app, page), path


def test_a_link_stays_on_its_page(visit, own_home):
    resting = _write(own_home / "data", "resting", twelve_leads(seconds=10.0))
    assert _is_on(visit("holter", record=f"path:{resting}"), "holter")


def test_a_recording_that_has_both_answers_links_them(visit, own_home):
    resting = _write(own_home / "data", "resting", twelve_leads(seconds=10.0))
    for page, label in (("holter", "As a 12-lead ECG"), ("twelve-lead", "Beat by beat")):
        app = visit(page, record=f"path:{resting}")
        assert label in [one.label for one in app.get("page_link")]
    app = visit("holter", record="sample:mitdb-208")
    assert "As a 12-lead ECG" not in [one.label for one in app.get("page_link")]


@pytest.mark.parametrize(
    ("leads", "seconds", "page"),
    [
        (TWELVE_LEADS, 10, TWELVE_LEAD),
        (EIGHT_LEADS, 10, TWELVE_LEAD),
        (TWELVE_LEADS, 3600, HOLTER),
        (("MLII", "V1"), 10, HOLTER),
        (tuple(f"lead {k}" for k in range(1, 13)), 10, TWELVE_LEAD),
        (tuple(f"lead {k}" for k in range(1, 13)), 3600, HOLTER),
        (tuple(f"lead {k}" for k in range(1, 4)), 10, HOLTER),
    ],
)
def test_the_page_goes_by_leads_and_length(leads, seconds, page):
    n = round(seconds * 100)
    empty = Recording("x", 100.0, n, leads, ("mV",) * len(leads), ArraySource(np.zeros((1, len(leads)))), "array")
    assert is_unnamed(empty) == leads[0].startswith("lead")
    assert page_choice.page_of(empty) is page


@pytest.mark.data
@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("mitdb/222", "holter"),
        ("cinc2017/A00005", "holter"),
        ("ecg_cases/apple_watch_pt.csv", "holter"),
        ("ludb/1", "twelve-lead"),
        ("formats/contec_0000050.edf", "twelve-lead"),
        ("ecg_paper_images/kit_JS00001-0.png", "photo"),
    ],
)
def test_files_that_were_not_made_here(visit, data_root, monkeypatch, path, page):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(data_root))
    app = _open_path(visit("home"), "home", path)
    assert not app.exception
    assert _is_on(app, page)


def test_what_cannot_be_opened_leaves_what_is_open_and_says_so_where_it_was_asked(visit, own_home):
    (own_home / "data" / "broken.edf").write_bytes(b"0       " + b"x" * 400)
    for name in ("a", "b"):
        _write(own_home / "data", name, only(twelve_leads(seconds=10.0), ("II", "V1")))
    app = visit("holter", record="sample:mitdb-208", t="30")
    counted, link = metrics(app)["Beats"], dict(app.query_params)
    for path, fault in (("absent", "no such file"), ("broken.edf", "broken.edf"), ("../..", "outside the folders")):
        app = _open_path(app, "holter", path)
        assert [fault in one.value for one in app.error] == [True]
        assert (metrics(app)["Beats"], dict(app.query_params)) == (counted, link), "it is still open, where it was"
        key = f"parts-open-{app.session_state[keys.OPENINGS]}"
        assert app.session_state[key], "the popover is open and says it"
    app.button_group(key=ON["holter"]).set_value("Path").run()
    app.text_input[0].set_value(".")
    next(one for one in app.button if one.label == "Open path").click().run()
    assert [one.label for one in app.button if one.label.endswith(".hea")][:2] == ["a.hea", "b.hea"]
