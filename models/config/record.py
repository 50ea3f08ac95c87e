"""Configuration of whole-recording trainings: defaults, bounds and help texts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.config.base import (
    BaseTrainConfig,
    Epochs,
    NetworkConfig,
    Patience,
    Settings,
    Share,
    Teachers,
    TeacherWeight,
    WeightAverage,
)
from models.core.errors import ConfigError
from models.tasks.record import RecordTask

MORE_BAND_HZ = (0.5, 40.0)
"""What the recordings of ``data.more`` were filtered with."""


class RecordNetworkConfig(NetworkConfig):
    """Settings of the network and its initial weights."""

    pretrained: Annotated[
        bool | Literal["auto"],
        Field(description="Start a network for pictures from ImageNet weights: true must have them, auto may."),
    ] = False
    frozen: Annotated[
        int,
        Field(ge=0, le=4, description="Stages of a pretrained network, from the input on, that stay as they are."),
    ] = 0
    masked_epochs: Annotated[
        int, Field(ge=0, le=1000, description="Epochs of learning hidden patches without labels, before; for ecg_vit.")
    ] = 0
    masked_share: Annotated[float, Field(gt=0, lt=1, description="Share of the patches that are hidden then.")] = 0.5
    masked_from: Annotated[
        str, Field(description="Run folder of another training whose learning without labels is taken over.")
    ] = ""


class RecordDataConfig(Settings):
    """Settings of the recordings and their split."""

    root: Annotated[
        str,
        Field(
            description="Folder of PTB-XL (ptbxl_database.csv); or with train and val, each with normal and abnormal."
        ),
    ] = "data/ptbxl"
    more: Annotated[
        str,
        Field(description="Folder with signals_100hz.npz and labels.csv: further recordings, filtered; empty: none."),
    ] = ""
    train_folds: Annotated[tuple[int, ...], Field(min_length=1, description="Folds of PTB-XL to train on.")] = (
        1, 2, 3, 4, 5, 6, 7, 8,
    )  # fmt: skip
    validation_folds: Annotated[
        tuple[int, ...], Field(description="Folds to choose epoch, thresholds and temperature by.")
    ] = (9,)
    label_share: Annotated[
        float, Field(gt=0, le=1, description="Share of the training recordings whose labels are learned.")
    ] = 1.0
    test_folds: Annotated[tuple[int, ...], Field(description="Folds that are touched once, by evaluate.")] = (10,)

    @model_validator(mode="after")
    def _folds_apart(self) -> Self:
        folds = [*self.train_folds, *self.validation_folds, *self.test_folds]
        if len(set(folds)) < len(folds):
            raise ConfigError("data.train_folds", "a fold stands on two sides; each fold may be on one")
        return self


class RecordAugmentConfig(Settings):
    """Label-preserving augmentation of windows; 0 turns an effect off."""

    noise: Annotated[Share, Field(description="SD of added noise, up to this share of a lead's SD.")] = 0.0
    wander: Annotated[
        float, Field(ge=0, le=2, description="Slow waves (0.1 to 1 Hz) added, up to this share of a lead's SD.")
    ] = 0.0
    gain: Annotated[float, Field(ge=0, le=0.9, description="Amplitude varies by up to this share; for mV.")] = 0.0
    drop_lead: Annotated[float, Field(ge=0, le=0.9, description="Share of the leads that are missing.")] = 0.0
    mask: Annotated[float, Field(ge=0, le=0.5, description="Up to this share of a window is blanked.")] = 0.0
    shift_seconds: Annotated[
        float, Field(ge=0, le=5, description="Windows as long as the recording are moved by up to this, s.")
    ] = 0.0
    stretch: Annotated[float, Field(ge=0, le=0.3, description="Time is stretched by up to this share.")] = 0.0
    photograph: Annotated[
        Share,
        Field(description="Strength of what printing, scanning and photographing do to ECG paper."),
    ] = 0.0
    mixup: Annotated[float, Field(ge=0, le=2, description="Pairs are blended with weights of Beta(mixup, mixup).")] = (
        0.0
    )


class RecordLossConfig(Settings):
    """Settings of the binary cross-entropy."""

    pos_weight_power: Annotated[
        Share, Field(description="Positives weigh as (negatives / positives) to this: 0 none, 1 balanced.")
    ] = 0.0
    label_smoothing: Annotated[float, Field(ge=0, le=0.5, description="Targets are drawn towards one half.")] = 0.0
    teachers: Teachers = ()
    teacher_weight: TeacherWeight = 0.5


class RecordTrainConfig(BaseTrainConfig):
    """Configuration of a whole-recording training."""

    task: RecordTask
    network: RecordNetworkConfig
    data: RecordDataConfig = RecordDataConfig()
    augment: RecordAugmentConfig = RecordAugmentConfig()
    loss: RecordLossConfig = RecordLossConfig()
    batch_size: Annotated[int, Field(ge=2, le=8192, description="Windows in a step.")] = 64
    epochs: Epochs = 100
    schedule: Annotated[
        Literal["plateau", "cosine", "onecycle", "constant"],
        Field(description="plateau: a tenth after ten epochs without a lower validation loss."),
    ] = "plateau"
    choose_by: Annotated[
        Literal["loss", "macro_auroc", "mean_f1"],
        Field(description="Metric on the validation folds that the epoch is chosen by; F1 at thresholds of 0.5."),
    ] = "macro_auroc"
    ema_decay: WeightAverage = 0.0
    early_stopping: Annotated[
        Patience, Field(description="Epochs without a better metric before it ends; 0: never.")
    ] = 0

    @model_validator(mode="after")
    def _more_fits(self) -> Self:
        task = self.task
        if self.data.more and (task.scaling != "zscore" or (task.highpass_hz, task.lowpass_hz) != MORE_BAND_HZ):
            raise ConfigError(
                "data.more",
                "these recordings are filtered 0.5-40 Hz and have lost their voltages; set task.scaling zscore and "
                "that band, or leave data.more empty",
            )
        if self.network.pretrained and not task.reads_pictures:
            raise ConfigError("network.pretrained", "is for networks that read pictures; set it to false")
        if self.network.masked_epochs and not task.reads_pictures:
            raise ConfigError("network.masked_epochs", "is for networks that read pictures; set it to 0")
        if self.network.masked_epochs and self.network.masked_from:
            raise ConfigError("network.masked_from", "takes over what another training learned; set masked_epochs to 0")
        if self.network.frozen and not self.network.pretrained:
            raise ConfigError("network.frozen", "keeps pretrained weights; set network.pretrained, or frozen to 0")
        if not self.data.validation_folds and self.schedule == "plateau":
            raise ConfigError("schedule", "plateau needs data.validation_folds; choose cosine, onecycle or constant")
        return self
