"""What a checkpoint was trained for, by the channels that its U-Net takes, and what it is asked to do."""

from typing import Any

from impasto.checkpoints.size import inpainting_channels, instruct_channels, only_edits
from impasto.errors import UsageError

INSTRUCT = "instruct"  # beside the methods of inpainting


def check_channels(components: Any, method: str) -> None:
    """Checks that a checkpoint paints by this method: one of inpainting, `INSTRUCT`, or "", painting without a mask.

    Raises:
        UsageError: it was trained for inpainting or instructions, and nothing else; or the method needs such a checkpoint.
    """
    channels, latents = components.unet.config["in_channels"], components.vae.config["latent_channels"]
    needed = {"model": inpainting_channels(latents), INSTRUCT: instruct_channels(latents)}.get(method, latents)
    if channels == needed:
        return
    if instead := only_edits(channels, latents):
        raise UsageError(f"{components.name} {instead}")
    if method == "model":
        raise UsageError(
            f"--method model needs a checkpoint trained for inpainting, and {components.name} was not: leave --method away, "
            "since blend works with every checkpoint, or name one that was with --checkpoint"
        )
    raise UsageError(
        f"instruct needs a checkpoint trained for instructions, and {components.name} was not: name one with --checkpoint, "
        "such as timbrooks/instruct-pix2pix, or make one with impasto train instruct; impasto edit takes any checkpoint"
    )
