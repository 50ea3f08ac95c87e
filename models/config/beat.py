"""Configuration of beat trainings: defaults, bounds and help texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.config.base import (
    BaseTrainConfig,
    ClassWeightPower,
    Epochs,
    Patience,
    Settings,
    Share,
    Teachers,
    TeacherWeight,
    WeightAverage,
)
from models.core.errors import ConfigError
from models.tasks import AnyBeatTask


class DataConfig(Settings):
    """Settings of the data."""

    root: Annotated[str, Field(description="Folder with WFDB records and their beat annotations (.atr).")] = (
        "data/mitdb"
    )
    train: Annotated[
        tuple[str, ...] | Literal["train", "ds1"], Field(description="Records to train on, or a split.")
    ] = "train"
    validation: Annotated[
        tuple[str, ...] | Literal["validation"],
        Field(description="Whole records to choose the epoch by; empty: train all epochs and keep the last."),
    ] = "validation"
    prepared: Annotated[
        str,
        Field(
            description="Folder of prepared sets (scripts/prepare_beats.py), trained on instead of root; empty: none."
        ),
    ] = ""
    sets: Annotated[tuple[str, ...], Field(description="Names of the prepared sets.")] = (
        "mitdb",
        "svdb",
        "cinc2017",
        "ptbxl",
        "ltafdb",
        "ltdb",
    )
    folds: Annotated[
        int,
        Field(ge=0, le=100, description="Of the annotated records of prepared sets one in so many validates; 0: none."),
    ] = 0
    fold: Annotated[int, Field(ge=0, le=99, description="Which of them, from 0.")] = 0
    noise_root: Annotated[
        str, Field(description="Folder with the records bw, em and ma of nstdb; empty: no noise.")
    ] = ""


class AugmentConfig(Settings):
    """Label-preserving augmentation; 0 turns an effect off."""

    noise_probability: Annotated[Share, Field(description="Share of inputs with added nstdb noise.")] = 0.0
    noise_snr_db: Annotated[tuple[float, float], Field(description="Range of its signal-to-noise ratio, dB.")] = (
        0.0,
        24.0,
    )
    gain: Annotated[float, Field(ge=0, le=0.9, description="Amplitude varies by up to this share.")] = 0.0
    shift_ms: Annotated[
        float, Field(ge=0, le=100, description="SD of the R peak's position, ms: the detector's jitter.")
    ] = 0.0
    stretch: Annotated[float, Field(ge=0, le=0.5, description="Time is stretched by up to this share.")] = 0.0
    mix_leads: Annotated[
        Share,
        Field(description="Share of inputs whose leads are rotated into each other: other electrodes."),
    ] = 0.0
    drop_lead: Annotated[Share, Field(description="Share of inputs whose further leads are missing.")] = 0.0
    invert: Annotated[Share, Field(description="Share of inputs turned upside down: electrodes swapped.")] = 0.0
    band_limit: Annotated[
        Share, Field(description="Share of inputs without their high frequencies: slow recorders, monitoring filters.")
    ] = 0.0
    premature: Annotated[
        Share, Field(description="Share of steady strips in which sinus beats are made premature (S).")
    ] = 0.0
    mostly_premature: Annotated[
        Share, Field(description="Share of steady strips in which premature beats are made the rule.")
    ] = 0.0
    ventricular: Annotated[
        Share,
        Field(description="Share of steady strips of prepared sets that get V beats of another patient."),
    ] = 0.0
    aberrant: Annotated[
        Share,
        Field(description="Share of strips in which runs of N and S beats get a bundle branch block."),
    ] = 0.0
    usual_parts: Annotated[
        Share,
        Field(description="Share of strips in which waves that do not decide a beat's class are the patient's usual."),
    ] = 0.0


class LossConfig(Settings):
    """Settings of the loss."""

    lambda_combined: Annotated[Share, Field(description="1: cross-entropy alone; 0: Proxy-Anchor alone.")] = 1.0
    proxy_alpha: Annotated[float, Field(gt=0, le=256, description="Sharpness of Proxy-Anchor.")] = 32.0
    proxy_delta: Annotated[Share, Field(description="Margin of Proxy-Anchor.")] = 0.1
    class_weight_power: ClassWeightPower = 0.0
    label_smoothing: Annotated[
        float, Field(ge=0, le=0.5, description="Share of the target spread over all classes.")
    ] = 0.0
    rhythm_weight: Annotated[
        float, Field(ge=0, le=10, description="Weight of the rhythms' loss, of a network that names rhythms.")
    ] = 0.5
    sequence_weight: Annotated[
        float, Field(ge=0, le=10, description="Weight of the losses of beats without signal.")
    ] = 0.25
    teachers: Teachers = ()
    teacher_weight: TeacherWeight = 0.5


class BeatTrainConfig(BaseTrainConfig):
    """Configuration of a beat training."""

    task: AnyBeatTask
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    batch_size: Annotated[int, Field(ge=1, le=8192, description="Windows or strips in a step.")] = 512
    epochs: Epochs = 50
    beats_per_epoch: Annotated[
        int, Field(ge=0, description="Windows drawn in an epoch; 0: each beat once.", le=10_000_000)
    ] = 0
    batches_per_epoch: Annotated[
        int, Field(ge=1, le=1_000_000, description="Batches in an epoch of prepared sets, which are drawn at random.")
    ] = 400
    balance: Annotated[
        Share,
        Field(description="Windows are drawn as class count to the minus this: 0 as they come, 1 balanced."),
    ] = 0.0
    schedule: Annotated[
        Literal["step", "cosine", "onecycle"], Field(description="step: a tenth every decay_epoch epochs.")
    ] = "step"
    decay_epoch: Annotated[int, Field(ge=1, le=1000, description="Epochs between the steps of the learning rate.")] = 20
    ema_decay: WeightAverage = 0.0
    early_stopping: Annotated[
        Patience, Field(description="Epochs without a better macro-F1 before it ends; 0: never.")
    ] = 10
    prior_shift: Annotated[
        tuple[float, ...],
        Field(
            description="Log odds added to each class after training, in the order of the classes: what drawing rare "
            "ones more often gave them too much, found by a run with held-out records; empty: none."
        ),
    ] = ()
    temperature: Annotated[
        float | None,
        Field(gt=0, le=20, description="Calibration found by a run with held-out records, for a run that has none."),
    ] = None

    usual_shares: Annotated[
        dict[str, Annotated[float, Field(gt=0, lt=1)]],
        Field(
            default_factory=dict,
            description="Shares of beats that classes have where nothing is known of a recording: strips are answered "
            "in view of the whole recording by them, found by a run with held-out records; empty: each by itself.",
        ),
    ]

    @model_validator(mode="after")
    def _a_shift_for_each_class(self) -> Self:
        if self.prior_shift and len(self.prior_shift) != len(self.task.classes):
            raise ConfigError("prior_shift", f"takes {len(self.task.classes)} numbers, one for each class, or none")
        if self.usual_shares and not {*self.usual_shares} <= {*self.task.classes_in_view}:
            raise ConfigError("usual_shares", f"takes classes of a strip task: {', '.join(self.task.classes)}")
        return self

    def network_arguments(self) -> dict[str, Any]:
        """Arguments of the network, completed from the task: leads, classes, RR ratios."""
        arguments = super().network_arguments()
        if self.data.prepared and self.network.architecture == "beat_strip":
            from models.data.rhythms import RHYTHM_CLASSES

            return {"rhythm_classes": list(RHYTHM_CLASSES)} | arguments
        return self.task.network_arguments() | arguments
