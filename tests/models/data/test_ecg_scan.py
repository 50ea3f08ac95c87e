"""Each change of a sheet of ECG paper shows its own effect, and that of no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import median_filter

from models.data import ecg_paper, ecg_scan
from readers.core.lead_names import TWELVE_LEADS

SEEDS = range(40)
HEIGHT, WIDTH = 120, 480
LINES = (30, 90)
"""Rows of the middle of two level lines, 7 pixels wide."""


def lined() -> Image.Image:
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for row in LINES:
        page[row - 3 : row + 4, 60:-60] = 0
    return Image.fromarray(page)


def slopes(picture: Image.Image) -> tuple[float, float]:
    """Degrees that each of the two lines is turned by."""
    dark = np.asarray(picture.convert("L"), float) < 25  # the table around the sheet is lighter
    found = []
    for half in (dark[: HEIGHT // 2 + 8], dark[HEIGHT // 2 - 8 :]):
        columns = np.arange(140, WIDTH - 140)  # where no line has left the picture or its half
        count = half[:, columns].sum(axis=0)
        rows = (half[:, columns] * np.arange(len(half))[:, None]).sum(axis=0) / np.maximum(count, 1)
        found.append(np.rad2deg(np.arctan(np.polyfit(columns[count > 0], rows[count > 0], 1)[0])))
    return found[0], found[1]


def test_rotation_turns_both_lines_together() -> None:
    turned = np.array([slopes(ecg_scan.moved(lined(), 1.0, np.random.default_rng(seed))) for seed in SEEDS])
    # The corners alone, each moved by up to a fortieth of the sides, turn a line by 0.7 degrees at most.
    assert np.abs(turned.mean(axis=1)).max() > 2
    assert turned.mean(axis=1).min() < -2 < 2 < turned.mean(axis=1).max(), "to either side"
    assert np.abs(turned).max() < 5.5
    weak = [np.mean(slopes(ecg_scan.moved(lined(), 0.25, np.random.default_rng(seed)))) for seed in SEEDS]
    assert np.abs(weak).max() < 1.4


def test_perspective_lets_parallels_run_apart() -> None:
    turned = np.array([slopes(ecg_scan.moved(lined(), 1.0, np.random.default_rng(seed))) for seed in SEEDS])
    # Turning, shifting and another size leave parallels parallel.
    assert np.abs(turned[:, 0] - turned[:, 1]).max() > 0.3
    assert np.median(np.abs(turned[:, 0] - turned[:, 1])) > 0.1


def test_the_homography_takes_the_corners_where_they_should_go() -> None:
    origin, target = np.array([[0, 0], [9, 1], [10, 8], [1, 7]]), np.array([[0, 0], [8, 0], [8, 6], [0, 6]])
    a, b, c, d, e, f, g, h = ecg_scan.homography(origin, target)
    x, y = origin.T
    below = g * x + h * y + 1
    found = np.stack([(a * x + b * y + c) / below, (d * x + e * y + f) / below], axis=1)
    np.testing.assert_allclose(found, target, atol=1e-9)


def light(strength: float, seed: int) -> np.ndarray:
    return ecg_scan.shade((160, 240), 4.0, strength, np.random.default_rng(seed))


def creases(found: np.ndarray) -> np.ndarray:
    """What a median over 10 mm takes away: narrow lines, not soft shadows."""
    return np.abs(found - median_filter(found[::2, ::2], 21, mode="nearest").repeat(2, 0).repeat(2, 1))


def test_a_shadow_makes_parts_of_the_sheet_darker() -> None:
    uneven = []
    for seed in SEEDS:
        found = light(1.0, seed)
        tiles = [np.median(part) for row in np.split(found, 4) for part in np.split(row, 6, axis=1)]
        uneven.append(max(tiles) - min(tiles))
    assert min(uneven) > 0.1
    assert np.ptp(light(0.0, 3)) == 0


def test_creases_are_narrow_lines_of_other_light() -> None:
    strong = [float(np.quantile(creases(light(1.0, seed)), 0.995)) for seed in SEEDS]
    folded = sum(value > 0.05 for value in strong)
    assert 0.4 * len(SEEDS) < folded <= len(SEEDS), "one sheet in four has none, some are faint"
    one = creases(light(1.0, int(np.argmax(strong))))
    assert (one > 0.05).mean() < 0.4, "the rest of the sheet stays as it is"


def test_handwriting_is_ink_on_the_sheet() -> None:
    for seed in SEEDS:
        picture = Image.new("RGB", (WIDTH, 2 * HEIGHT), "white")
        ecg_scan.scribble(picture, 2.0, np.random.default_rng(seed))
        inked = np.asarray(picture).min(axis=2) < 200
        assert inked.mean() < 0.15
        if seed < 5:
            assert inked.any()


def still(monkeypatch: pytest.MonkeyPatch, *kept: str) -> None:
    """Switch off all that :func:`ecg_scan.scanned` does in steps, but what is kept."""
    off = {
        "scribble": lambda picture, *rest: None,
        "moved": lambda picture, *rest: picture,
        "shade": lambda shape, *rest: np.ones(shape, np.float32),
        "saved": lambda values, *rest: values,
    }
    for name, instead in off.items():
        if name not in kept:
            monkeypatch.setattr(ecg_scan, name, instead)


@pytest.mark.parametrize(("step", "least"), [("scribble", 0.15), ("moved", 1.0), ("shade", 1.0), ("saved", 0.6)])
def test_a_scan_goes_through_each_step(step: str, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = np.sin(np.arange(1000) / 9) * np.ones((12, 1))
    page = ecg_paper.draw(signal, 100.0, TWELVE_LEADS, 1.5)
    changed = {}
    for kept in ((), (step,)):
        with monkeypatch.context() as context:
            still(context, *kept)
            pictures = [ecg_scan.scanned(page, 1.5, 1.0, np.random.default_rng(seed)) for seed in SEEDS]
        changed[bool(kept)] = [
            float(np.quantile(np.abs(one.mean(axis=2) - page.mean(axis=2)), 0.999)) for one in pictures
        ]
    # Without any step there is noise alone, of up to 0.03 an SD in each colour.
    assert max(changed[False]) < 0.08
    assert np.mean(np.array(changed[True]) > 0.1) >= least


def edge() -> np.ndarray:
    """Black left, white right, the edge between two blocks of a JPEG file, which keeps such a picture as it is."""
    values = np.ones((64, 64, 3), np.float32)
    values[:, :32] = 0
    return values


def test_blur_softens_an_edge() -> None:
    def steepest(strength: float, seed: int) -> float:
        found = ecg_scan.saved(edge(), 8.0, strength, np.random.default_rng(seed))
        return float(np.diff(found.mean(axis=2), axis=1).max())

    strong = [steepest(1.0, seed) for seed in SEEDS]
    assert min(strong) < 0.2
    assert np.median(strong) < 0.4
    assert np.median([steepest(0.2, seed) for seed in SEEDS]) > 0.6, "little strength, little blur"


def blockiness(values: np.ndarray) -> float:
    """Steps between blocks of 8 pixels against those within them."""
    steps = np.abs(np.diff(values.mean(axis=2), axis=1)).mean(axis=0)
    between = np.arange(len(steps)) % 8 == 7
    return float(steps[between].mean() / steps[~between].mean())


def test_jpeg_makes_blocks() -> None:
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.uniform(60, 200, (40, 40, 3)).astype(np.uint8))
    values = np.asarray(coarse.resize((160, 160), Image.Resampling.BICUBIC), np.float32) / 255
    # With so few pixels for a millimetre nothing is blurred.
    found = [ecg_scan.saved(values, 0.2, 1.0, np.random.default_rng(seed)) for seed in SEEDS]
    changed = [one for one in found if np.abs(one - values).max() > 2 / 255]
    assert 0.45 * len(SEEDS) < len(changed) < 0.95 * len(SEEDS), "seven in ten"
    assert max(blockiness(one) for one in changed) > 1.1 * blockiness(values)
    assert all(np.abs(one - values).mean() < 0.05 for one in changed)
    assert np.abs(ecg_scan.saved(values, 0.2, 0.0, generator) - values).max() <= 1 / 255 + 1e-6


def test_a_faded_grid_loses_contrast_and_the_trace_does_not() -> None:
    signal = np.zeros((12, 1000), np.float32)
    grids = []
    for seed in SEEDS:
        sheet = ecg_scan.varied(1.0, np.random.default_rng(seed))
        grids.append(sheet.grid)
        assert ecg_scan.varied(0.1, np.random.default_rng(seed)).grid >= 0.9
    assert min(grids) < 0.2 and max(grids) > 0.8
    sheet = replace(ecg_scan.varied(1.0, np.random.default_rng(int(np.argmin(grids)))), trace_mm=1.0, names_mm=0.0)
    faded, printed = (
        ecg_paper.draw(signal, 100.0, TWELVE_LEADS, 4.0, sheet=replace(sheet, grid=grid)) for grid in (sheet.grid, 1.0)
    )
    corner = np.s_[:24, -60:]  # right of the leads and above them there is grid alone
    assert np.ptp(faded[corner].mean(axis=2)) < 0.3 * np.ptp(printed[corner].mean(axis=2))
    trace = np.abs(printed - np.asarray(sheet.trace, np.float32)).max(axis=2) < 1e-6
    assert trace.sum() > 1000
    np.testing.assert_allclose(faded[trace], printed[trace], atol=1e-6)


def test_no_strength_leaves_the_sheet_as_it_is() -> None:
    page = ecg_paper.draw(np.zeros((12, 1000), np.float32), 100.0, TWELVE_LEADS, 1.5)
    for seed in SEEDS:
        found = ecg_scan.scanned(page, 1.5, 0.0, np.random.default_rng(seed))
        np.testing.assert_allclose(found, page, atol=2 / 255)
