"""`impasto data copy-index`: writes an index file of training pictures for detecting copies."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.painting.picture_options import CopyFeatures
from impasto.cli.run_job import run_job
from impasto.jobs.judging.training_pictures import USUAL_FEATURES


def copy_index(
    catalogue: Annotated[Path, typer.Argument(help="A folder of training pictures.", metavar="CATALOGUE")],
    file: Annotated[Path, typer.Argument(help="The index to write.", metavar="FILE.safetensors")],
    copy_features: CopyFeatures = USUAL_FEATURES,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write what it takes to tell copies of a catalogue's pictures, for --avoid-copies and --memorization elsewhere."""
    from impasto.jobs.data.copy_index import CopyIndexJob, WrittenCopyIndex

    job = CopyIndexJob(catalogue=catalogue, file=file, copy_features=copy_features, overwrite=overwrite)
    written: WrittenCopyIndex = run_job(job, begin="looking at training pictures")
    threshold = written.threshold
    if as_json:
        say_json({
            "file": file, "bytes": written.bytes, "training_pictures": written.training_pictures,
            "index": written.identity, "features": written.features, "threshold": round(threshold.value, 4),
            "held_out": threshold.works,
        })  # fmt: skip
        return
    say(f"{file}  {written.training_pictures} training pictures, {written.bytes / 1e6:.1f} MB")
    say(f"a copy has a similarity of at least {threshold}")
