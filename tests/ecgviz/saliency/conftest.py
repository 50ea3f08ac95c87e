"""Networks and a recording for the tests of saliency."""

import pytest
import torch

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats
from ecgviz.sources.address import open_address
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from readers.recording import Recording
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


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


@pytest.fixture(scope="session")
def recording() -> Recording:
    return open_address("sample:mitdb-208")


@pytest.fixture(scope="session")
def beats(recording: Recording, checkpoint: Checkpoint) -> Beats:
    return analyse_beats(recording, checkpoint)
