"""Every kind of captioner through the public door: a folder as its authors would save it, pictures in, texts out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.vision import tiny_transformers as tiny

from impasto.errors import ImpastoError, MissingPart
from impasto.vision.captioners import transformers_models as transformers_captioner
from impasto.vision.captioners.interface import Captioner, clean_caption
from impasto.vision.captioners.transformers_models import TransformersCaptioner

SEEDS = [11, 12, 2**63]
TAGS = [["boat", "sea"], [], ["woman"]]


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    random = np.random.default_rng(5)
    coarse = [random.integers(0, 256, (4, 4, 3), dtype=np.uint8) for _ in SEEDS]
    return [Image.fromarray(c).resize((50 + 9 * n, 64)) for n, c in enumerate(coarse)]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("captioners")
    return {kind: make(root / kind) for kind, make in tiny.CAPTIONERS.items()}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers_captioner, "MAX_TOKENS", 10)


@pytest.mark.parametrize("kind", tiny.CAPTIONERS)
def test_every_kind_captions(
    kind: str, folders: dict[str, Path], pictures: list[Image.Image], capfd: pytest.CaptureFixture[str]
) -> None:
    captioner: Captioner = TransformersCaptioner(str(folders[kind]), device="cpu")
    assert captioner.name == kind and len(captioner.identity) == 64
    before = torch.random.get_rng_state()
    together = captioner.caption(pictures, tags=TAGS, count=4, seeds=SEEDS)
    assert torch.equal(torch.random.get_rng_state(), before), "the caller's random numbers are the caller's"
    assert [len(texts) for texts in together] == [4, 4, 4]
    for texts in together:
        assert all(set(text.split()) <= {*tiny.WORDS, "[DEC]"} for text in texts)
        assert len(set(texts)) >= 3, "the drawn ones differ"
    assert len({texts[-1] for texts in together}) == 3
    for picture, tags, seed, texts in zip(pictures, TAGS, SEEDS, together, strict=True):
        assert captioner.caption([picture], tags=[tags], count=4, seeds=[seed]) == [texts]
    other = captioner.caption(pictures, tags=TAGS, count=4, seeds=[1, 2, 3])
    assert [texts[0] for texts in other] == [texts[0] for texts in together], "the searched one needs no seed"
    assert all(a[1:] != b[1:] for a, b in zip(other, together, strict=True))
    hears = captioner.caption(pictures, tags=None, count=4, seeds=SEEDS) != together
    assert hears == (kind == "llava"), "the tags are for chat models"
    assert captioner.caption([], tags=None, count=2, seeds=[]) == []
    assert capfd.readouterr() == ("", ""), "transformers' bars and advice are not for users"


def test_the_first_candidate_is_blips_own_search_from_its_own_prompt(
    folders: dict[str, Path], pictures: list[Image.Image]
) -> None:
    """As the authors' model card does it, with transformers' own processor."""
    from transformers import BlipForConditionalGeneration, BlipProcessor
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    model: Any = BlipForConditionalGeneration.from_pretrained(folders["blip"])
    prepare: Any = BlipImageProcessorPil.from_pretrained(folders["blip"])
    processor: Any = BlipProcessor(prepare, tiny.make_tokenizer())
    inputs = processor(images=pictures[0], text="a painting of", return_tensors="pt")
    made = model.generate(**inputs, max_new_tokens=10, num_beams=3, no_repeat_ngram_size=3)
    words = processor.decode(made[0], skip_special_tokens=True)
    beginning = "[DEC] a painting of "  # which is no special token here, as it is none in Salesforce's tokenizer
    assert words.startswith(beginning)
    found = TransformersCaptioner(str(folders["blip"]), device="cpu").caption(pictures[:1], tags=None, count=1, seeds=[0])
    assert found == [[clean_caption(words.removeprefix(beginning))]]


def test_florence2_is_asked_as_its_own_processor_asks(folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    from transformers import Florence2Processor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    captioner = TransformersCaptioner(str(folders["florence2"]), device="cpu")
    inputs, _ = captioner._inputs.of(pictures[0], [])
    prepare: Any = CLIPImageProcessorPil.from_pretrained(folders["florence2"])
    prepare.image_seq_length = int((inputs["input_ids"] == tiny.IMAGE).sum())
    processor: Any = Florence2Processor(prepare, tiny.make_tokenizer())
    theirs = processor(images=pictures[0], text="<CAPTION>", return_tensors="pt")
    assert theirs["input_ids"].tolist() == inputs["input_ids"].tolist()
    assert torch.allclose(theirs["pixel_values"], inputs["pixel_values"], atol=1e-5)


def test_blip2_is_asked_as_its_own_processor_asks(folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    from transformers import Blip2Processor
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    inputs, _ = TransformersCaptioner(str(folders["blip-2"]), device="cpu")._inputs.of(pictures[0], [])
    prepare: Any = BlipImageProcessorPil.from_pretrained(folders["blip-2"])
    processor: Any = Blip2Processor(prepare, tiny.make_tokenizer(knows_pictures=False), num_query_tokens=4)
    theirs = processor(images=pictures[0], text="a painting of", return_tensors="pt")
    assert theirs["input_ids"].tolist() == inputs["input_ids"].tolist()


def test_a_chat_model_is_told_the_tags(folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    inputs = TransformersCaptioner(str(folders["llava"]), device="cpu")._inputs
    with_tags, given = inputs.of(pictures[0], ["boat", "sea"])
    without, _ = inputs.of(pictures[0], [])
    told = inputs.tokenizer.decode(given)
    assert "boat" in told and "sea" in told and given == with_tags["input_ids"][0].tolist()
    assert "boat" not in inputs.tokenizer.decode(without["input_ids"][0])


def test_a_chat_model_without_a_template_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["llava"].iterdir():
        if "chat_template" not in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ImpastoError, match="a 'llava' model without a chat template: use blip") as error:
        TransformersCaptioner(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value)


def test_a_processor_that_needs_torchvision_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["llava"].iterdir():
        text = file.read_bytes()
        (tmp_path / file.name).write_bytes(text.replace(b"LlavaProcessor", b"LlavaOnevisionProcessor"))
    with pytest.raises(ImpastoError, match="needs torchvision, which impasto does without") as error:
        TransformersCaptioner(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_a_config_that_does_not_fit_the_tokenizer_is_named(
    folders: dict[str, Path], pictures: list[Image.Image], tmp_path: Path
) -> None:
    for change, message in (({"image_token_id": None}, "lacks a mark"), ({"num_query_tokens": 9}, "cannot be ")):
        for file in folders["blip-2"].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        config = json.loads((tmp_path / "config.json").read_text("utf-8"))
        config.pop("image_token_index", None)
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}), "utf-8")
        with pytest.raises(ImpastoError, match=message) as error:
            TransformersCaptioner(str(tmp_path), device="cpu").caption(pictures, tags=None, count=1, seeds=SEEDS)
        assert "\n" not in str(error.value)


def test_half_precision(folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    captioner = TransformersCaptioner(str(folders["git"]), device="cpu", precision="bf16")
    assert len(captioner.caption(pictures, tags=None, count=2, seeds=SEEDS)[2]) == 2


def test_short_names_are_hub_names() -> None:
    with pytest.raises(MissingPart, match=r"Salesforce/blip-image-captioning-large is not in the .*HF_HUB_OFFLINE"):
        TransformersCaptioner("blip")
