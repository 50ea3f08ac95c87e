"""The trainings that the source documents describe: their settings, their networks, their optimiser and their loss."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import standing_still
from models import create_model
from models.config import RecordTrainConfig, load_config
from models.experiments.curves import monitored
from models.experiments.fields import pick
from models.training.record_module import RecordModule

EIGHT = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]
DOCUMENTED = {
    "eight_lead_documented": {
        "network.architecture": "se_resnet1d", "network.arguments": {}, "task.target": "abnormal",
        "task.form": "signal", "task.ecg_leads": EIGHT, "task.fs_out": 500, "task.segment_seconds": 10,
        "lr": 1e-3, "weight_decay": 0, "schedule": "plateau", "epochs": 100, "early_stopping": 0,
        "choose_by": "loss", "loss.teachers": [], "loss.pos_weight_power": 0, "loss.label_smoothing": 0,
        "augment.mixup": 0, "ema_decay": 0,
    },
    "ecg_vit_documented": {
        "network.architecture": "ecg_vit", "network.arguments": {}, "task.form": "matrix",
        "task.matrix_size": [182, 256], "lr": 1e-4, "weight_decay": 0, "schedule": "constant",
        "early_stopping": 10, "choose_by": "loss", "loss.teachers": [], "loss.pos_weight_power": 0,
        "loss.label_smoothing": 0,
    },
    "ecg_deit_tiny": {
        "network.architecture": "ecg_deit", "network.arguments": {}, "task.form": "matrix",
        "task.matrix_size": [182, 256], "loss.teachers": ["ecg12-xresnet"], "loss.teacher_weight": 0.5,
    },
    "ecg_efficientnet_v2_s": {
        "network.architecture": "efficientnet_v2_s",
        "network.arguments": {"drop_rate": 0.2, "drop_path_rate": 0.2}, "task.form": "matrix",
        "task.matrix_size": [224, 224], "lr": 1e-3, "weight_decay": 0, "schedule": "constant", "batch_size": 32,
        "early_stopping": 10, "choose_by": "mean_f1",
    },
    "ecg_convnext_documented": {
        "network.architecture": "convnext_tiny", "network.arguments": {}, "task.form": "matrix",
        "task.matrix_size": [224, 224], "lr": 4e-3, "weight_decay": 0.05, "schedule": "constant",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_documented_settings(name: str) -> None:
    values = load_config(name).model_dump(mode="json")
    assert {path: pick(values, path) for path in DOCUMENTED[name]} == DOCUMENTED[name]


def network_of(name: str, *changes: str) -> nn.Module:
    config = load_config(name, changes)
    with torch.device("meta"):
        return create_model(config.network.architecture, **config.network_arguments())


def rates(network: nn.Module) -> set[float]:
    """Dropout rates of a network."""
    return {module.p for module in network.modules() if isinstance(module, nn.Dropout)}


def transformer(network: nn.Module) -> dict:
    first = network.blocks[0]
    return {
        "patch": network.patch, "dim": network.patches.out_channels, "depth": len(network.blocks),
        "heads": first.attn.num_heads, "head": first.attn.head_dim, "mlp": first.mlp.fc1.out_features,
        "dropout": rates(network), "prefix": network.prefix_tokens,
    }  # fmt: skip


def test_the_documented_networks() -> None:
    eight = network_of("eight_lead_documented")
    names = [name.split("_")[0] for name, _ in eight.blocks.named_children()]
    assert [names.count(f"layer{layer}") for layer in (1, 2, 3, 4)] == [3, 4, 6, 3]
    assert (eight.in_channel, eight.classifier.out_features) == (8, 1)
    vit = network_of("ecg_vit_documented")
    assert transformer(vit) == {
        "patch": 8, "dim": 256, "depth": 6, "heads": 4, "head": 64, "mlp": 1024, "dropout": {0.1}, "prefix": 0,
    }  # fmt: skip
    assert isinstance(vit.classifier, nn.Linear)
    tiny = {
        "patch": 16, "dim": 192, "depth": 12, "heads": 3, "head": 64, "mlp": 768, "dropout": {0.2}, "prefix": 2,
    }  # fmt: skip
    assert transformer(network_of("ecg_deit_tiny")) == tiny
    base = transformer(network_of("ecg_deit_tiny", "network.architecture=ecg_deit_base"))
    assert base == tiny | {"dim": 768, "heads": 12, "mlp": 3072}
    convnext = network_of("ecg_convnext_documented")
    assert [len(stage.blocks) for stage in convnext.trunk.stages] == [3, 3, 9, 3]


def test_efficientnet_drops_as_documented() -> None:
    network = network_of("ecg_efficientnet_v2_s")
    paths = [m.drop_prob for m in network.modules() if type(m).__name__ == "DropPath"]
    # Stochastic depth grows from block to block towards 0.2, which the block after the last would have.
    assert 0.15 < max(paths) <= 0.2
    assert 0.2 in rates(network) | {float(getattr(network.trunk, "drop_rate", -1))}


def module_of(name: str, *changes: str, network: nn.Module | None = None) -> RecordModule:
    config = load_config(name, changes)
    assert isinstance(config, RecordTrainConfig)
    return RecordModule(config, network or nn.Linear(2, len(config.task.classes)), torch.ones(1), 7)


@pytest.mark.parametrize(
    ("name", "lr", "weight_decay", "plateau"),
    [
        ("eight_lead_documented", 1e-3, 0.0, True),
        ("ecg_vit_documented", 1e-4, 0.0, False),
        ("ecg_efficientnet_v2_s", 1e-3, 0.0, False),
        ("ecg_convnext_documented", 4e-3, 0.05, False),
    ],
)
def test_the_documented_optimisers(name: str, lr: float, weight_decay: float, plateau: bool) -> None:
    """AdamW without weight decay is the documented Adam: see the test below."""
    found = module_of(name).configure_optimizers()
    optimiser = found["optimizer"] if plateau else found
    assert type(optimiser) is torch.optim.AdamW
    (group,) = optimiser.param_groups
    assert (group["lr"], group["weight_decay"], group["betas"]) == (lr, weight_decay, (0.9, 0.999))
    if plateau:
        schedule = found["lr_scheduler"]["scheduler"]
        assert type(schedule) is torch.optim.lr_scheduler.ReduceLROnPlateau
        assert (schedule.mode, schedule.factor, schedule.patience) == ("min", 0.1, 10)
        assert (found["lr_scheduler"]["monitor"], found["lr_scheduler"]["interval"]) == ("validation/loss", "epoch")


def test_a_plateau_of_eleven_epochs_makes_the_step_a_tenth() -> None:
    found = module_of("eight_lead_documented").configure_optimizers()
    schedule, group = found["lr_scheduler"]["scheduler"], found["optimizer"].param_groups[0]
    seen = []
    for _ in range(12):
        schedule.step(1.0)
        seen.append(group["lr"])
    assert seen == pytest.approx([1e-3] * 11 + [1e-4])


def test_adamw_without_weight_decay_is_adam() -> None:
    values = []
    for kind in (torch.optim.Adam, torch.optim.AdamW):
        weight = nn.Parameter(torch.tensor([1.0, -2.0]))
        optimiser = kind([weight], lr=0.1, weight_decay=0)
        for _ in range(3):
            optimiser.zero_grad()
            weight.square().sum().backward()
            optimiser.step()
        values.append(weight.detach())
    assert torch.equal(*values)


@pytest.mark.parametrize(("schedule", "kind"), [("cosine", "CosineAnnealingLR"), ("onecycle", "OneCycleLR")])
def test_other_schedules_go_by_step(schedule: str, kind: str) -> None:
    found = module_of("ecg_convnext_tiny", f"schedule={schedule}").configure_optimizers()["lr_scheduler"]
    assert type(found["scheduler"]).__name__ == kind
    assert found["interval"] == "step"


def test_the_best_epoch_is_that_of_the_figure_that_the_document_names() -> None:
    assert monitored(load_config("eight_lead_documented")) == ("validation/loss", "min")
    assert monitored(load_config("ecg_efficientnet_v2_s")) == ("validation/mean_f1", "max")


class Answers(nn.Module):
    """Says what it was given, one answer for the labels and another for the teacher."""

    def __init__(self, hard: torch.Tensor, soft: torch.Tensor):
        super().__init__()
        self.hard, self.soft = hard, soft

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.hard + self.soft) / 2

    def forward_heads(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.hard, self.soft


def cross_entropy(probability: np.ndarray, target: np.ndarray) -> float:
    return float(-(target * np.log(probability) + (1 - target) * np.log(1 - probability)).mean())


def loss_of(alpha: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Loss of known answers of two heads: 0.9 and 0.2 for the labels 1 and 0, 0.6 and 0.5 for a teacher's 0.7, 0.1."""
    hard, soft = torch.logit(torch.tensor([[0.9, 0.2]])), torch.logit(torch.tensor([[0.6, 0.5]]))
    changes = ["loss.teachers=[ecg12-xresnet]", f"loss.teacher_weight={1 - alpha}"]
    module = module_of("ecg_deit_tiny", *changes, network=Answers(hard, soft))
    monkeypatch.setattr(module, "log", lambda *args, **kwargs: None)
    teacher = torch.logit(torch.tensor([[0.7, 0.1]]))
    module.teachers = (SimpleNamespace(network=Answers(teacher, teacher)),)
    return float(module.training_step((torch.zeros(1, 3, 8, 8), torch.tensor([[1.0, 0.0]]), torch.zeros(1)), 0))


@pytest.mark.parametrize("alpha", [1.0, 0.75, 0.5, 0.0])
def test_total_is_alpha_hard_and_one_minus_alpha_soft(alpha: float, monkeypatch: pytest.MonkeyPatch) -> None:
    hard = cross_entropy(np.array([0.9, 0.2]), np.array([1.0, 0.0]))
    soft = cross_entropy(np.array([0.6, 0.5]), np.array([0.7, 0.1]))
    assert hard == pytest.approx((-np.log(0.9) - np.log(0.8)) / 2)
    assert loss_of(alpha, monkeypatch) == pytest.approx(alpha * hard + (1 - alpha) * soft, abs=1e-6)


def test_binary_cross_entropy_of_the_labels_without_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.logit(torch.tensor([[0.9], [0.2]]))
    module = module_of("eight_lead_documented", network=Answers(logits, logits))
    monkeypatch.setattr(module, "log", lambda *args, **kwargs: None)
    loss = module.training_step((torch.zeros(2, 8, 16), torch.tensor([[1.0], [1.0]]), torch.zeros(2)), 0)
    assert float(loss) == pytest.approx((-np.log(0.9) - np.log(0.2)) / 2)


def test_a_prediction_is_the_mean_of_both_heads() -> None:
    torch.manual_seed(0)
    network = create_model("ecg_deit", num_classes=2, dim=24, depth=2, heads=3, mlp=48).eval()
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        hard, soft = network.forward_heads(x)
        assert not torch.allclose(hard, soft)
        assert torch.allclose(network(x), (hard + soft) / 2, atol=1e-6)


def test_the_benchmark_of_the_documented_convnext_stays_at_the_size_of_its_figures(monkeypatch) -> None:
    seen = []

    def stop(config: RecordTrainConfig) -> None:
        seen.append(config.task.matrix_size)
        raise KeyboardInterrupt

    monkeypatch.setattr(standing_still, "pictures", stop)
    monkeypatch.setattr(standing_still.torch, "set_num_threads", lambda count: None)
    with pytest.raises(KeyboardInterrupt):
        standing_still.main(["--data", "nowhere"])
    assert seen == [(182, 256)]
