"""LoRAs and concepts by the words of a command line."""

from pathlib import Path

import pytest
import torch
from tests.adapters.drawn_lora import draw_layers, make_lora
from tests.painting.tiny_components import make_components

from impasto.adapters.lora.export import export_lora
from impasto.adapters.lora.merge import apply_loras
from impasto.adapters.merge import apply_adapters, split_scale
from impasto.adapters.textual_inversion import Concept, save_concept
from impasto.errors import MissingPart, UsageError


@pytest.mark.parametrize(
    ("word", "path", "scale"),
    [
        ("runs/monet", "runs/monet", None),
        ("runs/monet:0.8", "runs/monet", 0.8),
        ("runs/monet:-1", "runs/monet", -1.0),
        ("C:\\loras\\monet.safetensors", "C:\\loras\\monet.safetensors", None),
        ("C:monet.safetensors:1e-1", "C:monet.safetensors", 0.1),
        ("monet:", "monet:", None),
        (":0.5", ":0.5", None),
    ],
)
def test_a_path_and_its_scale(word: str, path: str, scale: float | None) -> None:
    assert split_scale(word) == (path, scale)


def test_a_file_that_is_called_so_wins(tmp_path: Path) -> None:
    (tmp_path / "monet:2").write_bytes(b"")
    assert split_scale(f"{tmp_path}/monet:2") == (f"{tmp_path}/monet:2", None)
    assert split_scale(f"{tmp_path}/monet:3") == (f"{tmp_path}/monet", 3.0)


@pytest.mark.parametrize("scale", ["nan", "inf", "11"])
def test_a_scale_out_of_range(scale: str) -> None:
    with pytest.raises(UsageError, match="-10 to 10"):
        split_scale(f"monet:{scale}")


def test_words_do_what_the_objects_do(tmp_path: Path) -> None:
    base = make_components(tmp_path / "words")
    lora = make_lora(draw_layers(base.unet, ["conv_in"]))
    file = export_lora(lora, tmp_path / "monet.safetensors")
    concept = save_concept(tmp_path / "hour.safetensors", Concept("<hour>", torch.ones(2, 16)))
    over = apply_adapters(base, [f"{file}:0.5", str(file), (lora, 2.0)], [str(concept), Concept("<x>", torch.ones(1, 16))])
    expected = apply_loras(base, [(lora, 3.5)]).unet.conv_in.weight
    assert torch.allclose(over.unet.conv_in.weight, expected, atol=1e-6)
    assert [record.scale for record in over.loras] == [0.5, 1.0, 2.0]
    assert [record.name for record in over.concepts] == ["<hour>", "<x>"]
    assert apply_adapters(base) is base
    with pytest.raises(MissingPart):
        apply_adapters(base, ["nobody:0.5"])
