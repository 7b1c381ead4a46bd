"""What is settled before a painting is divided, so that every unit is painted as the local run would paint it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest


def is_gpu(device: str) -> bool:
    """Returns whether `--device` means a GPU on this machine.

    Raises:
        UsageError, MissingPart: as `choose_device`.
    """
    from impasto.settings import choose_device

    return choose_device(device).type == "cuda"


def pictures_at_once(request: "PaintRequest", device: str) -> int:
    """Returns how many pictures like this one are painted at once on the device.

    Raises:
        UsageError, MissingPart: as `choose_device`.
    """
    from impasto.painting.batching import at_once
    from impasto.settings import choose_device

    return at_once(request, request.width * request.height, choose_device(device))


def settled_engine(engine: str, device: str, precision: str) -> str:
    """Returns the engine that paints all units: where `auto` would decide by the work that there is, `optimized`.

    Raises:
        UsageError, MissingPart: as `choose_engine`.
    """
    from impasto.painting.engines.choice import choose_engine
    from impasto.painting.engines.record import AUTO, OPTIMIZED
    from impasto.settings import choose_device

    chosen = choose_engine(engine, choose_device(device), precision)
    return OPTIMIZED if chosen.name == AUTO else engine


def checkpoint_hash(checkpoint: str) -> str:
    """Returns the hash of a checkpoint's content.

    Raises:
        UsageError, MissingPart, ImpastoError: as `inspect_checkpoint`.
    """
    from impasto.checkpoints.listing import inspect_checkpoint

    return inspect_checkpoint(checkpoint).content_hash
