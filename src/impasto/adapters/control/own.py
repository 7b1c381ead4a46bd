"""The networks that a checkpoint brings for control maps: `control/NAME` in its folder, with their kinds in their cards.

It does not import torch: the studio lists them.
"""

from pathlib import Path

from impasto.checkpoints.control_files import control_folders
from impasto.errors import ImpastoError
from impasto.vision.control_maps.makers import MAKERS, MAP
from impasto.weights.header import read_json

CARD = "control.json"


def own_controlnet(checkpoint: Path | None, kind: str) -> Path | None:
    """Returns the folder of the checkpoint's own network for maps of a kind; None if it has none.

    The one that was trained on this kind comes first; then, for maps of strokes, one that was trained on others of them.
    A map that is given as it is (`map`) is led by the only network.

    Args:
        checkpoint: its folder or file; None for none.
        kind: the name of a condition maker.

    Raises:
        ImpastoError: a network's card cannot be read.
    """
    kinds = own_kinds(checkpoint)
    trained = next((folder for folder, known in kinds.items() if kind in known), None)
    if trained is not None:
        return trained
    if kind == MAP:
        return next(iter(kinds)) if len(kinds) == 1 else None
    strokes = {name for name, maker in MAKERS.items() if maker.strokes}
    return next((folder for folder, known in kinds.items() if kind in strokes and strokes & set(known)), None)


def own_kinds(checkpoint: Path | None) -> dict[Path, tuple[str, ...]]:
    """Returns the folders of the checkpoint's own networks, each with the kinds of maps that it was trained on.

    Raises:
        ImpastoError: a network's card cannot be read.
    """
    if checkpoint is None or not checkpoint.is_dir():
        return {}
    return {folder: _kinds(folder) for folder in control_folders(checkpoint)}


def _kinds(folder: Path) -> tuple[str, ...]:
    card = read_json(folder / CARD) if (folder / CARD).is_file() else {}
    also = card.get("also", [])
    if not isinstance(also, list):
        raise ImpastoError(f"{folder / CARD}: 'also' is no list of kinds of maps")
    kinds = (folder.name, str(card.get("condition", "")).partition(":")[0], *map(str, also))
    return tuple(dict.fromkeys(filter(None, kinds)))
