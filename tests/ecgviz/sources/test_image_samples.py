"""The samples of the inspection: there without a network, made once, with the truth beside them."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.errors import ReadError
from ecgviz.sources import image_samples


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and simulations small enough for a test."""
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    small = {
        name: image_samples._Simulated(6, 64, recipe.seed, recipe.defect)
        for name, recipe in image_samples._SIMULATED.items()
    }
    monkeypatch.setattr(image_samples, "_SIMULATED", small)
    return tmp_path / "home"


def test_simulated_stacks_are_made_once_and_called_simulated(home, monkeypatch):
    said = []
    name = "simulated-stack-defect"
    stack = image_samples.open_sample(name, progress=lambda *step: said.append(step))
    assert [step[:2] for step in said] == [(i, 6) for i in range(6)]
    assert (stack.n_slices, stack.height, stack.width, stack.dtype) == (6, 64, 64, np.uint16)
    assert "simulated" in stack.warnings[0] and "Simulated" in stack.name
    row, column = stack.spacing_mm
    assert row == pytest.approx(column) and 10 < 64 * row < 60, "the field of view of a cylindrical cell, mm"
    assert stack.slice_spacing_mm is None, "the simulator knows no distance between slices"
    made = sorted((home / "samples").iterdir())
    assert [path.suffix for path in made] == [".tif", ".tif"]
    stamps = [path.stat().st_mtime_ns for path in made]
    mask = image_samples.open_sample_mask(name, progress=lambda *step: said.append(step))
    assert len(said) == 6
    assert mask.spacing_mm == stack.spacing_mm
    assert [path.stat().st_mtime_ns for path in made] == stamps
    assert mask.n_slices == 6
    truth = np.stack([mask.pixels(i) for i in range(6)])
    assert set(np.unique(truth)) == {0, 255}
    assert not truth[0].any()


def test_a_stopped_simulation_leaves_nothing(home):
    said = []
    with pytest.raises(ReadError, match="stopped; open it again"):
        image_samples.open_sample(
            "simulated-stack-healthy", progress=lambda *step: said.append(step), should_stop=lambda: len(said) >= 2
        )
    assert len(said) == 2
    assert not (home / "samples").exists()
    assert image_samples.open_sample("simulated-stack-healthy").n_slices == 6


def test_healthy_stack_has_an_empty_truth(home):
    mask = image_samples.open_sample_mask("simulated-stack-healthy")
    assert not any(mask.pixels(i).any() for i in range(mask.n_slices))


def test_dicom_sample_needs_no_download(home, monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a sample went to the network"))
    stack = image_samples.open_sample("dicom-ct")
    assert (stack.value_unit, stack.height, stack.width) == ("HU", 128, 128)
    assert image_samples.open_sample_mask("dicom-ct") is None


def test_every_sample_can_be_opened_and_others_cannot(home):
    samples = image_samples.list_samples()
    assert {sample.kind for sample in samples} == {"stack", "slice"}
    for sample in samples:
        assert image_samples.open_sample(sample.name).n_slices >= 1
    with pytest.raises(ReadError, match="there is no such sample; there are simulated-stack-defect"):
        image_samples.open_sample("other")


def test_a_home_without_room(home, monkeypatch):
    home.parent.joinpath("home").write_text("a file where the folder should be")
    with pytest.raises(ReadError, match="the sample cannot be kept"):
        image_samples.open_sample("simulated-stack-healthy")
