"""A grid of pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ecgviz.figures.gallery import Tile, gallery_png


def test_tiles_keep_their_shape_tone_and_mask():
    ramp = np.tile(np.linspace(1000, 3000, 60, dtype=np.float32), (30, 1))
    ramp[0, 0] = np.nan
    mask = np.zeros((30, 60), bool)
    mask[10:20, 20:40] = True
    sheet = np.asarray(Image.open(io.BytesIO(gallery_png([Tile(ramp, "a"), Tile(ramp, "b", mask)] * 2, 3, 120))))
    assert sheet.shape == (2 * 124 - 4, 3 * 124 - 4, 4)
    first, second = sheet[:120, :120], sheet[:120, 124:244]
    assert first[60, 2, 0] < 10
    assert first[60, 117, 0] > 245
    assert first[10, 60, 3] == 0, "half as high as wide: nothing above it"
    assert not (first[..., 2].astype(int) > first[..., 0].astype(int) + 60).any()
    assert (second[..., 2].astype(int) > second[..., 0].astype(int) + 60).any(), "the edge of the mask is blue"
    assert not sheet[124:, 124:, 3].any(), "places left over are transparent"


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="needs a picture"):
        gallery_png([], 3)
