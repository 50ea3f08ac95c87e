"""The Scan page with a network of good parts: the nearest good patches beside the map."""

from __future__ import annotations

import time

import numpy as np
import torch
from PIL import Image

from models import create_model
from models.checkpoints import Card, save_checkpoint
from models.tasks.good_only import GoodOnlyTask
from pages.parts import caching
from tests.pages.conftest import battery
from tests.pages.inspection.scan.test_page import _at_rest


def test_the_nearest_good_patches_stand_beside_the_map(own_home, tmp_path, monkeypatch, visit_with):
    folder = tmp_path / "checkpoints"
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(folder))
    caching.checkpoints.clear()
    network, task = create_model("patch_memory", components=8).eval(), GoodOnlyTask(image_size=64, least_size=64)
    pixels = battery(np.random.default_rng(5), defect=True)
    with torch.inference_mode():
        rows = network.forward_features(task.prepare(pixels.T.copy())[None]).permute(0, 2, 3, 1).flatten(0, 2)
    network.remember(rows, torch.zeros(len(rows)), torch.rand(len(rows), 2), ["good/first.png"])
    network.bank_usual = torch.tensor([[-1.0, 0.5]]).repeat(len(rows), 1)
    network.bank_crop = torch.zeros(len(rows), 32, 32, dtype=torch.uint8)
    card = Card(
        architecture="patch_memory", arguments={"components": 8}, task=task.model_dump(mode="json"),
        classes=task.classes, parameters=1, date="2026-01-01", limits=("For tests only.",),
    )  # fmt: skip
    save_checkpoint(folder / "parts-test", network, card)
    Image.fromarray(pixels).save(own_home / "data" / "part.png")
    app = _at_rest(visit_with("scan", picture="path:part.png"))
    for _ in range(100):
        shown = [one.value for one in app.caption if "good/first.png" in one.value]
        if shown:
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert any("Most like these, differs here" in one.value for one in app.markdown)
    assert len(shown) == 3
    assert all("times as far as usual" in one for one in shown)
    assert len(app.get("image")) == 6, "each place of the picture, and the good patch that is nearest to it"
