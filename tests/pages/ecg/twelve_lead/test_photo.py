"""The 12-lead page with a picture of an ECG open, and with networks that read recordings drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from models.tasks.record import RecordTask
from pages.parts import caching
from tests.ecgviz.simulated import save_drawn_checkpoint, save_record_checkpoint, sheet
from tests.pages.outline import metrics, outline, settle
from tests.readers.paper.test_pictures import write_pdf

SAMPLE = "sample:dicom-12-lead"


@pytest.fixture(scope="session")
def drawn_checkpoints(tmp_path_factory) -> Path:
    """A network for samples, one for paper and one for matrices."""
    folder = tmp_path_factory.mktemp("drawn-checkpoints")
    save_record_checkpoint(folder / "ecg12-xresnet", RecordTask(), seed=11)
    save_drawn_checkpoint(folder / "net-sheets", "paper")
    save_drawn_checkpoint(folder / "net-grids", "matrix", "ecg_deit", patch=16)
    return folder


@pytest.fixture
def read(drawn_checkpoints, monkeypatch, visit_with) -> Callable[..., AppTest]:
    """``visit`` with the checkpoints of ``drawn_checkpoints``."""
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(drawn_checkpoints))
    caching.checkpoints.clear()
    return lambda **query: visit_with("twelve-lead", **query)


@pytest.fixture
def scan(own_home) -> str:
    """The address of a sheet below the data root."""
    Image.fromarray(sheet(names_mm=4.0)).save(own_home / "data" / "scan.png")
    return "path:scan.png"


def _figures(app: AppTest) -> list[dict]:
    return [json.loads(one.proto.spec) for one in app.get("plotly_chart")]


def _layers(app: AppTest) -> list[str]:
    return [image.get("name", "") for image in _figures(app)[0]["layout"].get("images", [])]


def _offered(app: AppTest) -> dict[str, list[str]]:
    """The networks of the sidebar, by the key of their picker."""
    return {one.key: one.options for one in app.sidebar.selectbox if one.key != "parts-device"}


def test_structure(read, scan, snapshot):
    app = settle(read(record=scan), evidence=True)
    assert not app.exception and not app.error
    snapshot("twelve_lead_picture", outline(app))


def test_the_sidebar_names_the_network_for_paper_that_reads_it(read, scan):
    app = read(record=scan)
    assert _offered(app) == {"network_paper": ["net-sheets"]}
    bars = next(one for one in _figures(app) if one["data"][0].get("name") == "probability")
    assert len(bars["data"][0]["y"]) == 5 and len(bars["layout"]["shapes"]) == 5


def test_what_is_opened_next_has_its_own_networks_in_the_sidebar(read, scan):
    app = read(record=scan)
    app.query_params["record"] = SAMPLE
    assert _offered(app.run()) == {"network12": ["ecg12-xresnet", "net-grids", "net-sheets"]}
    app.query_params["record"] = scan
    assert list(_offered(app.run())) == ["network_paper"]


def test_the_map_lies_over_the_picture_and_goes_with_its_switch(read, scan):
    app = settle(read(record=scan, network_paper="net-sheets"), evidence=True)
    assert _layers(app) == ["picture", "map"]
    assert len(app.get("plotly_chart")[0].proto.spec) < 600_000
    assert any("importance for" in one.value for one in app.caption)
    assert metrics(app)["Finest detail"].endswith(" px")
    app.selectbox(key="method12").select("attention_rollout").run()
    settle(app, evidence=True)
    assert any("attention rollout" in one.value for one in app.caption)
    app.toggle(key="map12").set_value(False).run()
    assert _layers(app) == ["picture"]


def test_one_unlike_the_training_has_neither_labels_nor_a_map(read, own_home):
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3)).astype(np.uint8)
    Image.fromarray(noise).save(own_home / "data" / "noise.png")
    app = settle(read(record="path:noise.png", label="HYP"))
    assert not app.exception and not app.error
    assert any("its labels are withheld. Open the recording's samples" in one.value for one in app.warning)
    assert any("Labels withheld" in one.value for one in app.markdown)
    assert _layers(app) == ["picture"] and len(_figures(app)) == 1, "the picture alone: no map, no bars"
    assert "map12" not in {one.key for one in app.toggle} and "label" not in {one.key for one in app.selectbox}
    assert not any("importance for" in one.value for one in app.caption)
    app.button(key="twelve_lead-turn").click().run()
    assert any("its labels are withheld" in one.value for one in app.warning)


def test_a_page_of_a_pdf_can_be_chosen(read, own_home):
    write_pdf(own_home / "data" / "a.pdf", pages=3)
    app = read(record="path:a.pdf")
    assert any("page 1 of 3" in one.value for one in app.markdown)
    settle(app.selectbox(key="twelve_lead-page").select(3).run())
    assert not app.exception and not app.error
    assert any("page 3 of 3" in one.value for one in app.markdown)
    assert app.query_params["pdf_page"] == "3"


def test_a_sheet_on_its_side_is_turned(read, own_home):
    Image.fromarray(np.rot90(sheet(names_mm=4.0)).copy()).save(own_home / "data" / "side.png")
    app = read(record="path:side.png")
    assert any("on its side" in one.value for one in app.warning)
    app.button(key="twelve_lead-turn").click().run()
    assert not app.exception and not app.error
    assert not any("on its side" in one.value for one in app.warning)
    assert any("turned by 90°" in one.value for one in app.markdown)
    assert app.query_params["turn"] == "90"
    for _ in range(3):
        app.button(key="twelve_lead-turn").click().run()
    assert "turn" not in app.query_params


def test_a_link_keeps_the_turn_and_a_wrong_one_counts_for_none(read, scan):
    assert any("turned by 180°" in one.value for one in read(record=scan, turn="180").markdown)
    app = read(record=scan, turn="45")
    assert not app.exception and not app.error
    assert not any("turned by" in one.value for one in app.markdown)


def test_a_link_names_the_page_and_another_file_begins_at_its_first(read, own_home, scan):
    write_pdf(own_home / "data" / "b.pdf", pages=3)
    app = read(record="path:b.pdf", pdf_page="2")
    assert any("page 2 of 3" in one.value for one in app.markdown)
    app = read(record=scan)
    assert not app.exception and not app.error
    app = read(record="path:b.pdf", pdf_page="9")
    assert not app.exception
    assert any("no page 9" in one.value for one in app.error)


@pytest.mark.parametrize("content", [b"%PDF-1.4\n", b"\x89PNG\r\n\x1a\n" + bytes(60), b"\xff\xd8\xff" + bytes(60)])
def test_a_damaged_file_gets_one_sentence(read, own_home, content):
    (own_home / "data" / "bad.pdf").write_bytes(content)
    app = read(record="path:bad.pdf")
    assert not app.exception
    [error] = app.error
    assert error.value.startswith("bad.pdf: ")


def test_without_a_network_for_paper_it_says_what_to_do(monkeypatch, tmp_path, visit_with, scan):
    save_record_checkpoint(tmp_path / "nets" / "ecg12-xresnet", RecordTask(), seed=12)
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "nets"))
    caching.checkpoints.clear()
    app = visit_with("twelve-lead", record=scan)
    assert not app.exception
    [error] = app.error
    assert "No checkpoint that reads ECG paper was found" in error.value and "train ecg_paper_lite0" in error.value


def test_the_holter_page_says_where_a_picture_opens(visit_with, scan):
    app = visit_with("holter", record=scan)
    assert not app.exception
    [error] = app.error
    assert "12-lead page" in error.value


@pytest.mark.parametrize("network", ["net-sheets", "net-grids"])
@pytest.mark.parametrize("method", ["Grad-CAM", "Attention rollout"])
def test_a_recording_is_drawn_for_a_picture_network(read, network, method):
    app = settle(read(record=SAMPLE, network12=network, method12=method), evidence=True)
    assert not app.exception and not app.error
    assert app.selectbox(key="method12").value == method.lower().replace("-", "_").replace(" ", "_")
    assert sum(name.startswith("map ") for name in _layers(app)) >= 12
    assert metrics(app)["Finest detail"].endswith(" ms")
    assert any(one.label == "The picture as the network saw it" for one in app.expander)
    assert any("Weight of each lead**" in one.value for one in app.markdown)


def test_a_method_that_only_one_of_two_networks_has(read):
    app = settle(
        read(record=SAMPLE, network12="net-grids", method12="Attention rollout", tab12="Compare two networks",
             beside="ecg12-xresnet")
    )  # fmt: skip
    assert not app.exception and not app.error
    app.sidebar.selectbox(key="network12").select("ecg12-xresnet").run()
    settle(app)
    assert not app.exception and not app.error
    assert app.selectbox(key="method12").value in {"occlusion", "saliency"}


def test_the_photographed_example_is_one_click_away(read):
    app = read()
    app.button(key="parts-example-photographed-ecg").click()
    settle(app.run())
    assert not app.exception and not app.error
    assert any("photographed by code" in one.value for one in app.markdown)
    assert _layers(app)[0] == "picture"
