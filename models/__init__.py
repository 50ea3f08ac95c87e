"""Networks of ecgviz, their data, training and checkpoints; usable alone, without the dashboard.

>>> from models import create_model, list_models
>>> network = create_model("se_resnet_lstm", in_channel=1, num_classes=5)
"""

from models.checkpoints import Card, Checkpoint, CheckpointSummary, list_checkpoints, load_checkpoint, save_checkpoint
from models.ct.multiscale import MultiscaleResNet
from models.ct.resnet_se import ResNetSE
from models.ecg.beat_strip import BeatStripNet
from models.ecg.dcrnn import DCRNNModel, DCRNNModel_base
from models.ecg.se_resnet_lstm import SEResNetLSTM
from models.registry import create_model, list_models, register_model

__all__ = [
    "BeatStripNet",
    "Card",
    "Checkpoint",
    "CheckpointSummary",
    "DCRNNModel",
    "DCRNNModel_base",
    "MultiscaleResNet",
    "ResNetSE",
    "SEResNetLSTM",
    "create_model",
    "list_checkpoints",
    "list_models",
    "load_checkpoint",
    "register_model",
    "save_checkpoint",
]
