"""wu2022's two stages: an untrained text encoder is trained as painting uses it, and what comes out is a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.checkpoints.stable_diffusion import make_tiny_parts
from tests.checkpoints.tiny import make_tiny_pocket
from tests.painting.tiny_components import make_components
from tests.training.painted_catalogue import write_catalogue

from impasto.checkpoints.export.components import save_components
from impasto.checkpoints.load import load_components
from impasto.errors import UsageError
from impasto.language.minilm import MAX_TOKENS
from impasto.language.text_encoders import untrained_like
from impasto.settings import cache_folder
from impasto.training.distributed.processes import Processes
from impasto.training.estimate.estimate import usual_tokens
from impasto.training.examples.training_set import encode_texts, encode_training_set, entries_of
from impasto.training.methods.fine_tuning import FineTuningTask, Told, pads_to_batch
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.retraining import retrain
from impasto.training.recipes.wu2022 import WU2022_TEXT_ENCODER_POCKET, wu2022_joint, wu2022_text_encoder

FIRST = replace(
    WU2022_TEXT_ENCODER_POCKET, batch=4, ema_decay=0.0, learning_rate=1e-2, validation_pictures=0
)
SECOND = replace(FIRST, trained="both", fresh_text_encoder=False)


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    return write_catalogue(tmp_path / "catalogue")


@pytest.fixture
def base(tmp_path: Path) -> str:
    """A checkpoint with a text encoder of its own, whose U-Net reads the text in two places, as pocket's does."""
    components = make_components(tmp_path / "words", "v_prediction", pooled=True)
    return str(save_components(components, tmp_path / "base", "made by a test", text_encoder=True))


def same(one: torch.nn.Module, other: torch.nn.Module) -> list[bool]:
    return [torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True)]


def test_the_stages_train_what_they_say(catalogue: Path, base: str, tmp_path: Path) -> None:
    retrain(catalogue, tmp_path / "wu-1", FIRST, checkpoint=base, steps=3)
    retrain(catalogue, tmp_path / "wu-2", SECOND, checkpoint=str(tmp_path / "wu-1"), steps=3)
    parts = [load_components(name) for name in (base, str(tmp_path / "wu-1"), str(tmp_path / "wu-2"))]
    fresh = untrained_like(parts[0].text_encoder, seed=0)
    word = "embeddings.word_embeddings.weight"
    unseen = [number for number in range(23) if not any(number in row for row in _tokens(parts[0], catalogue))]
    # The first stage began with fresh weights: words that no text has are as they were, but for AdamW's decay.
    assert torch.allclose(
        parts[1].text_encoder.get_parameter(word)[unseen], fresh.get_parameter(word)[unseen], rtol=2e-3, atol=1e-5
    )
    assert not any(same(parts[0].text_encoder, parts[1].text_encoder)[:1])
    assert all(same(parts[0].unet, parts[1].unet)) and not all(same(parts[1].unet, parts[2].unet))
    assert not all(same(parts[1].text_encoder, parts[2].text_encoder))
    assert all(same(parts[0].vae, parts[2].vae))
    # Where the text encoder is trained its states are worth nothing in a cache.
    assert not list(cache_folder().glob("texts-*"))


def _tokens(components: Any, catalogue: Path) -> list[list[int]]:
    data = encode_training_set(entries_of(catalogue), components, 64)
    return components.text_inputs(data.all_texts)[0].tolist()


@pytest.mark.parametrize("padding", ["full", "batch"])
@pytest.mark.parametrize("trained", ["text-encoder", "both", "unet"])
def test_training_goes_through_the_states_that_painting_goes_through(
    catalogue: Path, base: str, trained: str, padding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.training.methods.fine_tuning.SHORT_TOKENS", 8)
    monkeypatch.setattr("impasto.training.methods.fine_tuning.LONG_SHARE", 0.0)
    components = load_components(base)
    data = encode_training_set(entries_of(catalogue), components, 64)
    states = encode_texts(data.all_texts, components) if trained == "unet" else None
    choices = FineTuning(trained=trained, batch=4, text_padding=padding)  # pyright: ignore[reportArgumentType]
    task = FineTuningTask(components, data, states, choices, Processes(), seed=3)
    texts = task.draw_texts(task.order.at(0), 0)
    told = components.encode_text(texts)
    seen: list[torch.Tensor] = []
    components.unet.register_forward_pre_hook(lambda _, given: seen.append(given[2]))
    task.step(0, 0.0)
    length = seen[0].shape[1]
    longest = components.count_tokens(texts)
    assert length == (components.max_tokens if padding == "full" else -(-longest // 8) * 8)
    # The cache holds them in fp16.
    assert torch.allclose(seen[0], told[:, :length], atol=2e-3 if trained == "unet" else 1e-6)


def test_texts_are_padded_to_the_longest_of_most_batches(
    catalogue: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = load_components(base)
    data = encode_training_set(entries_of(catalogue), components, 64)
    states = encode_texts(data.all_texts, components)
    task = FineTuningTask(components, data, states, FineTuning(batch=4), Processes(), seed=3)
    lengths = [task._length(["a"], step) for step in range(400)]
    assert {length for length in lengths if length is not None} == {24}
    assert 15 < lengths.count(None) < 70  # a tenth is padded as in painting
    assert lengths == [task._length(["a"], step) for step in range(400)]  # also after a resumption
    short = lengths.index(24)
    for longest, length in ((24, 24), (25, 32), (77, 80)):
        monkeypatch.setattr(type(components), "count_tokens", lambda _, texts, longest=longest: longest)
        assert task._length(["a"], short) == length
    assert task._states_of(Told(data.texts[0][:1], 80)).shape[1] == components.max_tokens


def test_only_checkpoints_like_pocket_pad_texts_to_the_batch_by_themselves(base: str, tmp_path: Path) -> None:
    pocket = load_components(base)
    assert pads_to_batch(pocket, FineTuning()) and not pads_to_batch(pocket, FineTuning(text_padding="full"))
    assert not pads_to_batch(pocket, FineTuning(size=512))
    pocket.text_encoder.config.use_attention_mask = False  # as CLIP's
    assert not pads_to_batch(pocket, FineTuning()) and pads_to_batch(pocket, FineTuning(text_padding="batch"))


def test_an_encoder_in_training_meets_more_texts_of_a_picture_than_one_that_rests(
    catalogue: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[int] = []

    class Watched(FineTuningTask):
        def __init__(self, components: Any, data: Any, *rest: Any, **named: Any) -> None:
            met.append(max(len(set(texts)) for texts in data.texts))
            super().__init__(components, data, *rest, **named)

    monkeypatch.setattr("impasto.training.recipes.retraining.FineTuningTask", Watched)
    retrain(catalogue, tmp_path / "encoder", FIRST, checkpoint=base, steps=1)
    retrain(catalogue, tmp_path / "unet", replace(SECOND, trained="unet"), checkpoint=base, steps=1)
    assert met[0] > 2 >= met[1]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_small_pictures_in_bf16_take_plain_attention(catalogue: Path, base: str, precision: str) -> None:
    components = load_components(base)
    data = encode_training_set(entries_of(catalogue), components, 64)
    FineTuningTask(components, data, None, replace(FIRST, precision=precision), Processes(precision), seed=3)
    kinds = {type(one).__name__ for one in components.unet.attn_processors.values()}
    plain = precision == "bf16"
    assert kinds == {"AttnProcessor" if plain else "AttnProcessor2_0"}
    assert (components.text_encoder.config._attn_implementation == "eager") == plain


@pytest.mark.parametrize("trained", ["text-encoder", "unet"])
def test_mixed_precision_holds_for_what_rests_too(catalogue: Path, base: str, trained: str) -> None:
    found = {}
    for precision in ("fp32", "bf16"):
        components = load_components(base)
        data = encode_training_set(entries_of(catalogue), components, 64)
        states = encode_texts(data.all_texts, components) if trained == "unet" else None
        choices = FineTuning(trained=trained, batch=4, precision=precision)  # pyright: ignore[reportArgumentType]
        task = FineTuningTask(components, data, states, choices, Processes(precision), seed=3)
        kinds: list[torch.dtype] = []
        components.unet.conv_in.register_forward_hook(lambda _, __, made, kinds=kinds: kinds.append(made.dtype))
        torch.manual_seed(0)
        found[precision] = task.step(0, 0.0)
        assert set(kinds) == {torch.bfloat16 if precision == "bf16" else torch.float32}
        assert all(weight.dtype == torch.float32 for weight in task.parameters)
    assert found["bf16"]["loss"] == pytest.approx(found["fp32"]["loss"], rel=0.02)


def test_minilm_trained_here_is_read_back_whole(catalogue: Path, tmp_path: Path) -> None:
    pocket = str(make_tiny_pocket(tmp_path / "pocket"))
    retrain(catalogue, tmp_path / "run", replace(FIRST, learning_rate=1e-4), checkpoint=pocket, steps=1)
    made = load_components(str(tmp_path / "run"))
    state = torch.load(next((tmp_path / "run").glob("state-*.pt")), weights_only=True)["models"]["text_encoder"]
    trained = untrained_like(made.text_encoder, seed=0)
    weights = [weight for name, weight in trained.named_parameters() if not name.startswith("pooler.")]
    for weight, kept in zip(weights, state.values(), strict=True):
        weight.data.copy_(kept)
    before = load_components(pocket)
    texts = ["a tank in the lake, by Claude Monet, 1872, Impressionism, landscape", ""]
    assert made.max_tokens == MAX_TOKENS and made.tokenizer.model_max_length == MAX_TOKENS
    assert torch.equal(made.text_inputs(texts)[0], before.text_inputs(texts)[0])
    numbers, mask = before.text_inputs(texts)
    with torch.no_grad():
        wanted = trained.half().float()(numbers, attention_mask=mask)[0]  # checkpoints are kept in fp16
    assert torch.allclose(made.encode_text(texts), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "clip"])
def test_an_untrained_encoder_has_the_shape_and_the_seed(kind: str, tmp_path: Path) -> None:
    encoder = make_components(tmp_path).text_encoder if kind == "bert" else make_tiny_parts()["text_encoder"]
    one, again, other = (untrained_like(encoder, seed) for seed in (1, 1, 2))
    weights = dict(encoder.named_parameters())
    assert all(one.get_parameter(name).shape == value.shape for name, value in weights.items())
    assert all(same(one, again)) and not all(same(one, other))
    name = next(name for name in weights if "token_embedding" in name or "word_embeddings" in name)
    assert not torch.equal(one.get_parameter(name), encoder.get_parameter(name))
    assert float(one.get_parameter(name).detach().std()) == pytest.approx(0.02, rel=0.2)


def test_the_paper_is_followed_at_its_size() -> None:
    assert (wu2022_text_encoder(512).batch, wu2022_joint(512).trained) == (512, "both")
    assert wu2022_text_encoder(512).fresh_text_encoder and not wu2022_joint(512).fresh_text_encoder
    assert wu2022_text_encoder(128) == WU2022_TEXT_ENCODER_POCKET
    with pytest.raises(UsageError, match="untrained text encoder"):
        replace(WU2022_TEXT_ENCODER_POCKET, trained="unet")


def test_the_estimate_takes_texts_to_be_as_long_as_training_pads_them(
    catalogue: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.training.methods.fine_tuning.SHORT_TOKENS", 8)
    components, entries = load_components(base), entries_of(catalogue)
    data = encode_training_set(entries, components, 64)
    few = FineTuning(batch=2, text_padding="batch")
    task = FineTuningTask(components, data, encode_texts(data.all_texts, components), few, Processes(), seed=3)
    drawn = [length for n in range(100) if (length := task._length(task.draw_texts(task.order.at(n), n), n)) is not None]
    mean = sum(min(length, components.max_tokens) for length in drawn) / len(drawn)
    assert usual_tokens(components, few, entries) == pytest.approx(mean, abs=2)
    assert usual_tokens(components, replace(few, text_padding="full"), entries) == 0
