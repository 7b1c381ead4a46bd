"""What `impasto reproduce` is tried on: drawn works of two painters, and a child process that is killed while it paints."""

import os
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from tests.evaluation.painted_folders import ARTISTS, draw_field

from impasto.data.catalogue.split import is_held_out
from impasto.painting.painting import Painting
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.pipeline import Expansion


def write_works(folder: Path, training: int = 6, held_out: int = 5) -> Path:
    """A catalogue of the two painters with so many works each on either side."""
    import json

    folder.mkdir()
    rows = []
    for artist, colour in ARTISTS.items():
        left, number = {True: held_out, False: training}, 0
        while any(left.values()):
            name = f"{artist.split()[-1].lower()}-{number}.png"
            number += 1
            if left[is_held_out(name)]:
                left[is_held_out(name)] -= 1
                draw_field(len(rows), colour).save(folder / name)
                rows.append({"file_name": name, "artist": artist, "title": f"field {number % 4}", "year": 1880})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


def expand_in_short(condition: Condition, method: str, *, count: int = 5) -> list[Expansion]:
    """In place of a language model of 135 million weights: the prompt's own words, and one that nobody expands."""
    del count
    if condition.caption == "field 3":
        return []
    return [Expansion(f"{condition.caption}, golden light", 1.0, {}, method, ", golden light")]


def without_language_model(patch: pytest.MonkeyPatch) -> None:
    """Expansions by `expand_in_short`."""
    patch.setattr("impasto.reproduction.expansions.expand_caption", expand_in_short)


def reproduce_in_child(folder: Path, pocket: Path, cache: Path, arguments: list[str], saved: Connection) -> None:
    """Runs the command in `folder`, with `pocket` as pocket, and sends the name of each painting that is saved."""
    from impasto.cli.main import main

    torch.set_num_threads(1)
    os.chdir(folder)
    os.environ.update({"IMPASTO_POCKET": str(pocket), "IMPASTO_CACHE": str(cache), "HF_HUB_OFFLINE": "1"})
    save = Painting.save

    def save_and_tell(self: Painting, path: str | Path, *, overwrite: bool = False) -> Path:
        done = save(self, path, overwrite=overwrite)
        saved.send(done.name)
        return done

    Painting.save = save_and_tell
    with pytest.MonkeyPatch.context() as patch:
        without_language_model(patch)
        main(["reproduce", *arguments])
