"""The configuration of learning small defects in tiles: defaults, bounds and help texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.config.base import BaseTrainConfig, Epochs, NetworkConfig, Patience, Settings, Share
from models.config.image import ImageAugmentConfig, ImageDataConfig
from models.core.errors import ConfigError
from models.tasks.small_defects import SmallDefectsTask


class PlaceNetworkConfig(NetworkConfig):
    """Which network of features, and what it starts from."""

    architecture: Annotated[str, Field(description="place_network.")] = "place_network"
    backbone: Annotated[
        str, Field(description="Network of timm whose features are used, such as tf_efficientnet_lite0.")
    ] = "tf_efficientnet_lite0"
    pretrained: Annotated[
        bool | Literal["auto"],
        Field(description="ImageNet weights: true must have them; auto takes random ones where there are none."),
    ] = True
    contrast: Annotated[
        bool, Field(description="Look at grey values relative to their surroundings, too: parts differ in thickness.")
    ] = True


class TileConfig(Settings):
    """Which tiles are learned from."""

    count: Annotated[int, Field(ge=2, le=10_000_000, description="Tiles in an epoch, at most.")] = 2400
    minutes: Annotated[
        float,
        Field(ge=0, le=10_000, description="Epochs get fewer tiles where the training would take longer; 0: never."),
    ] = 20.0
    side: Annotated[int, Field(ge=64, le=2048, description="Side of the tiles in training, pixels of the input.")] = 192
    defect_share: Annotated[
        Share, Field(description="Share of the tiles that are taken where a defect is, or may be.")
    ] = 0.4
    pasted: Annotated[
        Share, Field(description="Share of the other tiles that get marked defects of other pictures, and drawn ones.")
    ] = 0.4


class SmallDefectsTrainConfig(BaseTrainConfig):
    """One training on tiles: places from masks or boxes, and from labels of whole pictures where there is no more."""

    task: SmallDefectsTask = SmallDefectsTask()
    network: PlaceNetworkConfig = PlaceNetworkConfig()
    data: ImageDataConfig = ImageDataConfig()
    tiles: TileConfig = TileConfig()
    augment: ImageAugmentConfig = ImageAugmentConfig(
        rotation_deg=45.0,
        translate=0.0,
        scale=(0.8, 1.25),
        brightness=0.25,
        contrast=0.4,
        tone=0.4,
        blur=0.8,
        noise=0.015,
    )
    lr: Annotated[float, Field(gt=0, le=1, description="Learning rate; of pretrained layers a third of it.")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Weight decay.")] = 1e-2
    batch_size: Annotated[int, Field(ge=2, le=1024, description="Tiles in a step.")] = 8
    epochs: Epochs = 12
    choose_by: Annotated[
        Literal["auroc", "loss", "last"],
        Field(description="What the epoch is chosen by, on tiles of the validation pictures; last: the last one."),
    ] = "auroc"
    early_stopping: Patience = 0

    @model_validator(mode="after")
    def _tiles_are_whole(self) -> Self:
        if self.tiles.side % 32:
            raise ConfigError("tiles.side", f"must be a multiple of 32, got {self.tiles.side}")
        if self.task.image_size % 32 or self.task.overlap % 8 or self.task.overlap >= self.task.image_size:
            raise ConfigError(
                "task.overlap", "must be a multiple of 8 below task.image_size, which is a multiple of 32"
            )
        return self

    def network_arguments(self) -> dict[str, Any]:
        """Arguments of the network."""
        tile = {"tile": self.task.image_size, "overlap": self.task.overlap}
        return (
            super().network_arguments() | {"backbone": self.network.backbone, "contrast": self.network.contrast} | tile
        )
