"""Other people's text and image encoders behind `TextImageScorer`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.vision import tiny_transformers as tiny

from impasto.errors import UsageError
from impasto.vision.scorers.clip import ClipScorer
from impasto.vision.scorers.interface import DifferentiableScorer, TextImageScorer

TEXTS = ["boats sea", "a woman", "", "the red house does image the moon"]


@pytest.fixture(scope="session", params=["clip", "siglip"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return getattr(tiny, request.param)(tmp_path_factory.mktemp("scorers") / request.param)


@pytest.fixture(scope="session")
def scorer(folder: Path) -> ClipScorer:
    return ClipScorer(str(folder), device="cpu", batch=3)


def pictures(count: int) -> list[Image.Image]:
    random = np.random.default_rng(7)
    sizes = [(60 + 11 * n, 48 + 5 * n) for n in range(count)]
    return [Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize(size) for size in sizes]


def test_vectors_are_those_of_transformers_own_model(folder: Path, scorer: ClipScorer) -> None:
    from transformers import AutoModel

    plain: Any = AutoModel.from_pretrained(folder)
    tokenizer = tiny.make_tokenizer()
    padded = {"padding": "max_length", "max_length": 16} if folder.name == "siglip" else {"padding": True}
    tokens = tokenizer(TEXTS, return_tensors="pt", truncation=True, **padded)
    mask = {} if folder.name == "siglip" else {"attention_mask": tokens["attention_mask"]}
    images = [picture.resize((tiny.SIDE, tiny.SIDE)) for picture in pictures(4)]
    half = np.array([0.5] * 3), np.array([0.5] * 3)
    clip = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    mean, std = half if folder.name == "siglip" else clip
    pixels = np.stack([(np.asarray(image) / 255 - mean) / std for image in images]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        output = plain(input_ids=tokens["input_ids"], pixel_values=torch.tensor(pixels, dtype=torch.float32), **mask)
    assert np.allclose(scorer.embed_texts(TEXTS), output.text_embeds, atol=1e-5)
    assert np.allclose(scorer.embed_images(images), output.image_embeds, atol=1e-5)
    assert np.ptp(output.image_embeds.numpy(), axis=0).max() > 0.1, "the pictures must matter"


def test_it_is_a_scorer(scorer: ClipScorer, folder: Path) -> None:
    kept: TextImageScorer = scorer
    assert kept.name == folder.name and len(kept.identity) == 64
    texts, images = kept.embed_texts(TEXTS), kept.embed_images(iter(pictures(5)))
    assert texts.shape == (4, kept.width) and images.shape == (5, kept.width)
    assert texts.dtype == images.dtype == np.float32
    assert np.allclose(np.linalg.norm(np.concatenate([texts, images]), axis=1), 1, atol=1e-6)
    assert kept.embed_texts([]).shape == kept.embed_images([]).shape == (0, kept.width)


def test_neighbours_do_not_matter(scorer: ClipScorer) -> None:
    alone = np.concatenate([scorer.embed_texts([text]) for text in TEXTS])
    assert np.allclose(scorer.embed_texts(TEXTS), alone, atol=1e-6)
    several = pictures(4)
    alone = np.concatenate([scorer.embed_images([picture]) for picture in several])
    assert np.allclose(scorer.embed_images(several), alone, atol=1e-6)


def test_long_texts_are_cut_at_the_models_length_and_told(scorer: ClipScorer, capfd: pytest.CaptureFixture[str]) -> None:
    long = " ".join(["boats", "sea"] * 40)
    assert scorer.max_tokens == 16
    assert scorer.tokens_left_out(["a woman", long, "boats " * 300]) == [0, 66, 286]
    seen = " ".join(long.split()[:14])  # and two marks
    assert np.allclose(scorer.embed_texts([long]), scorer.embed_texts([seen]), atol=1e-6)
    assert capfd.readouterr() == ("", "")


def test_thresholds(scorer: ClipScorer, folder: Path) -> None:
    """CLIP's is the paper's; SigLIP's the cosine at which its own sigmoid says 1 %."""
    if folder.name == "clip":
        assert scorer.threshold == 0.2
        return
    probability = 1 / (1 + np.exp(-(np.exp(4.765) * scorer.threshold - 12.93)))
    assert probability == pytest.approx(0.01, rel=1e-3)


def test_half_precision_and_devices(folder: Path, scorer: ClipScorer) -> None:
    half = ClipScorer(str(folder), device="cpu", precision="bf16").embed_images(pictures(3))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - scorer.embed_images(pictures(3))).max() < 0.1
    with pytest.raises(UsageError, match="unknown device 'abacus'"):
        ClipScorer(str(folder), device="abacus")
    with pytest.raises(UsageError, match="unknown precision 'fp7'"):
        ClipScorer(str(folder), precision="fp7")


def test_pixels_have_the_vectors_of_their_picture_and_gradients(scorer: ClipScorer) -> None:
    squares = [picture.resize((scorer.side, scorer.side)) for picture in pictures(2)]
    pixels = torch.from_numpy(np.stack([np.asarray(one) for one in squares])).permute(0, 3, 1, 2).float() / 255
    pixels.requires_grad_()
    found = scorer.embed_pixels(pixels)
    assert isinstance(scorer, DifferentiableScorer)
    assert np.allclose(found.detach().numpy(), scorer.embed_images(squares), atol=1e-4)
    found[0, 0].backward()
    assert pixels.grad is not None and pixels.grad[0].abs().sum() > 0 and pixels.grad[1].abs().sum() == 0
