"""Paintings led by gradients: every sampler, alone or in a batch, and none at weight 0."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.tiny_components import make_components

from impasto.adapters.latent_classifier.files import ClassifierCard, load_classifier, save_classifier
from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.errors import ImpastoError, UsageError
from impasto.painting.guides import painting_guides
from impasto.painting.guides.guide import Guide, parse_guide
from impasto.painting.guides.guided import ClassifierLoss, limited
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.prompts.condition import Condition

RED, STRONG = "red storm", "scorer:3000,limit=0,cutouts=2"


class RedScorer:
    """A scorer by colour alone: of a text with "red" the vector is that of a red picture, of others that of a green one."""

    name, identity, width, threshold, side = "red", "ab" * 32, 3, 0.0, 16

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(pixels.mean(dim=(2, 3)) + 1e-6, dim=1)

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        arrays = [torch.from_numpy(np.asarray(one, np.float32) / 255).permute(2, 0, 1)[None] for one in images]
        return torch.cat([self.embed_pixels(one) for one in arrays]).numpy()

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[1, 0, 0] if "red" in text else [0, 1, 0] for text in texts], np.float32)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_components(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def painter(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> Painter:
    monkeypatch.setattr(painting_guides, "load_scorer", lambda name: RedScorer())
    return Painter(tiny)


@pytest.fixture(scope="module")
def classifier(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random classifier of two artists."""
    torch.manual_seed(3)
    card = ClassifierCard("artist", ("Claude Monet", "Rembrandt"), 8, (16, 16), "tiny", tiny.base_hash)
    return save_classifier(tmp_path_factory.mktemp("classifier"), card, LatentClassifier(8, 2, (16, 16)))


def asked(*guides: str, caption: str = RED, **values: Any) -> PaintRequest:
    return PaintRequest(
        Condition(caption=caption, artist=values.pop("artist", "")),
        **{"seed": 1, "width": 64, "height": 64, "steps": 4, "guides": tuple(map(parse_guide, guides)), **values},
    )


def pixels(painter: Painter, *requests: PaintRequest, **how: Any) -> list[np.ndarray]:
    return [np.asarray(one.image).astype(int) for one in painter.paint_many(requests, **how)]


def redness(picture: np.ndarray) -> float:
    red, green, blue = picture.mean(axis=(0, 1))
    return float(red / np.sqrt(red**2 + green**2 + blue**2))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_is_led_and_a_batch_equals_single_pictures(painter: Painter, sampler: str) -> None:
    plain, led = (asked(*words, sampler=sampler) for words in ((), (STRONG,)))
    (before,), (after,) = pixels(painter, plain), pixels(painter, led)
    assert redness(after) > redness(before) + 0.01
    together = pixels(painter, *(replace(led, seed=seed) for seed in (3, 1)), batch_size=2)
    assert abs(together[1] - after).max() <= 1
    assert (pixels(painter, led)[0] == after).all()


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("guider", ["cfg", "apg", "pag", "interval", "cfg++"])
def test_with_every_guider_and_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, guider: str
) -> None:
    monkeypatch.setattr(painting_guides, "load_scorer", lambda name: RedScorer())
    painter = Painter(make_components(tmp_path / "tiny", kind))
    how = {"guider": guider, "sampler": "ddim", "guidance": 0.6 if guider == "cfg++" else 2.0}
    (before,), (after,) = pixels(painter, asked(**how)), pixels(painter, asked(STRONG, **how))
    assert redness(after) > redness(before) + 0.005


def test_weight_0_and_an_empty_window_are_none_bit_for_bit(painter: Painter, classifier: Path) -> None:
    (none,) = pixels(painter, asked())
    for word in ("scorer:0", "scorer:150,from=0.5,until=0.5", f"classifier:{classifier}:Rembrandt,0"):
        assert (pixels(painter, asked(word))[0] == none).all()
    (record,) = [one.provenance for one in painter.paint_many([asked("scorer:0")])]
    assert record.guides is not None and record.guides[0].weight == 0


def test_a_window_ends_it(painter: Painter) -> None:
    early, late, whole = (pixels(painter, asked(f"{STRONG},{window}", steps=6))[0]
                          for window in ("until=0.5", "from=0.5", "until=1"))  # fmt: skip
    assert not (early == late).all() and not (early == whole).all()


def test_guides_add_up_and_the_text_counts(painter: Painter) -> None:
    once, twice = (pixels(painter, asked(*words))[0] for words in ((STRONG,), (STRONG, STRONG)))
    assert not (once == twice).all()
    (green,) = pixels(painter, asked(STRONG, caption="boats"))
    assert green.mean(axis=(0, 1))[1] > once.mean(axis=(0, 1))[1]
    with pytest.raises(UsageError, match="leads towards prompt and artist"):
        pixels(painter, asked(STRONG, caption="", guidance=0.0))


def test_smooth_is_smoother(painter: Painter) -> None:
    rough, smooth = (pixels(painter, asked(f"scorer:1,limit=0,cutouts=1,smooth={weight}"))[0] for weight in (0, 30000))
    steps = [np.abs(np.diff(one, axis=1)).mean() for one in (rough, smooth)]
    assert steps[1] < steps[0]


def test_a_classifier_leads_towards_its_label(painter: Painter, classifier: Path) -> None:
    word = f"classifier:{classifier}:rembrandt"
    own = asked(f"classifier:{classifier},5", artist="Rembrandt")
    (named,), (by_condition,) = pixels(painter, replace(own, guides=(parse_guide(f"{word},5"),))), pixels(painter, own)
    assert (named == by_condition).all()
    other = replace(own, guides=(parse_guide(f"classifier:{classifier}:claude monet,5"),))
    assert not (pixels(painter, other)[0] == named).all()
    together = pixels(painter, *(replace(own, seed=seed) for seed in (4, 1)), batch_size=2)
    assert abs(together[1] - named).max() <= 1


def test_its_gradient_is_that_of_the_label_s_logarithm(classifier: Path) -> None:
    """A small step against it raises log p(y | x_t) by the step times its square (Dhariwal and Nichol 2021)."""
    model = load_classifier(classifier).model
    loss = ClassifierLoss(Guide("classifier", 3.0, "a"), model, torch.tensor([1, 0]))
    latents, time = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(2)), torch.tensor(300)
    with torch.inference_mode():
        gradient = loss.gradient(latents.clone(), time)

    def logarithm(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return torch.log_softmax(model(x, torch.full((2,), 300.0)), dim=1).gather(1, loss.labels[:, None])[:, 0]

    rise = logarithm(latents - 1e-3 * gradient) - logarithm(latents)
    assert torch.allclose(rise, 1e-3 * gradient.square().sum(dim=(1, 2, 3)) / 3, rtol=0.02)


def test_what_a_classifier_lacks(painter: Painter, classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no artist 'Banksy': it knows Claude Monet, Rembrandt"):
        pixels(painter, asked(f"classifier:{classifier}:Banksy"))
    with pytest.raises(UsageError, match="name the artist: with --artist"):
        pixels(painter, asked(f"classifier:{classifier}"))
    with pytest.raises(ImpastoError, match="there is no classifier"):
        pixels(painter, asked(f"classifier:{tmp_path}/none:Monet"))
    card = ClassifierCard("style", ("a", "b"), 4, (16,), "other", "")
    other = save_classifier(tmp_path, card, LatentClassifier(4, 2, (16,)))
    with pytest.raises(UsageError, match="is for latents of 4 channels"):
        pixels(painter, asked(f"classifier:{other}:a"))
    (tmp_path / "classifier.json").write_text('{"labels": ["a"]}', "utf-8")
    with pytest.raises(ImpastoError, match="does not describe a classifier"):
        load_classifier(other)


def test_the_record_and_the_engine(tiny: Any, painter: Painter) -> None:
    (led,) = painter.paint_many([asked(STRONG)])
    assert led.provenance.engine is not None and led.provenance.engine.name == "eager"
    assert led.provenance.guides is not None and led.provenance.guides[0].model_hash == RedScorer.identity
    notes: list[str] = []
    changed = replace(asked(STRONG).guides[0], expected_hash="cd" * 32)
    list(painter.paint_many([asked(), replace(asked(), guides=(changed,))], on_note=notes.append))
    assert notes == ["the scorer is not the one that it was painted with: it may differ"]
    compiled, notes = Painter(tiny, engine="compiled"), []
    list(compiled.paint_many([asked(STRONG), asked(STRONG, seed=5)], on_note=notes.append))
    assert notes == ["a guide needs gradients: painted by eager, not by compiled"]


def test_weights_of_the_checkpoint_are_as_they_were(tiny: Any, painter: Painter) -> None:
    before = [(one.requires_grad, one.clone()) for one in (*tiny.unet.parameters(), *tiny.vae.parameters())]
    pixels(painter, asked(STRONG))
    for one, (needed, was) in zip((*tiny.unet.parameters(), *tiny.vae.parameters()), before, strict=True):
        assert one.requires_grad == needed and torch.equal(one, was)


def test_a_gradient_is_limited_for_each_picture() -> None:
    gradient = torch.cat([torch.full((1, 2, 3, 3), 0.01), torch.full((1, 2, 3, 3), -5.0)])
    assert torch.allclose(limited(gradient, 0.1), torch.cat([gradient[:1], gradient[1:] / 50]))
    assert limited(gradient, 0) is gradient


def test_too_many_guides() -> None:
    with pytest.raises(UsageError, match="9 guides: use at most 8"):
        PaintRequest(Condition(caption="a"), guides=(Guide("scorer", 1),) * 9)
