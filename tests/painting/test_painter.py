"""Painting with a random checkpoint: same seeds same pictures, alone or in a batch, here or in diffusers'
pipeline.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.tiny_components import make_components

from impasto.errors import ImpastoError, UsageError
from impasto.painting.painter import Painter
from impasto.painting.painting import Painting
from impasto.painting.provenance.record import Provenance, read_provenance
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.prompts.condition import Condition


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """The layers are so small that threads only wait for each other, for minutes on a shared CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return Painter(make_components(tmp_path_factory.mktemp("tiny")))


def request(seed: int = 0, caption: str = "boats at sunset", **values: object) -> PaintRequest:
    return PaintRequest(
        Condition(caption=caption), **{"seed": seed, "width": 64, "height": 64, "steps": 4, **values}
    )


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_picture_does_not_know_its_batch(painter: Painter, sampler: str) -> None:
    eta = 1.0 if sampler == "ddim" else 0.0
    requests = [
        request(7, "boats at sunset", sampler=sampler, eta=eta, guidance=3.0),
        request(8, "a red field", sampler=sampler, eta=eta, guidance=7.0, negative="storm"),
        request(7, "boats at sunset", sampler=sampler, eta=eta, guidance=5.0),
    ]
    together = [painting.image for painting in painter.paint_many(requests, batch_size=3)]
    alone = [painting.image for painting in painter.paint_many(requests, batch_size=1)]
    assert all(difference(a, b) <= 1 for a, b in zip(together, alone, strict=True))
    assert difference(alone[0], alone[1]) > 8
    again = next(painter.paint_many(requests))
    assert difference(again.image, together[0]) == 0


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("size", [(64, 64), (72, 104)])
@pytest.mark.parametrize("guidance", [1.0, 4.0])
def test_it_is_the_pipelines_picture(
    tmp_path: Path, prediction_type: str, size: tuple[int, int], guidance: float
) -> None:
    """The speed comes from arrangement alone: a plain diffusers pipeline paints the same pictures."""
    import diffusers

    components = make_components(tmp_path, prediction_type, seed=size[0] // 72)
    scheduler = diffusers.DPMSolverMultistepScheduler.from_config(components.scheduler_config)
    pipeline = diffusers.StableDiffusionPipeline(
        vae=components.vae,
        text_encoder=components.text_encoder,
        tokenizer=components.tokenizer,
        unet=components.unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    width, height = size
    theirs = pipeline(
        ["boats at sunset", "a red field"],
        negative_prompt=["storm", ""],
        generator=[torch.Generator().manual_seed(seed) for seed in (3, 4)],
        num_inference_steps=5,
        guidance_scale=guidance,
        width=width,
        height=height,
    ).images
    weights = {name: value.clone() for name, value in components.unet.state_dict().items()}
    requests = [
        request(
            3, "boats at sunset", negative="storm", guidance=guidance, steps=5, width=width, height=height
        ),
        request(4, "a red field", guidance=guidance, steps=5, width=width, height=height),
    ]
    ours = [painting.image for painting in Painter(components).paint_many(requests)]
    assert ours[0].size == size
    assert all(difference(a, b) <= 1 for a, b in zip(ours, theirs, strict=True))
    after = components.unet.state_dict()
    assert list(after) == list(weights)
    assert all(torch.equal(after[name], weights[name]) for name in weights)


def test_guidance(painter: Painter) -> None:
    def paint(**values: object) -> Image.Image:
        return next(painter.paint_many([request(5, **values)])).image

    assert difference(paint(guidance=0.0), paint(guidance=0.0, caption="a red field")) == 0
    assert difference(paint(guidance=1.0), paint(guidance=1.0, negative="storm")) == 0
    assert difference(paint(guidance=1.0), paint(guidance=1.001)) <= 1
    assert difference(paint(guidance=0.0), paint(guidance=0.001)) <= 1
    assert difference(paint(guidance=6.0), paint(guidance=6.0, negative="storm")) > 0


def test_paint_resolves_the_artist_and_records_everything(painter: Painter) -> None:
    painting = painter.paint(
        "boats at sunset", artist="monet", year=1872, seed=1, steps=2, sampler="ddim", eta=0.5
    )
    told = painting.provenance
    assert painting.image.size == (64, 64)
    assert (told.prompt, told.condition["artist"], told.condition["year"]) == (
        "boats at sunset",
        "Claude Monet",
        1872,
    )
    assert "Claude Monet" in told.text
    assert (told.seed, told.sampler, told.steps, told.guidance, told.eta) == (1, "ddim", 2, 5.0, 0.5)
    assert (told.checkpoint, told.checkpoint_hash) == ("tiny", painter.components.content_hash)
    with pytest.raises(UsageError, match="Picasso"):
        painter.paint("boats", artist="Picasso")
    free = painter.paint("boats", artist="Picasso", any_artist=True, steps=1)
    assert free.provenance.condition["artist"] == "Picasso"
    repainted = next(painter.paint_many([request(free.provenance.seed, steps=1)]))
    assert 0 <= repainted.provenance.seed < 2**63


def test_order_progress_and_previews(painter: Painter) -> None:
    requests = [request(1), request(2, steps=3), request(3, steps=3, width=72), request(4), request(5)]
    steps: list[tuple[int, int]] = []
    previews: list[tuple[int, int, tuple[int, int]]] = []
    paintings = list(
        painter.paint_many(
            requests,
            preview_every=2,
            on_preview=lambda index, step, picture: previews.append((index, step, picture.size)),
            on_step=lambda done, total: steps.append((done, total)),
        )
    )
    assert [painting.provenance.seed for painting in paintings] == [1, 2, 3, 4, 5]
    assert steps == [(done, 14) for done in range(1, 15)]
    assert [(index, step) for index, step, _ in previews] == [(0, 2), (1, 2), (2, 2), (3, 2), (4, 2)]
    assert previews[2][2] == (72, 64)


def test_interrupting_keeps_what_is_done(painter: Painter) -> None:
    def stop(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    kept: list[Painting] = []
    with pytest.raises(KeyboardInterrupt):
        for painting in painter.paint_many([request(seed) for seed in range(5)], batch_size=2, on_step=stop):
            kept.append(painting)
    assert [painting.provenance.seed for painting in kept] == [0, 1]


def test_what_is_not_a_number_is_said(tmp_path: Path) -> None:
    components = make_components(tmp_path)
    with torch.no_grad():
        components.unet.conv_out.bias[0] = float("nan")
    with pytest.raises(ImpastoError, match="the picture of seed 9 is not a number in float32"):
        list(Painter(components).paint_many([request(9)]))


def test_refusals(painter: Painter) -> None:
    with pytest.raises(UsageError, match="batch size 0"):
        next(painter.paint_many([request()], batch_size=0))
    with pytest.raises(UsageError, match="nothing to paint"):
        painter.paint("  ")
    with pytest.raises(UsageError, match="use 500 or 1000"):
        next(painter.paint_many([request(), request(sampler="ddim", steps=600)]))


def test_a_large_request_is_split(painter: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    paint = painter._paint_batch
    monkeypatch.setattr(
        painter, "_paint_batch", lambda batch, *others: sizes.append(len(batch)) or paint(batch[:1], *others)
    )
    list(painter.paint_many([request(seed, steps=1) for seed in range(19)]))
    assert sizes == [8, 8, 3]


@pytest.fixture
def painting() -> Painting:
    provenance = Provenance(
        prompt="boats", condition=Condition(caption="boats").as_dict(), expansion=None, negative="", seed=3,
        sampler="ddim", steps=5, guidance=5.0, eta=0.0, width=64, height=64, checkpoint="tiny",
        checkpoint_hash="0" * 64, version="0.1.0", text="boats",
    )  # fmt: skip
    return Painting(Image.effect_noise((64, 64), 50).convert("RGB"), provenance)


def test_saving(painting: Painting, tmp_path: Path) -> None:
    path = painting.save(tmp_path / "boats.png")
    assert read_provenance(path) == painting.provenance
    assert difference(Image.open(path), painting.image) == 0
    first = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        painting.save(path)
    assert path.read_bytes() == first
    painting.save(path, overwrite=True)
    with pytest.raises(UsageError, match=r"must end in \.png"):
        painting.save(tmp_path / "boats.jpg")
    assert [file.name for file in tmp_path.iterdir()] == ["boats.png"]


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("broken", ["fsync", "link"])
def test_a_failed_save_leaves_nothing(
    painting: Painting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "link":  # a file system without hard links still saves, and still refuses to overwrite
        monkeypatch.setattr(os, "link", _no_space)
        path = painting.save(tmp_path / "boats.png")
        with pytest.raises(UsageError):
            painting.save(path)
        assert [file.name for file in tmp_path.iterdir()] == ["boats.png"]
        return
    monkeypatch.setattr(os, "fsync", _no_space)
    with pytest.raises(ImpastoError, match=r"cannot write .*boats.png: No space left on device"):
        painting.save(tmp_path / "boats.png")
    assert list(tmp_path.iterdir()) == []


def test_saving_into_a_missing_folder(painting: Painting, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match=r"cannot write .*boats.png: No such file or directory"):
        painting.save(tmp_path / "missing" / "boats.png")


def test_a_name_taken_meanwhile_is_not_overwritten(
    painting: Painting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "boats.png"
    link: Callable[..., None] = os.link

    def taken_first(source: Path, target: Path) -> None:
        path.write_text("somebody else's")
        link(source, target)

    monkeypatch.setattr(os, "link", taken_first)
    with pytest.raises(UsageError, match="is there already"):
        painting.save(path)
    assert path.read_text() == "somebody else's"
