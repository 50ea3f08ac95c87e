"""The Batch page under AppTest: inspecting, the order of the table, the operating point, decisions, nonsense."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from ecgviz.analysis.dispositions import Decisions
from ecgviz.analysis.overrides import read_overrides
from ecgviz.reports.inspection import counts, verdicts_csv
from ecgviz.sources.spool import spool
from models.data import catalogue
from models.data.versions import list_versions
from models.evaluation.operating_point import history
from pages.inspection.batch import filmstrip, runs
from tests.pages.conftest import battery
from tests.pages.outline import metrics, outline


def _at_rest(app):
    for _ in range(300):
        waiting = ("Drawing thumbnails", "Making the map")
        if not app.get("progress") and not any(word in one.value for one in app.caption for word in waiting):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("the page never came to rest")


def _started(app):
    app.button(key="batch-start").click()
    return _at_rest(app.run())


def _table(app):
    return app.dataframe[0].value


def test_empty_page(inspect, snapshot):
    snapshot("batch_empty", outline(inspect("batch")))


def test_structure(inspect, folder, snapshot):
    folder("cells")
    app = inspect("batch", folder="path:cells")
    assert not app.exception
    assert set(metrics(app).values()) <= {"–", "0 of 12"}
    app = _started(app)
    assert not app.exception
    assert not app.error
    snapshot("batch", outline(app))


def test_worst_first_with_truth_and_thumbnails(inspect, folder):
    folder("cells")
    table = _table(_started(inspect("batch", folder="path:cells")))
    assert len(table) == 12
    assert list(table["Score"]) == sorted(table["Score"], reverse=True)
    assert set(table["Truth"]) == {"normal", "defect"}
    assert all(one.startswith("data:image/png") for one in table["Picture"])


def test_a_damaged_file_is_a_row_of_its_own(inspect, folder):
    root = folder("cells", good=3, bad=3)
    (root / "normal" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    app = _started(inspect("batch", folder="path:cells"))
    assert metrics(app)["Not read"].startswith("1")
    assert metrics(app)["Inspected"] == "7 of 7"
    assert _table(app)["File"].iloc[0] == "broken.png", "what nobody has seen comes first"
    assert "broken.png" in _table(app)["Not read"].iloc[0]


def test_filter_by_verdict(inspect, folder):
    folder("cells")
    app = _started(inspect("batch", folder="path:cells"))
    kinds = set(_table(app)["Verdict"])
    kind = sorted(kinds)[0]
    app.button_group(key="verdicts").set_value([kind])
    _at_rest(app.run())
    assert set(_table(app)["Verdict"]) == {kind}


def test_costs_give_a_threshold_that_is_put_in_force_under_a_version(inspect, folder, inspection_checkpoints):
    root = folder("cells", good=12, bad=12)
    # Two labels are wrong, so that no threshold is right for all.
    (root / "normal" / "normal_00.png").rename(root / "defect" / "missed.png")
    (root / "defect" / "defect_00.png").rename(root / "normal" / "spoilt.png")
    home = inspection_checkpoints / "ct-test"
    app = _started(inspect("batch", folder="path:cells"))
    app.number_input(key="batch-escape_cost").set_value(1000.0).run()
    dear = float(metrics(app)["Threshold at these costs"])
    app.number_input(key="batch-escape_cost").set_value(0.01).run()
    cheap = float(metrics(app)["Threshold at these costs"])
    assert dear < cheap, "the dearer an escape the lower the threshold"
    try:
        app.button(key="batch-point_save").click()
        _at_rest(app.run())
        assert history(home)[-1].threshold == pytest.approx(cheap, abs=0.001)
        assert history(home)[-1].chosen_on.startswith("cells")
        assert f"version {history(home)[-1].version}" in app.expander[0].label
        table = _table(app)
        assert "defect" not in set(table["Verdict"][table["Truth"] == "normal"]), "it fears overkill only"
    finally:
        (home / "operating_point.json").unlink(missing_ok=True)


def test_escapes_and_overkill_have_counts_and_intervals(inspect, folder):
    folder("cells", good=8, bad=8)
    app = _started(inspect("batch", folder="path:cells"))
    table = next(one.value for one in app.markdown if "Escapes" in one.value)
    assert len(re.findall(r"of 8 \(\d+\.\d%; \d+\.\d% to \d+\.\d%\)", table)) == 4
    for curve in ("Precision and recall", "Cost", "Confusion"):
        app.button_group(key="curve").set_value(curve).run()
        assert not app.exception
        assert len(app.get("plotly_chart")) == 1


def test_without_labels_the_choice_is_refused_with_the_reason(inspect, own_home):
    for index in range(3):
        picture = battery(np.random.default_rng(index), defect=False)
        Image.fromarray(picture).save(own_home / "data" / f"{index}.png")
    app = _started(inspect("batch", folder=f"path:{own_home / 'data'}"))
    assert app.button(key="batch-point_save").disabled
    assert any("files whose truth is known" in one.value for one in app.info)


def test_one_class_alone_is_refused(inspect, folder):
    folder("cells", good=4, bad=0)
    app = _started(inspect("batch", folder="path:cells"))
    assert any("no defects among the labelled files" in one.value for one in app.info)


def test_a_folder_of_folders_is_a_stack_each(inspect, own_home):
    for cell in ("a", "b"):
        (own_home / "data" / "cells" / cell).mkdir(parents=True)
        for index in range(3):
            picture = battery(np.random.default_rng(index), defect=False)
            Image.fromarray(picture).save(own_home / "data" / "cells" / cell / f"{index}.png")
    app = _started(inspect("batch", folder="path:cells"))
    assert any("taken as one stack" in one.value for one in app.warning)
    assert list(_table(app)["Slice"].between(1, 3)) == [True, True]


def test_a_cancelled_batch_goes_on_where_it_was(inspect, folder, monkeypatch):
    folder("cells")
    real, opened = runs.inspect_files, []

    def slowly(paths, *arguments, should_stop, **options):
        for verdict in real(paths, *arguments, should_stop=should_stop, **options):
            opened.append(verdict)
            yield verdict
            if len(opened) == 3:
                while not should_stop():
                    time.sleep(0.02)
                return

    monkeypatch.setattr(runs, "inspect_files", slowly)
    app = inspect("batch", folder="path:cells")
    app.button(key="batch-start").click().run()
    while not any(one.key == "batch-cancel" for one in app.button) or len(opened) < 3:
        time.sleep(0.05)
        app.run()
    app.button(key="batch-cancel").click()
    _at_rest(app.run())
    assert app.button(key="batch-start").label == "Go on"
    assert metrics(app)["Inspected"] == "3 of 12"
    monkeypatch.setattr(runs, "inspect_files", real)
    app = _started(app)
    assert metrics(app)["Inspected"] == "12 of 12"
    run_seconds = [one.seconds for one in _run().verdicts[:3]]
    assert run_seconds == [0.0, 0.0, 0.0], "what was inspected is remembered and costs nothing"


def _run():
    """The newest run of this process."""
    return next(reversed(runs.runs()._runs.values()))


def test_a_decision_goes_on_to_the_next_row_and_page_and_files_agree(inspect, folder):
    folder("cells", good=3, bad=3)
    app = _started(inspect("batch", folder="path:cells"))
    files = [next(one for one in _run().verdicts if one.file.endswith(name)).file for name in _table(app)["File"]]
    app.session_state["pictures-batch_chosen"] = files[0]
    _at_rest(app.run())
    assert any(files[0].rsplit("/", 1)[-1] in one.value for one in app.markdown)
    assert len(app.get("plotly_chart")) == 2
    held = _table(app)["Verdict"].iloc[0]
    new = "normal" if held != "normal" else "defect"
    app.text_input(key="inspection-decider").set_value("Ben")
    app.button(key=f"inspection-override-part-{new}").click()
    _at_rest(app.run())
    assert app.session_state["pictures-batch_chosen"] == files[1], "the next row"
    assert metrics(app)["Decided by people"] == "1"
    row = _table(app).iloc[0]
    assert (row["Verdict"], row["Network"], row["Decided by"]) == (new, held, "Ben")
    app.session_state["batch-marked"] = tuple(files[2:4])
    _at_rest(app.run())
    app.button(key="inspection-override-many-defect").click()
    _at_rest(app.run())
    assert {one.file_sha256 for one in read_overrides()[1:]} == {
        one.sha256 for one in _run().verdicts if one.file in files[2:4]
    }
    shown = {name: metrics(app)[label].split()[0] for name, label in _LABELS.items()}
    log = Decisions(read_overrides())
    written = counts(_run().verdicts, decisions=log)
    assert shown == {name: str(written[name]) for name in _LABELS}
    rows = csv.DictReader(io.StringIO(verdicts_csv(_run().verdicts, decisions=log).decode("utf-8-sig")))
    assert dict(zip(_table(app)["File"], _table(app)["Verdict"], strict=True)) == {
        row["path"].rsplit("/", 1)[-1]: row["verdict"] for row in rows
    }
    app.session_state["batch-dataset"] = True
    _at_rest(app.run())
    app.button(key="batch-make_version").click()
    _at_rest(app.run())
    assert not app.exception
    [made] = list_versions("cells")
    assert {one["who"] for one in made.changes} == {"Ben"}
    assert sum(sum(side.values()) for side in made.counts.values()) == 6, "this folder is the parent"
    assert [one.name for one in catalogue.list_data_sets()] == ["cells-v1"]
    app.button_group(key="order").set_value("most useful to label")
    _at_rest(app.run())
    assert not _table(app)["Decided by"].iloc[0], "what nobody decided about comes first"
    assert _table(app)["Decided by"].iloc[-1] == "Ben"


_LABELS = {"defect": "Defect", "review": "To review", "normal": "Normal"}


@pytest.mark.parametrize(
    ("clicks", "marked"),
    [
        ([(1, "mark"), (3, "mark")], "bd"),
        ([(1, "mark"), (1, "mark")], ""),
        ([(3, "mark"), (1, "range")], "dbc"),
        ([(2, "show"), (4, "range")], "cde"),
        ([(2, "show")], ""),
    ],
)
def test_clicks_on_the_filmstrip(monkeypatch, clicks, marked):
    state: dict = {}
    monkeypatch.setattr(filmstrip.st, "session_state", state)
    for number, how in clicks:
        filmstrip.act("abcde", number, how)
    assert "".join(state.get("batch-marked") or ()) == marked


def test_a_zip_is_unpacked_and_a_hostile_one_refused(inspect):
    for name, good in (("ok.png", True), ("../../evil.png", False)):
        buffer, packed = io.BytesIO(), io.BytesIO()
        Image.fromarray(battery(np.random.default_rng(0), defect=False)).save(buffer, "PNG")
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, buffer.getvalue())
        token = spool("0" * 32, [("pictures.zip", packed)])
        app = inspect("batch", folder=f"upload:{token}")
        assert not app.exception
        assert bool(app.error) is not good
    assert "leads out of its folder" in app.error[0].value


@pytest.mark.parametrize("address", ["path:/etc", "path:../..", "upload:x/y", "sample:none", "nonsense"])
def test_a_hostile_link_gets_one_sentence(inspect, address):
    app = inspect("batch", folder=address)
    assert not app.exception
    assert len(app.error) == 1
    assert not any(one.key == "batch-start" for one in app.button)


def test_the_export_holds_every_row(inspect, folder):
    folder("cells", good=3, bad=3)
    app = _started(inspect("batch", folder="path:cells"))
    app.session_state["batch-export"] = True
    app.run()
    assert [one.proto.label for one in app.get("download_button")] == ["Verdicts (CSV)", "Verdicts (JSON)"]
    app.button(key="batch-make-pdf").click()
    app.button(key="batch-make-zip").click()
    _at_rest(app.run())
    labels = {one.proto.label for one in app.get("download_button")}
    assert labels == {"Verdicts (CSV)", "Verdicts (JSON)", "Pictures with maps (zip)", "Report (PDF)"}
