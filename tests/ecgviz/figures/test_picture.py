"""The inspection picture, its layers, the strip of slices, the histogram, and the operating point drawn."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecgviz.figures.ecg_photo import ecg_photo_figure
from ecgviz.figures.operating_point import confusion_figure, cost_figure, precision_recall_figure, roc_figure
from ecgviz.figures.picture import CONTOUR, THEMES, Truth, picture_figure
from ecgviz.figures.picture_layers import (
    Box,
    annotated,
    contour_lines,
    grey_png,
    map_png,
    picture_scale,
    scale_bar,
    truth_boxes,
)
from ecgviz.figures.slices import histogram_figure, slice_kinds, slice_strip
from ecgviz.figures.window_level import Window
from ecgviz.results import ImageMap
from models.core.errors import ReadError
from models.data.image_folder import ImageRow, read_boxes
from models.evaluation.operating_point import choose
from models.evaluation.operating_scores import performance


def blob(shape=(120, 200), at=(30, 150)) -> ImageMap:
    y, x = np.mgrid[: shape[0], : shape[1]]
    values = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 200).astype(np.float32)
    return ImageMap(values, "grad_cam", "defect", "ct", 8.0)


def decode(uri: str) -> Image.Image:
    assert uri.startswith("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def grey(shape=(120, 200), seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_legend_shows_on_the_page_and_the_line_on_the_picture(theme):
    figure = picture_figure(grey(), image_map=blob(), scale=picture_scale(1.0), level=0.5, theme=theme)
    line, key = (trace for trace in figure.data if trace.name == "map at 50% of the scale")
    assert (line.showlegend, key.showlegend) == (False, True)
    assert line.line.color == CONTOUR
    assert key.line.color == THEMES[theme].text
    assert np.isfinite(line.x).any() and list(key.x) == [None]


def test_pictures_travel_as_png_layers_and_zoom_together():
    figure = picture_figure(grey(), image_map=blob(), scale=picture_scale(1.0))
    left, right, heat = figure.layout.images
    assert [image.xref for image in (left, right, heat)] == ["x", "x2", "x2"]
    assert {image.sizex for image in figure.layout.images} == {200}
    assert np.array_equal(np.asarray(decode(left.source)), grey())
    colours = np.asarray(decode(heat.source))
    assert colours.shape == (120, 200, 4)
    assert colours[30, 150, 3] > 100
    assert colours[110, 10, 3] == 0, "what is not important is not tinted"
    assert (figure.layout.xaxis2.matches, figure.layout.yaxis2.matches) == ("x", "y")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "rows go down"
    assert not [trace for trace in figure.data if trace.type in {"heatmap", "image"}]


@pytest.mark.parametrize("stacked", [False, True])
def test_the_pictures_lie_beside_or_above_each_other_and_share_no_room(stacked):
    layout = picture_figure(grey(), stacked=stacked).layout
    across, upwards = [layout.xaxis.domain, layout.xaxis2.domain], [layout.yaxis2.domain, layout.yaxis.domain]
    apart, shared = (upwards, across) if stacked else (across, upwards)
    assert apart[0][1] < apart[1][0] and shared == [(0, 1), (0, 1)]
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y"), "they zoom together all the same"


@pytest.mark.parametrize("draw", [picture_figure, lambda pixels: ecg_photo_figure(np.stack([pixels] * 3, axis=-1))])
def test_the_buttons_have_no_ground_of_their_own(draw):
    buttons = draw(grey()).layout.modebar
    assert (buttons.bgcolor, buttons.color) == ("rgba(0,0,0,0)", THEMES["light"].faint)


def test_a_large_noisy_picture_stays_small_on_the_wire():
    pixels = grey((1568, 1568))
    figure = picture_figure(
        pixels, values=pixels.astype(np.uint16) * 16, image_map=blob((1568, 1568)), scale=picture_scale(1.0)
    )
    assert len(figure.to_json()) <= 600_000


def test_grey_levels_go_before_pixels():
    noise = grey((200, 200))
    whole = len(grey_png(noise, 10**9))
    fewer = decode(grey_png(noise, int(0.9 * whole)))
    assert fewer.size == (200, 200)
    assert np.abs(np.asarray(fewer).astype(int) - noise).max() <= 4
    assert decode(grey_png(noise, whole // 4)).size[0] < 200


def test_the_pointer_reads_values_and_importance():
    values = (np.arange(120 * 200).reshape(120, 200)).astype(np.uint16)
    image_map = blob()
    figure = picture_figure(grey(), values=values, value_unit="HU", image_map=image_map, scale=picture_scale(1.0))
    right = next(trace for trace in figure.data if trace.name == "values" and trace.xaxis == "x2")
    place = len(right.x) // 3
    column, row = int(right.x[place]), int(right.y[place])
    assert right.customdata[place][0] == values[row, column]
    assert right.customdata[place][1] == pytest.approx(image_map.values[row, column])
    assert "HU" in right.hovertemplate


def test_contour_truth_scale_bar_and_colour_bar_are_drawn():
    mask = np.zeros((120, 200), bool)
    mask[20:40, 140:160] = True
    figure = picture_figure(
        grey(),
        image_map=blob(),
        scale=picture_scale(1.0),
        level=0.5,
        truth=Truth(mask, (Box(10, 20, 30, 40, "void"),)),
        spacing_mm=(0.02, 0.01),
    )
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines"}
    truth = lines["truth"]
    assert np.nanmin(truth.x) == pytest.approx(139.5, abs=0.6)
    assert np.nanmax(truth.x) == pytest.approx(159.5, abs=0.6)
    assert any("50%" in name for name in lines)
    bars = [shape for shape in figure.layout.shapes if shape.name == "scale bar"]
    assert {shape.xref for shape in bars} == {"x", "x2"}
    assert bars[0].x1 - bars[0].x0 == pytest.approx(50), "0.5 mm of 0.01 mm columns"
    assert figure.layout.annotations[0].text == "0.5 mm"
    assert figure.layout.yaxis.scaleratio == 2, "pixels twice as high as wide"
    [box] = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (box.x0, box.y1, box.label.text) == (9.5, 40.5, "void")
    [bar] = [trace for trace in figure.data if trace.name == "colour bar"]
    assert list(bar.marker.colorbar.ticktext) == ["0", "≥ 1"]


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="scale"):
        picture_figure(grey(), image_map=blob())
    with pytest.raises(ValueError, match="do not belong together"):
        picture_figure(grey(), image_map=blob((10, 10), (2, 2)), scale=picture_scale(1.0))
    with pytest.raises(ValueError, match="colour map"):
        picture_scale(1.0, colormap="jet")
    with pytest.raises(ValueError, match="vmax"):
        picture_scale(0.0)


def test_one_scale_paints_a_good_slice_pale():
    scale = picture_scale(10.0, colormap="magma", opacity=0.8)
    assert np.asarray(decode(map_png(blob(), scale)))[..., 3].max() < 0.12 * 255


def test_scale_bars_read_well():
    assert [scale_bar(width, (1, spacing)).length_mm for width, spacing in ((728, 0.034), (100, 1), (40, 0.1))] == [
        5,
        20,
        1,
    ]
    assert scale_bar(100, None) is None


def test_boxes_of_a_table():
    def row(text: str) -> ImageRow:
        return ImageRow(Path("a.png"), "a.png", 1, "a", boxes=read_boxes(text))

    assert truth_boxes(row("1 2 3 4 5; 6 7 8 9"), (20, 20)) == (Box(1, 2, 3, 4, "5"), Box(6, 7, 8, 9))
    assert truth_boxes(row(""), (20, 20)) == ()
    with pytest.raises(ReadError, match="box '1 2 3'"):
        row("1 2 3")


def test_a_contour_closes_at_the_border():
    mask = np.zeros((40, 40), bool)
    mask[:10] = True
    [line] = contour_lines(mask, 0.5)
    assert np.allclose(line[0], line[-1])
    assert line.min() >= -0.5


def test_annotated_pictures_hold_the_map_and_the_words():
    flat = np.full((300, 400), 90, np.uint8)
    plain = Image.open(io.BytesIO(annotated(flat, ("cell_17.tif: DEFECT", "Батарея"))))
    with_map = Image.open(
        io.BytesIO(annotated(flat, ("a",), image_map=blob((300, 400), (50, 300)), scale=picture_scale(1.0), level=0.5))
    )
    assert plain.size[1] > 300
    assert np.asarray(plain)[302:].min() < 100, "words are written below"
    red, green, _ = np.asarray(with_map)[50, 300]
    assert green > red


def test_the_strip_shows_every_slice_threshold_zone_and_selection():
    scores = np.array([0.1, 0.3, 0.9, np.nan])
    figure = slice_strip(scores, threshold=0.4, grey_zone=(0.2, 0.5), selected=2, names=["a", "b", "c", "d"])
    assert slice_kinds(scores, 0.4, (0.2, 0.5)).tolist() == ["normal", "review", "defect", "unread"]
    points = {trace.name: list(trace.customdata) for trace in figure.data if trace.mode == "markers"}
    assert points == {"normal": [0], "review": [1], "defect": [2], "unread": [3]}
    shapes = {shape.name: shape for shape in figure.layout.shapes}
    assert shapes["threshold"].y0 == 0.4
    assert (shapes["grey zone"].y0, shapes["grey zone"].y1) == (0.2, 0.5)
    assert shapes["selected"].x0 == 3
    json.loads(figure.to_json())


def test_the_histogram_counts_every_pixel_and_shows_the_window():
    pixels = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    figure = histogram_figure(pixels, Window(2000, 1000), unit="HU")
    assert sum(figure.data[0].customdata) == pixels.size
    [window] = figure.layout.shapes
    assert (window.x0, window.x1) == (1500, 2500)


def test_the_operating_point_lies_on_its_curves():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4 == 0
    scores = np.where(labels, rng.beta(5, 2, 400), rng.beta(2, 5, 400))
    point = choose(scores, labels, 50, 1, 0.02)
    figure = roc_figure(scores, labels, point, groups=np.arange(400) // 20)
    mark = figure.data[-1]
    assert mark.x[0] == pytest.approx((scores[~labels] >= point.threshold).mean())
    assert mark.y[0] == pytest.approx((scores[labels] >= point.threshold).mean())
    assert mark.error_y.array[0] > 0
    assert mark.error_y.arrayminus[0] > 0
    precision = precision_recall_figure(scores, labels, point).data[-1]
    found, false = mark.y[0], mark.x[0]
    assert precision.y[0] == pytest.approx(0.02 * found / (0.02 * found + 0.98 * false))
    costs = cost_figure(scores, labels, 50, 1, 0.02, point)
    both = costs.data[0]
    assert both.x[int(np.argmin(both.y))] == pytest.approx(point.threshold, abs=1e-6)
    assert {shape.name for shape in costs.layout.shapes} == {"threshold", "grey zone"}
    result = performance(scores, labels, point)
    texts = [note.text for note in confusion_figure(result).layout.annotations]
    assert any(f"<b>{result.escapes.count}</b>" in text and "escapes" in text for text in texts)
