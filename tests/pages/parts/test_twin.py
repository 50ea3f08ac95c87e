"""A checkpoint that onnxruntime runs, on the 12-lead page: its own answers, its float twin's maps, and a word on it."""

from __future__ import annotations

import shutil

from models import load_checkpoint
from models.compress.export import export
from models.tasks.record import RecordTask
from pages.parts import caching
from tests.ecgviz.simulated import save_record_checkpoint
from tests.pages.outline import settle


def test_the_page_says_whose_map_it_shows(tmp_path, monkeypatch, visit_with):
    root = tmp_path / "checkpoints"
    save_record_checkpoint(root / "float", RecordTask())
    export(load_checkpoint(root / "float"), root / "ecg12-xresnet")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(root))
    caching.checkpoints.clear()
    app = settle(visit_with("twelve-lead", record="sample:dicom-12-lead"))
    assert not app.exception
    assert not app.error
    said = [one.value for one in app.caption]
    assert any("ecg12-xresnet runs by onnxruntime" in one and "float twin float" in one for one in said), said

    shutil.rmtree(root / "float")
    (root / "ecg12-xresnet").rename(root / "alone")
    caching.checkpoints.clear()
    app = settle(visit_with("twelve-lead", record="sample:dicom-12-lead"))
    assert not app.exception
    assert any("needs its original float" in one.value for one in app.info)
    assert app.get("plotly_chart")
