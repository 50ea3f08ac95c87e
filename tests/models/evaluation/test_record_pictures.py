"""Networks that read recordings as pictures: transformers, their teachers, a training, and photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models import create_model, load_checkpoint
from models.config import RecordTrainConfig, load_config
from models.core.errors import CheckpointError, ConfigError
from models.evaluation.record_pictures import classify_picture
from models.evaluation.records import classify_record, evaluate_recordings
from models.experiments.curves import monitored, read_curves
from models.experiments.preflight import outlook
from models.networks.ecg.masked import MaskedPatches
from models.networks.image.pretrained import freeze
from tests.models.data.ptbxl_folder import NAMES, simulate

SMALL = {"dim": 24, "depth": 2, "heads": 2, "mlp": 32, "dropout": 0.0}
SHIPPED = "ecg-paper-lite0"
SETS = ["batch_size=8", "epochs=1", "data.validation_folds=[8,9]", "data.train_folds=[1,2,3,4,5,6,7]"]


def small(name: str, **changes) -> torch.nn.Module:
    torch.manual_seed(0)
    return create_model(name, **(SMALL | {"image_size": (64, 96)} | changes)).eval()


def test_the_documented_shapes() -> None:
    x = torch.randn(1, 3, 182, 256)
    vit, deit = create_model("ecg_vit").eval(), create_model("ecg_deit").eval()
    assert vit.forward_features(x).shape == (1, 256, 23, 32), "182 is padded to 184"
    assert deit.forward_features(x).shape == (1, 3 * 192, 12, 16)
    assert (len(vit.blocks), len(deit.blocks)) == (6, 12)
    assert {block.attn.head_dim for block in (*vit.blocks, *deit.blocks)} == {64}
    assert vit.blocks[0].mlp.fc1.out_features == 1024
    assert deit.blocks[0].mlp.fc1.out_features == 768


@pytest.mark.parametrize(("name", "tokens"), [("ecg_vit", 8 * 12), ("ecg_deit", 4 * 6 + 2)])
def test_attention_is_had_without_hooks_and_is_the_networks_own(name: str, tokens: int) -> None:
    network, x = small(name), torch.randn(2, 3, 64, 96)
    found = network.forward_attention(x)
    assert [one.shape for one in found] == [(2, 2, tokens, tokens)] * 2
    torch.testing.assert_close(found[1].sum(dim=-1), torch.ones(2, 2, tokens))
    first, block = network.tokens(x)[0], network.blocks[0]
    values = block.attn.qkv(block.norm1(first)).reshape(2, tokens, 3, 2, 12)[:, :, 2].transpose(1, 2)
    mixed = block.attn.proj((found[0] @ values).transpose(1, 2).reshape(2, tokens, 24))
    torch.testing.assert_close(mixed, block.attn(block.norm1(first)))


def test_deit_answers_with_the_mean_of_two_heads_and_grad_cam_sees_patches_alone() -> None:
    network, x = small("ecg_deit", patch=16), torch.randn(2, 3, 80, 48)
    hard, soft = network.forward_heads(x)
    assert not torch.allclose(hard, soft)
    torch.testing.assert_close(network(x), (hard + soft) / 2)
    whole = network.tokens(x)[0]
    for block in network.blocks:
        whole = block(whole)
    torch.testing.assert_close(network(x, return_features=True)[1], network.norm(whole)[:, :2].flatten(1))
    maps = network.forward_features(x).detach().requires_grad_()
    assert maps.shape[2:] == (5, 3), "an odd number of patches"
    weights = torch.autograd.grad(network.forward_head(maps)[:, 1].sum(), maps)[0].mean(dim=(2, 3))
    assert weights[:, :24].abs().max() > 0
    torch.testing.assert_close(weights[:, 24:], torch.zeros(2, 48), atol=1e-7, rtol=0)


def test_hidden_patches_are_told_from_the_others_alone() -> None:
    module = MaskedPatches(small("ecg_vit"), 0.5)
    torch.nn.init.normal_(module.hidden)
    rows = torch.linspace(-1, 1, 64)[:, None].expand(4, 3, 64, 96).contiguous()
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-3)
    losses = []
    for step in range(60):
        loss = module(rows, torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    hidden = torch.zeros(4, 96, dtype=torch.bool)
    hidden[:, 5] = True
    other = rows.clone()
    other[:, :, :8, 40:48] = 9.0  # the sixth patch
    first, second = (module.network.tokens(x, hidden, module.hidden)[0] for x in (rows, other))
    torch.testing.assert_close(first, second)


def test_pre_training_sees_all_recordings_and_few_labels_are_learned(ptbxl_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    sets = [*SETS, f"data.root={ptbxl_root}", "data.label_share=0.5", "network.masked_epochs=1"]
    config = load_config("ecg_vit_documented", sets)
    config = config.model_copy(
        update={"network": config.network.model_copy(update={"arguments": SMALL | {"patch": 32}})}
    )
    card = load_checkpoint(run(config, RunContext(tmp_path / "run"))).card
    assert "1 epochs of hidden patches" in card.initial_weights
    assert card.metrics["data"]["train"]["recordings"] == 21
    assert len(card.training_records) == 42

    def taking(folder: Path, **changes) -> RecordTrainConfig:
        network = config.network.model_copy(update={"masked_epochs": 0, "masked_from": str(folder), **changes})
        return config.model_copy(update={"network": network})

    again = run(taking(tmp_path / "run"), RunContext(tmp_path / "again"))
    assert load_checkpoint(again).sha256 == card.weights_sha256
    assert "as learned in run" in load_checkpoint(again).card.initial_weights
    with pytest.raises(ConfigError, match="cannot be read; name a run folder"):
        run(taking(tmp_path), RunContext(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="is of another network"):
        run(taking(tmp_path / "run", arguments=SMALL | {"patch": 16}), RunContext(tmp_path / "unlike"))
    with pytest.raises(ConfigError, match="set masked_epochs to 0"):
        load_config("ecg_vit_documented", [*sets, "network.masked_from=other"])
    with pytest.raises(ConfigError, match="make it larger"):
        run(load_config("ecg_vit_documented", [*sets, "data.label_share=0.01"]), RunContext(tmp_path / "few"))
    other = load_config("ecg_vit_documented", [*sets, "network.architecture=resnet18", "network.arguments={}"])
    with pytest.raises(ConfigError, match="that read patches"):
        run(other, RunContext(tmp_path / "other"))


def test_the_first_stages_can_be_kept() -> None:
    network = create_model("tf_efficientnet_lite0")
    assert freeze(network, 0) == 0
    assert freeze(network, 2) == sum(p.numel() for p in network.parameters() if not p.requires_grad) > 0
    assert network.trunk.blocks[2][0].conv_pw.weight.requires_grad
    assert not network.trunk.blocks[1][1].conv_pw.weight.requires_grad
    with pytest.raises(ConfigError, match="no stage 9"):
        freeze(network, 9)
    with pytest.raises(ConfigError, match="no stage 1"):
        freeze(small("ecg_vit"), 1)


@pytest.fixture(scope="module")
def teacher(ptbxl_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that reads samples."""
    from models.training import RunContext, run

    config = load_config("ecg12_smoke", [*SETS, f"data.root={ptbxl_root}"])
    return run(config, RunContext(tmp_path_factory.mktemp("teacher")))


@pytest.mark.parametrize(("name", "form"), [("ecg_deit", "matrix"), ("ecg_vit", "paper")])
def test_a_picture_network_is_taught_by_one_that_reads_samples(
    name: str, form: str, teacher: Path, ptbxl_root: Path, tmp_path: Path
) -> None:
    from models.training import RunContext, run

    config = load_config(
        "ecg_paper_lite0",
        [*SETS, f"data.root={ptbxl_root}", f"task.form={form}", f"network.architecture={name}", "augment.mixup=0.2",
         "network.pretrained=false", "network.frozen=0", f"loss.teachers=[{teacher}]", "task.px_per_mm=0.5"],
    )  # fmt: skip
    config = config.model_copy(
        update={"network": config.network.model_copy(update={"arguments": SMALL | {"image_size": [64, 136]}})}
    )
    folder = run(config, RunContext(tmp_path))
    checkpoint = load_checkpoint(folder)
    assert checkpoint.card.config["loss"]["teachers"] == ["checkpoint"]
    assert evaluate_recordings(checkpoint, ptbxl_root)["pooled"]["recordings"] == 6
    signal = simulate((1, 0, 0, 0, 0), 9)
    said = classify_record(checkpoint, signal, 100.0, NAMES)
    assert said.probability.shape == (5,)
    if form == "matrix":
        with pytest.raises(ConfigError, match="reads no paper"):
            classify_picture(checkpoint, np.zeros((9, 9), np.uint8))
        return
    assert (folder / "features.safetensors").is_file()
    seen = checkpoint.task.window(checkpoint.task.condition(signal, 100.0, NAMES), 0)
    sheet = np.rint((seen.numpy().transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
    found = classify_picture(checkpoint, sheet)
    assert found.picture.shape == (*checkpoint.task.picture_size, 3)
    assert found.distance is not None and found.limit is not None
    assert ((found.probability >= found.thresholds) == found.positive).all()


def test_the_documented_efficientnet_can_be_had_small_and_is_chosen_by_f1(ptbxl_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    config = load_config("ecg_efficientnet_v2_s")
    assert (config.task.picture_size, config.lr, config.batch_size) == ((224, 224), 1e-3, 32)
    assert config.network.arguments == {"drop_rate": 0.2, "drop_path_rate": 0.2}
    assert monitored(config) == ("validation/mean_f1", "max")
    with pytest.raises(ConfigError, match="matrix_size"):
        load_config("ecg_efficientnet_v2_s", ["task.matrix_size=[8, 96]"])

    sets = [*SETS, f"data.root={ptbxl_root}", "task.matrix_size=[64, 96]", "network.pretrained=false"]
    config = load_config("ecg_efficientnet_v2_s", [*sets, "network.architecture=ecg_vit", "network.arguments={}"])
    network = config.network.model_copy(update={"arguments": SMALL | {"image_size": [64, 96]}})
    task = load_checkpoint(run(config.model_copy(update={"network": network}), RunContext(tmp_path))).task
    assert task.window(task.condition(simulate((1, 0, 0, 0, 0), 9), 100.0, NAMES), 0).shape == (3, 64, 96)
    assert read_curves(tmp_path).best("validation/mean_f1", "max") is not None


def test_the_check_before_a_training_draws_pictures(ptbxl_root: Path) -> None:
    config = load_config("ecg_paper_lite0", [*SETS, f"data.root={ptbxl_root}", "task.px_per_mm=0.5"])
    found = outlook(config)
    assert found.cases.units == "recordings"
    assert found.seconds > 0


def test_a_teacher_with_other_labels_is_refused(ptbxl_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    config = load_config(
        "ecg_paper_lite0", [*SETS, f"data.root={ptbxl_root}", "task.px_per_mm=0.5", "loss.teachers=[beat-dcrnn]"]
    )
    with pytest.raises(ConfigError, match="answers with other labels"):
        run(config, RunContext(tmp_path))


def test_other_checkpoints_read_no_pictures() -> None:
    with pytest.raises(CheckpointError, match="does not read whole recordings"):
        classify_picture(load_checkpoint("beat-dcrnn"), np.zeros((9, 9), np.uint8))


@pytest.mark.data
def test_pictures_of_other_software_are_read(data_root: Path) -> None:
    checkpoint = load_checkpoint(SHIPPED)
    files = sorted((data_root / "ecg_paper_images").glob("*.png"))
    assert len(files) == 3
    for file in files:
        found = classify_picture(checkpoint, np.asarray(Image.open(file).convert("RGB")))
        assert np.isfinite(found.logits).all()
        assert found.distance is not None
