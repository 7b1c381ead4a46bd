"""`impasto data copy-index`: training pictures as one file, with which copies of them are told."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.picture_options import CopyFeatures
from impasto.errors import UsageError
from impasto.jobs.context import Context
from impasto.jobs.judging.training_pictures import USUAL_FEATURES, Training
from impasto.jobs.painting.output import check_writable


def copy_index(
    catalogue: Annotated[Path, typer.Argument(help="A folder of training pictures.", metavar="CATALOGUE")],
    file: Annotated[Path, typer.Argument(help="The index to write.", metavar="FILE.safetensors")],
    copy_features: CopyFeatures = USUAL_FEATURES,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write what it takes to tell copies of a catalogue's pictures, for --avoid-copies and --memorization elsewhere."""
    if not catalogue.is_dir():
        raise UsageError(f"{catalogue}: there is no such folder")
    if file.suffix.lower() != ".safetensors":
        raise UsageError(f"{file}: a copy index's name ends in .safetensors")
    if file.exists() and not overwrite:
        raise UsageError(f"{file} is there already: choose another name, or add --overwrite")
    check_writable(file.parent)
    from impasto.evaluation.memorization.index_file import save_copy_index

    training = Training.load(catalogue, copy_features, Context())
    file.parent.mkdir(parents=True, exist_ok=True)
    save_copy_index(training.index, file)
    threshold, size = training.index.calibration.threshold(), file.stat().st_size
    if as_json:
        say_json({
            "file": file, "bytes": size, "training_pictures": len(training.index.pictures), "index": training.index.identity,
            "features": training.index.features_name, "threshold": round(threshold.value, 4), "held_out": threshold.works,
        })  # fmt: skip
        return
    say(f"{file}  {len(training.index.pictures)} training pictures, {size / 1e6:.1f} MB")
    say(f"a copy has a similarity of at least {threshold}")
