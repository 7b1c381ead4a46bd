"""Prompt-to-prompt on a random checkpoint: its identities hold to the bit, whatever the weights are."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.painting.test_painter import difference
from tests.painting.tiny_components import make_components

from impasto.checkpoints.components import Components
from impasto.errors import UsageError
from impasto.painting.batches import to_image
from impasto.painting.painter import Painter
from impasto.painting.prompt_to_prompt.attention import AttentionMaps
from impasto.painting.prompt_to_prompt.editor import PromptEditor, Sampled, WordEdit
from impasto.painting.prompt_to_prompt.inversion import psnr
from impasto.painting.prompt_to_prompt.local_blend import LocalBlend, map_shape, word_map

SOURCE = "boats at sunset by claude monet"
HOW = Sampled("ddim", 6, 4.0, seed=3)
SHAPE = (8, 8)


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Components:
    made = make_components(tmp_path_factory.mktemp("p2p"), request.param, pooled=request.param != "epsilon")
    with torch.no_grad():
        made.unet.conv_out.weight *= 0.3  # random weights answer too steeply for inversion to converge
    return made


@pytest.fixture(scope="module")
def editor(parts: Components) -> PromptEditor:
    return PromptEditor(parts)


@pytest.mark.parametrize(("cross", "itself"), [(0.0, 0.0), (0.8, 0.4), (1.0, 1.0)])
@pytest.mark.parametrize("sampler", ["ddim", "dpm++", "euler-a"])
def test_identical_prompts_give_the_same_bits(editor: PromptEditor, cross: float, itself: float, sampler: str) -> None:
    edit = WordEdit(SOURCE, weights=(("boats", 1.0),), cross=cross, itself=itself)
    made = editor.paint(SOURCE, [edit], replace(HOW, sampler=sampler), SHAPE).latents
    assert torch.equal(made[0], made[1])


def test_without_replacement_it_is_the_edited_prompt_alone(editor: PromptEditor) -> None:
    text = "wheat field at sunset by claude monet"
    edit = WordEdit(text, swaps=(("boats", "wheat field"),), cross=0.0, itself=0.0)
    made = editor.paint(SOURCE, [edit], HOW, SHAPE).latents
    alone = editor.paint(text, [], HOW, SHAPE).latents
    assert torch.allclose(made[1], alone[0], atol=1e-5)
    kept = editor.paint(SOURCE, [replace(edit, cross=0.8, itself=0.4)], HOW, SHAPE).latents
    assert torch.equal(kept[0], made[0]), "the source does not depend on its edits"
    assert (kept[1] - made[1]).abs().max() > 1e-3


def test_the_source_is_the_painters_picture(parts: Components, editor: PromptEditor) -> None:
    painter = Painter(parts)
    painted = painter.paint(SOURCE, seed=3, sampler="ddim", steps=6, guidance=4.0, prompt_syntax="plain")
    latents = editor.paint(SOURCE, [], HOW, SHAPE).latents
    pixels = painter._pixels(latents)
    apart = torch.tensor(list(to_image(pixels).tobytes())).int() - torch.tensor(list(painted.image.tobytes())).int()
    assert apart.abs().max() <= 1


def test_domain_guidance_is_the_painters_too(parts: Components, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no guide/"):
        PromptEditor(replace(parts)).paint(SOURCE, [], replace(HOW, guider="domain"), SHAPE)
    retrained = replace(parts)
    pooled = parts.unet.config["class_embed_type"] is not None
    retrained.__dict__["guide"] = make_components(tmp_path, pooled=pooled, seed=2).unet
    how = {"seed": 3, "sampler": "ddim", "steps": 6, "guidance": 4.0, "prompt_syntax": "plain"}
    painter = Painter(retrained)
    painted = [painter.paint(SOURCE, guider=guider, **how).image for guider in ("domain", "cfg")]
    made = PromptEditor(retrained).paint(SOURCE, [], replace(HOW, guider="domain"), SHAPE).latents
    ours = to_image(painter._pixels(made))
    assert difference(ours, painted[0]) <= 1 < difference(*painted)


def test_a_weight_changes_the_picture_and_more_weight_changes_it_more(editor: PromptEditor) -> None:
    made = [editor.paint(SOURCE, [WordEdit(SOURCE, weights=(("boats", w),))], HOW, SHAPE).latents for w in (1.5, 4.0)]
    apart = [float((one[1] - one[0]).square().mean()) for one in made]
    assert 0 < apart[0] < apart[1]


def test_memory_tokens_keep_their_maps(editor: PromptEditor) -> None:
    tokens = torch.randn(3, 16)
    made = editor.paint(SOURCE, [WordEdit(SOURCE)], HOW, SHAPE, tokens=tokens)
    assert torch.equal(made.latents[0], made.latents[1])
    assert made.maps.finest().shape[-1] == 16 + 3
    assert not torch.equal(made.latents[0], editor.paint(SOURCE, [], HOW, SHAPE).latents[0])


def test_maps_are_shares_of_attention(editor: PromptEditor) -> None:
    maps = editor.paint(SOURCE, [], HOW, SHAPE).maps
    finest = maps.finest()
    assert finest.shape == (1, 16, 16)
    assert torch.allclose(finest.sum(dim=-1), torch.ones(1, 16), atol=1e-5)


def test_outside_the_words_area_nothing_changes() -> None:
    maps = AttentionMaps()
    shown = torch.zeros(2, 16, 4)
    shown[:, 5, 1] = 1.0  # the second row, second column of 4 x 4
    maps.add(shown)
    latents = torch.randn(2, 3, 8, 8)
    blend = LocalBlend((1,), (1,))
    made = blend.blend(latents, maps, 0.5)
    area = blend.area(maps, (8, 8))
    assert 0 < area.sum() < 64
    assert torch.equal(made[1][:, ~area], latents[0][:, ~area])
    assert torch.equal(made[1][:, area], latents[1][:, area])
    assert blend.blend(latents, maps, 0.1) is latents, "too early"


@pytest.mark.parametrize(("positions", "size", "shape"), [(16, (8, 8), (4, 4)), (24, (8, 12), (4, 6)), (6, (5, 9), (2, 3))])
def test_maps_have_the_pictures_proportions(positions: int, size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert map_shape(positions, size) == shape
    assert word_map(torch.rand(positions, 3), [1], size).shape == size


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (WordEdit("a storm", swaps=(("ships", "storm"),)), "lacks 'ships'"),
        (WordEdit(SOURCE, weights=(("storm", 2.0),)), "lacks 'storm'"),
        (WordEdit(SOURCE, local=("storm", "")), "lacks 'storm'"),
    ],
)
def test_words_that_the_prompt_lacks_are_named(editor: PromptEditor, edit: WordEdit, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        editor.paint(SOURCE, [edit], HOW, SHAPE)


def test_inversion_and_back(editor: PromptEditor) -> None:
    """Without guidance the fixed point is exact; DDIM's is not; with guidance null-text comes nearer than the empty text."""
    torch.manual_seed(0)
    clean = 0.6 * torch.randn(1, 8, 8, 8)
    how, found = Sampled("ddim", 10, 1.0), {}
    for method in ("ddim", "fixed"):
        back = editor.paint(SOURCE, [], how, SHAPE, begin=editor.invert(SOURCE, clean, how, method)).latents
        found[method] = float((back - clean).square().mean())
    assert found["fixed"] < 1e-4
    assert found["fixed"] < 0.1 * found["ddim"]
    guided = replace(how, guidance=5.0)
    for method in ("ddim", "null-text"):
        back = editor.paint(SOURCE, [], guided, SHAPE, begin=editor.invert(SOURCE, clean, guided, method)).latents
        found[f"guided {method}"] = float((back - clean).square().mean())
    assert found["guided null-text"] < 0.7 * found["guided ddim"]


def test_psnr() -> None:
    assert psnr(torch.zeros(4), torch.full((4,), 0.2)) == pytest.approx(20)
