"""What `impasto reproduce` is tried on: drawn works of two painters, and a child process that is killed while it paints."""

import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.evaluation.painted_folders import ARTISTS, draw_field

from impasto.data.catalogue.split import is_held_out
from impasto.painting.painting import Painting
from impasto.prompts.condition import Condition
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.pipeline import Expansion
from impasto.reproduction.parts import Parts


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


class ShortCaptioner:
    """In place of a captioner of 135 million weights: the mean colour's largest channel, in words."""

    name, identity = "short-captioner", "f" * 64

    def caption(
        self,
        images: Sequence[Image.Image],
        *,
        tags: Sequence[Sequence[str]] | None,
        count: int,
        seeds: Sequence[int],
    ) -> list[list[str]]:
        """See `impasto.vision.captioners.interface.Captioner.caption`."""
        del tags
        colours = [["red", "green", "blue"][int(np.asarray(image).mean((0, 1)).argmax())] for image in images]
        return [[f"a {colour} field {seed % 4}"] * count for colour, seed in zip(colours, seeds, strict=True)]


def expand_in_short(choices: ExpansionChoices, conditions: Sequence[Condition], *, count: int = 5) -> list[Expansion]:
    """In place of language models: the prompt's own words with the seed, and one that nobody expands."""
    caption = conditions[0].caption
    if caption.endswith("field 3"):
        return []
    added = [
        f", golden light {choices.seed}",
        *(f", so many boats that a line is too short for them {n}" for n in range(count)),
    ]
    return [Expansion(f"{caption}{text}", 1.0, {}, choices.method, text) for text in added[:count]]


def without_language_model(patch: pytest.MonkeyPatch) -> None:
    """Expansions by `expand_in_short`, captions by `ShortCaptioner`."""
    patch.setattr(ExpansionChoices, "expand_caption", expand_in_short)
    patch.setattr(Parts, "load_captioner", lambda parts: ShortCaptioner())


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
