"""What a caller can get wrong in the Python functions is one sentence that names the argument."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import impasto


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda some: impasto.paint("boats", out=some), "out None: give a path"),
        (lambda some: impasto.repaint(some), "file None: give a path"),
        (lambda some: impasto.upscale(some), "pictures None: give a path"),
        (lambda some: impasto.instruct(some, "make it winter", checkpoint="a"), "file None: give a path"),
        (lambda some: impasto.instruct("a.png", " ", checkpoint="a"), "there is no instruction"),
        (lambda some: impasto.edit(some, add="snow"), "file None: give a path"),
        (lambda some: impasto.edit("a.png"), "nothing is to be edited"),
        (lambda some: impasto.edit("a.png", swap="dog=cat"), "swap 'dog=cat': use a list"),
        (lambda some: impasto.edit("a.png", swap={"dog": ""}), "--swap 'dog=': use OLD=NEW"),
        (lambda some: impasto.attention("a.png", "boat"), "words 'boat': use a list"),
        (lambda some: impasto.control_map("canny"), "name one picture or more"),
        (lambda some: impasto.control_map("edges", "a.png"), "edges"),
        (lambda some: impasto.train("lora", catalogue=Path(), trigger="x", run=3), "run 3: give a path"),
        (lambda some: impasto.Catalogue.open(some), "folder None: give a path"),
        (lambda some: impasto.evaluate("a", against=some), "against None: give a path"),
        (lambda some: impasto.evaluate(against="a"), "name one folder of paintings or more"),
        (lambda some: impasto.upscale(), "name one picture or more"),
        (lambda some: impasto.evaluate("a", against="b", measures="style"), "measures 'style': use a list"),
        (lambda some: impasto.reproduce("wang2023", "a", artists="Monet"), "artists 'Monet': use a list"),
        (lambda some: impasto.paint("boats", lora="monet"), "paint job, lora 'monet': use a list"),
        (lambda some: impasto.paint("boats", size=64), "paint job, size 64: input should be a valid string"),
        (lambda some: impasto.paint("boats", artist=some), "paint job, artist None: input should be a valid string"),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[Any], object], said: str) -> None:
    with pytest.raises(impasto.UsageError) as refused:
        call(None)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_paths_serve_wherever_their_text_does() -> None:
    with pytest.raises(impasto.MissingPart, match=r"^no/lora is not there"):
        impasto.paint("boats", lora=[Path("no/lora")])
    with pytest.raises(impasto.ImpastoError, match=r"no/checkpoint"):
        impasto.paint("boats", checkpoint=Path("no/checkpoint"))
    with pytest.raises(impasto.ImpastoError, match=r"no/checkpoint"):
        impasto.Painter.load(Path("no/checkpoint"))


def test_dir_names_what_is_public() -> None:
    assert set(impasto.__all__) <= set(dir(impasto))


def test_pythons_keywords_are_the_fields_of_the_jobs() -> None:
    from impasto.api.painting import PictureFields, RepaintFields
    from impasto.jobs.painting.picture import Picture
    from impasto.jobs.painting.repaint import RepaintJob

    assert {"prompt", *PictureFields.__annotations__} == set(Picture.model_fields)
    assert {"file", "out", "overwrite", *RepaintFields.__annotations__} == set(RepaintJob.model_fields)


def test_the_keywords_of_edits_are_the_fields_of_their_jobs() -> None:
    from impasto.api.editing import EditingFields, InpaintingFields
    from impasto.jobs.editing.inpaint import InpaintJob
    from impasto.jobs.editing.outpaint import OutpaintJob

    of_paint = {"init", "fit", "size", "width", "height", "swap", "cross_replace", "self_replace"}
    shared = {"file", "prompt", "out", "overwrite", *of_paint}
    assert {*shared, "mask", "box", *InpaintingFields.__annotations__} == set(InpaintJob.model_fields)
    assert {*shared, "left", "up", "right", "down", *EditingFields.__annotations__} == set(OutpaintJob.model_fields)
