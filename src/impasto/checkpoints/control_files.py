"""Where a checkpoint's own control networks lie: `control/NAME` in its folder."""

from pathlib import Path

FOLDER = "control"


def control_folders(checkpoint: Path) -> list[Path]:
    """Returns the folders of the networks, by name; empty if there is none."""
    return [config.parent for config in sorted((checkpoint / FOLDER).glob("*/config.json"))]


def control_files(checkpoint: Path) -> dict[str, Path]:
    """Returns all files of the networks, as relative name -> file; empty if there is none."""
    files = (file for folder in control_folders(checkpoint) for file in sorted(folder.iterdir()))
    return {str(file.relative_to(checkpoint)): file for file in files if file.is_file()}
