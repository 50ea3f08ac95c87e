"""The Holter page under AppTest: what it shows, where its controls go, and how it answers nonsense."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats
from ecgviz.figures.beat_marks import words_of
from ecgviz.reports.tables import beat_table
from ecgviz.sources.address import open_address
from ecgviz.sources.spool import spool
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from pages.ecg.holter import about_tab, summary
from pages.ecg.twelve_lead import about
from readers.recording import ArraySource, Recording
from tests.pages.outline import link_of, metrics, outline, paper_of, settle, view_of
from tests.readers.conftest import write_edf

SAMPLE = "sample:mitdb-208"


@pytest.mark.parametrize(("n_leads", "wanted"), [(1, "A"), (3, "A B C"), (4, "4 leads"), (12, "12 leads")])
def test_the_title_has_room(n_leads, wanted):
    leads = tuple("ABCDEFGHIJKL"[:n_leads])
    source = ArraySource(np.zeros((500, n_leads), np.float32))
    told: list[str] = []
    recording = Recording("r", 250.0, 500, leads, ("mV",) * n_leads, source, "array")
    summary.title(SimpleNamespace(markdown=told.append), recording, None)
    assert told == [f"# **r** · 00:02 · {wanted} · 250 Hz"]


def _send(app, address: dict[str, str]) -> None:
    """The next request carries this address."""
    for name in tuple(app.query_params):
        del app.query_params[name]
    app.query_params.update(address)


def _csv(rows: int = 1000) -> bytes:
    t = np.arange(rows) / 250
    return "\n".join(["II", *(f"{v:.4f}" for v in np.sin(2 * np.pi * 1.2 * t) ** 20)]).encode()


def test_empty_page(visit, snapshot):
    snapshot("holter_empty", outline(visit("holter")))


def test_structure(visit, snapshot):
    app = settle(visit("holter", record=SAMPLE), evidence=True)
    assert not app.exception
    snapshot("holter", outline(app))


def test_numbers(visit, snapshot):
    """What does not hang on the network's last digit: beats found, heart rate, quality."""
    found = metrics(visit("holter", record=SAMPLE))
    kept = {name: found[name] for name in ("Beats", "Heart rate", "Signal usable")}
    share = int(re.search(r"\((\d+)%\)", found["V: ventricular ectopic"])[1])
    assert 10 <= share <= 40, "a third of the beats of this excerpt are V"
    snapshot("holter_numbers", [f"{name}: {value}" for name, value in kept.items()])


def test_an_address_that_a_slow_browser_sends_again_does_not_go_back(visit):
    app = visit("holter", record=SAMPLE, t="0")
    app.button(key="ecg-next-V").click().run()
    first, address = view_of(app), link_of(app)
    app.button(key="ecg-next-V").click().run()
    second = view_of(app)
    assert second != first
    _send(app, address)
    app.run()
    assert view_of(app) == second, "a request that was under way is no back button"
    _send(app, address)
    app.button(key="ecg-next-V").click().run()
    assert view_of(app)[1] > second[1], "nor is the next press of a key"


def test_the_back_button_is_followed(visit):
    app = visit("holter", record=SAMPLE, t="0")
    app.button(key="ecg-next-V").click().run()
    first, address = view_of(app), link_of(app)
    app.button(key="ecg-next-V").click().run()
    app.run()  # the browser has heard of the second view
    _send(app, address)
    app.run()
    assert view_of(app) == first


def test_gain_keys(visit):
    app = visit("holter", record=SAMPLE)
    app.button(key="ecg-gain-1").click().run()
    assert app.selectbox(key="gain").value == 20
    app.button(key="ecg-gain-1").click().run()
    assert app.selectbox(key="gain").value == 20


def test_a_link_restores_the_view(visit):
    app = visit("holter", record=SAMPLE)
    app.button(key="ecg-next-F" if not app.button(key="ecg-next-F").disabled else "ecg-next-V").click().run()
    app.selectbox(key="method").select("saliency").run()
    app.selectbox(key="seconds").select(20).run()
    link = link_of(app)
    assert {"record", "t", "beat"} <= set(link)
    again = visit("holter", **link)
    assert view_of(again) == view_of(app)
    assert again.selectbox(key="method").value == "saliency"
    assert again.selectbox(key="seconds").value == 20


def test_the_map_is_on_the_picture_and_goes_with_its_switch(visit):
    app = visit("holter", record=SAMPLE)
    paper = paper_of(app)
    [band] = paper["map"]["bands"]
    colours = paper["arrays"][band["array"]]
    assert band["lead"] == "MLII" and paper["lanes"][0]["read"]
    assert band["from"] < paper["view"]["start"] + paper["seconds"] / 2 < band["to"]
    assert colours.shape[1] == 4 and colours[:, 3].max() > 20, "it is seen"
    app.toggle(key="map").set_value(False).run()
    assert paper_of(app)["map"] is None


def test_evidence_has_numbers(visit):
    app = visit("holter", record=SAMPLE)
    found = metrics(settle(app, evidence=True))
    assert re.fullmatch(r"\d+ ms", found["Half of it within"])
    assert re.fullmatch(r"[+-]?\d\.\d\d", found["Marked part replaced"])
    assert any(word in one.value for one in app.markdown for word in ("Weak explanation", "passed all"))


def test_display_filter_is_printed_apart_from_the_network_input(visit):
    app = visit("holter", record=SAMPLE)
    app.selectbox(key="filter").select("monitor").run()
    printed = " ".join(paper_of(app)["printed"])
    assert "display filter: 0.5-40 Hz" in printed
    assert "network input:" in printed


@pytest.mark.parametrize("tab", ["Compare two checkpoints", "About this recording"])
def test_tabs(visit, snapshot, tab):
    app = visit("holter", record=SAMPLE, tab=tab)
    assert not app.exception
    assert not app.error
    if tab == "About this recording":
        snapshot("holter_about", outline(settle(app, evidence=True)))


@pytest.mark.parametrize("facts", [about_tab._facts, about._facts])
def test_remarks_on_a_file_stand_among_its_facts(facts):
    remark = "The checksums were not checked."
    source = ArraySource(np.zeros((10, 1), np.float32))
    recording = Recording("r", 250.0, 10, ("II",), ("mV",), source, "WFDB", remarks=(remark,))
    assert f"| Remarks | {remark} |" in facts(recording, None)
    assert "Remarks" not in facts(replace(recording, remarks=()), None)


def test_twelve_leads_have_a_layout(visit):
    app = visit("holter", record="sample:dicom-12-lead")
    assert app.selectbox(key="layout").value == "3x4 + II"
    lanes = paper_of(app)["lanes"]
    assert (len(lanes), len({lane["lead"] for lane in lanes})) == (13, 12), "lead II twice"
    assert {lane["from"] for lane in lanes} == {0.0, 0.25, 0.5, 0.75}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ("sample:nothing", "there is no such sample"),
        ("path:/etc/passwd", "outside the folders that may be opened"),
        ("path:../../../etc/passwd", "outside the folders that may be opened"),
        ("path:absent", "no such file or WFDB record"),
        ("upload:../../etc", "no longer on the server"),
        ("physionet:nowhere/1", "not known here"),
        ("physionet:mitdb/../../x", "no record of this name"),
        ("javascript:alert(1)", "names no recording"),
    ],
)
def test_a_hostile_link_gets_one_sentence(visit, record, sentence):
    app = visit("holter", record=record)
    assert not app.exception
    assert [sentence in one.value for one in app.error] == [True]
    assert not app.get("plotly_chart") and not paper_of(app)


def test_a_link_out_of_the_root_is_refused(visit, own_home):
    (own_home / "secret.csv").write_bytes(_csv())
    (own_home / "data" / "innocent.csv").symlink_to(own_home / "secret.csv")
    app = visit("holter", record="path:innocent.csv")
    assert "outside the folders" in app.error[0].value


def test_a_table_asks_for_what_it_does_not_say(visit, own_home):
    (own_home / "data" / "table.csv").write_bytes(_csv(5000))
    app = visit("holter", record="path:table.csv")
    assert "does not state" in app.info[0].value
    app.number_input[0].set_value(250.0)
    next(button for button in app.button if button.label == "Open").click()
    settle(app.run())
    assert not app.error
    assert "250 Hz" in app.markdown[0].value


def test_uploads_are_spooled_and_opened(visit):
    token = spool("0" * 32, [("ecg.csv", io.BytesIO(_csv(5000)))])
    app = visit("holter", record=f"upload:{token}")
    assert "does not state" in app.info[0].value


def test_a_hostile_zip_gets_one_sentence(visit):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.csv", _csv())
    token = spool("0" * 32, [("record.zip", packed)])
    app = visit("holter", record=f"upload:{token}")
    assert not app.exception
    assert "leads out of its folder" in app.error[0].value


@pytest.mark.parametrize("query", [{"t": "nan"}, {"t": "-5"}, {"t": "1e99"}, {"beat": "x"}, {"beat": "99999999999"}])
def test_nonsense_in_a_link_is_harmless(visit, query):
    app = visit("holter", record=SAMPLE, **query)
    assert not app.exception
    assert not app.error
    assert 0 <= view_of(app)[0] <= 290


@pytest.mark.data
def test_a_real_record_by_path(visit, data_root, monkeypatch):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(data_root))
    app = visit("holter", record="path:mitdb/100")
    assert not app.error
    assert 2200 <= int(metrics(app)["Beats"].replace(",", "")) <= 2300


def test_a_beat_tells_what_the_network_says_of_it_alone(visit):
    """Where the whole recording decided otherwise; the table has both, too."""
    beats = analyse_beats(open_address(SAMPLE), load_checkpoint(DEFAULT_BEAT_CHECKPOINT))
    index = int(np.flatnonzero(beats.changed)[0])
    at = int(beats.sample[index])
    app = visit("holter", record=SAMPLE, t=f"{at / beats.fs - 5:.2f}", beat=str(at))
    alone, label = words_of(beats.network_label[index]), words_of(beats.label[index])
    assert alone != label
    assert any(one.value.startswith(f"## {label}") for one in app.markdown)
    assert any(one.value.startswith(f"In its own minute the network says {alone}") for one in app.caption)
    row = beat_table(beats).iloc[index]
    assert (row["label"], row["network_label"]) == (beats.label[index], beats.network_label[index])


def test_another_lead_can_decide_and_stays_announced(app, visit):
    """A network that learnt from lead II alone; the default one has learnt from all twelve and announces none."""
    app.session_state["checkpoint"] = "beat-strip"
    app = visit("holter", record="sample:dicom-12-lead", lead="V2")
    assert not app.exception
    assert any("reads V2, as asked" in warning.value for warning in app.warning)
    settle(app.selectbox(key="lead").set_value("automatic").run())
    assert not any("as asked" in warning.value for warning in app.warning)


def test_no_reference_beats_without_annotations(visit):
    app = visit("holter", record=SAMPLE, beats="reference")
    assert any("without beat annotations" in caption.value for caption in app.caption)
    assert metrics(app)["Beats"] == metrics(visit("holter", record=SAMPLE))["Beats"]


@pytest.mark.data
def test_reference_beats_are_those_of_the_annotations(visit, data_root, monkeypatch):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(data_root))
    app = visit("holter", record="path:mitdb/100", beats="reference")
    assert not app.exception
    assert metrics(app)["Beats"] == "2,273", "the beats of record 100's .atr"


def test_mains_hum_can_be_taken_out(visit):
    app = visit("holter", record=SAMPLE, t="0")
    app.selectbox(key="filter").set_value("mains60").run()
    assert "notch 60 Hz" in " ".join(paper_of(app)["printed"])
    tiles = paper_of(app)["tiles"]
    app.selectbox(key="filter").set_value("none").run()
    plain = paper_of(app)["tiles"]
    assert tiles["source"] != plain["source"] and (tiles["arrays"]["0 0"] != plain["arrays"]["0 0"]).any()


def test_the_table_shows_the_classes_that_another_network_finds(visit):
    app = visit("holter", record=SAMPLE)
    names = app.selectbox(key="checkpoint").options
    for name in (*names, *names):  # the second time nothing is analysed, and the table is never away
        settle(app.selectbox(key="checkpoint").set_value(name).run())
        found = {label[0] for label, value in metrics(app).items() if label[1:2] == ":" and not value.startswith("0 ")}
        assert found <= set(app.dataframe[0].value["label"]) <= found | {"Q"}, name


def test_where_no_beats_are_looked_for_the_head_does_not_say_that_some_were_found(visit, own_home):
    noise = np.random.default_rng(0).normal(0, 0.02, (3000, 2))
    (own_home / "data").mkdir(exist_ok=True)
    write_edf(own_home / "data" / "brain.edf", noise, 100.0, labels=("EEG Fpz-Cz", "EOG horizontal"))
    app = visit("holter", record="path:brain.edf")
    assert _what_is_read(app) == "no ECG found"
    app.selectbox(key="lead").set_value("EEG Fpz-Cz").run()
    assert _what_is_read(app) == "EEG Fpz-Cz · beats found"


def _what_is_read(app) -> str:
    settle(app).run()
    assert not app.exception
    return next(one.value.removeprefix("**Read**: ") for one in app.markdown if one.value.startswith("**Read**: "))
