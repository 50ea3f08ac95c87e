"""Pictures of volumes: true to scale, each plane at its place, and the message for the canvases."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from ecgviz.figures.picture_layers import picture_scale
from ecgviz.figures.plane_pixels import packed_planes
from ecgviz.figures.volume_views import Shown, plane_picture, planes_png, roll_png, unrolled_picture
from ecgviz.figures.window_level import Window, apply_window
from ecgviz.results import ImageMap
from ecgviz.volumes.overlay import VolumeOverlay
from ecgviz.volumes.planes import part_window, three_planes
from ecgviz.volumes.unroll import along_mandrel
from models.evaluation.operating_point import given_point
from tests.ecgviz.volumes.test_planes import cylinder, volume_of

WINDOW = Window(100, 200)


def test_a_mm_is_as_long_in_every_plane():
    volume = volume_of(np.zeros((10, 20, 40), np.uint8), (1.5, 0.5, 0.25))
    shown = Shown((5, 10, 20), WINDOW)
    sizes = [plane_picture(one, WINDOW, shown, px_per_mm=8).size for one in three_planes(volume, shown.at)]
    assert sizes == [(80, 80), (80, 120), (80, 120)]  # (width, height): 10 mm x 10 mm x 15 mm


def test_the_sheet_holds_all_planes_and_the_map():
    volume = volume_of(cylinder())
    plain = Image.open(io.BytesIO(planes_png(volume, Shown((6, 28, 33)), caption=["cell"])))
    assert plain.width > 700
    hot = ImageMap(np.ones((60, 60), np.float32), "grad_cam", "defect", "ct", 2.0)
    overlay = VolumeOverlay(0, volume.shape, np.zeros(12)).with_map(6, hot)
    shown = Shown((6, 28, 33), overlay=overlay, scale=picture_scale(1.0))
    marked = Image.open(io.BytesIO(planes_png(volume, shown, caption=["cell"])))
    assert marked.size == plain.size
    changed = (np.asarray(marked) != np.asarray(plain)).any(axis=2)
    assert changed.mean() > 0.2


def test_the_winding_as_a_picture():
    volume = volume_of(cylinder(), (0.3, 0.1, 0.1))
    assert Image.open(io.BytesIO(roll_png(volume, 3))).width >= 900
    half = along_mandrel(volume, (28.0, 33.0), 0)
    picture = unrolled_picture(half, part_window(volume))
    assert picture.height / picture.width == pytest.approx(12 * 0.3 / (half.values.shape[1] * 0.1), rel=0.02)


def test_the_message_for_the_canvases_holds_what_is_shown():
    volume = volume_of(np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(np.uint8))
    overlay = VolumeOverlay(0, volume.shape, np.array([0.1, 0.9, np.nan, 0.2, 0.5]))
    overlay = overlay.with_map(2, ImageMap(np.full((6, 7), 2.0, np.float32), "grad_cam", "defect", "ct", 2.0))
    planes = three_planes(volume, (2, 3, 4))
    sent = packed_planes(volume, planes, WINDOW, overlay=overlay, vmax=4.0, point=given_point(0.5))
    length = int.from_bytes(sent[:4], "little")
    head, pixels = json.loads(sent[4 : 4 + length]), np.frombuffer(sent[4 + length :], np.uint8)
    assert (head["shape"], head["at"], head["spacing"]) == ([5, 6, 7], [2, 3, 4], [0.3, 0.2, 0.1])
    assert head["scores"] == {"axis": 0, "kinds": ["n", "d", "u", "n", "d"]}
    for plane, entry in zip(planes, head["planes"], strict=True):
        place = entry["grey"]
        greys = pixels[place["start"] :][: place["rows"] * place["columns"]].reshape(place["rows"], -1)
        assert np.array_equal(greys, apply_window(plane.values, WINDOW))
    heat = head["planes"][0]["map"]
    assert set(pixels[heat["start"] :][: heat["rows"] * heat["columns"]]) == {128}
    assert sum(one["grey"]["rows"] * one["grey"]["columns"] for one in head["planes"]) < len(pixels)


def test_large_planes_are_sent_small():
    volume = volume_of(np.zeros((3, 2100, 1500), np.uint8))
    sent = packed_planes(volume, three_planes(volume, (1, 5, 5)), WINDOW)
    assert len(sent) < 1024 * 1024
