"""The Scan page under AppTest: what it shows, where its controls go, and how it answers nonsense."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from tifffile import imwrite

from ecgviz.analysis.inspect import inspect_files
from ecgviz.analysis.overrides import read_overrides
from ecgviz.sources import image_samples
from ecgviz.sources.spool import spool
from models import load_checkpoint
from models.evaluation.operating_point import OperatingPoint, save
from tests.pages.conftest import battery
from tests.pages.outline import metrics, outline, settle


@pytest.fixture
def stack(own_home) -> str:
    """Address of a stack of nine slices; the sixth has a defect, and its mask lies beside it."""
    rng = np.random.default_rng(5)
    pages = [Image.fromarray(battery(rng, defect=index == 5)) for index in range(9)]
    pages[0].save(own_home / "data" / "cell.tif", save_all=True, append_images=pages[1:])
    masks = [np.zeros((72, 72), np.uint8) for _ in range(9)]
    masks[5][30:40, 20:30] = 255
    first, *others = [Image.fromarray(mask) for mask in masks]
    first.save(own_home / "data" / "cell-mask.tif", save_all=True, append_images=others)
    return "path:cell.tif"


def _chart(app, key: int) -> dict:
    return json.loads(app.get("plotly_chart")[key].proto.spec)


def _picture(app) -> dict:
    return _chart(app, -1)


def _names(figure: dict) -> set[str]:
    return {trace.get("name", "") for trace in figure["data"]}


def _slice(app) -> int:
    found = app.query_params["slice"]
    return int(found if isinstance(found, str) else found[0])


def _at_rest(app, *, map_too: bool = True):
    """Run until scores, map and its scale are there."""
    for _ in range(200):
        if not app.get("progress") and not (map_too and any("Making the map" in one.value for one in app.caption)):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("the page never came to rest")


def test_empty_page(inspect, snapshot):
    snapshot("scan_empty", outline(inspect("scan")))


def test_structure(inspect, stack, snapshot):
    app = _at_rest(inspect("scan", picture=stack, slice="6"))
    assert not app.exception
    assert not app.error
    snapshot("scan", [line for line in outline(app) if "-badge[" not in line and not line.startswith("warning")])


def test_a_fresh_stack_opens_at_its_worst_slice(inspect, stack):
    app = inspect("scan", picture=stack)
    said = metrics(app)["Probability of a defect"]
    assert said.endswith(f"at slice {_slice(app)}")
    worst = max(max(filter(None, trace["y"])) for trace in _chart(app, 0)["data"][1:-1])
    assert float(said.split()[0]) == pytest.approx(worst, abs=0.006)
    assert app.button(key="scan-slice_worst").disabled
    assert app.slider[0].value == _slice(app), "the slider stands where the slice is"


def test_buttons_and_slider_change_the_slice(inspect, stack):
    app = inspect("scan", picture=stack, slice="3")
    assert _slice(app) == 3
    app.button(key="scan-slice_on").click().run()
    assert _slice(app) == 4
    app.slider[0].set_value(9).run()
    assert _slice(app) == 9
    assert app.button(key="scan-slice_on").disabled
    app.button(key="scan-slice_back").click().run()
    assert _slice(app) == 8
    assert app.slider[0].value == 8
    assert any("**Slice 8** of 9" in one.value for one in app.markdown)


@pytest.mark.parametrize("number", ["0", "-4", "99999", "x", "1e3", "99999999999999999999"])
def test_nonsense_in_a_link_is_harmless(inspect, stack, number):
    app = inspect("scan", picture=stack, slice=number)
    assert not app.exception
    assert not app.error
    assert 1 <= _slice(app) <= 9


def _meaning(app) -> str:
    """What colours and lines mean, below the picture; nothing of it lies on the picture, where buttons may be."""
    assert not _picture(app)["layout"]["showlegend"]
    said = (one.value for one in app.caption)
    return next((one for one in said if one.startswith(("Colour:", "Dotted:", "Blue:"))), "")


def test_map_scale_and_truth_are_on_the_right_side_only(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack, slice="6"))
    layers = _picture(app)["layout"]["images"]
    assert [layer["xref"] for layer in layers] == ["x", "x2", "x2"], "picture left and right, the map right"
    assert {"truth", "colour bar", "map at 50% of the scale"} <= _names(_picture(app))
    assert _meaning(app).endswith("Dotted: the map at 50% of the scale. Blue: where the defect is known to be.")
    first_scale = next(t for t in _picture(app)["data"] if t["name"] == "colour bar")["marker"]["cmax"]
    app.button(key="scan-slice_on").click()
    _at_rest(app.run())
    assert next(t for t in _picture(app)["data"] if t["name"] == "colour bar")["marker"]["cmax"] == first_scale
    app.toggle(key="heat").set_value(False).run()
    assert len(_picture(app)["layout"]["images"]) == 2
    assert _meaning(app) == "Blue: where the defect is known to be."
    app.toggle(key="truth").set_value(False).run()
    assert "truth" not in _names(_picture(app)) and _meaning(app) == ""


def test_truth_is_said_in_words(inspect, stack):
    for number, words in (("6", "defect"), ("2", "normal")):
        app = inspect("scan", picture=stack, slice=number)
        assert any(one.value == f"Truth: **{words}**" for one in app.markdown)


def test_window_changes_the_picture_and_not_the_answer(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack))
    before, score = _picture(app)["layout"]["images"][0]["source"], metrics(app)["Probability of a defect"]
    app.toggle(key="inverse").set_value(True).run()
    inverse = _picture(app)["layout"]["images"][0]["source"]
    assert inverse != before
    app.button_group(key="window").set_value("metal").run()
    assert _picture(app)["layout"]["images"][0]["source"] not in {before, inverse}
    assert metrics(app)["Probability of a defect"] == score


def test_the_edges_of_the_window_can_be_moved(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack))
    before = _picture(app)["layout"]["images"][0]["source"]
    slider = next(one for one in app.slider if one.label.startswith("From black to white"))
    slider.set_value((10_000, 20_000)).run()
    assert _picture(app)["layout"]["images"][0]["source"] != before
    app.button_group(key="window").set_value("full range").run()
    assert not app.exception


def test_methods(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack))
    assert "SE attention" not in app.selectbox(key="heat_method").options
    app.selectbox(key="heat_method").set_value("hires_cam")
    _at_rest(app.run())
    assert not app.error
    assert any("HiResCAM" in one.value for one in app.caption)


def test_evidence_has_numbers(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack))
    assert metrics(app)["Marked part replaced"] == "–", "nothing is tested until somebody asks"
    app.button(key="parts-test_map").click()
    found = metrics(settle(app.run(), evidence=True))
    assert found["Finest detail"].endswith("px")
    assert found["Half of it within"].endswith("%")
    assert found["Marked part replaced"] != "–"


def test_a_single_picture_has_no_strip(inspect, own_home):
    Image.fromarray(battery(np.random.default_rng(2), defect=False)).save(own_home / "data" / "one.png")
    app = _at_rest(inspect("scan", picture="path:one.png"))
    assert len(app.get("plotly_chart")) == 1
    assert not [one for one in app.slider if one.label == "Slice"]
    assert "slice" not in metrics(app)["Probability of a defect"]


def test_a_picture_of_another_kind_is_called_unlike_the_training(inspect, own_home):
    text = np.full((300, 500), 250, np.uint8)
    text[100:110, 50:450] = 0
    Image.fromarray(text).save(own_home / "data" / "letter.png")
    app = inspect("scan", picture="path:letter.png")
    assert "NO" in metrics(app)["In distribution"]
    assert "REVIEW" in metrics(app)["Verdict"]
    assert any("unlike what the network was trained on" in one.value for one in app.warning)


def test_the_operating_point_in_force_judges(inspect, stack, inspection_checkpoints):
    folder = inspection_checkpoints / "ct-test"
    try:
        saved = save(folder, OperatingPoint(threshold=0.0, chosen_on="a test"))
        app = inspect("scan", picture=stack)
        assert "0.00" in metrics(app)["Threshold"]
        assert "DEFECT" in metrics(app)["Verdict"] or "NO" in metrics(app)["In distribution"]
        assert saved.version
    finally:
        (folder / "operating_point.json").unlink()


def _decide(app, new: str, what: str = "part"):
    app.button(key=f"inspection-override-{what}-{new}").click()
    return app.run()


def test_an_override_needs_a_name_is_logged_and_undone(inspect, stack):
    app = inspect("scan", picture=stack)
    held = metrics(app)["Verdict"]
    new = "defect" if "DEFECT" not in held else "normal"
    app = _decide(app, new)
    assert any("who" in one.value for one in app.error)
    assert read_overrides() == ()
    app.text_input(key="inspection-decider").set_value("Ana")
    app = _decide(app, new)
    assert not app.error
    entry = read_overrides()[0]
    assert (entry.who, entry.reason, entry.new, entry.scope) == ("Ana", "seen in the picture", new, "part")
    assert len(entry.file_sha256) == 64
    assert new.upper() in metrics(app)["Verdict"]
    assert entry.old in metrics(app)["Decided by Ana"], "the network's verdict stays beside it"
    app.button(key="inspection-override-part-undo").click().run()
    assert metrics(app)["Verdict"] == held
    assert [one.undone for one in read_overrides()] == [False, True]


def test_a_slice_is_decided_apart_from_its_part(inspect, stack):
    app = inspect("scan", picture=stack, slice="2")
    app.text_input(key="inspection-decider").set_value("Ana")
    app.button_group(key="inspection-override_scope").set_value("slice").run()
    app = _decide(app, "defect", "slice")
    entry = read_overrides()[0]
    assert (entry.scope, entry.slice_index) == ("slice", 1)
    assert "DEFECT" in metrics(app)["Verdict"], "one slice with a defect makes the part one"
    app.button_group(key="inspection-override_scope").set_value("part").run()
    app = _decide(app, "normal")
    assert "NORMAL" in metrics(app)["Verdict"], "a decision about the part holds whatever its slices are"


def test_downloads_are_made_when_the_popover_is_opened(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack))
    assert not app.get("download_button")
    app.session_state["scan-picture_export"] = True
    _at_rest(app.run())
    for _ in range(100):
        labels = {one.proto.label for one in app.get("download_button")}
        if "Report (PDF)" in labels:
            break
        app.run()
    assert labels == {"Verdict (CSV)", "Verdict (JSON)", "This slice with its map (PNG)", "Report (PDF)"}


def test_a_sample_in_the_making_says_how_far_it_is_and_can_be_stopped(inspect, monkeypatch):
    endless = {"simulated-stack-defect": image_samples._Simulated(20_000, 64, 5, None)}
    monkeypatch.setattr(image_samples, "_SIMULATED", endless)
    app = inspect("scan")
    next(one for one in app.button if one.label == "Simulated stack with a defect").click().run()
    for _ in range(100):
        if any("imulating a scan" in one.proto.text for one in app.get("progress")):
            break
        time.sleep(0.1)
        app.run()
    app.button(key="parts-opening-cancel").click().run()
    for _ in range(100):
        if not app.get("progress"):
            break
        time.sleep(0.1)
        app.run()
    assert "its making was stopped" in app.error[0].value


def test_distances_between_slices_and_the_place_of_the_slice_are_shown(inspect, own_home):
    rng = np.random.default_rng(5)
    pages = np.stack([battery(rng, defect=False) for _ in range(4)])
    metadata = {"axes": "ZYX", "unit": "mm", "spacing": 0.25}
    imwrite(own_home / "data" / "scaled.tif", pages, imagej=True, resolution=(10, 10), metadata=metadata)
    app = _at_rest(inspect("scan", picture="path:scaled.tif", slice="3"), map_too=False)
    said = [one.value for one in app.markdown]
    assert any("0.1 mm · slices 0.25 mm apart" in one for one in said)
    assert any("**Slice 3** of 4 · at 0.50 mm" in one for one in said)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("sample:nothing", "there is no such sample"),
        ("path:/etc/passwd", "outside the folders that may be opened"),
        ("path:../../../etc/passwd", "outside the folders that may be opened"),
        ("path:absent.png", "there is no such file"),
        ("upload:../../etc", "no longer on the server"),
        ("javascript:alert(1)", "names no picture"),
    ],
)
def test_a_hostile_link_gets_one_sentence(inspect, address, sentence):
    app = inspect("scan", picture=address)
    assert not app.exception
    assert [sentence in one.value for one in app.error] == [True]
    assert not app.get("plotly_chart")


def test_a_link_out_of_the_root_is_refused(inspect, own_home):
    Image.fromarray(battery(np.random.default_rng(2), defect=False)).save(own_home / "secret.png")
    (own_home / "data" / "innocent.png").symlink_to(own_home / "secret.png")
    app = inspect("scan", picture="path:innocent.png")
    assert "outside the folders" in app.error[0].value


def test_uploaded_slices_are_one_stack_and_labels_its_truth(inspect):
    files = []
    for index in range(3):
        buffer = io.BytesIO()
        Image.fromarray(battery(np.random.default_rng(index), defect=index == 1)).save(buffer, "PNG")
        files.append((f"s{index}.png", buffer))
    table = b"file,label,boxes\ns0.png,good,\ns1.png,defect,10 10 30 30 void\ns2.png,good,\n"
    token = spool("0" * 32, [*files, ("labels.csv", io.BytesIO(table))])
    app = _at_rest(inspect("scan", picture=f"upload:{token}", slice="2"))
    assert not app.error
    assert "3 slices" in app.markdown[0].value
    assert any(one.value == "Truth: **defect**" for one in app.markdown)
    boxes = [shape for shape in _picture(app)["layout"]["shapes"] if shape.get("name") == "truth"]
    assert len(boxes) == 1
    assert boxes[0]["xref"] == "x2"


def test_the_sidebar_offers_what_the_page_can_use(inspect, stack):
    app = inspect("scan", picture=stack)
    assert app.selectbox(key="network").options == ["ct-test"]
    app.switch_page("pages/ecg/holter/page.py").run()
    assert "ct-test" not in app.selectbox(key="checkpoint").options


def test_an_address_that_a_slow_browser_sends_again_does_not_go_back(inspect, stack):
    app = inspect("scan", picture=stack, slice="3")
    app.button(key="scan-slice_on").click().run()
    app.query_params["slice"] = "3"
    app.run()
    assert _slice(app) == 4


def test_a_link_in_the_same_session_is_followed(inspect, stack):
    app = inspect("scan", picture=stack, slice="3")
    app.query_params["slice"] = "7"
    app.run()
    assert _slice(app) == 7
    assert app.slider[0].value == 7


def test_reasons_by_parts_are_told_beside_their_map(inspect, stack):
    app = _at_rest(inspect("scan", picture=stack, slice="6", heat_method="Reasons by parts"))
    for _ in range(100):
        said = [one.value for one in app.markdown if one.value.startswith("defect ")]
        if said:
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert any(words in said[0] for words in ("because of part", "no part stands out"))
    bars = [chart["data"][0] for chart in (_chart(app, key) for key in range(len(app.get("plotly_chart"))))]
    [bars] = [bar for bar in bars if bar["type"] == "bar" and "other parts" in bar["y"]]
    assert len(bars["x"]) == len(bars["y"])


@pytest.mark.parametrize("black", [2, 4])
def test_black_slices_are_said_as_in_the_table(inspect, own_home, inspection_checkpoints, black):
    """They were read: page and table have one verdict, and neither says that a slice could not be."""
    rng = np.random.default_rng(5)
    pages = [
        Image.fromarray(np.zeros((72, 72), np.uint8) if at < black else battery(rng, defect=False)) for at in range(4)
    ]
    path = own_home / "data" / "ends.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    app = _at_rest(inspect("scan", picture="path:ends.tif", slice="4"), map_too=False)
    judged = next(inspect_files([path], load_checkpoint(inspection_checkpoints / "ct-test")))
    assert judged.verdict.upper() in metrics(app)["Verdict"]
    words = " ".join(one.value for one in (*app.warning, *app.caption))
    assert "slices could not be read" not in words
    assert ("one value everywhere, so there is nothing to judge" in words) == (black == 4)
