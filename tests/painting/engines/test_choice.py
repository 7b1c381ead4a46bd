"""Which engine paints: by name, by device, by what is installed and by counted work; and what a painting says of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.painting.test_painter import difference, request
from tests.painting.tiny_components import make_components

from impasto.errors import MissingPart, UsageError
from impasto.painting.engines import choice, store
from impasto.painting.engines.choice import choose_engine, describe_engine
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.engines.openvino import runtime
from impasto.painting.engines.record import EngineNote, read_engine
from impasto.painting.engines.work import conversion_work, evaluation_work
from impasto.painting.foreign import RecordError
from impasto.painting.guidance.guiders import GUIDERS
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import painting_key
from impasto.weights.int8 import save_int8

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
installed = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
SUITED = {"cfg++": {"sampler": "ddim", "guidance": 0.8}}


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: True)
    assert choose_engine("auto", CPU, "auto").name == "auto"
    assert choose_engine("auto", CUDA, "auto").name == "eager"
    low = choose_engine("auto", CPU, "bf16")
    assert (low.name, low.dtype, low.inference) == ("openvino", torch.float32, "bf16")
    assert choose_engine("eager", CPU, "bf16").dtype == torch.bfloat16
    assert choose_engine("compiled", CUDA, "auto").dtype == torch.float16
    for wrong in (("fast", CPU, "auto"), ("compiled", CPU, "auto"), ("openvino", CUDA, "auto"), ("openvino", CPU, "fp16"),
                  ("auto", CPU, "int4")):  # fmt: skip
        with pytest.raises(UsageError):
            choose_engine(*wrong)
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: False)
    assert choose_engine("auto", CPU, "bf16").name == "eager"
    with pytest.raises(UsageError, match="no units for bf16"):
        choose_engine("openvino", CPU, "bf16")


def test_without_openvino(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "")
    assert choose_engine("auto", CPU, "auto").name == "eager"
    assert describe_engine(CPU).startswith("eager")
    with pytest.raises(MissingPart, match=r"impasto\[fast\]"):
        choose_engine("openvino", CPU, "auto")
    painting = next(Painter(make_components(tmp_path)).paint_many([request(1)], on_note=pytest.fail))
    assert painting.provenance.engine == EngineNote("eager", torch.__version__, "fp32", "cpu")


@installed
def test_eager_paints_until_converting_pays(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components, notes = make_components(tmp_path), []
    one = evaluation_work(components.unet, 8, 8) * 2 * request(1).steps
    monkeypatch.setattr(choice, "conversion_work", lambda *_: 2.5 * one)

    def paint() -> str:
        painting = next(Painter(components).paint_many([request(1, guidance=3.0)], on_note=notes.append))
        assert painting.provenance.engine is not None
        return painting.provenance.engine.name

    assert [paint(), paint()] == ["eager", "eager"]
    assert len(notes) == 1 and "eager paints with tiny until" in notes[0]
    assert paint() == "openvino"
    assert len(notes) == 2 and "is converted" in notes[1]
    assert paint() == "openvino" and len(notes) == 2
    assert {entry.part for entry in store.list_models()} == {"unet", "decoder"}


def test_work_is_counted_by_size() -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)  # Stable Diffusion v1's
    work = evaluation_work(unet, 64, 64)
    assert 0.6e12 < work < 0.9e12  # 0.80e12 by torch's own count, with attention between positions
    assert evaluation_work(unet, 128, 64) == pytest.approx(2 * work)
    assert conversion_work(unet, unet.conv_in) > conversion_work(unet.conv_in, unet.conv_in)


@installed
@pytest.mark.parametrize("guider", GUIDERS)
def test_every_guider_paints_the_same_pictures(shared_cache: None, tmp_path: Path, guider: str) -> None:
    components = make_components(tmp_path, "v_prediction", pooled=True)
    save_int8(make_components(tmp_path, "v_prediction", seed=2, pooled=True).unet, tmp_path / "guide")
    components = replace(components, folder=tmp_path)
    values: dict[str, Any] = {"guidance": 3.0, "guider": guider, **SUITED.get(guider, {})}
    requests = [request(7, **values), request(8, "a red field", **values)]
    made = {
        engine: list(Painter(components, engine=engine).paint_many(requests, on_note=pytest.fail))
        for engine in ("eager", "openvino")
    }
    for ours, plain in zip(made["openvino"], made["eager"], strict=True):
        assert difference(ours.image, plain.image) <= 1
        assert ours.provenance.engine is not None and ours.provenance.engine.name == "openvino"
        assert painting_key(ours.provenance) == painting_key(plain.provenance)


@installed
@pytest.mark.parametrize("size", [(64, 64), (72, 104), (256, 64)])
def test_every_size_paints_the_same_pictures(shared_cache: None, tmp_path: Path, size: tuple[int, int]) -> None:
    components = make_components(tmp_path)
    asked = replace(request(3, guidance=2.0), width=size[0], height=size[1])
    images = [
        np.asarray(next(Painter(components, engine=engine).paint_many([asked], on_note=pytest.fail)).image, int)
        for engine in ("eager", "openvino")
    ]
    assert images[0].shape == (size[1], size[0], 3) and np.abs(images[0] - images[1]).max() <= 1


@installed
def test_a_checkpoint_that_it_cannot_run_is_painted_by_eager(own_cache: Path, tmp_path: Path) -> None:
    components, notes = make_components(tmp_path), []
    components.unet.mid_block.register_forward_hook(lambda *_: None)
    painter = Painter(components, engine="openvino")
    painting = next(painter.paint_many([request(1)], on_note=notes.append))
    next(painter.paint_many([request(1)], on_note=notes.append))
    assert notes == ["painted by eager, not by openvino: the U-Net has a hook on its layers"]
    assert painting.provenance.engine is not None and painting.provenance.engine.name == "eager"


@torch.inference_mode()
def test_compiled_runs_what_eager_runs(tmp_path: Path) -> None:
    components = make_components(tmp_path)
    engine = CompiledEngine(CPU, torch.float32, backend="eager")
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    made = engine.unet(components.unet).tell(states, guided=True)(latents, torch.tensor(5))
    expected = PlainUNet(components.unet).tell(states, guided=True)(latents, torch.tensor(5))
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(engine.decoder(components.vae)(latents), components.vae.decode(latents).sample)


def test_the_record_is_read_back(tmp_path: Path) -> None:
    painting = next(Painter(make_components(tmp_path), engine="eager").paint_many([request(1)]))
    record = Provenance.from_json(painting.provenance.to_json())
    assert record == painting.provenance and record.engine is not None
    older = replace(record, engine=None)
    assert "engine" not in older.to_json() and Provenance.from_json(older.to_json()).engine is None
    assert painting_key(older) == painting_key(record)
    good = {"name": "openvino", "version": "1", "precision": "fp32", "device": "cpu"}
    assert read_engine(good) == EngineNote(**good)
    for wrong in ("openvino", {**good, "name": 3}, {**good, "version": "x" * 99}, {**good, "device": "a\x1b"}, {}):
        with pytest.raises(RecordError, match="engine"):
            read_engine(wrong)
