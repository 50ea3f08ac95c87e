import base64
import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from ecgviz.figures import overlay
from ecgviz.results import SaliencyMap


def ramp(n: int = 5, stop: float = 1.0) -> SaliencyMap:
    return SaliencyMap(
        np.linspace(0, stop, n, dtype=np.float32), 10 + np.arange(n) * 0.1, "grad_cam", "V", "c", 67.0, 0
    )


def test_alpha_grows_with_the_value_up_to_the_opacity():
    scale = overlay.heat_scale(ramp(), 1.0, opacity=0.6)
    rgba = scale.rgba(np.array([0.0, 0.5, 1.0, 7.0, np.nan]))
    assert rgba[:, 3].tolist() == [0, round(255 * 0.3), 153, 153, 0]
    assert (rgba[:, :3] == rgba[0, :3]).all(), "one hue"


def test_the_scale_is_the_callers_and_not_the_maps():
    weak = ramp(stop=0.1)
    assert overlay.heat_scale(weak, 1.0).rgba(weak.values)[:, 3].max() <= 16
    own = overlay.heat_scale(weak, None)
    assert own.rgba(weak.values)[:, 3].max() == 153
    assert "whole recording" in overlay.scale_title(weak, overlay.heat_scale(weak, 1.0))
    assert "this map" in overlay.scale_title(weak, own)
    assert "67 ms" in overlay.scale_title(weak, own) and "Grad-CAM" in overlay.scale_title(weak, own)


def test_a_map_of_zeros_colours_nothing():
    flat = ramp(stop=0.0)
    assert overlay.heat_scale(flat, None).rgba(flat.values)[:, 3].max() == 0


@pytest.mark.parametrize("name", ["cividis", "magma"])
def test_colour_maps_are_matplotlibs(name):
    scale = overlay.heat_scale(ramp(), 1.0, colormap=name, opacity=1.0, theme="dark")
    values = np.linspace(0, 1, 50)
    expected = matplotlib.colormaps[name](values)[:, :3] * 255
    assert np.abs(scale.rgba(values)[:, :3] - expected).max() < 12


def test_the_strongest_colour_stands_out_of_the_paper():
    for theme in ("light", "dark"):
        for name in overlay.COLORMAPS:
            for line in (False, True):
                bar = overlay.heat_scale(ramp(), 1.0, colormap=name, theme=theme).bar(line)
                distance = np.abs(overlay.hex_rgb(bar[0]) - overlay.hex_rgb(bar[-1])).max()
                assert distance > 60, (theme, name, line)


def test_the_band_lies_inside_view_and_window():
    values, low, high = overlay.band(ramp(), 0.0, 100.0, 1000)
    assert (low, high) == pytest.approx((9.95, 10.45))
    np.testing.assert_allclose(values, np.linspace(0, 1, 5), atol=1e-6)
    _, low, high = overlay.band(ramp(), 10.1, 10.3, 1000)
    assert (low, high) == pytest.approx((10.1, 10.3))
    assert overlay.band(ramp(), 11.0, 12.0, 1000) is None


def test_a_narrow_peak_survives_fewer_columns():
    values = np.zeros(10_000, np.float32)
    values[4321] = 1.0
    long = SaliencyMap(values, np.arange(10_000) / 360, "saliency", "V", "c", 3.0, 0)
    found, low, high = overlay.band(long, 0.0, 100.0, 300)
    assert len(found) == 300 and found.max() == 1.0
    assert low + (found.argmax() + 0.5) / 300 * (high - low) == pytest.approx(4321 / 360, abs=0.1)


def test_the_png_is_one_row_with_these_colours():
    rgba = overlay.heat_scale(ramp(), 1.0).rgba(ramp().values)
    uri = overlay.png_row(rgba)
    image = Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))
    assert image.size == (5, 1)
    np.testing.assert_array_equal(np.asarray(image)[0], rgba)


def test_levels_of_the_line_end_with_the_window():
    scale = overlay.heat_scale(ramp(), 1.0)
    levels = overlay.line_levels(scale, ramp(), np.array([9.0, 10.0, 10.2, 10.4, 11.0]))
    assert levels.tolist() == [-1, 0, 5, 9, -1]


def test_wrong_settings_say_what_would_do():
    with pytest.raises(ValueError, match="cividis"):
        overlay.heat_scale(ramp(), 1.0, colormap="jet")
    with pytest.raises(ValueError, match="opacity"):
        overlay.heat_scale(ramp(), 1.0, opacity=60)
