"""A concept's file is read and written as others do it, and its word reaches the text encoder."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.painting.tiny_components import make_components

from impasto.adapters.textual_inversion import Concept, add_concept, load_concept, save_concept
from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, MissingPart, UsageError


@pytest.fixture(scope="module")
def stable(tiny_diffusers: Path) -> Components:
    return load_components(str(tiny_diffusers))


@pytest.fixture(scope="module")
def pocket_like(tmp_path_factory) -> Components:
    return make_components(tmp_path_factory.mktemp("words"))


def draw(vectors: int, width: int, name: str = "<blue-hour>") -> Concept:
    return Concept(name, torch.randn(vectors, width, generator=torch.Generator().manual_seed(vectors)))


def rows(components: Components) -> torch.Tensor:
    return components.text_encoder.get_input_embeddings().weight  # pyright: ignore


def test_diffusers_file_and_folder_and_a1111s(tmp_path):
    concept = draw(3, 16)
    file = save_concept(tmp_path / "learned_embeds.safetensors", concept)
    assert set(load_file(file)) == {"<blue-hour>"}
    for path in (file, tmp_path):
        read = load_concept(path)
        assert (read.name, read.path) == ("<blue-hour>", str(path)) and torch.equal(read.vectors, concept.vectors)
        assert read.content_hash == concept.content_hash
    save_file({"emb_params": concept.vectors}, tmp_path / "bluehour.safetensors")
    read = load_concept(tmp_path / "bluehour.safetensors")
    assert read.name == "bluehour" and torch.equal(read.vectors, concept.vectors)
    assert read.content_hash != concept.content_hash
    save_file({"<one>": concept.vectors[0].clone()}, tmp_path / "one.safetensors")
    assert load_concept(tmp_path / "one.safetensors").vectors.shape == (1, 16)


@pytest.mark.parametrize("kind", ["stable", "pocket_like"])
def test_the_word_becomes_its_vectors(kind, request):
    base: Components = request.getfixturevalue(kind)
    before = rows(base).clone()
    texts = ["a red <Blue-Hour>, red", "a red boat"]
    told, plain = base.encode_text(texts)
    concept = draw(3, before.shape[1])
    taught = add_concept(base, concept)
    numbers = taught.tokenizer(taught.spelled(texts[0])).input_ids
    first = numbers.index(len(base.tokenizer))
    assert numbers[first : first + 3] == [len(base.tokenizer) + k for k in range(3)]
    assert torch.equal(rows(taught)[numbers[first : first + 3]], concept.vectors)
    with_concept, without = taught.encode_text(texts)
    assert torch.equal(without, plain) and not torch.allclose(with_concept, told, atol=1e-3)
    assert torch.equal(rows(base), before) and len(base.tokenizer) == len(before)
    assert torch.equal(base.encode_text(texts)[0], told)
    assert taught.unet is base.unet and taught.content_hash != base.content_hash
    assert (taught.name, taught.base_name, taught.base_hash) == (f"{base.name} + <blue-hour>", base.name, base.content_hash)


def test_diffusers_own_loader_gives_the_same_states(tiny_diffusers, stable, tmp_path):
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    file = save_concept(tmp_path / "x.safetensors", draw(2, 64))
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_diffusers, safety_checker=None, requires_safety_checker=False)
    pipeline.load_textual_inversion(str(file))
    with torch.no_grad():
        expected, _ = pipeline.encode_prompt("red <blue-hour> boats", "cpu", 1, False)
    taught = add_concept(stable, load_concept(file))
    assert torch.allclose(taught.encode_text(["red <blue-hour> boats"]), expected, atol=1e-6)


def test_only_the_whole_word_is_the_concept(pocket_like):
    taught = add_concept(pocket_like, draw(1, 16, "hour"))
    tokens = taught.tokenizer.tokenize
    assert tokens("hours, hourly") == pocket_like.tokenizer.tokenize("hours, hourly")
    assert tokens("red,hour.") == ["red", ",", "hour", "[UNK]"]


def test_two_concepts_and_what_is_not_read(pocket_like):
    taught = add_concept(add_concept(pocket_like, draw(2, 16, "<one>")), draw(5, 16, "<two>"))
    assert [concept.vectors for concept in taught.concepts] == [2, 5]
    ids = taught.tokenizer(taught.spelled("<two> <one>")).input_ids[1:-1]
    assert ids == [len(pocket_like.tokenizer) + k for k in (2, 3, 4, 5, 6, 0, 1)]
    # Ten of its fourteen places are the concept's.
    assert "red" in taught.unread("<two> <two> a a a a red") and not pocket_like.unread("a a a a a a red")


def test_a_word_that_is_there_or_another_width_is_refused(pocket_like, stable):
    with pytest.raises(ImpastoError, match="sunset is a word that the tokenizer knows already"):
        add_concept(pocket_like, draw(1, 16, "sunset"))
    with pytest.raises(ImpastoError, match="knows already"):
        add_concept(add_concept(pocket_like, draw(1, 16)), draw(1, 16))
    with pytest.raises(ImpastoError, match="64 wide, there 16"):
        add_concept(pocket_like, draw(1, 64))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"a": torch.ones(4), "b": torch.ones(4)}, "no single concept"),
        ({"clip_l": torch.ones(1, 4), "clip_g": torch.ones(1, 4)}, "Stable Diffusion XL"),
        ({"text_encoders_0": torch.ones(1, 4), "text_encoders_1": torch.ones(1, 4)}, "Stable Diffusion XL"),
        ({"lora_unet_conv_in.lora_down.weight": torch.ones(1, 4)}, "is a LoRA and no concept: give it with --lora"),
        ({"<x>": torch.ones(2, 3, 4)}, r"shape \[2, 3, 4\]"),
        ({"<x>": torch.ones(200, 4)}, "200 vectors, a text has room for 75"),
        ({"<x>": torch.ones(2, 4, dtype=torch.int32)}, "no concept"),
        ({"<x>": torch.tensor([[1.0, float("nan")]])}, "not all numbers"),
        ({"two words": torch.ones(1, 4)}, "no single word"),
        ({"": torch.ones(1, 4)}, "no single word"),
    ],
)
def test_what_is_no_concept_is_refused(tmp_path, weights, words):
    save_file(weights, tmp_path / "x.safetensors")
    with pytest.raises(ImpastoError, match=words) as error:
        load_concept(tmp_path / "x.safetensors")
    assert "x.safetensors" in str(error.value)


def test_files_that_are_not_there_torn_or_pickles(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x80\x04.")
    with pytest.raises(UsageError, match=r"no concept's file: concepts are read from \.safetensors"):
        load_concept(tmp_path / "x.png")
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(MissingPart, match="is not there"):
            load_concept(path)
    file = save_concept(tmp_path / "x.safetensors", draw(2, 16))
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ImpastoError, match="cut short"):
        load_concept(file)
