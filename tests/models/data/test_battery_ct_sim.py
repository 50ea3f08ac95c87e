"""The simulator of battery CT: same seed same files, masks where pictures differ, physics against scikit-image."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.core.errors import ConfigError, ReadError
from models.data.battery_ct_sim import DEFECTS, backgrounds, defects, generate, make_picture, scanner, simulated_stack
from models.data.battery_ct_sim.anatomy import draw_cell
from models.data.battery_ct_sim.deformation import Deformation
from models.data.battery_ct_sim.parameters import PARTS, TEST, TRAIN
from models.data.battery_ct_sim.render import View, render, sample


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def phantom(size: int) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    disc = (np.hypot(x, y) < 0.4 * size).astype(np.float32)
    return disc + 2 * (np.hypot(x - 0.1 * size, y + 0.15 * size) < 0.08 * size)


def test_same_seed_same_files(tmp_path: Path):
    first, second = generate(tmp_path / "a", 4, seed=3, size=96), generate(tmp_path / "b", 4, seed=3, size=96)
    assert first.read_bytes() == second.read_bytes()
    for row in rows_of(first):
        assert (tmp_path / "a" / row["file"]).read_bytes() == (tmp_path / "b" / row["file"]).read_bytes()
    assert generate(tmp_path / "c", 4, seed=4, size=96).read_bytes() != first.read_bytes()


def test_table_pictures_and_masks(tmp_path: Path):
    calls: list[tuple[int, int, str]] = []
    table = generate(tmp_path, 12, seed=5, size=128, progress=lambda *call: calls.append(call))
    rows = rows_of(table)
    assert list(rows[0]) == ["file", "label", "group", "mask", "background", "defect", "parameters"]
    assert [call[:2] for call in calls] == [(i + 1, 12) for i in range(12)]
    assert {row["label"] for row in rows} == {"normal", "defect"}
    assert len({row["group"] for row in rows}) == 12
    for row in rows:
        picture = np.array(Image.open(tmp_path / row["file"]))
        assert picture.dtype == np.uint16 and picture.shape == (128, 128)
        assert np.ptp(picture) > 5000
        parameters = json.loads(row["parameters"])
        assert parameters["simulated"] is True and parameters["scan"]["photons"] > 0
        if row["label"] == "normal":
            assert row["mask"] == row["defect"] == "" and parameters["defect"] is None
        else:
            mask = np.array(Image.open(tmp_path / row["mask"]))
            assert set(np.unique(mask)) == {0, 255} and mask.shape == picture.shape
            assert row["defect"] in DEFECTS and parameters["defect"]["name"] == row["defect"]


def test_stops_when_asked(tmp_path: Path):
    done: list[int] = []
    table = generate(
        tmp_path, 50, seed=1, size=64, progress=lambda i, n, note: done.append(i), should_stop=lambda: len(done) >= 2
    )
    assert len(rows_of(table)) == 2


@pytest.mark.parametrize(("wrong", "field"), [({"part": "holdout"}, "part"), ({"n": 0}, "n"), ({"size": 8}, "size")])
def test_refuses_nonsense(tmp_path: Path, wrong: dict, field: str):
    with pytest.raises(ConfigError) as caught:
        generate(tmp_path, **{"n": 1, "seed": 0, **wrong})
    assert caught.value.field == field
    assert not list(tmp_path.iterdir())


def test_names_the_real_slice_that_is_missing(tmp_path: Path):
    with pytest.raises(ReadError, match=r"im041\.tif"):
        backgrounds.real_cells(str(tmp_path), "train")


KIND_OF = {"overhang": "stacked pouch"}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_changes_the_picture_inside_its_mask(name: str):
    """The same cell, scanner and noise with and without the defect: most of the difference lies at the mask."""
    generator = np.random.default_rng([7, len(name)])
    cell = replace(draw_cell(TRAIN, generator, KIND_OF.get(name, "cylindrical")), bands=())
    view = View(0.0, 0.0, 2.2 * max(cell.half_size_mm), 0.4, False, 192)
    defect = defects.plan(name, cell, view.pixel_mm / 2, TRAIN, generator)
    healthy, damaged = Deformation(cell), Deformation(cell)
    defect.bend(damaged)
    before, empty = sample(cell, healthy.invert(), (), 0.0, view)
    after, mask = sample(defect.changed_cell(cell), damaged.invert(), defect.blobs, 0.0, view)
    assert not empty.any()
    change = np.abs(after - before)
    assert change.max() > 0.02
    if name == "overhang":
        return
    assert mask.sum() >= 6
    assert change[mask].mean() > 5 * change[~mask].mean()


def test_the_map_is_undone_where_nothing_bends():
    cell = draw_cell(TRAIN, np.random.default_rng(0), "cylindrical")
    depth = np.linspace(0, cell.wall_mm, 50)
    source, gap, damage = Deformation(cell).invert()(depth, np.full(50, 1.0))
    np.testing.assert_allclose(source, depth, atol=1e-3 * cell.wall_mm)
    assert gap.max() == damage.max() == 0


def test_a_gap_is_as_wide_as_asked():
    cell = draw_cell(TRAIN, np.random.default_rng(1), "cylindrical")
    middle, width = (cell.core_mm + cell.rim_mm) / 2, 0.06 * cell.wall_mm
    deformation = Deformation(cell)
    deformation.gap(width, middle, 2.0, 0.6, inward=0.5, defect=True)
    depth = np.linspace(cell.core_mm, cell.rim_mm, 2000)
    _, gap, damage = deformation.invert()(depth, np.full(2000, 2.0))
    measured = gap.mean() * (cell.rim_mm - cell.core_mm)
    assert measured == pytest.approx(width, rel=0.1)
    assert damage.mean() == pytest.approx(gap.mean(), rel=0.25)
    # On the far side the winding stays closed.
    assert deformation.invert()(depth, np.full(2000, 2.0 + np.pi))[1].max() == 0


@pytest.mark.parametrize("kind", ["cylindrical", "wound pouch", "stacked pouch", "lid"])
def test_point_inverts_coordinates(kind: str):
    cell = draw_cell(TRAIN, np.random.default_rng(2), kind)
    for depth, along in ((cell.core_mm + 0.3, 0.7), (0.8 * cell.rim_mm, 2.9), (0.6 * cell.rim_mm, 5.0)):
        x, y = cell.point(depth, along)
        back = cell.coordinates(np.array([x]), np.array([y]))
        assert back[0][0] == pytest.approx(depth, abs=1e-6)
        assert back[1][0] == pytest.approx(along, abs=1e-6)


def test_projection_agrees_with_scikit_image():
    from skimage.transform import iradon, radon

    picture = phantom(64)
    angles = np.arange(scanner.VIEWS) * 180 / scanner.VIEWS
    ours, theirs = scanner.projector(64).project(picture), radon(picture, angles, circle=True).T
    assert np.abs(ours - theirs).mean() < 0.02 * theirs.max()
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.01)
    back = scanner.projector(64).back_project(ours)
    reference = iradon(theirs.T, angles, circle=True, filter_name="hann")
    inside = np.hypot(*(np.mgrid[:64, :64] - 32)) < 29
    assert np.abs(back - reference)[inside].mean() < 0.03
    assert back[inside].mean() == pytest.approx(picture[inside].mean(), rel=0.03)


def test_the_scanner_adds_noise_cups_and_rings():
    settings = scanner.Scan(1e9, 0.0, 0.0, 0.5, 0.0, 1.0, 0.0, 0.5)
    mu, pixel = 0.15 * phantom(128) / 2, 0.1
    quiet = scanner.faults(mu, pixel, settings, np.random.default_rng(0))
    noisy = scanner.faults(mu, pixel, replace(settings, photons=1e3), np.random.default_rng(0))
    cupped = scanner.faults(mu, pixel, replace(settings, hardening=0.03), np.random.default_rng(0))
    rings = scanner.faults(mu, pixel, replace(settings, ring=0.01), np.random.default_rng(0))
    y, x = np.mgrid[:128, :128] - 64
    radius = np.hypot(x, y)
    assert quiet[radius < 50].std() < 0.1 * noisy[radius < 50].std()
    # Hardening makes the middle of a disc read lower than its edge.
    assert cupped[radius < 15].mean() < cupped[(radius > 38) & (radius < 46)].mean() < 0
    ring_means = [rings[(radius >= r) & (radius < r + 1)].mean() for r in range(10, 50)]
    assert np.std(ring_means) > 5 * np.std([quiet[(radius >= r) & (radius < r + 1)].mean() for r in range(10, 50)])


def test_a_particle_streaks():
    """Metal takes photons away: along the line between two particles the picture is changed most."""
    mu = np.zeros((128, 128), np.float32)
    mu[60:68, 20:28] = mu[60:68, 100:108] = 4.0
    settings = scanner.Scan(1e6, 0.02, 0.0, 0.5, 0.0, 1.0, 0.0, 0.5)
    added = np.abs(scanner.faults(mu, 0.1, settings, np.random.default_rng(0)))
    assert added[62:66, 45:85].mean() > 3 * added[20:30, 45:85].mean()


def test_good_and_bad_take_the_same_views():
    """The choice of the view must not tell the label: zoom, size and scanner are drawn alike."""
    records = {"normal": [], "defect": []}
    for i in range(40):
        row = make_picture(np.random.default_rng([11, i]), size=64)[2]
        parameters = json.loads(row["parameters"])
        records[row["label"]].append(parameters["view"]["size"] / 64)
    assert min(map(len, records.values())) > 10
    assert abs(np.mean(records["normal"]) - np.mean(records["defect"])) < 0.15


def test_training_and_test_do_not_share_ranges_or_slices():
    assert PARTS["train"] is PARTS["validation"] is TRAIN
    shared = [name for name in vars(TRAIN) if getattr(TRAIN, name) == getattr(TEST, name)]
    assert shared == []
    numbers = {part: set(values) for part, values in backgrounds.STACK.items()}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        gap = min(abs(a - b) for a in numbers[one] for b in numbers[other])
        assert gap >= 4, (one, other)
    assert backgrounds.SINGLE["slice_21700_ndtomo.tif"][0] == "test"


def test_simulated_stack_has_its_defect_in_the_middle():
    pictures, masks, pixel_mm = simulated_stack(9, seed=2, defect="swelling", size=96)
    assert 10 < 96 * pixel_mm < 60, "the field of view of a cylindrical cell, mm"
    assert pictures.shape == masks.shape == (9, 96, 96)
    assert pictures.dtype == np.uint16 and masks.dtype == bool
    touched = masks.any((1, 2))
    assert touched.any() and not touched[0] and not touched[-1]
    again = simulated_stack(9, seed=2, defect="swelling", size=96)[0]
    np.testing.assert_array_equal(pictures, again)
    assert not simulated_stack(2, seed=2, size=64).masks.any()
    said = []
    few = simulated_stack(
        9, seed=2, size=64, progress=lambda *step: said.append(step[:2]), should_stop=lambda: len(said) == 2
    )
    assert said == [(0, 9), (1, 9)] and len(few.slices) == len(few.masks) == 2
    with pytest.raises(ConfigError, match="overhang"):
        simulated_stack(2, defect="overhang")


def test_render_is_16_bit_and_finite():
    generator = np.random.default_rng(9)
    cell = draw_cell(TEST, generator, "stacked pouch")
    view = View(0.0, 0.0, 2.2 * max(cell.half_size_mm), 0.0, True, 96)
    scan = scanner.draw_scan(TEST, generator)
    picture, mask = render(cell, Deformation(cell).invert(), None, 0.0, view, scan, generator)
    assert picture.dtype == np.uint16 and np.ptp(picture) > 10000 and not mask.any()


@pytest.mark.data
def test_real_backgrounds_stay_in_their_part(data_root: Path, tmp_path: Path):
    root = data_root / "battery_ct"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    groups = {}
    for part in PARTS:
        cells, shares = backgrounds.real_cells(str(root), part)
        groups[part] = {cell.name for cell in cells}
        assert sum(shares) == pytest.approx(1)
        assert not any("winding_pair" in name for name in groups[part])
    assert not groups["train"] & groups["test"] and not groups["train"] & groups["validation"]
    stack = next(cell for cell in backgrounds.real_cells(str(root), "train")[0] if cell.name == "stack/im070")
    assert stack.wall_mm == pytest.approx(10.6, abs=0.15)
    rows = rows_of(generate(tmp_path, 10, seed=1, real_root=root, size=96, part="test"))
    real = [row for row in rows if row["background"] == "real"]
    assert real and {row["group"] for row in real} <= groups["test"]


@pytest.mark.data
def test_an_unbent_real_slice_looks_like_itself(data_root: Path):
    root = data_root / "battery_ct"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    cell = next(c for c in backgrounds.real_cells(str(root), "test")[0] if c.name == "stack/im095")
    view = View(0.0, 0.0, 2.0 * cell.wall_mm, 0.0, False, 256)
    mu, _ = sample(cell, Deformation(cell).invert(), (), 0.0, view)
    original = np.array(Image.open(root / "stack" / "im095.tif")).astype(float)
    row, column = cell.centre_px
    half = cell.wall_mm / cell.pixel_mm
    box = (column - half, row - half, column + half, row + half)
    small = np.array(Image.fromarray(original).resize((256, 256), Image.BOX, box=box))
    assert np.corrcoef(mu.ravel(), small.ravel())[0, 1] > 0.97


def test_the_command_line_writes_a_set_that_states_its_split(tmp_path, capsys):
    from models.__main__ import main
    from models.data.image_folder import load_split

    assert main(["simulate", str(tmp_path), "--train", "6", "--validation", "3", "--test", "0"]) == 0
    assert "labels.csv" in capsys.readouterr().out
    sides, hashes = load_split(tmp_path)
    assert {name: len(rows) for name, rows in sides.items()} == {"train": 6, "validation": 3, "test": 0}
    assert len(hashes) == 9
    assert main(["simulate", str(tmp_path), "--train", "0", "--validation", "0", "--test", "0"]) == 2


def test_a_group_on_two_stated_sides_is_refused(tmp_path):
    from models.core.errors import ConfigError
    from models.data.image_folder import load_split

    for name in ("a", "b"):
        Image.fromarray(np.full((8, 8), ord(name), np.uint8)).save(tmp_path / f"{name}.png")
    lines = ["file,label,group,split", "a.png,normal,cell1,train", "b.png,defect,cell1,test"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="never crosses"):
        load_split(tmp_path)
    (tmp_path / "labels.csv").write_text("\n".join(lines[:2]).replace("train", "somewhere"))
    with pytest.raises(ConfigError, match="somewhere"):
        load_split(tmp_path)
