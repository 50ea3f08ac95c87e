"""Reads, writes and verifies checkpoints: a folder with ``weights.safetensors`` (or ``model.onnx``) and ``card.json``.

Nothing is unpickled: a checkpoint from a stranger can be wrong, but it cannot run code. The card says how the weights
came about, and everything that inference needs (architecture, arguments, task) is rebuilt from it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from models.core.errors import CheckpointError, EcgvizError
from models.core.files import write_whole
from models.core.home import home_folder
from models.networks.registry import create_model
from models.plugins.registry import find_plugin
from models.tasks import Task, create_task

WEIGHTS, ONNX, CARD = "weights.safetensors", "model.onnx", "card.json"
FEATURES, SHEETS = LEARNED_OF_WEIGHTS = "features.safetensors", "sheets.safetensors"
"""Statistics of the features of training data, beside the weights that gave them and true of no others."""
STATEMENT = "For research and engineering use. Not for diagnosis."
INSPECTION_STATEMENT = "For research and engineering use. Not a release decision."
DEFAULT_BEAT_CHECKPOINT = os.environ.get("ECGVIZ_BEAT_CHECKPOINT") or "beat-rhythm-2026-11"
"""Classifies beats where nobody names another; a site that stays on an older one names it in the environment."""
DEFAULT_IMAGE_CHECKPOINT = "ct-lite0"
DEFAULT_RECORD_CHECKPOINT = "ecg12-xresnet"
DEFAULT_PAPER_CHECKPOINT = "ecg-paper-lite0"
DEFAULT_ROWS_CHECKPOINT = "heartbeat-rows"
DEFAULTS = {
    "beats": DEFAULT_BEAT_CHECKPOINT,
    "labels": DEFAULT_RECORD_CHECKPOINT,
    "paper": DEFAULT_PAPER_CHECKPOINT,
    "pictures": DEFAULT_IMAGE_CHECKPOINT,
    "rows": DEFAULT_ROWS_CHECKPOINT,
}
"""What answers where nobody names another, by what is asked: see :attr:`Card.role`."""

TaskT = TypeVar("TaskT", bound=Task)


class TrainingRecord(BaseModel):
    """A recording that the network was trained on; see :mod:`models.data.fingerprint`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    landmarks: tuple[str, ...] = ()


class Original(BaseModel):
    """Name and weight hash of the checkpoint that a lighter one was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


class Card(BaseModel):
    """Model card of a checkpoint, stored as JSON beside the weights.

    Attributes:
        architecture: name for :func:`models.create_model`.
        arguments: its keyword arguments.
        task: kind and parameters for :func:`models.tasks.create_task`.
        classes: names of the outputs.
        rhythm_classes: names of the rhythms that a network for beats says beside the classes; empty where it says none.
        unlearnt: classes of which the training data held no case: of these the network says nothing, and no answer is
            "none". Empty also for checkpoints from before this was noted.
        parameters: count of trained numbers.
        training_records: recordings it was trained on.
        training_images: pictures it was trained on, each by the first 16 hexadecimal digits of its file's SHA-256.
        initial_weights: what the training started from; empty for random weights.
        config: the whole configuration of the run.
        metrics: metrics with their intervals, each with the data that it was measured on.
        calibration: ``temperature`` that the logits are divided by, ``rhythm_temperature`` for those of the rhythms,
            and how they were found; ``usual_shares`` of classes among beats, for
            :func:`models.postprocessing.ectopic_beats.adapt_to_recording`.
        date: when training ended, ISO 8601.
        licence: of the training data.
        citation: of the training data.
        limits: sentences on what it is not for.
        weights_sha256: hash of the weights file.
        format: ``torch``: weights.safetensors for the network of :func:`models.create_model`; ``onnx``: model.onnx,
            run by onnxruntime.
        original: what a lighter checkpoint was made from; None for one that was trained.
        compression: how it was made lighter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    arguments: dict[str, Any]
    task: dict[str, Any]
    classes: tuple[str, ...]
    rhythm_classes: tuple[str, ...] = ()
    unlearnt: tuple[str, ...] = ()
    parameters: int
    training_records: tuple[TrainingRecord, ...] = ()
    training_images: tuple[str, ...] = ()
    initial_weights: str = ""
    config: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    calibration: dict[str, Any] = Field(default_factory=dict)
    date: str = ""
    licence: str = ""
    citation: str = ""
    limits: tuple[str, ...] = ()
    statement: str = STATEMENT
    weights_sha256: str = ""
    format: Literal["torch", "onnx"] = "torch"
    original: Original | None = None
    compression: dict[str, Any] = Field(default_factory=dict)

    @property
    def weights_file(self) -> str:
        """Name of the weights file."""
        return ONNX if self.format == "onnx" else WEIGHTS

    @property
    def original_name(self) -> str:
        """Name of the original of a lighter checkpoint; empty for a trained one."""
        return "" if self.original is None else self.original.name

    @property
    def temperature(self) -> float:
        """Softmax temperature of the classes (Guo 2017); 1 where they are not calibrated."""
        return float(self.calibration.get("temperature", 1.0))

    @property
    def rhythm_temperature(self) -> float:
        """Softmax temperature of the rhythms; 1 where they are not calibrated."""
        return float(self.calibration.get("rhythm_temperature", 1.0))

    @property
    def usual_shares(self) -> dict[str, float]:
        """Prior class shares for adaptation to a recording; empty: beats are classified independently."""
        return dict(self.calibration.get("usual_shares", {}))

    @property
    def kind(self) -> str:
        """Kind of the task, such as "beat", "strip", "record" or "image"; "row" for the rows of a table of beats."""
        plugin = find_plugin(self.task)
        return str(self.task.get("kind", "")) if plugin is None else plugin.card_kind

    @property
    def role(self) -> str:
        """What it predicts: "beats", "rows" of tables, "labels" of whole recordings, "paper", or "pictures" of parts;
        empty where its task is unknown."""
        plugin = find_plugin(self.task)
        return "" if plugin is None else plugin.role_of(self.task)


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: network in eval mode, card and task."""

    name: str
    folder: Path
    card: Card
    network: nn.Module = field(repr=False)
    task: Task

    @property
    def sha256(self) -> str:
        """Hash of the weights, used as cache key and in reports."""
        return self.card.weights_sha256

    def require(self, task: type[TaskT], fault: str) -> TaskT:
        """The task, checked to be of a class.

        Args:
            task: the class.
            fault: why the checkpoint will not do, and the remedy; a clause that its name goes before.

        Raises:
            CheckpointError: it is for another task.
        """
        if not isinstance(self.task, task):
            raise CheckpointError(self.name, fault)
        return self.task


@dataclass(frozen=True)
class CheckpointSummary:
    """A checkpoint found on disk; ``fault`` says why it is unusable, empty where it is usable."""

    name: str
    folder: Path
    card: Card | None
    fault: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is the default of its role."""
        return self.card is not None and DEFAULTS.get(self.card.role) == self.name


def checkpoints_root() -> Path:
    """Folder of the shipped checkpoints: ECGVIZ_CHECKPOINTS, else those in the installed package or checkout."""
    if named := os.environ.get("ECGVIZ_CHECKPOINTS"):
        return Path(named)
    package = Path(__file__).resolve().parent
    shipped = package / "_checkpoints"  # where the wheel has them
    return shipped if shipped.is_dir() else package.parent / "checkpoints"


def promoted_root() -> Path:
    """Folder that runs are promoted into: ECGVIZ_CHECKPOINTS, else ``checkpoints`` below ECGVIZ_HOME."""
    named = os.environ.get("ECGVIZ_CHECKPOINTS")
    return Path(named) if named else home_folder() / "checkpoints"


def checkpoint_folder(name: str) -> Path:
    """Folder of a checkpoint by name: a promoted one before a shipped one of the same name; it need not exist."""
    promoted = promoted_root() / name
    return promoted if (promoted / CARD).is_file() else checkpoints_root() / name


def list_checkpoints(root: str | Path | None = None) -> list[CheckpointSummary]:
    """Checkpoints of a folder, or all of them; sorted by name, damaged ones with their fault. Reads the cards only.

    Of a promoted and a shipped one of the same name the promoted one is listed.
    """
    roots = (checkpoints_root(), promoted_root()) if root is None else (Path(root),)
    folders = {path.parent.name: path.parent for one in roots for path in one.glob(f"*/{CARD}")}
    found = []
    for _, folder in sorted(folders.items()):
        try:
            found.append(CheckpointSummary(folder.name, folder, _read_card(folder)))
        except CheckpointError as error:
            found.append(CheckpointSummary(folder.name, folder, None, str(error)))
    return found


def load_checkpoint(name: str | Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a checkpoint by name (:func:`checkpoint_folder`) or folder.

    Raises:
        CheckpointError: it is missing, damaged, or does not fit its own card.
    """
    folder, card = _found(name)
    try:
        blob = (folder / card.weights_file).read_bytes()
    except OSError as error:
        raise CheckpointError(folder.name, f"{card.weights_file} cannot be read; copy the checkpoint again") from error
    if hashlib.sha256(blob).hexdigest() != card.weights_sha256:
        raise CheckpointError(
            folder.name, f"{card.weights_file} is not the file that {CARD} describes; copy the checkpoint again"
        )
    try:
        task = create_task(card.task)
        network = _network(card, blob)
    except (EcgvizError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        raise CheckpointError(folder.name, f"does not fit the network it names ({error}); train it again") from error
    return Checkpoint(folder.name, folder, card, network.to(device).eval(), task)


def card_of(name: str | Path) -> Card:
    """The card of a checkpoint by name or folder, as :func:`load_checkpoint` finds it.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    return _found(name)[1]


def _found(name: str | Path) -> tuple[Path, Card]:
    folder = Path(name) if Path(name).is_dir() else checkpoint_folder(str(name))
    if not (folder / CARD).is_file():
        known = ", ".join(summary.name for summary in list_checkpoints()) or "none"
        raise CheckpointError(str(name), f"was not found; there are: {known}")
    return folder, _read_card(folder)


def save_checkpoint(folder: str | Path, network: nn.Module, card: Card) -> Card:
    """Write weights (half precision, batch norm statistics in full) and card; returns the card with the weight hash.

    Each file appears whole or not at all: temporary name, fsync, rename.
    """
    return write_checkpoint(folder, save_tensors({k: _half(k, v) for k, v in network.state_dict().items()}), card)


def write_checkpoint(folder: str | Path, blob: bytes, card: Card) -> Card:
    """Write an existing weights file and the card; returns the card with the weight hash.

    What lies there of other weights (:data:`LEARNED_OF_WEIGHTS`) goes: by its statistics no picture would be like the
    training.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    card = card.model_copy(update={"weights_sha256": hashlib.sha256(blob).hexdigest()})
    earlier = folder / card.weights_file
    if not earlier.is_file() or earlier.read_bytes() != blob:
        for name in LEARNED_OF_WEIGHTS:
            (folder / name).unlink(missing_ok=True)
    write_whole(folder / card.weights_file, blob)
    write_whole(folder / CARD, (json.dumps(card.model_dump(mode="json"), indent=1) + "\n").encode())
    return card


def note_metrics(folder: str | Path, key: str, metrics: dict[str, Any], *, limits: Sequence[str] | None = None) -> Card:
    """Store metrics in the card of a checkpoint under ``key``; the weights are unchanged.

    Args:
        folder: of the checkpoint.
        key: what the metrics are called; others of that name go.
        metrics: ready for JSON.
        limits: sentences on what it is not for, where the metrics changed them.

    Raises:
        CheckpointError: the card is damaged.
    """
    folder = Path(folder)
    card = _read_card(folder)
    card = card.model_copy(update={"metrics": card.metrics | {key: metrics}})
    if limits is not None:
        card = card.model_copy(update={"limits": tuple(limits)})
    write_whole(folder / CARD, (json.dumps(card.model_dump(mode="json"), indent=1) + "\n").encode())
    return card


def _read_card(folder: Path) -> Card:
    try:
        return Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(folder.name, f"{CARD} cannot be read; copy the checkpoint again") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CheckpointError(folder.name, f"{CARD} is damaged at {place} ({first['msg']}); copy it again") from error


def _network(card: Card, blob: bytes) -> nn.Module:
    """The network of a card with the weights from its file.

    Raises:
        ValueError: it answers with other outputs than the card names.
    """
    network = _built(card, blob)
    named = tuple(getattr(network, "rhythm_classes", ()))
    if named != card.rhythm_classes:
        raise ValueError(
            f"it says the rhythms {', '.join(named) or 'none'}, not {', '.join(card.rhythm_classes) or 'none'}"
        )
    return network


def _built(card: Card, blob: bytes) -> nn.Module:
    if card.format == "onnx":
        from models.networks.onnx_network import OnnxNetwork  # loads onnxruntime; needed for such a checkpoint alone

        network = OnnxNetwork(blob)
        if network.num_classes != len(card.classes):
            raise ValueError(f"it answers with {network.num_classes} outputs for {len(card.classes)} classes")
        return network
    network = create_model(card.architecture, **card.arguments)
    network.load_state_dict({key: _full(value) for key, value in load_tensors(blob).items()})
    return network


def _half(key: str, value: torch.Tensor) -> torch.Tensor:
    keep = not value.is_floating_point() or "running_" in key
    return (value.detach() if keep else value.detach().half()).cpu().contiguous()


def _full(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value
