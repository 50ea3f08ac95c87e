"""What cannot work is refused at submission, with the field's name, and leaves no job behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.config import load_config
from models.core.errors import ConfigError
from models.jobs import JobStore, LocalBackend, submission
from models.jobs.submission import git_revision, prepare, wanted_device


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ("data.root=/no/such/folder", "data.root", "is no folder; set it to the folder that holds the WFDB records"),
        ("data.train=[]", "data.train", "names no record"),
        ("data.train=[sim1, nine]", "data.train", "nine have no .hea or no .atr"),
        ("data.train=train", "data.train", "101, 106, 108, 109, 112 and 12 more have no .hea"),
        ("data.validation=[sim1]", "data.validation", "a patient never crosses"),
        ("data.validation=[nine]", "data.validation", "nine have no .hea"),
        ("network.arguments={conv_channels: 3}", "network.arguments", "cannot be made with them"),
        ("network.arguments={colour: 3}", "network.arguments.colour", "has no such argument"),
        ("loss.teachers=[nobody]", "loss.teachers", "was not found"),
        ("device=mps", "device", "this machine has no mps; set it to auto or cpu"),
    ],
)
def test_beats_that_cannot_be_trained_are_refused(store: JobStore, tiny, change: str, field: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LocalBackend(store).submit(tiny(change))
    assert caught.value.field == field
    assert why in caught.value.why
    assert store.list() == []
    assert store.runner("cpu") is None


def test_noise_that_is_not_there_is_refused(store: JobStore, tiny, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(tiny(f"data.noise_root={tmp_path}", "augment.noise_probability=0.5"), store)
    assert caught.value.field == "data.noise_root"


def test_pictures_that_cannot_be_trained_are_refused(store: JobStore, picture_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(load_config("ct_smoke", [f"data.root={tmp_path / 'none'}"]), store)
    assert caught.value.field == "data.root"
    good = tmp_path / "set" / "good"
    good.mkdir(parents=True)
    for number in range(0, 20, 2):
        shutil.copy(picture_root / f"p{number:03}.png", good)
    with pytest.raises(ConfigError, match="holds normal pictures only") as caught:
        prepare(load_config("ct_smoke", [f"data.root={tmp_path / 'set'}"]), store)
    assert caught.value.field == "data.root"
    assert prepare(load_config("ct_smoke", [f"data.root={picture_root}"]), store).device == "cpu"


def test_a_student_of_pictures_may_have_a_teacher_of_samples(store: JobStore, ptbxl_root: Path) -> None:
    config = load_config("ecg_deit_tiny", [f"data.root={ptbxl_root}"])
    assert prepare(config, store).config["loss"]["teachers"] == ["ecg12-xresnet"]
    other = load_config("ecg_deit_tiny", [f"data.root={ptbxl_root}", "loss.teachers=[beat-dcrnn]"])
    with pytest.raises(ConfigError, match="answers with other labels"):
        prepare(other, store)


def test_a_job_does_not_hang_on_the_folder_of_whoever_submits(store, tiny, simulated_root, monkeypatch) -> None:
    monkeypatch.chdir(simulated_root.parent)
    job = prepare(tiny(f"data.root={simulated_root.name}"), store, who="me", name="mine")
    assert job.config["data"]["root"] == str(simulated_root)
    assert (job.who, job.name, job.epochs) == ("me", "mine", 3)
    assert job.run_dir == store.run_dir(job.id)
    again = prepare(tiny(), store)
    assert again.config_hash == job.config_hash
    assert again.id != job.id
    assert prepare(tiny("lr=0.5"), store).config_hash != job.config_hash
    assert job.git_revision == git_revision()


def test_plain_values_are_checked_as_a_configuration_is(store: JobStore, tiny) -> None:
    values = tiny().model_dump(mode="json")
    assert prepare(values, store).config_hash == prepare(tiny(), store).config_hash
    with pytest.raises(ConfigError, match="epochs"):
        prepare(values | {"epochs": 0}, store)


def test_auto_is_a_gpu_where_there_is_one(tiny, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert wanted_device(tiny("device=auto")) == "cuda"
    assert wanted_device(tiny("device=cpu")) == "cpu"


def test_a_revision_is_of_the_checkout_and_not_of_what_it_lies_in(monkeypatch):
    """An environment inside of another repository lends its revision to nothing that is installed in it."""
    if not git_revision():
        pytest.skip("not a git checkout")
    installed = submission._ROOT / "tests" / "models"  # git would answer here, too
    monkeypatch.setattr(submission, "_ROOT", installed)
    assert git_revision() == ""
