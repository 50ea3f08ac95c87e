"""Small pictures of samples: every lead's R peak is drawn, and nothing is made to draw a slice."""

from __future__ import annotations

import re
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from ecgviz.figures.sample_picture import HEIGHT, WIDTH, slice_png, strip_svg
from ecgviz.sources import image_samples


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("n_leads", [1, 2, 12])
def test_a_lead_in_each_band_with_its_peaks(make, n_leads, theme):
    samples, _ = make.spiky(10, 360, n_leads)
    samples[720:] = np.nan
    leads = tuple(f"L{number}" for number in range(n_leads))
    svg = strip_svg(make.recording(samples, 360.0, leads), 0.0, 6.0, theme=theme)
    ElementTree.fromstring(svg)
    lines = re.findall(r'points="([^"]+)"', svg)
    assert len(lines) == min(n_leads, 3)
    for place, line in enumerate(lines):
        x, y = np.array([pair.split(",") for pair in line.split()], float).T
        band = HEIGHT / len(lines)
        assert x[0] == 0 and x[-1] == WIDTH
        assert y.min() == pytest.approx(band * place + 3, abs=0.2), "the R peaks reach the top of their band"
        assert y.max() <= band * (place + 1)
    assert len(svg) < 25_000


def test_a_slice_keeps_its_shape_and_few_outliers_do_not_darken_it():
    pixels = np.tile(np.arange(200, dtype=np.uint16) * 100, (100, 1))
    pixels[0, 0] = 65535
    picture = np.asarray(Image.open(BytesIO(slice_png(pixels))))
    assert picture.shape == (HEIGHT, 2 * HEIGHT)
    assert picture[:, :5].mean() < 20 and picture[:, -5:].mean() > 235
    for odd in (np.zeros((4, 4)), np.full((4, 4), np.nan), np.array([[-np.inf, np.nan], [1.0, 2.0]])):
        assert slice_png(odd)


def test_what_is_not_made_yet_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    assert not image_samples.is_made("simulated-stack-defect")
    assert image_samples.is_made("dicom-ct")
    assert not list(tmp_path.iterdir())
