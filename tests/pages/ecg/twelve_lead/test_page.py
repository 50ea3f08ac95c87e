"""The 12-lead page under AppTest: labels, map, weights, intervals, two networks, and how it answers nonsense."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from models.tasks.record import RecordTask
from pages.parts import caching
from tests.ecgviz.simulated import EIGHT, only, save_record_checkpoint, twelve_leads
from tests.ecgviz.test_choice import write
from tests.pages.outline import metrics, outline, settle

SAMPLE = "sample:dicom-12-lead"
EIGHT_TASK = RecordTask(target="abnormal", ecg_leads=EIGHT)


@pytest.fixture(scope="session")
def record_checkpoints(tmp_path_factory) -> Path:
    """Two small networks for 12 leads and one for 8."""
    folder = tmp_path_factory.mktemp("record-checkpoints")
    sure = {"thresholds": dict.fromkeys(RecordTask().classes, 0.3)}
    save_record_checkpoint(folder / "ecg12-xresnet", RecordTask(), calibration=sure)
    save_record_checkpoint(folder / "second", RecordTask(), seed=5, calibration={"refer_from": 0.0})
    save_record_checkpoint(folder / "eight", EIGHT_TASK)
    return folder


@pytest.fixture
def read(record_checkpoints, monkeypatch, visit_with) -> Callable[..., AppTest]:
    """``visit`` with the checkpoints of ``record_checkpoints``."""
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(record_checkpoints))
    caching.checkpoints.clear()
    return lambda **query: visit_with("twelve-lead", **query)


def _charts(app: AppTest) -> dict[str, dict]:
    """Figures by the first trace's kind: paper, labels, weight, median."""
    return {json.loads(one.proto.spec)["data"][0].get("name", ""): json.loads(one.proto.spec) for one in _all(app)}


def _all(app: AppTest) -> list:
    return list(app.get("plotly_chart"))


def _paper(app: AppTest) -> dict:
    return json.loads(_all(app)[0].proto.spec)


def _write(folder: Path, recording, name: str = "ecg") -> str:
    header = ",".join(recording.leads)
    np.savetxt(folder / f"{name}.csv", recording.signal_mV(), delimiter=",", header=header, comments="", fmt="%.4f")
    return f"path:{name}.csv"


def test_empty_page(read, snapshot):
    snapshot("twelve_lead_empty", outline(read()))


def test_structure(read, snapshot):
    app = settle(read(record=SAMPLE), evidence=True)
    assert not app.exception
    assert not app.error
    snapshot("twelve_lead", outline(app))


def test_intervals_of_the_sample(read):
    found = metrics(read(record=SAMPLE))
    assert found["Rate"] == "61 /min"
    for name, low, high in (("PR", 130, 175), ("QRS", 70, 100), ("QT", 350, 400), ("QTc Bazett", 350, 405)):
        assert low <= int(found[name].split()[0]) <= high, name


def test_labels_have_thresholds_and_a_range(read):
    app = read(record=SAMPLE)
    bars = next(json.loads(one.proto.spec) for one in _all(app) if "probability" in one.proto.spec)
    assert len(bars["data"][0]["y"]) == 5 and len(bars["layout"]["shapes"]) == 5
    assert {round(shape["x0"], 2) for shape in bars["layout"]["shapes"]} == {0.3}


def test_an_unsure_answer_is_marked(read):
    app = read(record=SAMPLE, network12="second")
    assert any("Uncertain: refer" in one.value for one in app.markdown)
    assert any("least certain fifth" in one.value for one in app.caption)


def test_the_map_goes_with_its_switch_and_its_label(read):
    app = read(record=SAMPLE)
    assert len(_paper(app)["layout"]["images"]) >= 12
    settle(app.selectbox(key="label").select("HYP").run())
    assert "importance for HYP" in json.dumps(_paper(app))
    assert any("Weight of each lead** for HYP" in one.value for one in app.markdown)
    app.toggle(key="map12").set_value(False).run()
    assert not _paper(app)["layout"].get("images")


@pytest.mark.parametrize("layout", ["stacked", "12x1", "12x1 Cabrera", "6x2", "3x4"])
def test_layouts(read, layout):
    app = read(record=SAMPLE, layout=layout)
    assert not app.exception
    assert app.selectbox(key="layout").value == layout
    assert len(_all(app)[0].proto.spec) < 600_000
    assert ("<b>-aVR</b>" in json.dumps(_paper(app))) == (layout == "12x1 Cabrera")


def test_the_eight_lead_network_stands_beside_it(read):
    app = read(record=SAMPLE)
    assert any("Normal or abnormal**, by 8 leads" in one.value for one in app.markdown)
    app = read(record=SAMPLE, network12="eight")
    assert not app.exception
    assert not any("Normal or abnormal**" in one.value for one in app.markdown)


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "grad_cam"])
def test_evidence_has_numbers(read, method):
    app = settle(read(record=SAMPLE, method12=method), evidence=True)
    assert metrics(app)["Finest detail"].endswith(" ms")
    assert any(word in one.value for one in app.markdown for word in ("Weak explanation", "passed all"))


def test_two_networks(read, snapshot):
    app = settle(read(record=SAMPLE, tab12="Compare two networks", beside="second"))
    assert not app.exception
    assert [one.value for one in app.markdown if one.value.startswith("## ")] == [
        "## ecg12-xresnet",
        "## second",
    ]
    assert app.dataframe[0].value.shape == (5, 4)


def test_what_changed_since_an_earlier_recording(read, own_home):
    for name, seed in (("now", 3), ("before", 4)):
        write(own_home / "data", name, twelve_leads(seed=seed))
    app = settle(read(record="path:now", tab12="Earlier recording"))
    next(button for button in app.button if button.label == "before.hea").click()
    settle(app.run())
    assert not app.exception
    [table] = [one.value for one in app.markdown if one.value.startswith("| | before | now |")]
    assert "| QRS |" in table
    assert "| ST V6 |" in table
    assert any(one.value == "## Since before" for one in app.markdown)


def test_about(read):
    app = read(record=SAMPLE, tab12="About this recording")
    assert not app.exception
    assert any("windows of 8 s" in one.value for one in app.markdown)


def test_eight_leads_are_enough(read, own_home):
    address = _write(own_home / "data", only(twelve_leads(), EIGHT))
    app = read(record=address)
    app.number_input[0].set_value(100.0)
    next(button for button in app.button if button.label == "Open").click()
    settle(app.run())
    assert not app.exception
    assert any("III, aVR, aVL, aVF are computed" in one.value for one in app.warning)


def test_a_long_recording_has_views(read, own_home):
    address = _write(own_home / "data", twelve_leads(seconds=40.0))
    app = read(record=address)
    app.number_input[0].set_value(100.0)
    next(button for button in app.button if button.label == "Open").click()
    settle(app.run())
    assert app.button(key="ecg-back").disabled
    settle(app.button(key="ecg-on").click().run())
    assert not app.exception
    assert _paper(app)["layout"]["xaxis"]["range"][1] > 20


def test_a_holter_recording_gets_one_sentence(read):
    app = read(record="sample:mitdb-208")
    assert not app.exception
    assert any("lacks" in one.value for one in app.error)
    assert _paper(app)["data"], "the recording is still shown"


def test_leads_without_names_are_asked_for(read, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path))
    recording = twelve_leads()
    samples = recording.signal_mV() * np.linspace(1, 2, 12)  # so that Einthoven's law does not name them
    (samples * 1000).astype("<i2").tofile(tmp_path / "a.dat")
    lines = [f"a 12 {recording.fs:g} {len(samples)}", *["a.dat 16 1000(0)/mV 16 0 0 0 0"] * 12]
    (tmp_path / "a.hea").write_text("\n".join(lines) + "\n")
    app = read(record="path:a")
    assert not app.exception and not app.error, "it is a question and no fault"
    assert any("does not name its leads" in one.value for one in app.info)
    assert "twelve_lead-again" not in {one.key for one in app.button}, "the same would come out"
    assert len(_paper(app)["data"]) >= 12, "and the recording is shown meanwhile, each channel"
    given = app.text_input[-1]
    assert given.value == "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6"
    given.set_value("I II")
    app.button(key="FormSubmitter:twelve_lead-names_form-Name the leads").click().run()
    assert "12 leads and 2 names" in app.error[-1].value
    given = app.text_input[-1]
    given.set_value("I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6")
    app = settle(app.button(key="FormSubmitter:twelve_lead-names_form-Name the leads").click().run())
    assert not app.error and not app.exception
    assert "aVR" in json.dumps(_paper(app))


@pytest.mark.parametrize("record", ["sample:nothing", "path:/etc/passwd", "javascript:alert(1)"])
def test_a_hostile_link_gets_one_sentence(read, record):
    app = read(record=record)
    assert not app.exception
    assert len(app.error) == 1
    assert not _all(app)


@pytest.mark.parametrize(
    "query", [{"t": "nan"}, {"t": "1e99"}, {"label": "AFIB"}, {"method12": "x"}, {"network12": "y"}]
)
def test_nonsense_in_a_link_is_harmless(read, query):
    app = read(record=SAMPLE, **query)
    assert not app.exception
    assert not app.error


def test_without_a_checkpoint_it_says_what_to_do(monkeypatch, tmp_path, visit_with):
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "none"))
    caching.checkpoints.clear()
    app = visit_with("twelve-lead", record=SAMPLE)
    assert not app.exception
    [error] = app.error
    assert "No checkpoint for whole recordings was found" in error.value
    assert "python -m models train ecg12_xresnet" in error.value


def test_a_link_opens_the_view(read):
    app = read(
        record=SAMPLE, label="for conduction disturbance (CD)", layout="6x2", method12="Grad-CAM (all leads alike)"
    )
    assert app.selectbox(key="label").value == "CD"
    assert app.selectbox(key="layout").value == "6x2"
    assert app.selectbox(key="method12").value == "grad_cam"


@pytest.mark.parametrize(
    ("way", "button", "lacking"),
    [
        ("Upload", "Open upload", "No file has arrived yet. Choose one first."),
        ("Path", "Open path", "Enter a path first."),
        ("PhysioNet", "Fetch", "Enter the name of a record first."),
    ],
)
def test_a_form_without_its_answer_says_what_it_lacks(visit, way, button, lacking):
    app = visit("twelve-lead")
    app.button_group(key="parts-open-from").set_value(way).run()
    next(one for one in app.button if one.label == button).click().run()
    assert not app.exception
    assert lacking in [one.value for one in app.info]
