"""The job `train/prompt-model`: a language model fine-tuned on prompts, for `ExpandJob`'s method "wang2023"."""

from pathlib import Path
from typing import ClassVar

from impasto.errors import UsageError
from impasto.jobs.training.run import TimedTrainingJob, TrainingRun


class PromptModelJob(TimedTrainingJob):
    """A language model that goes on writing prompts as people wrote them (wang2023, section 3.3).

    Attributes:
        prompts: a text file, one prompt a line.
        base: smollm2, gpt2 or another language model: a folder or a name.
        test: prompts to measure the perplexity on, before and after.
        whole: train all weights instead of a LoRA.
    """

    kind: ClassVar[str] = "train/prompt-model"

    prompts: Path
    base: str = "smollm2"
    test: Path | None = None
    whole: bool = False
    minutes: float = 30.0

    def check_disk(self) -> None:
        """Raises UsageError where a file is not there."""
        for file in (self.prompts, self.test):
            if file is not None and not file.is_file():
                raise UsageError(f"{file}: there is no such file")

    def train(self, run: TrainingRun) -> Path:
        """Trains; returns the folder of the LoRA, or of the whole model."""
        from impasto.training.methods.prompt_model import PromptModelChoices
        from impasto.training.recipes.prompt_model import train_prompt_model

        choices = PromptModelChoices(rank=0) if self.whole else PromptModelChoices()
        return train_prompt_model(
            self.prompts, run.path, self.minutes, base=self.base, test_prompts=self.test, choices=choices, seed=self.seed,
            should_stop=run.should_stop, on_progress=run.on_progress,
        )  # fmt: skip
