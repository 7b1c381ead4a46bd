"""The engine `openvino` gives eager's numbers for every size, batch and length of text, and keeps what it converted."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from tests.painting.tiny_components import make_components
from tests.training.fork_server import start

from impasto.inference import runtime, store
from impasto.inference.models import CompiledModels, Say
from impasto.inference.runtime import CannotRun
from impasto.painting.engines.eager import PlainUNet, plain_decoder
from impasto.painting.engines.openvino import engine
from impasto.painting.engines.openvino.engine import OpenVinoDecoder, OpenVinoEngine, OpenVinoUNet
from impasto.painting.engines.openvino.graphs import GRAPHS, check_unet
from impasto.painting.engines.openvino.layers import MomentNorm
from impasto.painting.guidance.pag import perturbed
from impasto.painting.optimized.decoder import OptimizedDecoder

pytestmark = pytest.mark.skipif(not runtime.openvino_version(), reason="OpenVINO is not installed")
TIMESTEP = torch.tensor(321)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One cache for all tests of this file: models of the same weights are converted once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(engine, "LARGEST", 0)  # one model for all sizes, as of large U-Nets: it covers more in less time
        yield


@pytest.fixture(scope="module", params=[False, True], ids=["attended", "pooled"])
def parts(request: pytest.FixtureRequest, cache: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Components whose text joins the attention alone, or the time embedding too; and their U-Net by OpenVINO."""
    del cache
    components = make_components(tmp_path_factory.mktemp("tiny"), seed=int(request.param), pooled=request.param)
    return components, OpenVinoEngine("tiny", say=pytest.fail).unet(components.unet)


@pytest.mark.parametrize(
    ("guided", "tokens", "pictures", "size"),
    [(True, 77, 1, (8, 8)), (False, 7, 3, (16, 12)), (True, 300, 2, (9, 13)), (True, 7, 33, (8, 8)),
     (False, 77, 1, (24, 96)), (True, 5, 1, (96, 96))],
)  # fmt: skip
@torch.inference_mode()
def test_the_unet_gives_the_same_numbers(
    parts: Any, guided: bool, tokens: int, pictures: int, size: tuple[int, int]
) -> None:
    components, unet = parts
    latents, states = torch.randn(pictures, 8, *size), torch.randn(pictures * (1 + guided), tokens, 16)
    before = latents.clone()
    predict, expected = (one.tell(states, guided=guided) for one in (unet, PlainUNet(components.unet)))
    for timestep in (torch.tensor(981), torch.tensor(3.5)):
        torch.testing.assert_close(predict(latents, timestep), expected(latents, timestep), atol=1e-4, rtol=1e-4)
    assert torch.equal(latents, before)


@torch.inference_mode()
def test_each_size_has_a_model_of_its_own(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second size is compiled from the graph of the first; in another process neither is converted."""
    components = make_components(tmp_path, pooled=True)
    monkeypatch.setattr(engine, "LARGEST", 250_000_000)  # where it is 0 for the rest of this file
    first, second = (torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)), (torch.randn(2, 8, 9, 13), torch.randn(4, 77, 16))
    plain = PlainUNet(components.unet)
    made = []
    for process in range(2):
        unet = OpenVinoEngine("tiny", say=pytest.fail).unet(components.unet)
        for number, (latents, states) in enumerate((first, second)):
            made.append(unet.tell(states, guided=True)(latents, TIMESTEP))
            expected = plain.tell(states, guided=True)(latents, TIMESTEP)
            torch.testing.assert_close(made[-1], expected, atol=1e-4, rtol=1e-4)
            if not process and not number:
                monkeypatch.setattr(runtime, "convert", lambda *_: pytest.fail("it was converted again"))
        monkeypatch.setattr(runtime, "compiled", lambda *_: pytest.fail("it was compiled again"))
    assert torch.equal(made[0], made[2]) and torch.equal(made[1], made[3])
    found = sorted(entry.part for entry in store.list_models())
    assert found == ["unet for 1 (2) of 8x8", "unet for 2 (4) of 13x9", "unet graph"]


@torch.inference_mode()
def test_texts_of_different_lengths_do_not_see_each_other_s_padding(parts: Any) -> None:
    components, unet = parts
    plain = PlainUNet(components.unet)
    latents, sets = torch.randn(2, 8, 8, 8), [torch.randn(2, 16, 16), torch.randn(2, 21, 16)]
    expected = plain.tell(sets, guided=True)(latents, TIMESTEP)
    torch.testing.assert_close(unet.tell(sets, guided=True)(latents, TIMESTEP), expected, atol=1e-4, rtol=1e-4)
    each = [sets[0][:1], sets[1][1:]]
    expected = plain.tell(each, guided=False)(latents, TIMESTEP)
    torch.testing.assert_close(unet.tell(each, guided=False)(latents, TIMESTEP), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_two_predictors_may_take_turns_and_keep_their_results(parts: Any) -> None:
    _, unet = parts
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    both, alone = unet.tell(states, guided=True), unet.tell(states[1:], guided=False)
    first = both(latents, TIMESTEP)
    kept = first.clone()
    torch.testing.assert_close(alone(latents, TIMESTEP), first[1:], atol=1e-5, rtol=1e-4)
    assert torch.equal(first, kept)
    assert torch.equal(both(latents, TIMESTEP), kept)


@pytest.mark.parametrize("seed", [0, 1])  # without attention in the middle of the decoder and with it
@torch.inference_mode()
def test_the_decoder_gives_the_same_numbers(cache: None, tmp_path: Path, seed: int) -> None:
    vae = make_components(tmp_path, seed=seed).vae
    assert isinstance(OpenVinoEngine("tiny").decoder(vae), OptimizedDecoder)  # the faster one in fp32
    decode = decoder(vae)
    for pictures, size in ((1, (8, 8)), (2, (9, 13))):
        latents = torch.randn(pictures, 8, *size)
        torch.testing.assert_close(decode(latents), plain_decoder(vae)(latents), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_perturbed_unet_is_another_model(parts: Any) -> None:
    components, unet = parts
    worse = perturbed(components.unet)
    ours = OpenVinoEngine("tiny")
    assert ours.key(worse) != ours.key(components.unet)
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(1, 16, 16)
    expected = PlainUNet(worse).tell(states, guided=False)(latents, TIMESTEP)
    made = ours.unet(worse).tell(states, guided=False)(latents, TIMESTEP)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(made, unet.tell(states, guided=False)(latents, TIMESTEP), atol=1e-4)


@torch.inference_mode()
def test_a_model_from_the_cache_gives_the_same_bytes(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    components, unet = parts
    for name in ("convert", "compiled"):
        monkeypatch.setattr(runtime, name, lambda *_: pytest.fail("it was converted again"))
    unet.prepare((1, 2, 8, 8))
    again = OpenVinoEngine("tiny", say=pytest.fail).unet(components.unet)
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    made = [one.tell(states, guided=True)(latents, TIMESTEP) for one in (unet, again)]
    assert torch.equal(*made)


def test_other_weights_are_another_model(parts: Any) -> None:
    components, _ = parts
    before = OpenVinoEngine("tiny").key(components.unet)
    weight = components.unet.conv_in.weight
    with torch.no_grad():
        weight[0, 0, 0, 0] += 1e-3
        after = OpenVinoEngine("tiny").key(components.unet)
        weight[0, 0, 0, 0] -= 1e-3
    assert after != before
    assert OpenVinoEngine("tiny", "bf16").key(components.unet) != before


def test_another_version_does_not_read_the_cache(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    components, _ = parts
    before = OpenVinoEngine("tiny").key(components.unet)
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2031.1")
    assert OpenVinoEngine("tiny").key(components.unet) != before


def decoder(vae: Any, say: Say = lambda _: None) -> OpenVinoDecoder:
    """OpenVINO's decoder, in fp32 to be compared; the engine itself takes it in bf16 alone."""
    return OpenVinoDecoder(vae, CompiledModels("tiny", "fp32", say, GRAPHS))


def _spoil(file: Path, how: str) -> None:
    data = file.read_bytes()
    if how == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif how == "changed":
        file.write_bytes(data[:100] + bytes([data[100] ^ 255]) + data[101:])
    elif how == "empty":
        file.write_bytes(b"")
    else:
        (file.parent / store.ENTRY).write_text("{")


@pytest.mark.parametrize("how", ["cut", "changed", "empty", "no entry"])
def test_a_damaged_model_is_not_used(own_cache: Path, how: str) -> None:
    store.keep_model("a" * 64, bytes(1000), name="tiny", part="unet", engine="openvino", precision="fp32")
    file = store.find_model("a" * 64)
    assert file is not None
    _spoil(file, how)
    assert store.find_model("a" * 64) is None
    assert not file.exists()


@torch.inference_mode()
def test_bytes_that_openvino_cannot_read_are_converted_again(own_cache: Path, tmp_path: Path) -> None:
    vae, notes = make_components(tmp_path).vae, []
    decoder(vae)
    key = next(one.key for one in store.list_models())
    store.keep_model(key, b"of another kind" * 100, name="tiny", part="decoder", engine="openvino", precision="fp32")
    latents = torch.randn(1, 8, 8, 8)
    made = decoder(vae, notes.append)(latents)
    torch.testing.assert_close(made, plain_decoder(vae)(latents), atol=1e-4, rtol=1e-4)
    assert len(notes) == 1 and notes[0].endswith("it is converted again")
    decoder(vae, notes.append)
    assert len(notes) == 1


@torch.inference_mode()
def test_a_full_disk_costs_only_the_cache(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    vae, notes = make_components(tmp_path).vae, []
    monkeypatch.setattr(Path, "write_bytes", full)
    latents = torch.randn(1, 8, 8, 8)
    made = decoder(vae, notes.append)(latents)
    torch.testing.assert_close(made, plain_decoder(vae)(latents), atol=1e-4, rtol=1e-4)
    assert len(notes) == 1 and "No space left" in notes[0] and "\n" not in notes[0]
    assert store.list_models() == [] and not list(store.engines_folder().iterdir())


@torch.inference_mode()
def test_a_graph_that_cannot_be_kept_or_read_costs_no_picture(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    unet, notes = make_components(tmp_path).unet, []
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    expected = PlainUNet(unet).tell(states, guided=True)(latents, TIMESTEP)
    monkeypatch.setattr(engine, "LARGEST", 250_000_000)
    monkeypatch.setattr(runtime, "packed", full)
    made = OpenVinoEngine("tiny", say=notes.append).unet(unet).tell(states, guided=True)(latents, TIMESTEP)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)
    assert notes == ["the unet graph is not kept for the next time: [Errno 28] No space left on device"]
    key = CompiledModels("tiny", "fp32", pytest.fail, GRAPHS).key(unet, "unet graph")
    store.keep_model(key, b"of another kind" * 100, name="tiny", part="unet graph", engine="openvino", precision="fp32")
    made = OpenVinoEngine("tiny", say=notes.append).unet(unet).tell(states[1:], guided=False)(latents, TIMESTEP)
    torch.testing.assert_close(made, expected[1:], atol=1e-4, rtol=1e-4)
    assert notes[1].endswith("it is converted again") and "\n" not in notes[1]


def test_stable_diffusion_v1s_unet_is_known() -> None:
    """In its real shape, without its weights: one model for all sizes, since there are 860 million."""
    with torch.device("meta"):
        unet: Any = UNet2DConditionModel(cross_attention_dim=768)
    check_unet(unet)
    (part, controlled) = (engine._part(unet, (1, 2, 64, 64), controlled=which) for which in (False, True))
    assert (part.name, part.graph, controlled.name) == ("unet", "", "controlled unet")
    assert part.shapes[:5] == [[-1, 4, -1, -1], [1], [-1], [-1, 1, 1, -1], [1, 1]]
    assert part.shapes[5] == [-1, 8, -1, 40] and len(part.shapes) == 5 + 2 * 16
    assert len(controlled.shapes) == len(part.shapes) + 13 + 4
    assert controlled.shapes[-5] == [-1, 1280, -1, -1]


class Adapter(torch.nn.Linear):
    """Stands for a layer that something else put in place of diffusers' own."""


def test_what_it_does_not_know_is_said(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components, ours = make_components(tmp_path), OpenVinoEngine("tiny")

    class OwnProcessor:
        def __call__(self, attn: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
            return hidden_states

    with pytest.raises(CannotRun, match=r"float16"):
        ours.unet(make_components(tmp_path).unet.half())
    attention: Any = components.unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn2")
    attention.set_processor(OwnProcessor())
    with pytest.raises(CannotRun, match="OwnProcessor"):
        ours.unet(components.unet)
    adapted = make_components(tmp_path).unet
    layer: Any = adapted.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1")
    layer.to_q = Adapter(32, 32, bias=False)
    with pytest.raises(CannotRun, match="the layer Adapter"):
        ours.unet(adapted)
    sliced = make_components(tmp_path).unet
    sliced.set_attention_slice(1)
    with pytest.raises(CannotRun, match="SlicedAttnProcessor"):
        ours.unet(sliced)
    hooked = make_components(tmp_path).unet
    hooked.mid_block.register_forward_hook(lambda *_: None)
    with pytest.raises(CannotRun, match="hook"):
        ours.unet(hooked)
    components.vae.enable_tiling()
    with pytest.raises(CannotRun, match="tiling"):
        OpenVinoEngine("tiny", "bf16").decoder(components.vae)
    monkeypatch.setattr(runtime, "available_memory", lambda: 1000)
    with pytest.raises(CannotRun, match="GB of memory"):
        ours.unet(make_components(tmp_path).unet).prepare((1, 2, 8, 8))


def test_a_hook_is_seen_although_the_weights_are_known(parts: Any) -> None:
    components, _ = parts
    hook = components.unet.mid_block.register_forward_hook(lambda *_: None)
    with pytest.raises(CannotRun, match="hook"):
        OpenVinoEngine("tiny").unet(components.unet)
    hook.remove()
    OpenVinoEngine("tiny", say=pytest.fail).unet(components.unet)


def _convert(folder: str, cache: str, results: Any) -> None:
    """In a process of its own: converts the tiny decoder at the same moment as another process."""
    os.environ["IMPASTO_CACHE"] = cache
    vae = make_components(Path(folder)).vae
    runtime.load_openvino()
    Path(folder, "ready").touch()
    while len(list(Path(folder).parent.glob("*/ready"))) < 2:
        time.sleep(0.01)
    notes: list[str] = []
    with torch.inference_mode():
        made = decoder(vae, notes.append)(torch.ones(1, 8, 8, 8))
        apart = (made - plain_decoder(vae)(torch.ones(1, 8, 8, 8))).abs().max()
    results.send((float(apart), notes))


def test_two_processes_convert_at_once(own_cache: Path, tmp_path: Path) -> None:
    children = [start(_convert, str(tmp_path / str(number)), str(own_cache)) for number in range(2)]
    for _, hears in children:
        assert hears.poll(300)
        apart, notes = hears.recv()
        assert apart < 1e-4 and not notes
    for child, _ in children:
        child.join()
    (entry,) = store.list_models()
    assert store.find_model(entry.key) is not None
    assert [path.name for path in store.engines_folder().iterdir()] == [entry.key]


def test_a_conversion_that_is_killed_leaves_nothing_that_is_read(own_cache: Path, tmp_path: Path) -> None:
    """Half a model under the name of an unfinished one, and a folder without its description."""
    vae = make_components(tmp_path).vae
    decoder(vae)
    (entry,) = store.list_models()
    whole = store.engines_folder() / entry.key
    torn = store.engines_folder() / f".{entry.key}.1.tmp"
    whole.rename(torn)
    (torn / store.MODEL).write_bytes((torn / store.MODEL).read_bytes()[:1000])
    whole.mkdir()
    (whole / store.MODEL).write_bytes(b"half")
    notes: list[str] = []
    latents = torch.randn(1, 8, 8, 8)
    with torch.inference_mode():
        made = decoder(vae, notes.append)(latents)
        torch.testing.assert_close(made, plain_decoder(vae)(latents), atol=1e-4, rtol=1e-4)
    assert notes == [] and [one.key for one in store.list_models()] == [entry.key]


def test_telemetry_stays_out() -> None:
    code = (
        "import sys; from impasto.inference import runtime; runtime.load_openvino().convert_model; "
        "print('openvino_telemetry' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_groups_that_are_far_from_zero_are_normalized() -> None:
    norm = torch.nn.GroupNorm(4, 16)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    x = torch.randn(2, 16, 9, 12) + 30
    torch.testing.assert_close(MomentNorm(norm)(x), norm(x), atol=5e-3, rtol=1e-3)
    flat = torch.full((1, 16, 4, 4), 7.0)
    assert torch.isfinite(MomentNorm(norm)(flat)).all()


@pytest.mark.skipif(not runtime.cpu_has_bf16(), reason="this CPU has no units for bf16")
@torch.inference_mode()
def test_bf16_is_near_fp32_and_not_the_same(parts: Any) -> None:
    components, unet = parts
    latents, states = torch.randn(1, 8, 8, 8), torch.randn(2, 16, 16)
    low = OpenVinoEngine("tiny", "bf16").unet(components.unet)
    exact, near = (one.tell(states, guided=True)(latents, TIMESTEP) for one in (unet, low))
    assert 0 < (exact - near).abs().max() < 0.1 * exact.abs().max()
    assert isinstance(low, OpenVinoUNet)
