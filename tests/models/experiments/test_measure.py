"""A few steps of a training are measured whatever its network answers with: classes, labels, or a map of classes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.config import load_config
from models.data.beats import Batch
from models.experiments import measure
from models.plugins.results import SampleBatches

CONFIG = load_config("ct_smoke")


def _made(target):
    def make(count):
        return Batch(torch.randn(count, 3, 8, 8), {}, target(count))

    return make


class Bottle(nn.Module):
    """Squeezes a picture and paints it again, as a network for anomalies does."""

    def __init__(self, in_channel, num_classes):
        super().__init__()
        self.squeeze, self.paint = nn.Conv2d(in_channel, 2, 3, padding=1), nn.Conv2d(2, in_channel, 3, padding=1)

    def forward(self, x):
        return self.paint(self.squeeze(x)), x


def _classes(in_channel, num_classes):
    return nn.Sequential(nn.Conv2d(in_channel, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes))


def _map_of_classes(in_channel, num_classes):
    return nn.Conv2d(in_channel, num_classes, 3, padding=1)


@pytest.mark.parametrize(
    ("network", "target", "loss"),
    [
        (_classes, lambda n: torch.randint(0, 2, (n,)), None),
        (_classes, lambda n: torch.rand(n, 2).round(), None),
        (_map_of_classes, lambda n: torch.randint(0, 2, (n, 8, 8)), functional.cross_entropy),
        (Bottle, torch.zeros, lambda output, _: functional.mse_loss(*output)),
    ],
    ids=["classes", "labels", "segmentation", "anomaly"],
)
def test_steps_are_measured_by_the_loss_of_the_task(monkeypatch, network, target, loss):
    monkeypatch.setattr(measure, "create_model", lambda _, **arguments: network(**arguments))
    batches = SampleBatches(make=_made(target), read_s=0.25, loss=loss)
    pace = measure.measure(CONFIG, lambda most: batches, "cpu")
    assert pace.step_s > pace.forward_s > 0
    assert pace.read_s == 0.25
    assert pace.activation_bytes_per_item > 0
