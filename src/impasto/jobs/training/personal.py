"""The jobs `train/lora`, `train/dreambooth`, `train/textual-inversion`: learn a style, an object or a word."""

from abc import abstractmethod
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.class_pictures import MOST, paint_class_pictures
from impasto.jobs.training.fine_tuning import RecipeJob
from impasto.jobs.training.plan import Learns
from impasto.jobs.training.run import TrainingRun
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.methods.learned_words import TEMPLATE, check_name, filled
from impasto.training.recipes import personal

LORA_FILE = "pytorch_lora_weights.safetensors"


class PersonalJob(RecipeJob):
    """A training whose number of steps does not depend on the number of pictures.

    Attributes:
        checkpoint: the checkpoint to train, as `PaintJob` takes it.
    """

    checkpoint: str = "pocket"

    @property
    def base(self) -> str:
        """The checkpoint that is trained."""
        return self.checkpoint

    @abstractmethod
    def recipe_for(self, side: int | None) -> personal.Personal:
        """Returns the recipe for a checkpoint that paints `side` px."""

    def choices_for(self, side: int | None) -> FineTuning:
        """Returns the options for a checkpoint that paints `side` px."""
        return replace(self.recipe_for(side).choices, **self.changes())

    @property
    def loop_steps(self) -> int | None:
        """The recipe's steps if the job has neither steps nor minutes nor epochs, otherwise `steps`."""
        if self.steps is None and self.minutes is None and self.epochs is None:
            return self.recipe_for(self.side()).steps
        return self.steps

    def result_figures(self, made: Path) -> dict[str, Any]:
        """Returns name and size of the LoRA's file, if there is one."""
        file = made / LORA_FILE
        return {"file": file.name, "bytes": file.stat().st_size} if file.is_file() else {}


class LoraJob(PersonalJob):
    """Trains a LoRA (Hu et al. 2021), a small file that changes a checkpoint, on a folder of pictures or on one artist's.

    Attributes:
        catalogue: a folder of pictures, with or without metadata.
        artist: uses only this artist's works; the catalogue's name or a part of it. "" for all artists.
        trigger: words that are put before every text and that activate the LoRA in a prompt.
        consent: who agreed to the training on works of living artists, for the run's record and the model card.
        lora_rank, aspect_buckets, works: see `FineTuning`.
    """

    kind: ClassVar[str] = "train/lora"

    catalogue: Path
    artist: str = ""
    trigger: str = ""
    consent: str = ""
    lora_rank: int | None = None
    aspect_buckets: bool | None = None
    works: bool | None = None

    @property
    def pictures_folder(self) -> Path:
        """The catalogue."""
        return self.catalogue

    @property
    def whose(self) -> str:
        """The artist; "" for all artists."""
        return self.artist

    def recipe_for(self, side: int | None) -> personal.Personal:
        """Returns the recipe for a checkpoint that paints `side` px."""
        return personal.lora(side)

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        super().check_values()
        if self.lora_rank == 0:
            raise UsageError("--lora-rank 0: a LoRA has a rank of 1 or more")

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains and returns the LoRA's folder."""
        return self.retrain(run, choices, self.catalogue, artist=self.artist, trigger=self.trigger, consent=self.consent)


class DreamBoothJob(PersonalJob):
    """Teaches a checkpoint one new object (DreamBooth, Ruiz et al. 2023); with `lora_rank`, trains a LoRA.

    Attributes:
        subject: a folder with a few pictures of one object.
        token: the words for it in a prompt, such as "sks dog".
        class_words: the class of the object, such as "a dog"; if given, the checkpoint does not forget the class.
        prior_pictures: number of class pictures to paint, 1 to 10,000.
        prior_weight: weight of the class pictures.
        template: the text of the pictures; {} is the place of the words.
        trained, lora_rank, works: see `FineTuning`.
    """

    kind: ClassVar[str] = "train/dreambooth"

    subject: Path
    token: str
    class_words: str = ""
    prior_pictures: int = 100
    prior_weight: float = 1.0
    template: str = TEMPLATE
    trained: str | None = None
    lora_rank: int | None = None
    works: bool | None = None

    @property
    def pictures_folder(self) -> Path:
        """The subject's pictures."""
        return self.subject

    def recipe_for(self, side: int | None) -> personal.Personal:
        """Returns the recipe for a checkpoint that paints `side` px; a LoRA has its own learning rate."""
        recipe = personal.dreambooth(side)
        if not self.lora_rank:
            return recipe
        return replace(recipe, choices=replace(recipe.choices, learning_rate=personal.dreambooth_lora_rate(side)))

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        filled(self.template, self.token, "--token")
        if not 1 <= self.prior_pictures <= MOST:
            raise UsageError(f"prior pictures {self.prior_pictures}: use 1 to {MOST}")
        if not 0 <= self.prior_weight < float("inf"):
            raise UsageError(f"prior weight {self.prior_weight:g}: use 0 or more")
        super().check_values()

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Trains and returns the folder of the checkpoint, or of the LoRA."""
        from impasto.training.recipes.dreambooth import dreambooth

        paint_class = partial(
            paint_class_pictures, run.path / "prior", count=self.prior_pictures, checkpoint=self.checkpoint,
            size=choices.size or self.side() or 512, on_progress=run.on_progress,
        )  # fmt: skip
        return dreambooth(
            self.subject, run.path, choices, token=self.token, class_words=self.class_words, paint_class=paint_class,
            prior_weight=self.prior_weight, template=self.template, **self.how(run),
        )  # fmt: skip


class TextualInversionJob(PersonalJob):
    """Learns a word for what some pictures show (textual inversion, Gal et al. 2022); no weight of the checkpoint changes.

    Attributes:
        pictures: a folder with a few pictures of an object or in a style.
        concept: the new word, such as "<blue-hour>".
        initial_word: a similar word, whose embedding is the starting point.
        vectors: number of tokens of the new word.
        concept_kind: what the word stands for: "object" or "style".
    """

    kind: ClassVar[str] = "train/textual-inversion"
    learns: ClassVar[Learns] = "word"

    pictures: Path
    concept: str
    initial_word: str = "painting"
    vectors: int = 1
    concept_kind: personal.ConceptKind = "object"

    @property
    def pictures_folder(self) -> Path:
        """The pictures."""
        return self.pictures

    def recipe_for(self, side: int | None) -> personal.Personal:
        """Returns the recipe for a checkpoint that paints `side` px."""
        return personal.textual_inversion(side)

    def recorded(self) -> dict[str, Any]:
        """Returns the options for the run record; the word's kind has the name of the command-line option."""
        return {("kind" if name == "concept_kind" else name): value for name, value in super().recorded().items()}

    def check_values(self) -> None:
        """Raises UsageError if a value is invalid."""
        check_name(self.concept)
        super().check_values()

    def train(self, run: TrainingRun, choices: FineTuning) -> Path:
        """Learns the word and returns its folder."""
        from impasto.training.recipes.textual_inversion import invert

        return invert(
            self.pictures, run.path, choices, concept=self.concept, initial_word=self.initial_word, vectors=self.vectors,
            kind=self.concept_kind, **self.how(run),
        )  # fmt: skip
