"""Textual inversion on tiny checkpoints of both kinds: only the new rows are learned, and the run's word paints."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from tests.checkpoints.stable_diffusion import make_tiny_parts, write_diffusers_folder
from tests.checkpoints.tiny import make_tiny_pocket
from tests.training.few_pictures import draw_pictures, losses, stopped_and_resumed

from impasto.adapters.textual_inversion import add_concept, load_concept
from impasto.checkpoints.load import load_components
from impasto.errors import UsageError
from impasto.training.distributed.processes import Processes
from impasto.training.examples import validation_pictures
from impasto.training.examples.training_set import TrainingSet
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.textual_inversion import LearnedRows, TextualInversionTask, begin_concept, concept_texts
from impasto.training.recipes.retraining import fit
from impasto.training.recipes.textual_inversion import invert

CHOICES = FineTuning(
    trained="text-encoder", batch=2, learning_rate=2e-2, weight_decay=0.0, text_dropout=0.0, size=64, validation_pictures=1
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("bases")
    pocket, clip = make_tiny_pocket(folder / "pocket"), write_diffusers_folder(make_tiny_parts(), folder / "clip")
    return {"pocket": str(pocket), "clip": str(clip)}


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(validation_pictures, "STEPS", 2)
    return draw_pictures(tmp_path / "pictures", 3)[0].parent


def test_an_embedding_with_learned_rows_is_the_embedding() -> None:
    torch.manual_seed(0)
    table = torch.nn.Embedding(10, 4).requires_grad_(False)
    learned = LearnedRows(table, [8, 9])
    tokens = torch.tensor([[1, 9, 3], [8, 8, 0]])
    assert torch.equal(learned(tokens), table(tokens))
    learned(tokens).sum().backward()
    assert learned.rows.grad is not None and learned.rows.grad.tolist() == [[2.0] * 4, [1.0] * 4]
    with torch.no_grad():
        learned.rows[0] *= 100 / learned.rows[0].norm()
        learned.rows[1] *= 0.1 / learned.rows[1].norm()
    assert learned.bound in [pytest.approx(norm) for norm in table.weight[:8].norm(dim=1).tolist()]
    assert learned.keep_bound() == pytest.approx(learned.bound)
    assert learned.rows.norm(dim=1).tolist() == pytest.approx([learned.bound, 0.1])


@pytest.mark.parametrize("kind", ["pocket", "clip"])
def test_nothing_but_the_new_rows_changes(kind: str, bases: dict[str, str], pictures: Path, tmp_path: Path) -> None:
    base = load_components(bases[kind])
    components, _ = begin_concept(base, "<blue-hour>", "e", 2)
    before = {
        part: {name: value.clone() for name, value in module.state_dict().items()}
        for part, module in (("unet", components.unet), ("text_encoder", components.text_encoder))
    }
    channels = components.unet.config["in_channels"]
    latents = torch.randn(3, channels, 8, 8).numpy()
    data = TrainingSet([], latents, 0.1 * abs(latents), [concept_texts(components, "style")] * 3)
    data.entries.extend([None] * 3)  # pyright: ignore[reportArgumentType]
    task = TextualInversionTask(components, data, None, CHOICES, Processes(), seed=0)
    fit(task, tmp_path / "run", None, 3)
    changed = [
        name
        for part, module in (("unet", components.unet), ("text_encoder", components.text_encoder))
        for name, value in module.state_dict().items()
        if not torch.equal(value, before[part][name])
    ]
    assert len(changed) == 1 and changed[0].endswith(".rows")
    assert not torch.equal(task.learned.rows[0], task.learned.rows[1])
    state = torch.load(next((tmp_path / "run").glob("state-*.pt")), weights_only=True)
    assert [value.shape for value in state["models"]["text_encoder"].values()] == [task.learned.rows.shape]


def test_a_run_goes_on_to_the_bit_and_its_word_is_read(bases: dict[str, str], pictures: Path, tmp_path: Path) -> None:
    said: list[str] = []
    learn = partial(
        invert, pictures, choices=CHOICES, concept="<blue-hour>", initial_word="twilit dusk", vectors=2,
        checkpoint=bases["pocket"], steps=4, on_progress=lambda stage, *_: said.append(stage),
    )  # fmt: skip
    assert learn(tmp_path / "whole") == tmp_path / "whole" / "concept"
    stopped_and_resumed(partial(learn, tmp_path / "stopped"), after=2)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")
    concepts = [load_concept(tmp_path / name) for name in ("whole", "stopped")]
    sheets = [(tmp_path / name / "validation" / "step-000000004.png").read_bytes() for name in ("whole", "stopped")]
    assert sheets[0] == sheets[1]
    assert torch.equal(concepts[0].vectors, concepts[1].vectors) and concepts[0].vectors.shape == (2, 384)
    assert any(stage.startswith("begun with the mean of") and "dusk" in stage for stage in said)
    report = json.loads((tmp_path / "whole" / "report.json").read_text())
    assert report["begun_with"][-1] == "dusk" and max(report["norms"]) <= report["bound"]
    taught = add_concept(load_components(bases["pocket"]), concepts[0])
    states = taught.encode_text(["a painting of <blue-hour>", "a painting of twilit dusk"])
    assert not torch.allclose(states[0], states[1], atol=1e-2)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"concept": "blue hour"}, "single word"), ({"concept": ""}, "--concept is empty"),
        ({"concept": "dusk"}, "knows already.*<dusk>"), ({"initial_word": " "}, "--initial-word"),
        ({"initial_word": "\U0001f600"}, "--initial-word"), ({"vectors": 0}, "vectors 0"), ({"vectors": 70}, "vectors 70"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_concept_is_named(
    bases: dict[str, str], pictures: Path, tmp_path: Path, how: dict[str, object], says: str
) -> None:
    asked = {"concept": "<blue-hour>", "checkpoint": bases["pocket"], **how}
    with pytest.raises(UsageError, match=says):
        invert(pictures, tmp_path / "run", CHOICES, **asked)  # pyright: ignore[reportArgumentType]
