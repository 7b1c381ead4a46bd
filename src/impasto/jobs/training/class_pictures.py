"""Paints DreamBooth's class (prior) pictures with the checkpoint that is trained; each once, with its provenance record."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError

if TYPE_CHECKING:
    from impasto.painting.request import PaintRequest

MOST = 10_000
# Guided pictures have more contrast than what the checkpoint has learned. If they were learned and guided again, they would
# be garish.
_GUIDANCE = 1.0


def paint_class_pictures(
    folder: Path,
    text: str,
    count: int,
    checkpoint: str,
    *,
    size: int,
    on_progress: Callable[[str, float, dict[str, float]], None],
) -> list[Path]:
    """Paints the class pictures that are missing in `folder` and returns all files. Picture n has seed n and no guidance.

    An existing file counts only if its record states that it is this checkpoint's picture of this text.

    Args:
        folder: the folder of the class pictures.
        text: the prompt.
        count: number of pictures.
        checkpoint: the checkpoint that paints.
        size: pixels of a side.
        on_progress: called with (stage, share done, no values).

    Raises:
        UsageError: the number or size of the pictures, or the text, is invalid.
        MissingPart, ImpastoError: there is no such checkpoint; a file cannot be written.
    """
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.painting.painter import Painter
    from impasto.painting.request import PaintRequest
    from impasto.prompts.condition import Condition

    if not 1 <= count <= MOST:
        raise UsageError(f"prior pictures {count}: use 1 to {MOST}")
    requests = {
        folder / f"{seed:05}.png": PaintRequest(
            Condition(caption=text), seed=seed, guidance=_GUIDANCE, width=size, height=size
        )
        for seed in range(count)
    }
    content_hash = inspect_checkpoint(checkpoint).content_hash
    missing = {file: request for file, request in requests.items() if not _is_painted(file, request, content_hash)}
    if missing:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImpastoError(f"{folder} cannot be made: {error.strerror}") from None
        done = count - len(missing)
        on_progress("painting the class", done / count, {})
        paintings = Painter.load(checkpoint).paint_many(list(missing.values()))
        for file, painting in zip(missing, paintings, strict=True):
            painting.save(file, overwrite=True)
            done += 1
            on_progress("painting the class", done / count, {})
    return list(requests)


def _is_painted(file: Path, request: "PaintRequest", content_hash: str) -> bool:
    from impasto.painting.provenance.record import Provenance, read_provenance

    try:
        record = read_provenance(file)
    except ImpastoError:
        return False
    return isinstance(record, Provenance) and record.checkpoint_hash == content_hash and (
        (record.text, record.seed, record.guidance, record.width, record.height)
        == (request.condition.text(), request.seed, request.guidance, request.width, request.height)
    )
