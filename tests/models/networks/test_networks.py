"""The contract that every registered network keeps."""

from __future__ import annotations

import copy
import functools
import threading

import pytest
import torch

from models import BeatStripNet, DCRNNModel, DCRNNModel_base, SEResNetLSTM, create_model, list_models
from models.core.errors import ConfigError
from models.networks.ecg.beat_strip import rhythm_features
from models.networks.registry import architecture

PICTURES = {"image", "record_picture", "good_only", "small_defects"}
BEATS = [name for name in list_models() if architecture(name).task not in PICTURES]
SIZES = {
    "record_picture": ((32, 32), (182, 256), (100, 70)),
    "image": ((32, 32), (64, 96), (100, 70)),
    "good_only": ((32, 32), (64, 96), (100, 70)),
    "small_defects": ((32, 32), (64, 96), (100, 70)),
    "beat": ((360,), (1000,), (1801,)),
    "record": ((360,), (800,), (1801,)),
    "strip": ((360,), (1801,)),
}
CLASSES = {"image": 2, "good_only": 2, "small_defects": 2, "record_picture": 5, "beat": 5, "record": 5, "strip": 5}
CHANNELS = {"image": 3, "good_only": 3, "small_defects": 1, "record_picture": 3, "beat": 2, "record": 2, "strip": 2}
POSITIONS = torch.tensor([[30, 120, 250, -1], [10, 100, 190, 300]])


def task_of(name: str) -> str:
    return architecture(name).task


@functools.cache
def _made(name: str, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    return create_model(name, in_channel=CHANNELS[task_of(name)], num_classes=CLASSES[task_of(name)]).eval()


def make(name: str, seed: int = 0) -> torch.nn.Module:
    """A network of its own for each test; to draw the large ones anew takes seconds."""
    return copy.deepcopy(_made(name, seed))


def example(name: str, count: int = 2, size: tuple[int, ...] | None = None) -> torch.Tensor:
    task = task_of(name)
    return torch.randn(count, CHANNELS[task], *(size or ((64, 64) if task in PICTURES else (360,))))


def kwargs_for(name: str) -> dict[str, torch.Tensor]:
    return {"beats": POSITIONS} if task_of(name) == "strip" else {}


@pytest.mark.parametrize(("name", "size"), [(name, size) for name in list_models() for size in SIZES[task_of(name)]])
def test_logits_have_the_stated_shape(name: str, size: tuple[int, ...]) -> None:
    logits = make(name)(example(name, size=size), **kwargs_for(name))
    assert logits.shape == ((2, 4) if task_of(name) == "strip" else (2,)) + (CLASSES[task_of(name)],)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", list_models())
def test_forward_is_features_then_head(name: str) -> None:
    network, x, kwargs = make(name), example(name), kwargs_for(name)
    maps = network.forward_features(x)
    assert maps.dim() == x.dim()
    assert maps.shape[0] == 2
    logits, embedding = network(x, return_features=True, **kwargs)
    torch.testing.assert_close(network.forward_head(maps, **kwargs), logits)
    torch.testing.assert_close(network.classifier(embedding), logits)


@pytest.mark.parametrize("name", list_models())
def test_every_parameter_gets_a_gradient(name: str) -> None:
    network = make(name).train()
    for value in network.parameters():
        if not value.any() and value.dim() == 1:
            torch.nn.init.constant_(value, 0.5)  # timm's residual branches start at nothing; a step later they count
    network(example(name), **kwargs_for(name)).square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("name", list_models())
def test_state_dict_round_trip_gives_the_same_logits(name: str) -> None:
    first, second, x, kwargs = make(name), make(name, seed=1), example(name), kwargs_for(name)
    assert not torch.equal(first(x, **kwargs), second(x, **kwargs))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x, **kwargs), second(x, **kwargs))


@pytest.mark.parametrize("name", list_models())
def test_an_item_does_not_depend_on_its_batch(name: str) -> None:
    network, x, kwargs = make(name), example(name), kwargs_for(name)
    alone = network(x[1:], **{key: value[1:] for key, value in kwargs.items()})
    torch.testing.assert_close(network(x, **kwargs)[1:], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", BEATS)
@pytest.mark.parametrize("shape", [(2, 3, 360), (2, 2, 1), (2, 360)])
def test_a_signal_that_does_not_fit_is_refused_in_words(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected input \(batch, 2, length"):
        make(name)(torch.randn(*shape), **kwargs_for(name))


@pytest.mark.parametrize("name", [name for name in list_models() if name not in BEATS])
@pytest.mark.parametrize("shape", [(2, 2, 64, 64), (2, 0, 31, 64), (3, 64, 64)])
def test_a_picture_that_does_not_fit_is_refused_in_words(name: str, shape: tuple[int, ...]) -> None:
    channels = CHANNELS[task_of(name)]
    shape = tuple(side or channels for side in shape)
    with pytest.raises(ValueError, match=rf"expected input \(batch, {channels}, height"):
        make(name)(torch.randn(*shape))


@pytest.mark.parametrize("name", list_models())
def test_the_input_matters_to_every_class(name: str) -> None:
    network, x, kwargs = make(name), example(name).requires_grad_(), kwargs_for(name)
    for target in range(CLASSES[task_of(name)]):
        gradient = torch.autograd.grad(network(x, **kwargs)[..., target].sum(), x)[0]
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("name", [name for name in list_models() if hasattr(architecture(name).build, "se_gates")])
def test_gates_lie_between_0_and_1_and_fit_the_maps(name: str) -> None:
    network, x = make(name), example(name)
    gates = network.se_gates(x)
    assert all(((gate > 0) & (gate < 1)).all() for gate in gates.values())
    assert list(gates.values())[-1].shape == network.forward_features(x).shape[:2]


@pytest.mark.parametrize("name", list_models())
def test_threads_may_share_a_network(name: str) -> None:
    network, kwargs = make(name), kwargs_for(name)
    inputs = [example(name) for _ in range(4)]
    expected = [network(x, **kwargs) for x in inputs]
    found: list[torch.Tensor | None] = [None] * 4

    def work(place: int) -> None:
        found[place] = network(inputs[place], **kwargs)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other)


def test_the_names_of_the_documents_work_as_documented() -> None:
    x = torch.randn(3, 1, 1800)
    assert DCRNNModel(in_channel=1, num_classes=5)(x).shape == (3, 5)
    assert SEResNetLSTM(in_channel=1, num_classes=5)(x).shape == (3, 5)
    custom = DCRNNModel_base(1, 4, conv_channels=[96, 192, 384], lstm_hidden=20, lstm_layers=2)
    logits, features = custom(x, return_features=True)
    assert logits.shape == (3, 4)
    assert features.shape == (3, 40)


def test_the_documented_shapes() -> None:
    x = torch.randn(1, 1, 1800)
    assert DCRNNModel().forward_features(x).shape == (1, 128, 900)
    assert DCRNNModel_base(conv_channels=[96, 192, 384]).forward_features(x).shape == (1, 384, 450)
    assert SEResNetLSTM().forward_features(x).shape == (1, 512, 225)
    assert SEResNetLSTM(layers=[2, 2, 2]).forward_features(x).shape == (1, 1024, 113)
    assert SEResNetLSTM(bidirectional=True)(x, return_features=True)[1].shape == (1, 100)
    assert BeatStripNet(in_channel=1).forward_features(x).shape[2] == 900


@pytest.mark.parametrize("build", [lambda: DCRNNModel_base(conv_channels=[8]), lambda: SEResNetLSTM(layers=[2])])
def test_a_depth_that_the_architecture_does_not_have_is_refused(build) -> None:
    with pytest.raises(ValueError, match="2 or 3 entries"):
        build()


def test_rr_ratios_are_expected_or_not() -> None:
    x, rr = torch.randn(2, 1, 360), torch.randn(2, 8)
    with_rr = create_model("dcrnn", rr_features=8).eval()
    assert not torch.equal(with_rr(x, rr=rr), with_rr(x, rr=rr + 1))
    with pytest.raises(ValueError, match="expects 8 RR ratios"):
        with_rr(x)
    with pytest.raises(ValueError, match="expects 0 RR ratios"):
        create_model("dcrnn")(x, rr=rr)


def test_unknown_networks_and_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match=r"no network 'resnet999'.*dcrnn"):
        create_model("resnet999")
    with pytest.raises(ConfigError, match=r"network\.arguments\.colour"):
        create_model("dcrnn", colour="red")


def test_rhythm_features_by_hand() -> None:
    beats = torch.tensor([[100.0, 200.0, 250.0, -1.0]])
    features = rhythm_features(beats, beats >= 0)
    mean = 75.0
    previous = torch.log(torch.tensor([100 / mean, 50 / mean]))
    torch.testing.assert_close(features[0, 1, 0], previous[0])
    torch.testing.assert_close(features[0, 1, 1], previous[1])
    torch.testing.assert_close(features[0, 1, 2], torch.log(torch.tensor(2.0)))
    torch.testing.assert_close(features[0, 2, 3], torch.log(torch.tensor(0.5)))
    torch.testing.assert_close(features[0, 1, 5], torch.tensor(0.0), msg="100 is the long RR of this strip")
    torch.testing.assert_close(features[0, 2, 5], torch.log(torch.tensor(0.5)))
    assert features[0, :3, 7].tolist() == [0, 1, 1]
    assert features[0, :3, 8].tolist() == [1, 1, 0]
    torch.testing.assert_close(rhythm_features(beats * 3, beats >= 0)[0, :3], features[0, :3])


def test_strip_beats_do_not_see_the_padding() -> None:
    network, x = make("beat_strip"), torch.randn(1, 2, 720)
    short = network(x, beats=torch.tensor([[100, 300, 500]]))
    padded = network(x, beats=torch.tensor([[100, 300, 500, -1, -1]]))
    torch.testing.assert_close(short, padded[:, :3])


def test_some_networks_serve_whole_recordings_beside_beats() -> None:
    assert {"se_resnet1d", "xresnet1d", "inception1d", "se_resnet_lstm", "resnext1d", "resnet1d"} <= set(
        list_models(task="record")
    )
    assert "dcrnn" not in list_models(task="record")
    logits = create_model("se_resnet_lstm", in_channel=12, num_classes=5).eval()(torch.randn(2, 12, 800))
    assert logits.shape == (2, 5)


def test_the_documented_se_resnet_reads_eight_leads_and_says_one_thing() -> None:
    network = create_model("se_resnet1d").eval()
    assert [len([name for name in network.blocks._modules if name.startswith(f"layer{n}_")]) for n in (1, 2, 3, 4)] == [
        3, 4, 6, 3,
    ]  # fmt: skip
    assert network(torch.randn(1, 8, 5000)).shape == (1, 1)
    assert network.forward_features(torch.randn(1, 8, 5000)).shape == (1, 512, 157)


def test_the_twins_differ_in_their_paths_alone() -> None:
    grouped, plain = create_model("resnext1d"), create_model("resnet1d")
    assert [name for name, _ in grouped.named_parameters()] == [name for name, _ in plain.named_parameters()]
    ratio = {a.numel() // b.numel() for a, b in zip(plain.parameters(), grouped.parameters(), strict=True)}
    assert ratio == {1, 8}
    with pytest.raises(ValueError, match="multiple of groups"):
        create_model("resnext1d", width=12)


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("se_resnet1d", {"layers": [1, 1]}, "go in pairs"),
        ("inception1d", {"depth": 4}, "multiple of 3"),
        ("inception1d", {"kernel_sizes": [40]}, "odd"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(name: str, arguments: dict, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        create_model(name, **arguments)


def test_strips_are_read_alike_with_and_without_gradients() -> None:
    """Without gradients a CPU reads the beats of each strip by themselves: the padding must say nothing either way."""
    torch.manual_seed(0)
    network = create_model("beat_strip", rhythm_classes=("N", "AFIB"), lstm_layers=2, contrast=True).eval()
    beats = torch.full((4, 9), -1)
    for row, count in enumerate((9, 3, 1, 0)):
        beats[row, :count] = torch.arange(count) * 100 + 50
    maps = network.forward_features(torch.randn(4, 2, 1200))
    packed = network.forward_both(maps, beats)
    with torch.inference_mode():
        alone = network.forward_both(maps, beats)
    for expected, found in zip(packed, alone, strict=True):
        torch.testing.assert_close(found, expected)
