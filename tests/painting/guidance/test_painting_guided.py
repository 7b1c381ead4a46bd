"""Painting by each guider with a random checkpoint: batches, the record, what a checkpoint says of itself."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.painting.test_painter import difference, request
from tests.painting.tiny_components import make_components

from impasto.checkpoints.guide import load_guide
from impasto.checkpoints.painting_defaults import PaintingDefaults, domain_guided, read_painting_defaults, without_guide
from impasto.errors import ImpastoError, UsageError
from impasto.painting.defaults import Sampling, choose_sampling
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.guidance.guiders import GUIDERS
from impasto.painting.guidance.pag import perturbed
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance, read_provenance
from impasto.painting.provenance.reuse import painting_key
from impasto.weights.int8 import save_int8

SUITED = {"cfg++": {"sampler": "ddim", "guidance": 0.8}}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    """Of a checkpoint with a guide in int8."""
    folder = tmp_path_factory.mktemp("guided")
    components = make_components(folder, "v_prediction", pooled=True)
    save_int8(make_components(folder, "v_prediction", seed=2, pooled=True).unet, folder / "guide")
    return Painter(replace(components, folder=folder))


@pytest.mark.parametrize("guider", GUIDERS)
def test_a_picture_does_not_know_its_batch(painter: Painter, guider: str) -> None:
    values: dict[str, Any] = {"guidance": 3.0, "guider": guider, **SUITED.get(guider, {})}
    requests = [request(7, **values), request(8, "a red field", **{**values, "guidance": 0.7}), request(9, **values)]
    together = [painting.image for painting in painter.paint_many(requests, batch_size=3)]
    alone = [painting.image for painting in painter.paint_many(requests, batch_size=1)]
    assert all(difference(a, b) <= 1 for a, b in zip(together, alone, strict=True))
    assert difference(next(painter.paint_many(requests[:1])).image, alone[0]) == 0


def test_guiders_differ_and_agree_where_they_must(painter: Painter) -> None:
    def paint(guider: str, **values: Any) -> Any:
        settings = {"guidance": 6.0, **SUITED.get(guider, {}), **values}
        return next(painter.paint_many([request(5, guider=guider, **settings)])).image

    plain = paint("cfg", guidance=1.0)
    for guider in ("interval", "auto", "domain", "apg", "pag"):
        assert difference(paint(guider, guidance=1.0), plain) == 0
        assert difference(paint(guider), plain) > 0
        assert difference(paint(guider), paint("cfg")) > 0
    assert difference(paint("interval", guidance_interval=(0.0, 1.0)), paint("cfg")) == 0
    assert difference(paint("auto", guidance=1.001), plain) <= 1
    assert difference(paint("cfg++", guidance=0.2), paint("cfg++", guidance=0.8)) > 0


def test_the_record_is_enough_to_paint_again(painter: Painter, tmp_path: Path) -> None:
    painting = painter.paint("boats", seed=3, steps=3, guidance=4.0, guidance_interval=(0.25, 0.75))
    told = read_provenance(painting.save(tmp_path / "boats.png"))
    assert isinstance(told, Provenance) and told == painting.provenance
    assert (told.guider, told.guidance_interval) == ("interval", (0.25, 0.75))
    assert 'Guider: interval, Guidance interval: "0.25,0.75"' in told.to_parameters()
    usual = painter.paint("boats", seed=3, steps=3, guidance=4.0, guider="interval").provenance
    assert usual.guidance_interval == (0.1, 0.8) and painting_key(usual) != painting_key(told)
    plain = painter.paint("boats", seed=3, steps=3).provenance
    assert (plain.guider, plain.guidance_interval) == ("cfg", None) and "Guider" not in plain.to_parameters()
    old = plain.to_json().replace('"guider": "cfg", "guidance_interval": null, ', "")
    assert "guider" not in old and Provenance.from_json(old) == plain


def test_a_checkpoint_without_a_guide_says_so(tmp_path: Path) -> None:
    painter = Painter(make_components(tmp_path))
    with pytest.raises(UsageError, match="tiny holds no guide/"):
        painter.paint("boats", guider="auto")
    save_int8(make_components(tmp_path).unet, tmp_path / "guide")
    unet = make_components(tmp_path).unet
    assert load_guide(tmp_path, unet).dtype == unet.dtype
    unet.register_to_config(in_channels=3)
    with pytest.raises(ImpastoError, match="its in_channels is 8, not 3"):
        load_guide(tmp_path, unet)


def test_the_perturbed_unet_sees_no_structure_in_its_middle(tmp_path: Path) -> None:
    from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0

    unet = make_components(tmp_path, seed=1).unet
    twin = perturbed(unet)
    assert twin.get_parameter("conv_in.weight") is unet.get_parameter("conv_in.weight")
    latents, states, timestep = torch.randn(2, 8, 8, 8), torch.randn(2, 16, 16), torch.tensor(400)
    with torch.inference_mode():
        before = PlainUNet(unet).tell(states, guided=False)(latents, timestep)
        ours = PlainUNet(twin).tell(states, guided=False)(latents, timestep)
        # diffusers' processor perturbs the second half of its batch.
        for name, module in unet.named_modules():
            if name.startswith("mid_block.") and name.endswith(".attn1"):
                layer: Any = module
                layer.set_processor(PAGIdentitySelfAttnProcessor2_0())
        theirs = PlainUNet(unet).tell(torch.cat([states, states]), guided=True)(latents, timestep)
    torch.testing.assert_close(theirs[:2], before, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours, theirs[2:], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours, before, atol=1e-3)


def test_what_is_usual_with_what() -> None:
    assert choose_sampling() == Sampling("dpm++", 25, "cfg", 5.0, None)
    assert choose_sampling(sampler="lcm") == Sampling("lcm", 4, "cfg", 1.0, None)
    assert choose_sampling(guider="cfg++") == Sampling("ddim", 25, "cfg++", 0.6, None)
    assert choose_sampling(guidance_interval=(0.2, 0.8)) == Sampling("dpm++", 25, "interval", 5.0, (0.2, 0.8))
    own = PaintingDefaults("auto", 2.5, None, "euler", 30)
    assert choose_sampling(own) == Sampling("euler", 30, "auto", 2.5, None)
    assert choose_sampling(own, sampler="heun") == Sampling("heun", 25, "auto", 2.5, None)
    assert choose_sampling(own, guider="cfg") == Sampling("euler", 30, "cfg", 5.0, None)
    assert choose_sampling(own, negative="storm") == Sampling("euler", 30, "cfg", 5.0, None)
    assert choose_sampling(own, sampler="lcm") == Sampling("lcm", 4, "cfg", 1.0, None)
    assert choose_sampling(own, guider="cfg++", guidance=0.3) == Sampling("euler", 30, "cfg++", 0.3, None)
    assert choose_sampling(PaintingDefaults(guidance=2.5), sampler="lcm").guidance == 1.0
    for wrong in (PaintingDefaults("domian"), PaintingDefaults(sampler="dpm+++")):
        with pytest.raises(UsageError, match=r"the checkpoint's painting\.json: unknown (guider|sampler) 'd\S+'"):
            choose_sampling(wrong)
    retrained = PaintingDefaults("domain", 2.5)
    assert choose_sampling(retrained, negative="storm") == Sampling("dpm++", 25, "domain", 2.5, None)
    assert choose_sampling(retrained, guider="cfg") == Sampling("dpm++", 25, "cfg", 2.5, None)
    assert choose_sampling(retrained, guider="apg").guidance == 5.0
    assert choose_sampling(retrained, sampler="lcm") == Sampling("lcm", 4, "cfg", 1.0, None)
    assert choose_sampling(PaintingDefaults("interval", 3.0, (0.3, 0.9))).guidance_interval == (0.3, 0.9)


def test_what_a_retrained_checkpoint_says(tmp_path: Path) -> None:
    assert domain_guided(None) == domain_guided(tmp_path) == {"guider": "domain"}
    (tmp_path / "guide").mkdir()
    file = tmp_path / "painting.json"
    for own, wanted in (
        ({"guidance": 2.5, "steps": 3, "later": 1}, {"guider": "domain", "guidance": 2.5, "steps": 3, "later": 1}),
        ({"guider": "domain", "guidance": 3}, {"guider": "domain", "guidance": 3}),
        ({"guider": "auto", "guidance": 2.5, "steps": 3}, {"guider": "domain", "steps": 3}),
        ({"guider": "interval", "guidance": 3}, None),
    ):
        file.write_text(json.dumps(own))
        assert domain_guided(tmp_path) == wanted
    for own, wanted in (
        ({"guidance": 2.5, "guider": "domain", "steps": 3}, {"guidance": 2.5, "steps": 3}),
        ({"guidance": 2.5, "guider": "auto", "steps": 3}, {"steps": 3}), ({"guidance": 2.5}, None),
    ):
        file.write_text(json.dumps(own))
        assert without_guide(tmp_path) == wanted
    assert without_guide(None) is None


def test_a_checkpoint_says_how_it_is_painted_with(tmp_path: Path) -> None:
    assert read_painting_defaults(tmp_path) == read_painting_defaults(None) == PaintingDefaults()
    file = tmp_path / "painting.json"
    file.write_text('{"guider": "cfg", "guidance": 2.5, "sampler": "euler", "steps": 3, "later": [1]}')
    assert read_painting_defaults(tmp_path) == PaintingDefaults("cfg", 2.5, None, "euler", 3)
    told = Painter(replace(make_components(tmp_path), folder=tmp_path)).paint("boats").provenance
    assert (told.guider, told.guidance, told.sampler, told.steps) == ("cfg", 2.5, "euler", 3)
    file.write_text('{"guider": "auto", "guidance": 2.5, "steps": 3}')
    assert read_painting_defaults(tmp_path) == PaintingDefaults(steps=3)  # it has no guide
    file.write_text('{"guider": "domain", "guidance": 2.5, "steps": 3}')
    assert read_painting_defaults(tmp_path) == PaintingDefaults(guidance=2.5, steps=3)  # on the scale of cfg
    assert read_painting_defaults(tmp_path).lacks_guide == "domain"
    (tmp_path / "guide").mkdir()
    assert read_painting_defaults(tmp_path) == PaintingDefaults("domain", 2.5, steps=3)
    file.write_text('{"guider": "auto", "guidance": 2.5, "steps": 3}')
    assert read_painting_defaults(tmp_path) == PaintingDefaults("auto", 2.5, steps=3)
    for wrong in ('{"guidance": "much"}', '{"steps": true}', '{"sampler": 3}', '{"guidance_interval": [1]}'):
        file.write_text(wrong)
        with pytest.raises(ImpastoError, match=r"painting\.json: its \w+ is no value"):
            read_painting_defaults(tmp_path)
