"""The configuration of learning from good parts only: defaults, bounds and help texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from models.config.base import BaseTrainConfig, Epochs, NetworkConfig, Patience, Settings, Share
from models.config.image import ImageAugmentConfig, ImageDataConfig
from models.core.errors import ConfigError
from models.tasks.good_only import GoodOnlyTask


class GoodOnlyNetworkConfig(NetworkConfig):
    """Which statistics of good parts, on which features."""

    architecture: Annotated[
        str,
        Field(
            description="good_parts: drawn defects and nearest good patch; patch_memory: this alone; patch_gaussian: "
            "mean and covariance of each place."
        ),
    ] = "good_parts"
    backbone: Annotated[
        str, Field(description="Network of timm whose features are used, such as tf_efficientnet_lite0.")
    ] = "tf_efficientnet_lite0"
    layers: Annotated[
        tuple[int, ...],
        Field(description="Levels of the features: 0 has half of the picture's resolution, 1 a quarter, and so on."),
    ] = (1, 2, 3)
    pretrained: Annotated[
        bool | Literal["auto"],
        Field(description="ImageNet weights: true must have them; auto takes random ones where there are none."),
    ] = True
    components: Annotated[int, Field(ge=2, le=2048, description="Numbers that describe a patch.")] = 96
    position_weight: Annotated[
        float,
        Field(ge=0, le=1000, description="Weight of a patch's place, for parts that always lie alike; 0: none."),
    ] = 0.0
    top_share: Annotated[
        float, Field(gt=0, le=1, description="Share of the patches, the oddest, that a picture's score is the mean of.")
    ] = 0.01

    @model_validator(mode="after")
    def _layers_are_some(self) -> Self:
        if not self.layers or min(self.layers) < 0 or sorted(set(self.layers)) != list(self.layers):
            raise ConfigError("network.layers", f"must be levels in ascending order, got {list(self.layers)}")
        return self


class BankConfig(Settings):
    """What is kept of the good parts, and where they end."""

    patches: Annotated[
        int, Field(ge=16, le=200_000, description="Patches of good parts that are kept; 3,000 take half a megabyte.")
    ] = 3000
    choice: Annotated[
        Literal["coreset", "random"],
        Field(description="coreset: each patch as far from the ones before it as can be; random: drawn."),
    ] = "coreset"
    passes: Annotated[
        int, Field(ge=1, le=100, description="Passes over the pictures; from the second on they are changed at random.")
    ] = 1
    candidates: Annotated[
        int, Field(ge=16, le=5_000_000, description="Patches that are drawn from the pictures to choose among.")
    ] = 60_000
    reduction: Annotated[
        Literal["scaled", "whitened"],
        Field(description="scaled: each feature by its SD; whitened: each direction in which good parts differ."),
    ] = "scaled"
    relative: Annotated[
        bool, Field(description="Distances count in spreads of what is usual among good patches alike.")
    ] = True
    whitening: Annotated[
        float,
        Field(ge=0, le=1000, description="Directions in which good parts hardly differ count more, the more the less."),
    ] = 1.0
    crops: Annotated[
        bool, Field(description="Keep what the patches look like, to be shown beside what is odd; a kilobyte each.")
    ] = True
    overkill: Annotated[
        Share, Field(gt=0, description="Share of good parts that may be called defective: sets the threshold.")
    ] = 0.01


class DrawnConfig(Settings):
    """Defects that are drawn into good parts, for a network that learns to tell the two apart."""

    pieces: Annotated[int, Field(ge=2, le=10_000_000, description="Pieces of pictures in an epoch.")] = 1600
    side: Annotated[int, Field(ge=32, le=2048, description="Side of a piece, pixels of the input.")] = 192
    share: Annotated[Share, Field(description="Share of the pieces that defects are drawn into.")] = 0.65


class GoodOnlyTrainConfig(BaseTrainConfig):
    """Statistics of good parts: no defect is needed, and none is looked at."""

    task: GoodOnlyTask = GoodOnlyTask()
    network: GoodOnlyNetworkConfig = GoodOnlyNetworkConfig()
    data: ImageDataConfig = ImageDataConfig()
    bank: BankConfig = BankConfig()
    augment: ImageAugmentConfig = ImageAugmentConfig(
        rotation_deg=0.0, translate=0.0, scale=(1.0, 1.0), brightness=0.15, contrast=0.15
    )
    drawn: DrawnConfig = DrawnConfig()
    lr: Annotated[float, Field(gt=0, le=1, description="Learning rate; of pretrained layers a third of it.")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Weight decay.")] = 1e-2
    batch_size: Annotated[int, Field(ge=2, le=1024, description="Pieces in a step.")] = 8
    epochs: Epochs = 8
    early_stopping: Patience = 0

    def network_arguments(self) -> dict[str, Any]:
        """Arguments of the network."""
        named = ("backbone", "layers", "components", "position_weight", "top_share")
        settings = self.network.model_dump(mode="json", include=set(named))
        return super().network_arguments() | settings
