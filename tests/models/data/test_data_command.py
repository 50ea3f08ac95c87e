"""``python -m models data``, and the settings of another set: what was understood is said, by every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ecgviz.analysis.inspect import inspect_files
from ecgviz.saliency import explain_image
from models.__main__ import main
from models.checkpoints import load_checkpoint
from models.config import load_config
from models.core.errors import ConfigError
from models.data.image_folder import below_chance, load_split, split_doubts
from models.evaluation.operating_point import given_point
from models.plugins import plugin_of
from models.training import RunContext
from models.training import run as train
from readers.images import open_images
from tests.models.data.test_picture_folders import mvtec, picture

SMALL = ("network.pretrained=false", "epochs=1", "batch_size=4", "task.image_size=32", "device=cpu")


def two_classes(root: Path, good: str, bad: str, seed: int = 0) -> Path:
    for number in range(12):
        picture(root / good / f"{number:02}.png", seed + number, (32, 32))
        path = picture(root / bad / f"{number:02}.png", seed + 50 + number, (32, 32))
        values = np.asarray(Image.open(path)).copy()
        values[8:16, 8:16] = 255
        Image.fromarray(values).save(path)
    return root


def test_it_says_what_was_understood_and_shows_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mvtec(tmp_path / "set")
    (tmp_path / "set" / "scan.7z").write_bytes(b"7z\xbc\xaf\x27\x1c")
    assert main(["data", str(tmp_path / "set"), "--json", str(tmp_path / "found.json")]) == 0
    said = capsys.readouterr().out
    assert "the layout of MVTec AD, masks" in said
    assert "types of defect: crack 3, hole 3" in said
    assert "test: normal 3, defect 6" in said
    assert "test/crack/" in said
    assert "scan.7z an archive, which is not read" in said
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["types"] == {"crack": 3, "hole": 3}
    assert found["set_aside"] == {"companion": 6, "unread": 1}


def test_a_refusal_names_a_remedy_that_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A", "B"):
        for number in range(12):
            picture(tmp_path / name / f"{number}.png", number + 20 * (name == "B"))
    assert main(["data", str(tmp_path)]) == 2
    remedy = "--set data.normal=[...] data.defect=[...]"
    assert remedy in capsys.readouterr().err
    assert main(["data", str(tmp_path), "--set", "data.normal=[A]"]) == 0
    assert "normal 12, defect 12" in capsys.readouterr().out
    for number in range(3):
        picture(tmp_path / "flat" / f"{number}.png", number)
    assert main(["data", str(tmp_path / "flat")]) == 1
    assert "data.unlabelled=normal" in capsys.readouterr().out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a training on classes of odd names whose validation is of one part."""
    folder = tmp_path_factory.mktemp("trained")
    root = two_classes(folder / "set", "fine ones", "dents")
    lines = ["file,label,group,split"]
    for name in ("fine ones", "dents"):
        for number in range(12):
            split = ("train", "train", "validation")[number % 3]
            group = "held" if split == "validation" else f"cell{number}"
            lines.append(f"{name}/{number:02}.png,{name},{group},{split}")
    (root / "labels.csv").write_text("\n".join(lines))
    sets = ["data.normal=[FINE ONES]", "data.defect=[dents]", f"data.root={root}", "choose_by=auroc"]
    train(load_config("ct_smoke", [*SMALL, *sets]), RunContext(folder / "run"))
    return folder / "run"


def test_evaluation_and_threshold_take_the_settings_of_another_set(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(trained / "checkpoint")
    other = two_classes(tmp_path / "other", "Gruppe 1", "Gruppe 2", seed=500)
    assert main(["evaluate", checkpoint, "--data", str(other), "--split", "all"]) == 2
    changes = ["--set", "data.normal=[gruppe 1]", "data.defect=[gruppe 2]"]
    report = tmp_path / "found.json"
    assert main(["evaluate", checkpoint, "--data", str(other), "--split", "all", "--json", str(report), *changes]) == 0
    found = json.loads(report.read_text())
    assert found["pooled"]["images"] == 24
    assert found["pooled"]["defects"] == 12
    assert found["auroc"] == found["pooled"]["scores"]["auroc"]["value"]
    capsys.readouterr()
    assert main(["threshold", checkpoint, "--data", str(other), "--split", "all", *changes]) == 0
    assert "threshold" in capsys.readouterr().out
    assert main(["evaluate", checkpoint, "--data", str(other), "--set", "lr=1"]) == 2
    assert "no setting of data" in capsys.readouterr().err


def test_evaluation_has_an_auroc_of_each_type(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mvtec(tmp_path / "mvtec")
    report = tmp_path / "found.json"
    places = ["--data", str(tmp_path / "mvtec"), "--split", "test", "--json", str(report)]
    assert main(["evaluate", str(trained / "checkpoint"), *places]) == 0
    found = json.loads(report.read_text())
    assert 0 <= found["auroc"] <= 1
    assert set(found["by_type"]) == {"crack", "hole"}
    assert "AUROC of crack (3 pictures)" in capsys.readouterr().out


def test_what_a_split_cannot_tell_is_said_before_and_after(trained: Path) -> None:
    config = load_config(trained / "config.yaml")
    assert config.choose_by == "auroc"
    sides, _ = load_split(config.data.root, config.data)
    [doubt] = split_doubts(sides)
    assert "8 pictures of the validation side are of one part" in doubt
    assert doubt in plugin_of(config).count(config).doubts
    assert doubt in json.loads((trained / "metrics.json").read_text())["doubts"]
    one_class = {"validation": [row for row in sides["validation"] if row.label]}
    assert any("no normal picture" in said for said in split_doubts(one_class))


def test_below_chance() -> None:
    assert below_chance(0.31, "validation").startswith("AUROC of the validation side is 0.310, below chance")
    assert below_chance(0.5, "test") == below_chance(None, "test") == below_chance(float("nan"), "test") == ""


def test_labelled_learning_refuses_good_pictures_with_what_would_help(tmp_path: Path) -> None:
    mvtec(tmp_path / "mvtec")
    for number in range(9):
        picture(tmp_path / "good" / "good" / f"{number}.png", number)
    for name, remedy in (("mvtec", "data.split=dealt deals all pictures out anew; or learn from good parts alone"),
                         ("good", "learn from good parts alone, or add defective ones")):  # fmt: skip
        config = load_config("ct_smoke", [*SMALL, f"data.root={tmp_path / name}"])
        with pytest.raises(ConfigError, match=remedy):
            plugin_of(config).check_data(config)
    dealt = load_config("ct_smoke", [*SMALL, f"data.root={tmp_path / 'mvtec'}", "data.split=dealt"])
    plugin_of(dealt).check_data(dealt)


def test_each_type_of_defect_is_a_class_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mvtec(tmp_path / "set")
    for number in range(10):
        for kind in ("crack", "hole"):
            picture(tmp_path / "set" / "test" / kind / f"x{number}.png", 900 + number + 50 * (kind == "hole"))
    sets = ["data.types=each", "data.split=dealt", f"data.root={tmp_path / 'set'}"]
    config = load_config("ct_smoke", [*SMALL, *sets])
    assert config.task.classes == ("normal", "crack", "hole")
    folder = train(config, RunContext(tmp_path / "run"))
    checkpoint = load_checkpoint(folder)
    assert checkpoint.card.classes == ("normal", "crack", "hole")
    report = tmp_path / "found.json"
    assert (
        main(["evaluate", str(folder), "--data", str(tmp_path / "set"), "--split", "all", "--json", str(report)]) == 0
    )
    found = json.loads(report.read_text())
    assert set(found["by_type"]) == {"crack", "hole"}
    assert all(0 <= one["named"] <= 1 for one in found["by_type"].values())
    files = sorted((tmp_path / "set" / "test").rglob("*.png"))
    verdicts = list(inspect_files(files, checkpoint, operating_point=given_point(0.0), remember=False))
    probabilities = {one["file"]: one["probability"] for one in found["files"]}
    for verdict in verdicts:
        place = Path(verdict.file).relative_to(tmp_path / "set").as_posix()
        assert verdict.score == pytest.approx(probabilities[place], abs=1e-3)
        if verdict.verdict == "defect":
            assert verdict.defect_type in {"crack", "hole"}
            assert verdict.reason.endswith(verdict.defect_type)
    pixels = open_images(files[0]).pixels(0)
    assert explain_image(pixels, checkpoint).target in {"crack", "hole"}
