"""Pictures painted by OpenVINO and painted again, through the jobs; and an adapter changed between two pictures."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.painting.test_painter import difference, request
from tests.painting.tiny_components import make_components

from impasto.inference import runtime, store
from impasto.jobs import run
from impasto.jobs.context import Context
from impasto.jobs.events import Note
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.repaint import RepaintJob
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance, png_info, read_provenance

pytestmark = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")


def listening() -> tuple[Context, list[str]]:
    notes: list[str] = []
    return Context(on_event=lambda event: notes.append(event.text) if isinstance(event, Note) else None), notes


def test_a_picture_is_painted_again_byte_for_byte(tiny_pocket: Path, own_cache: Path, tmp_path: Path) -> None:
    job = PaintJob(prompt="boats", checkpoint=str(tiny_pocket), seed=4, steps=2, engine="openvino", out=tmp_path / "a.png")
    (first,) = run(job)
    assert first.provenance.engine is not None and first.provenance.engine.name == "openvino"
    context, notes = listening()  # its own pool of painters: the models come from the cache
    again = run(RepaintJob(file=first.path, out=tmp_path / "b.png"), context)
    assert again.path.read_bytes() == first.path.read_bytes()
    assert not [note for note in notes if "painted by" in note]

    context, notes = listening()
    plain = run(RepaintJob(file=first.path, engine="eager", out=tmp_path / "c.png"), context)
    assert len([note for note in notes if "openvino" in note and "eager" in note]) == 1
    with Image.open(plain.path) as one, Image.open(first.path) as other:
        assert difference(one, other) <= 1

    record = read_provenance(first.path)
    assert isinstance(record, Provenance)
    with Image.open(first.path) as picture:
        picture.save(tmp_path / "old.png", pnginfo=png_info(replace(record, engine=None)))
    context, notes = listening()
    old = run(RepaintJob(file=tmp_path / "old.png", out=tmp_path / "d.png"), context)
    assert old.provenance.engine is not None and old.provenance.engine.name == "optimized"
    assert not notes


def test_other_weights_under_the_same_name_are_never_mixed_up(own_cache: Path, tmp_path: Path) -> None:
    """As when an adapter is switched between two pictures: `content_hash` of these is the same on purpose."""
    both = [make_components(tmp_path / str(seed), seed=seed) for seed in (0, 2)]
    for components in (*both, both[0]):
        made, plain = (next(Painter(components, engine=engine).paint_many([request(3, guidance=2.0)])).image
                       for engine in ("openvino", "eager"))  # fmt: skip
        assert difference(made, plain) <= 1
    assert len(store.list_models()) == 4  # a graph and a model of each
