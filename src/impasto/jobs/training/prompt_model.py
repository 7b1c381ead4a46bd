"""The job `train/prompt-model`: fine-tunes a language model on prompts, for `ExpandJob`'s method "wang2023"."""

from pathlib import Path
from typing import ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun


class PromptModelJob(TimedTrainingJob):
    """Fine-tunes a language model to continue prompts in the way people wrote them (wang2023, section 3.3).

    Attributes:
        prompts: a text file, one prompt per line.
        base: smollm2, gpt2 or another language model: a folder or a name.
        test: prompts for measuring the perplexity before and after.
        whole: trains all weights instead of a LoRA.
    """

    kind: ClassVar[str] = "train/prompt-model"

    prompts: Path
    base: str = "smollm2"
    test: Path | None = None
    whole: bool = False
    minutes: float = 30.0

    def check_disk(self) -> None:
        """Raises UsageError if a file does not exist."""
        for file in (self.prompts, self.test):
            if file is not None and not file.is_file():
                raise UsageError(f"{file}: there is no such file")

    def train(self, run: TrainingRun) -> Path:
        """Trains and returns the folder of the LoRA, or of the whole model."""
        from impasto.training.methods.prompt_model import PromptModelChoices
        from impasto.training.recipes.prompt_model import train_prompt_model

        choices = PromptModelChoices(rank=0) if self.whole else PromptModelChoices()
        return train_prompt_model(
            self.prompts, run.path, self.minutes, base=self.base, test_prompts=self.test, choices=choices, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
