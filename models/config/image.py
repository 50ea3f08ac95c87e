"""Configuration of image trainings: documented defaults, bounds and help texts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.config.base import BaseTrainConfig, ClassWeightPower, Epochs, NetworkConfig, Patience, Settings, Share
from models.core.errors import ConfigError
from models.tasks.image import ImageTask


class ImageNetworkConfig(NetworkConfig):
    """Settings of the network and its initial weights."""

    pretrained: Annotated[
        bool | Literal["auto"],
        Field(description="Start from ImageNet weights: true must have them, auto takes them where it can."),
    ] = "auto"


class ImageDataConfig(Settings):
    """Settings of the pictures and their split."""

    root: Annotated[
        str, Field(description="Folder with labels.csv or one sub-folder a class; or a CSV file beside its pictures.")
    ] = "data/images"
    normal: Annotated[tuple[str, ...], Field(description="Labels that mean normal.")] = ("normal", "good", "ok")
    defect: Annotated[tuple[str, ...], Field(description="Labels that mean defect.")] = (
        "defect",
        "defective",
        "bad",
        "nok",
    )
    group_pattern: Annotated[
        str,
        Field(description="Regular expression whose first group names the cell, board or weld in the file's path."),
    ] = ""
    split: Annotated[
        Literal["stated", "dealt"],
        Field(description="stated: as table or folders say, where they do; dealt: all pictures are dealt out anew."),
    ] = "stated"
    unlabelled: Annotated[
        Literal["refuse", "normal"],
        Field(description="normal: pictures of which nothing says the class are taken as good."),
    ] = "refuse"
    types: Annotated[
        Literal["together", "each"],
        Field(description="together: all defects are one class; each: every type of defect is a class."),
    ] = "together"
    shares: Annotated[
        tuple[float, float, float], Field(description="Shares of training, validation and test; groups stay whole.")
    ] = (0.6, 0.15, 0.25)
    split_seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of the split.")] = 0
    unreadable_share: Annotated[
        Share, Field(description="Share of the pictures that may be unreadable; beyond, it is an error.")
    ] = 0.02
    cache_gb: Annotated[
        float, Field(ge=0, le=1024, description="Prepared pictures are kept in memory up to this size, GB.")
    ] = 4.0
    workers: Annotated[
        int, Field(ge=0, le=32, description="Processes that load and augment; 0: the training's own.")
    ] = 0
    licence: Annotated[str, Field(description="Licence of the pictures, for the card.")] = ""
    citation: Annotated[str, Field(description="Whom to cite for the pictures, for the card.")] = ""
    limits: Annotated[
        tuple[str, ...], Field(description="Sentences on what the network is not for, for the card.")
    ] = ()

    @model_validator(mode="after")
    def _can_be_split(self) -> Self:
        both = sorted({name.casefold() for name in self.normal} & {name.casefold() for name in self.defect})
        if both:
            raise ConfigError("data.normal", f"{', '.join(both)} stands in data.defect too")
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6 or self.shares[0] == 0:
            raise ConfigError("data.shares", f"must be three shares that add up to 1, got {list(self.shares)}")
        return self


class ImageAugmentConfig(Settings):
    """Label-preserving augmentation of pictures; 0 turns an effect off."""

    horizontal_flip: Annotated[Share, Field(description="Share of pictures mirrored left to right.")] = 0.5
    vertical_flip: Annotated[Share, Field(description="Share of pictures mirrored top to bottom.")] = 0.5
    rotation_deg: Annotated[float, Field(ge=0, le=180, description="Turned by up to this angle, degrees.")] = 15.0
    translate: Annotated[float, Field(ge=0, le=0.5, description="Moved by up to this share of the side.")] = 0.1
    scale: Annotated[tuple[float, float], Field(description="Range of the magnification.")] = (0.9, 1.1)
    brightness: Annotated[Share, Field(description="Brightness varies by up to this share.")] = 0.2
    contrast: Annotated[Share, Field(description="Contrast varies by up to this share.")] = 0.2
    tone: Annotated[
        float,
        Field(ge=0, le=2, description="Grey values are raised to a power of up to e to this, or e to its negative."),
    ] = 0.0
    saturation: Annotated[Share, Field(description="Saturation of colour pictures varies.")] = 0.1
    blur: Annotated[
        float, Field(ge=0, le=5, description="Half of the pictures are blurred by up to this SD, pixels.")
    ] = 0.0
    noise: Annotated[float, Field(ge=0, le=0.5, description="Half get noise of up to this SD, share of the range.")] = (
        0.0
    )


class ImageLossConfig(Settings):
    """Settings of the weighted cross-entropy."""

    class_weight_power: ClassWeightPower = 1.0
    label_smoothing: Annotated[
        float, Field(ge=0, le=0.5, description="Share of the target spread over both classes.")
    ] = 0.0
    patches: Annotated[
        float,
        Field(
            ge=0,
            le=10,
            description="Weight of the loss of each patch, where masks or boxes say which ones are defective, so that "
            "maps point there; 0: none.",
        ),
    ] = 0.5


class ImageTrainConfig(BaseTrainConfig):
    """Configuration of an image training: Adam; the epoch that ``choose_by`` finds best is kept."""

    task: ImageTask
    network: ImageNetworkConfig
    data: ImageDataConfig = ImageDataConfig()
    augment: ImageAugmentConfig = ImageAugmentConfig()
    loss: ImageLossConfig = ImageLossConfig()
    batch_size: Annotated[int, Field(ge=2, le=8192, description="Pictures in a step.")] = 32
    epochs: Epochs = 30
    images_per_epoch: Annotated[
        int, Field(ge=0, le=10_000_000, description="Pictures drawn in an epoch; 0: each once.")
    ] = 0
    schedule: Annotated[
        Literal["constant", "cosine"], Field(description="cosine: the learning rate falls to 1e-6 over all epochs.")
    ] = "constant"
    choose_by: Annotated[
        Literal["auroc", "loss", "f1", "recall_at_95_specificity"],
        Field(description="Metric on the validation pictures that the epoch is chosen by."),
    ] = "auroc"
    early_stopping: Annotated[
        Patience, Field(description="Epochs without a better value of that metric before it ends; 0: never.")
    ] = 5
