"""Compares the settings of a reproduction with those of its paper, for a section of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.prompts.condition import FIELD_DROPOUT, Condition
from impasto.prompts.expansion.settings import ExpansionSettings
from impasto.reproduction.paper_checkpoints import Identity, PaperCheckpoint
from impasto.reproduction.report import Section, Table
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.weights.content_hash import memory_hash

TITLE = "What differs from the paper"
_PREDICTIONS = {"epsilon": "the noise", "v_prediction": "v (Salimans and Ho 2022)", "sample": "the latent without noise"}
_NOTHING = "nothing"
_TRAINED = {
    "unet": "the U-Net; text encoder and autoencoder stay as they are",
    "text-encoder": "the text encoder; U-Net and autoencoder stay as they are",
    "both": "U-Net and text encoder; the autoencoder stays as it is",
}


@dataclass(frozen=True)
class Compared:
    """One setting.

    Attributes:
        what: the setting.
        paper, here: its value in the paper and in this reproduction, in words.
        same: whether they are the same; None if the paper does not tell, or it cannot be told here.
    """

    what: str
    paper: str
    here: str
    same: bool | None


def compare(what: str, paper: object, here: object, words: str = "{}") -> Compared:
    """Returns the comparison of two values, which are the same if they are equal; `words` formats both."""
    return Compared(what, words.format(paper), words.format(here), paper == here)


def compare_checkpoint(paper: PaperCheckpoint, found: Identity, side: int) -> list[Compared]:
    """Returns the comparisons of the checkpoint and of the side of its pictures in pixels."""
    return [
        Compared("checkpoint", paper.name, found.words, found.same),
        compare("size of the pictures", paper.side, side, "{0} x {0} px"),
    ]


def compare_loss(checkpoint: str, stages: Sequence[FineTuning], equation: str) -> list[Compared]:
    """Returns the comparisons of the diffusion loss: what the U-Net predicts, how often each timestep is drawn, and what
    the U-Net is told beside the text.

    Args:
        checkpoint: the original checkpoint, as `--checkpoint` takes it.
        stages: the options of each training stage.
        equation: the paper's equation of the loss, in words.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `inspect_checkpoint`.
    """
    info = inspect_checkpoint(checkpoint)
    kind = info.prediction_type
    beside = _beside(info.path, stages)
    biases = list(dict.fromkeys(one.timestep_bias for one in stages))
    often = " and ".join(f"{bias:g}" for bias in biases)
    drawn = "all alike" if biases == [1.0] else f"the noisiest quarter {often} times as often as others"
    return [
        Compared(f"what the U-Net predicts ({equation})", _PREDICTIONS["epsilon"], _PREDICTIONS.get(kind, kind),
                 kind == "epsilon"),
        Compared("timesteps that are drawn in training", "all alike", drawn, biases == [1.0]),
        Compared("what the U-Net attends to beside the text", _NOTHING, beside, beside == _NOTHING),
    ]  # fmt: skip


def _beside(checkpoint: Path, stages: Sequence[FineTuning]) -> str:
    if not memory_hash(checkpoint):
        return _NOTHING
    shown = all(one.works for one in stages)
    return f"works of the checkpoint's memory, {'in retraining and in painting' if shown else 'in painting alone'}"


def trained_words(choices: FineTuning) -> str:
    """Returns which parts of a checkpoint a training changes, in words."""
    return f"a LoRA of the U-Net, of rank {choices.lora_rank}" if choices.lora_rank else _TRAINED[choices.trained]


def text_words() -> str:
    """Returns what a text of training consists of after its caption: the template, and how often a field is left out."""
    # A year is a number; 1 stands for the word, which the template cannot hold.
    shape = Condition("CAPTION", "ARTIST", 1, "STYLE", "GENRE").text().replace(", 1,", ", YEAR,")
    return f"“{shape.removeprefix('CAPTION, ')}”, each left out of {FIELD_DROPOUT:.0%} of the texts"


def score_words(settings: ExpansionSettings) -> str:
    """Returns the parameters of equation 20 of wu2022, in words."""
    counted = f"at most {settings.most_entities} places and times"
    return f"TFIDF {settings.tfidf}, lambda1 {settings.lambda1:g}, lambda2 {settings.lambda2:g}, {counted}"


def device_words() -> str:
    """Returns the name of the device that trains: the GPU's, or the processor."""
    import torch

    from impasto.settings import choose_device

    device = choose_device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def differences_section(rows: Sequence[Compared]) -> Section:
    """Returns the section of all comparisons: first what differs, then what cannot be compared, then what is the same."""
    differs = tuple((row.what, row.paper, row.here) for row in rows if row.same is False)
    untold = tuple((row.what, row.paper, row.here) for row in rows if row.same is None)
    same = tuple((row.what, row.here) for row in rows if row.same)
    words = f"Settings compared: {len(rows)}. Different from the paper's: {len(differs)}. The same: {len(same)}."
    words += f" Not said by the paper, or not known here: {len(untold)}." if untold else ""
    tables = []
    if differs:
        tables.append(Table(("differs", "the paper", "here"), differs))
    if untold:
        tables.append(Table(("cannot be compared", "the paper", "here"), untold))
    if same:
        tables.append(Table(("as in the paper", "here"), same))
    return Section(TITLE, (words,), tables=tuple(tables))
