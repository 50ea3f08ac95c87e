"""Configurations: what is documented is the default, what cannot work is refused with the field's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.config import CONFIGS, load_config
from models.core.errors import ConfigError, ReadError


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem.replace("_", "-")


def test_the_documented_defaults() -> None:
    config = load_config("beat_documented")
    assert config.task.segment_seconds == 5.0
    assert config.task.fs_out == 360
    assert config.task.ecg_leads == ("MLII",)
    assert (config.batch_size, config.epochs, config.lr, config.decay_epoch) == (512, 50, 1e-4, 20)
    assert (config.loss.proxy_alpha, config.loss.proxy_delta) == (32, 0.1)


def test_changes_apply_by_dotted_name() -> None:
    config = load_config(
        "beat_dcrnn", ["lr=0.01", "task.ecg_leads=[V1]", "data.root=somewhere", "network.arguments.lstm_hidden=9"]
    )
    assert config.lr == 0.01
    assert config.task.ecg_leads == ("V1",)
    assert config.data.root == "somewhere"
    assert config.network_arguments()["lstm_hidden"] == 9
    assert config.network_arguments()["rr_features"] == 8
    assert config.network_arguments()["in_channel"] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("lr=-1", "lr"),
        ("epochs=0", "epochs"),
        ("colour=red", "colour"),
        ("task.fs_out=5", "task.fs_out"),
        ("loss.lambda_combined=1.5", "loss.lambda_combined"),
        ("network.architecture=nothing", "network.architecture"),
        ("network.architecture=beat_strip", "network.architecture"),
        ("task.kind=sausage", "task"),
        ("lr", "lr"),
        ("lr.deep=1", "lr.deep"),
    ],
)
def test_what_cannot_work_is_refused_by_name(change: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("beat_dcrnn", [change])
    assert caught.value.field == field


def test_a_strip_needs_a_core() -> None:
    with pytest.raises(ConfigError, match="margin_seconds must be less than half"):
        load_config("beat_strip", ["task.margin_seconds=30"])


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"one of: .*beat_strip"):
        load_config("nowhere")
    for text, fault in (("- 1\n- 2", "holds no settings"), ("a: [", "no valid YAML")):
        path = tmp_path / "x.yaml"
        path.write_text(text)
        with pytest.raises(ReadError, match=fault):
            load_config(path)
