"""Concepts are read from every layout that others write, in every float, and pickles run no code."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from impasto.adapters.merge import loaded_concepts
from impasto.adapters.textual_inversion import load_concept, load_concepts
from impasto.errors import ImpastoError

VECTORS = torch.tensor([[0.5, -1.5, 2.0, 0.25], [1.0, 0.0, -0.5, 3.0]])


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.bfloat16, torch.float64])
def test_any_float_is_read(tmp_path: Path, kind: torch.dtype) -> None:
    save_file({"emb_params": VECTORS.to(kind)}, tmp_path / "hour.safetensors")
    read = load_concept(tmp_path / "hour.safetensors")
    assert read.name == "hour" and read.vectors.dtype == torch.float32 and torch.equal(read.vectors, VECTORS)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("Easy.pt", {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "other", "step": 9}, "Easy"),
        ("Easy.pt", {"string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(VECTORS.clone())})}, "Easy"),
        ("learned_embeds.bin", {"<hour>": VECTORS}, "<hour>"),
        ("x.PT", {"emb_params": VECTORS}, "x"),
    ],
)
def test_pickles_of_other_tools(tmp_path: Path, name: str, content: object, word: str) -> None:
    torch.save(content, tmp_path / name)
    try:
        read = load_concept(tmp_path / name)
    except ImpastoError as error:  # torch may not know ParameterDict as harmless: then it is refused, and says why
        assert "ParameterDict" in str(error)
        return
    assert read.name == word and torch.equal(read.vectors, VECTORS)


@pytest.mark.parametrize("key", ["emb_params", "string_to_param.*", "clip_l", "text_encoders_0"])
def test_the_files_name_is_the_word_whatever_its_endings_case(tmp_path: Path, key: str) -> None:
    save_file({key: VECTORS}, tmp_path / "Blue.SAFETENSORS")
    assert load_concept(tmp_path / "Blue.SAFETENSORS").name == "Blue"


def test_a_file_of_several_words(tmp_path: Path) -> None:
    save_file({"<s0>": VECTORS, "<s1>": VECTORS[:1].clone()}, tmp_path / "pivotal.safetensors")
    assert [concept.name for concept in load_concepts(tmp_path / "pivotal.safetensors")] == ["<s0>", "<s1>"]
    assert load_concept(tmp_path / "pivotal.safetensors", "<s1>").vectors.shape == (1, 4)
    with pytest.raises(ImpastoError, match="no single concept but <s0>, <s1>"):
        load_concept(tmp_path / "pivotal.safetensors")
    assert len(loaded_concepts([str(tmp_path / "pivotal.safetensors")])) == 2
    # kohya's LoRA with its concepts in one file
    bundle = {"bundle_emb.hour.string_to_param.*": VECTORS, "lora_unet_conv_in.alpha": torch.tensor(1.0)}
    save_file(bundle, tmp_path / "bundle.safetensors")
    assert load_concept(tmp_path / "bundle.safetensors").name == "hour"


def test_no_code_runs_and_the_sentence_is_true(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ImpastoError, match=r"wants to run code when loaded \(\w+\.mkdir\)"):
        load_concept(tmp_path / "evil.pt")
    assert not (tmp_path / "made").exists()
    (tmp_path / "torn.pt").write_bytes(b"\x80\x02torn")
    with pytest.raises(ImpastoError, match=r"torn\.pt") as error:
        load_concept(tmp_path / "torn.pt")
    assert "run code" not in str(error.value)
    (tmp_path / "page.safetensors").write_bytes(b"<!DOCTYPE html><html>" + b" " * 100)
    with pytest.raises(ImpastoError, match="web page"):
        load_concept(tmp_path / "page.safetensors")
    torch.save({"x": VECTORS}, tmp_path / "pickle.safetensors")
    with pytest.raises(ImpastoError, match=r"pickle under the name .* ending \.pt"):
        load_concept(tmp_path / "pickle.safetensors")
    save_file({"<x>": VECTORS}, tmp_path / "really.pt")
    assert load_concept(tmp_path / "really.pt").name == "<x>"
