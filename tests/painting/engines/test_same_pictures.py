"""Every engine paints eager's pictures: all guiders, sizes and batches, adapters, memory, weighted and long prompts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adapters.drawn_lora import draw_layers, make_lora
from tests.painting.memory.drawn_memory import drawn_memory
from tests.painting.test_painter import difference, request
from tests.painting.tiny_components import make_components

from impasto.adapters.lora.merge import apply_loras
from impasto.adapters.textual_inversion import Concept, add_concept
from impasto.checkpoints.components import Components
from impasto.checkpoints.load import load_components
from impasto.checkpoints.memory import save_memory
from impasto.inference import runtime, store
from impasto.painting.engines.openvino import calibration
from impasto.painting.engines.openvino import engine as openvino_engine
from impasto.painting.guidance.guiders import GUIDERS
from impasto.painting.painter import Painter
from impasto.painting.prompt_syntax import read_syntax
from impasto.painting.provenance.reuse import painting_key
from impasto.painting.request import PaintRequest
from impasto.painting.samplers import SAMPLERS
from impasto.weights.int8 import save_int8

SUITED = {"cfg++": {"sampler": "ddim", "guidance": 0.8}}
needs_openvino = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
needs_bf16 = pytest.mark.skipif(not runtime.cpu_has_bf16(), reason="this CPU has no units for bf16")
has_int8 = bool(runtime.nncf_version()) and runtime.cpu_has_int8()
needs_int8 = pytest.mark.skipif(not has_int8, reason="NNCF is not installed, or this CPU has no units for int8")
ENGINES = ["optimized", pytest.param("openvino", marks=needs_openvino)]


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(openvino_engine, "LARGEST", 0)  # one model for all sizes: that of each is in test_openvino.py
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Components:
    """A checkpoint whose text joins the time embedding, with a guide and a memory."""
    folder = tmp_path_factory.mktemp("tiny")
    components = make_components(folder, "v_prediction", pooled=True)
    save_int8(make_components(folder, "v_prediction", seed=2, pooled=True).unet, folder / "guide")
    save_memory(drawn_memory(width=16), folder / "memory")
    return replace(components, folder=folder)


def check(components: Components, engine: str, requests: list[PaintRequest], **how: Any) -> list[Any]:
    """Paints by `engine` and by eager; returns the pictures by `engine`."""
    made, plain = (
        list(Painter(components, engine=name).paint_many(requests, on_note=pytest.fail, **how)) for name in (engine, "eager")
    )
    for ours, other in zip(made, plain, strict=True):
        assert difference(ours.image, other.image) <= 1
        assert ours.provenance.engine is not None and ours.provenance.engine.name == engine
        assert painting_key(ours.provenance) == painting_key(other.provenance)
    return [painting.image for painting in made]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("guider", GUIDERS)
def test_every_guider(tiny: Components, engine: str, guider: str) -> None:
    values: dict[str, Any] = {"guidance": 3.0, "guider": guider, "memory": "none", **SUITED.get(guider, {})}
    check(tiny, engine, [request(7, **values), request(8, "a red field", **values)])


@pytest.mark.parametrize("engine", ENGINES)
def test_every_sampler(tiny: Components, engine: str) -> None:
    """Those that evaluate the U-Net twice in a step, or between the schedule's own steps, too."""
    images = check(tiny, engine, [request(7, sampler=name, guidance=3.0, steps=2, memory="none") for name in SAMPLERS])
    different = [one for number, one in enumerate(images) if all(difference(one, other) > 1 for other in images[:number])]
    assert len(different) >= 8


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [(64, 64), (72, 104), (256, 64), (768, 768)])
def test_every_size(tmp_path: Path, engine: str, size: tuple[int, int]) -> None:
    (image,) = check(make_components(tmp_path), engine, [
        replace(request(3, guidance=2.0), width=size[0], height=size[1], steps=2)
    ])  # fmt: skip
    assert image.size == size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [3, 33])
def test_every_batch(tmp_path: Path, engine: str, count: int) -> None:
    requests = [request(seed, guidance=2.0 + seed, steps=1) for seed in range(count)]
    together = check(make_components(tmp_path), engine, requests, batch_size=count)
    alone = check(make_components(tmp_path), engine, requests[1:2])
    assert difference(together[1], alone[0]) <= 1


@pytest.mark.parametrize("engine", ENGINES)
def test_stable_diffusion_v1s_layout(tiny_diffusers: Path, engine: str) -> None:
    """CLIP's text encoder, a U-Net whose last block does not attend, no text in the time embedding."""
    components = load_components(str(tiny_diffusers), device=torch.device("cpu"), dtype=torch.float32)
    check(components, engine, [replace(request(5, guidance=3.0, steps=2), width=64, height=64)])


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_and_a_few_steps_without_guidance(tiny: Components, engine: str) -> None:
    """Pictures with and without the memory's tokens share no batch; a student's steps have no guidance."""
    few = {"sampler": "lcm", "guidance": 1.0, "steps": 2}
    images = check(tiny, engine, [request(1), request(1, memory="none"), request(1, **few)])
    assert difference(images[0], images[1]) > 1 and difference(images[0], images[2]) > 1


@pytest.mark.parametrize("engine", ENGINES)
def test_weighted_and_long_prompts(tiny: Components, engine: str) -> None:
    """More text than one window of the text encoder holds, and another number of windows in the negative prompt."""
    long = "boats at sunset, " * 12 + "(storm:1.4) BREAK a red field"
    weighted, _ = read_syntax(request(2, long, negative="(red:0.5)", guidance=4.0, memory="none"))
    check(tiny, engine, [weighted])


@pytest.mark.parametrize("engine", ENGINES)
def test_adapters_switched_between_two_pictures(tmp_path: Path, engine: str) -> None:
    """A LoRA at two scales, a learned word, and the checkpoint itself again: each U-Net has its own model."""
    base = make_components(tmp_path, pooled=True)
    lora = make_lora(draw_layers(base.unet, alpha=6), draw_layers(base.text_encoder))
    concept = Concept("<blue-hour>", torch.randn(2, 16, generator=torch.Generator().manual_seed(1)))
    asked = [request(4, "boats at <blue-hour>", guidance=2.0)]
    strong, weak = (apply_loras(base, [(lora, scale)]) for scale in (1.0, 0.5))
    images = [check(one, engine, asked)[0] for one in (base, strong, weak, add_concept(base, concept), base, strong)]
    assert difference(images[0], images[4]) == difference(images[1], images[5]) == 0
    kept = sorted(entry.name for entry in store.list_models() if "monet" in entry.name)
    assert kept == (["tiny + monet:0.5", "tiny + monet:1"] if engine == "openvino" else [])
    for number in (1, 2, 3):
        assert difference(images[0], images[number]) > 1
    assert difference(images[1], images[2]) > 1


@needs_openvino
@needs_bf16
def test_bf16_is_near_and_named(tiny: Components) -> None:
    asked = [request(3, guidance=3.0, memory="none")]
    made, plain = (
        next(Painter(tiny, engine=name, inference=precision).paint_many(asked, on_note=pytest.fail))
        for name, precision in (("openvino", "bf16"), ("eager", "fp32"))
    )
    assert made.provenance.engine is not None and made.provenance.engine.precision == "bf16"
    assert 0 < difference(made.image, plain.image) < 40


@needs_openvino
@needs_int8
def test_int8_is_near_and_named(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is calibrated once: another size and another process take the quantized graph from the cache."""
    monkeypatch.setattr(calibration, "_STEPS", 2)
    monkeypatch.setattr(openvino_engine, "LARGEST", 250_000_000)
    components = make_components(tmp_path, pooled=True)
    asked = [request(3, guidance=3.0)]
    plain = next(Painter(components, engine="eager").paint_many(asked))
    made = [next(Painter(components, engine="openvino", inference="int8").paint_many(asked, on_note=pytest.fail))]
    monkeypatch.setattr(runtime, "convert", lambda *_: pytest.fail("it was converted again"))
    made.append(next(Painter(components, engine="openvino", inference="int8").paint_many(asked, on_note=pytest.fail)))
    assert difference(made[0].image, made[1].image) == 0
    assert made[0].provenance.engine is not None and made[0].provenance.engine.precision == "int8"
    assert 0 < difference(made[0].image, plain.image) < 60
    wider = replace(request(3, guidance=3.0), width=72)
    next(Painter(components, engine="openvino", inference="int8").paint_many([wider], on_note=pytest.fail))
    assert {entry.precision for entry in store.list_models()} == {"int8"} and len(store.list_models()) == 3
