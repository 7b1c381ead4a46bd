"""The classifier of noised latents and DiffusionCLIP: they learn, and their results are used by `--guide` and `--lora`."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.painted_catalogue import write_catalogue

from impasto.adapters.latent_classifier.files import find_classifier, load_classifier, read_card
from impasto.adapters.latent_classifier.network import LatentClassifier
from impasto.adapters.lora.files import load_lora
from impasto.errors import ImpastoError, UsageError
from impasto.training.examples.training_set import TrainingSet
from impasto.training.loop.steps import seed_step
from impasto.training.losses.ddim import DdimSteps
from impasto.training.methods.guiding.classifier import ClassifierChoices, ClassifierTask
from impasto.training.methods.guiding.diffusionclip import DiffusionClipChoices
from impasto.training.recipes import diffusionclip
from impasto.training.recipes.classifier import train_classifier
from impasto.training.recipes.diffusionclip import train_diffusionclip

SCHEDULE = {"num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


class ColourScorer:
    """A scorer by colour: "blue" is a blue picture's vector, every other text a red one's."""

    name, identity, width, threshold, side = "colours", "ab" * 32, 3, 0.0, 16

    def embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(pixels.mean(dim=(2, 3)) + 1e-6, dim=1)

    def embed_images(self, images: Iterable[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(one, np.float32).mean(axis=(0, 1)) for one in images])

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[0, 0, 1] if "blue" in text else [1, 0, 0] for text in texts], np.float32)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("guiding") / "catalogue", count=24)


def test_a_classifier_learns_two_kinds_of_latents() -> None:
    draw = np.random.default_rng(0)
    labels = np.arange(32) % 2
    mean = [np.full((4, 8, 8), 1.5 * label - 0.75, np.float32) + draw.normal(0, 0.3, (4, 8, 8)).astype(np.float32)
            for label in labels]  # fmt: skip
    data = TrainingSet([], mean, [np.full((4, 8, 8), 0.1, np.float32)] * 32, [])
    choices = ClassifierChoices(widths=(8, 16), batch=16, learning_rate=3e-3, dropout=0.0)
    task = ClassifierTask(data, labels, 2, SCHEDULE, choices, torch.device("cpu"), seed=0)
    before = task.accuracy(task.classifier.eval(), data, labels, 0.0)
    losses = [task.step(step, 0.0)["loss"] for step in range(60) if seed_step(0, step)]
    assert np.mean(losses[-15:]) < np.mean(losses[:15]) - 0.15
    model = task.classifier.eval()
    clean, noisy = (task.accuracy(model, data, labels, share) for share in (0.0, 1.0))
    assert clean > 0.9 > before and noisy < clean


def test_the_classifier_of_a_catalogue_s_painters(
    catalogue: Path, tiny_pocket: Path, tmp_path: Path, own_cache: Path
) -> None:
    choices = ClassifierChoices(widths=(8, 8), batch=12, fewest=4)
    made = train_classifier(
        catalogue, tmp_path / "run", "artist", choices, checkpoint=str(tiny_pocket), steps=3, device="cpu"
    )
    assert find_classifier(tmp_path / "run") == made / "classifier.safetensors" == find_classifier(made)
    card = read_card(made / "classifier.safetensors")
    assert card.labels == ("Claude Monet", "Rembrandt") and card.column == "artist" and card.number(" rembrandt") == 1
    saved = load_classifier(made)
    assert not saved.model.training and len(saved.content_hash) == 64
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert report["labels"] == 2
    if "recognised" in report:  # pictures that are held out by their names' hash
        assert set(report["recognised"]) == {"0", "0.25", "0.5", "0.75"}
    with pytest.raises(ImpastoError, match="has 0 styles with 4 pictures or more"):
        train_classifier(catalogue, tmp_path / "other", "style", choices, checkpoint=str(tiny_pocket), steps=1)


def test_its_answer_depends_on_the_time_and_on_each_picture_alone() -> None:
    torch.manual_seed(0)
    model = LatentClassifier(8, 3, (16, 24)).eval()
    latents = torch.randn(2, 8, 6, 10)
    with torch.no_grad():
        both = model(latents, torch.tensor([10.0, 900.0]))
        assert torch.allclose(both[1:], model(latents[1:], torch.tensor([900.0])), atol=1e-5)
        assert not torch.allclose(both[1:], model(latents[1:], torch.tensor([10.0])), atol=1e-3)


def test_ddim_there_and_back_is_exact_for_a_known_prediction() -> None:
    """With the same noise as the answer each time, a step back undoes a step."""
    draw = torch.Generator().manual_seed(1)
    clean, noise = (torch.randn(1, 4, 3, 3, generator=draw) for _ in range(2))
    steps = DdimSteps({**SCHEDULE, "prediction_type": "epsilon"})
    assert steps.levels(0.5, 5) == [0, 100, 200, 300, 400, 500]
    here = steps.alphas[100].sqrt() * clean + (1 - steps.alphas[100]).sqrt() * noise
    there = steps.move(here, noise, 100, 400, 400)
    assert torch.allclose(there, steps.alphas[400].sqrt() * clean + (1 - steps.alphas[400]).sqrt() * noise, atol=1e-5)
    assert torch.allclose(steps.move(there, noise, 400, 100, 400), here, atol=1e-5)
    velocity = DdimSteps({**SCHEDULE, "prediction_type": "v_prediction"})
    asked = velocity.alphas[400].sqrt() * noise - (1 - velocity.alphas[400]).sqrt() * clean
    assert torch.allclose(velocity.move(there, asked, 400, 100, 400), here, atol=1e-5)


def test_diffusionclip_moves_pictures_towards_the_target(
    catalogue: Path, tiny_pocket: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusionclip, "load_scorer", lambda name: ColourScorer())
    choices = DiffusionClipChoices(
        inversion_steps=4, steps=2, pictures=3, learning_rate=0.02, lora_rank=2, identity_weight=0.0
    )
    made = train_diffusionclip(
        catalogue, tmp_path / "run", "red", "blue", choices, checkpoint=str(tiny_pocket), steps=12, device="cpu"
    )
    report = json.loads((tmp_path / "run" / "report.json").read_text("utf-8"))
    assert report["after"]["directional_similarity"] > report["before"]["directional_similarity"]
    lora = load_lora(made)
    assert lora.unet and not lora.text_encoder and lora.base_name
    again = train_diffusionclip(
        catalogue, tmp_path / "again", "red", "blue", choices, checkpoint=str(tiny_pocket), steps=12, device="cpu"
    )
    assert load_lora(again).content_hash == lora.content_hash


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"share": 0}, "share 0"), ({"steps": 0}, "steps 0"), ({"learning_rate": 0}, "learning rate 0"),
        ({"direction_weight": -1}, "direction-weight -1"), ({"pictures": 5000}, "pictures 5000"),
    ],
)  # fmt: skip
def test_impossible_choices(values: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        DiffusionClipChoices(**values)  # pyright: ignore[reportArgumentType]
