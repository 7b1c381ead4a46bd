"""A checkpoint's guide, in `guide/`: another U-Net that guidance leads away from.

It is a weaker snapshot of the checkpoint's own U-Net (autoguidance, Karras et al. 2024), or the U-Net that this one was
retrained from (Domain Guidance, Zhong et al. 2025).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import ImpastoError

if TYPE_CHECKING:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

GUIDE = "guide"
_SHARED = ("in_channels", "out_channels", "cross_attention_dim")


def has_guide(folder: Path | None) -> bool:
    """Returns whether a checkpoint's folder holds a guide."""
    return folder is not None and (folder / GUIDE).is_dir()


def lacking_guide(name: str) -> str:
    """Returns the error message for a checkpoint without a guide."""
    return f"{name} holds no guide/, the U-Net that the guiders auto and domain lead away from: use another, such as cfg"


def load_guide(folder: Path, unet: Any) -> "UNet2DConditionModel":
    """Loads the guide in `folder`, on the device and in the precision of the U-Net that it guides.

    Raises:
        MissingPart, ImpastoError: the guide is incomplete, or takes other latents or texts than `unet`.
    """
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    from impasto.checkpoints.model_folder import load_model

    guide = load_model(UNet2DConditionModel, folder / GUIDE, unet.device, unet.dtype)
    for name in _SHARED:
        if guide.config[name] != unet.config[name]:
            found, wanted = guide.config[name], unet.config[name]
            raise ImpastoError(f"{folder / GUIDE} does not guide its U-Net: its {name} is {found}, not {wanted}")
    return guide
