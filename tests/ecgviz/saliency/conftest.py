"""Networks for the tests of saliency."""

import pytest
import torch

from tests.ecgviz.saliency.toys import Detector, ToyStrip, ToyWindow, train_detector


@pytest.fixture
def window_network() -> ToyWindow:
    torch.manual_seed(1)
    return ToyWindow().eval()


@pytest.fixture
def strip_network() -> ToyStrip:
    torch.manual_seed(2)
    return ToyStrip().eval()


@pytest.fixture(scope="session")
def detector() -> Detector:
    """Trained on the planted patterns; shared, so no test may change it."""
    return train_detector()
