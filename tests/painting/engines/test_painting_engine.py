"""What a painter starts with, when OpenVINO takes over, and what happens to a model that an engine cannot run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.painting.test_painter import request
from tests.painting.tiny_components import make_components

from impasto.inference import runtime, store
from impasto.inference.runtime import CannotRun
from impasto.painting.engines import painting_engine
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.engines.eager import PlainUNet, plain_decoder
from impasto.painting.engines.openvino import engine as openvino_engine
from impasto.painting.engines.optimized import OptimizedEngine
from impasto.painting.engines.work import BatchWork, conversion_work, evaluation_work, saved_work
from impasto.painting.optimized import choice as optimized_choice
from impasto.painting.optimized.unet import OptimizedUNet
from impasto.painting.painter import Painter

CPU = torch.device("cpu")
installed = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
AVX2, OTHER = frozenset({"avx2"}), frozenset({"asimd"})


def engine_of(painter: Painter, notes: list[str] | None = None, **values: Any) -> str:
    said = pytest.fail if notes is None else notes.append
    painting = next(painter.paint_many([request(1, **{"guidance": 3.0, **values})], on_note=said))
    assert painting.provenance.engine is not None
    return painting.provenance.engine.name


def once(components: Any) -> float:
    """What OpenVINO saves in one picture."""
    return saved_work(components.unet, BatchWork(2 * request(1).steps, 1, 8, 8), optimized=True)


@installed
def test_optimized_paints_until_converting_pays(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    components, notes = make_components(tmp_path), []
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 2.5 * once(components))
    painters = [Painter(components) for _ in range(4)]  # as in four processes
    assert [engine_of(painter, notes) for painter in painters[:2]] == ["optimized", "optimized"]
    assert len(notes) == 1 and "optimized paints with tiny until" in notes[0]
    assert engine_of(painters[2], notes) == "openvino"
    assert len(notes) == 2 and "is converted" in notes[1]
    assert engine_of(painters[3], notes) == "openvino" and engine_of(painters[3], notes) == "openvino" and len(notes) == 2
    parts = sorted(entry.part for entry in store.list_models())
    assert parts == ["unet for 1 (2) of 8x8", "unet graph"]  # in fp32 the decoder is optimized's


@installed
def test_where_it_does_not_pay_nothing_is_counted_or_converted(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: OTHER)
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 1.0)
    monkeypatch.setattr(runtime, "load_openvino", lambda: pytest.fail("it is not needed"))
    components = make_components(tmp_path)
    assert engine_of(Painter(components)) == "optimized"
    assert not store.engines_folder().exists()


@installed
def test_a_unet_that_is_too_large_for_optimized_is_converted(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 1.0)
    monkeypatch.setattr(optimized_choice, "_LARGEST", 1000)
    monkeypatch.setattr(openvino_engine, "LARGEST", 1000)
    components, notes = make_components(tmp_path), []
    assert engine_of(Painter(components), notes) == "openvino" and len(notes) == 1
    assert [entry.part for entry in store.list_models()] == ["unet"]  # one for all sizes


@installed
def test_another_size_is_another_model(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for one size makes no other one's pictures wait."""
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    components = make_components(tmp_path)
    engine_of(Painter(components, engine="openvino"), [])
    painter = Painter(components)
    assert engine_of(painter) == "openvino"
    assert engine_of(painter, guidance=1.0) == "optimized"
    assert engine_of(painter) == "openvino"


@installed
def test_an_edit_of_words_says_who_makes_it(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "load_openvino", lambda: pytest.fail("it is not needed"))
    engine = painting_engine.PaintingEngine(make_components(tmp_path), CPU, "openvino")
    engine.prepare([BatchWork(8, 1, 8, 8, words=True)])
    assert engine.take_notes() == ["words are edited by eager, whose attention can be steered, not by openvino"]


@installed
def test_a_weaker_unet_counts_and_does_not_come_unasked(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO's are all of a picture's U-Nets or none, so that its record's one name is right."""
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    components, notes = make_components(tmp_path), []
    engine_of(Painter(components, engine="openvino"), notes)
    assert engine_of(Painter(components)) == "openvino"  # since it is kept
    painter = Painter(components)
    assert engine_of(painter, guider="pag") == "optimized"  # its perturbed U-Net is not
    assert engine_of(painter) == "openvino"
    assert engine_of(Painter(components, engine="openvino"), notes, guider="pag") == "openvino"
    assert engine_of(painter, guider="pag") == "openvino"


@installed
def test_what_auto_cannot_convert_it_leaves_to_optimized_without_a_word(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 1.0)
    components = make_components(tmp_path)
    components.unet.set_attention_slice(1)
    assert engine_of(Painter(components)) == "optimized"  # by its decoder; the U-Net is eager's
    components.vae.enable_tiling()
    assert engine_of(Painter(components)) == "eager"


@installed
def test_a_conversion_that_fails_is_said_once(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 1.0)
    monkeypatch.setattr(runtime, "available_memory", lambda: 1000)
    painter, notes = Painter(make_components(tmp_path)), []
    assert [engine_of(painter, notes), engine_of(painter, notes)] == ["optimized", "optimized"]
    (_, failed) = notes
    assert failed.startswith("painted by optimized, not by openvino: OpenVINO needs ") and "\n" not in failed


def _broken(*_: Any) -> Any:
    raise CannotRun("OpenVINO cannot be loaded (libtbb.so.12: cannot open shared object file)")


def _untraceable(*_: Any, **__: Any) -> Any:
    raise TypeError("a layer that\ncannot be traced")


@installed
@pytest.mark.parametrize("name", ["auto", "openvino"])
@pytest.mark.parametrize("how", ["broken", "untraceable"])
def test_what_fails_in_openvino_costs_no_picture(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    monkeypatch.setattr(runtime, "cpu_flags", lambda: AVX2)
    monkeypatch.setattr(painting_engine, "conversion_work", lambda *_, **__: 1.0)
    if how == "broken":
        monkeypatch.setattr(runtime, "load_openvino", _broken)
    else:
        monkeypatch.setattr(torch.jit, "trace", _untraceable)
    painter, notes = Painter(make_components(tmp_path), engine=name), []
    usual = "optimized" if name == "auto" else "eager"
    assert [engine_of(painter, notes), engine_of(painter, notes)] == [usual, usual]
    failed = [note for note in notes if note.startswith(f"painted by {usual}, not by openvino: OpenVINO cannot ")]
    assert len(failed) == 1 and "\n" not in failed[0]
    assert store.list_models() == []


@installed
def test_a_checkpoint_that_it_cannot_run_is_painted_by_eager(own_cache: Path, tmp_path: Path) -> None:
    components, notes = make_components(tmp_path), []
    components.unet.mid_block.register_forward_hook(lambda *_: None)
    painter = Painter(components, engine="openvino")
    assert [engine_of(painter, notes), engine_of(painter, notes)] == ["eager", "eager"]
    assert notes == ["painted by eager, not by openvino: the U-Net has a hook on its layers"]


def test_optimized_leaves_a_hooked_unet_to_eager(tmp_path: Path) -> None:
    components = make_components(tmp_path)
    assert isinstance(OptimizedEngine().unet(components.unet), OptimizedUNet)
    components.unet.mid_block.register_forward_pre_hook(lambda *_: None)
    engine = OptimizedEngine()
    assert isinstance(engine.unet(components.unet), PlainUNet) and engine.note.name == "eager"


@torch.inference_mode()
def test_compiled_runs_what_eager_runs(tmp_path: Path) -> None:
    components = make_components(tmp_path)
    engine = CompiledEngine(CPU, torch.float32, backend="eager")
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    made = engine.unet(components.unet).tell(states, guided=True)(latents, torch.tensor(5))
    expected = PlainUNet(components.unet).tell(states, guided=True)(latents, torch.tensor(5))
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(engine.decoder(components.vae)(latents), plain_decoder(components.vae)(latents))


def test_work_is_counted_by_size() -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)  # Stable Diffusion v1's
    work = evaluation_work(unet, 64, 64)
    assert 0.6e12 < work < 0.9e12  # 0.80e12 by torch's own count, with attention between positions
    assert evaluation_work(unet, 128, 64) == pytest.approx(2 * work)
    assert conversion_work(unet) > conversion_work(unet, has_graph=True) > conversion_work(unet.conv_in, has_graph=True)
    one, eight = BatchWork(50, 1, 64, 64), BatchWork(400, 8, 64, 64)
    assert saved_work(unet, one, optimized=False) > saved_work(unet, one, optimized=True)
    assert saved_work(unet, eight, optimized=True) < 8 * saved_work(unet, one, optimized=True)
