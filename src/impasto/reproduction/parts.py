"""The models of a reproduction by their names: taggers, captioners, scorers, features, prompt models; loaded when needed."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import UsageError
from impasto.evaluation.features import INCEPTION, OFFLINE, load_extractor
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.reproduction.retrainings import fixed_name
from impasto.weights.header import read_json

if TYPE_CHECKING:
    from impasto.vision.captioners.interface import Captioner
    from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer
    from impasto.vision.taggers.interface import Tagger


@dataclass(frozen=True)
class Parts:
    """Names, folders or hub names of the models; None and "" are the built-in ones.

    Attributes:
        tagger, captioner, scorer: as `impasto data tag`, `caption` and `filter` take them; the papers' own are RAM,
            Tag2Text and CLIP (wang2023, section 4.1).
        features: as `impasto evaluate --features` takes it; a distance is called FID with Inception's FID weights only.
        weights: the file with Inception's weights.
        expansion: how prompts are expanded: the method, the prompt model (for wang2023; the paper's is GPT-2), the index
            (for wu2022), the seed.
    """

    tagger: str | None = None
    captioner: str | None = None
    scorer: str | None = None
    features: str = OFFLINE
    weights: Path | None = None
    expansion: ExpansionChoices = field(default_factory=lambda: ExpansionChoices("wang2023"))

    def check(self) -> None:
        """Checks what needs no model: the names that belong together, and the folders.

        Raises:
            UsageError: an option does not go with the expansion method or the features; there is no such folder.
        """
        self.expansion.check("--expansion", "--prompt-model")
        for option, given in (("--prompt-model", self.expansion.model), ("--index", self.expansion.index)):
            if given is not None and not given.is_dir():
                raise UsageError(f"{option} {given}: there is no such folder")
        if self.weights is not None and self.features != INCEPTION:
            raise UsageError(f"--weights goes with --features {INCEPTION}")

    def settings(self) -> dict[str, object]:
        """Returns the names as they are valid from every folder, for the record of the run."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "expansion"}
        named |= {f"expansion.{one.name}": getattr(self.expansion, one.name) for one in fields(self.expansion)}
        return {
            name: fixed_name(str(value)) if isinstance(value, str | Path) and value else value
            for name, value in named.items()
        }

    def load_tagger(self) -> "Tagger":
        """Loads the tagger; see `impasto.vision.taggers.load.load_tagger`."""
        from impasto.vision.taggers.load import load_tagger

        return load_tagger(self.tagger)

    def load_scorer(self) -> "TextImageScorer":
        """Loads the scorer; see `impasto.vision.scorers.interface.load_scorer`."""
        from impasto.vision.scorers.interface import load_scorer

        return load_scorer(self.scorer)

    def load_captioner(self) -> "Captioner":
        """Loads the captioner; see `impasto.vision.captioners.load.load_captioner`."""
        from impasto.vision.captioners.load import load_captioner

        return load_captioner(self.captioner)

    def load_features(self) -> "ImageEncoder":
        """Loads the feature extractor; see `impasto.evaluation.features.load_extractor`."""
        return load_extractor(self.features, weights=self.weights)

    @property
    def prompt_model(self) -> Path | None:
        """The folder of the prompt model; None for the built-in one."""
        return self.expansion.model

    def prompt_model_words(self) -> str:
        """Returns the prompt model in words: its kind and its folder's name, or the built-in one."""
        if self.prompt_model is None:
            return "a LoRA of SmolLM2-135M on cleaned prompts, built in"
        for name in ("config.json", "adapter_config.json"):
            config = self.prompt_model / name
            if config.is_file():
                told = read_json(config)
                kind = told.get("model_type") or told.get("base_model_name_or_path") or "an unknown kind"
                return f"{Path(str(kind)).name} from the folder {self.prompt_model.name}"
        return f"a LoRA of SmolLM2-135M from the folder {self.prompt_model.name}"

    @property
    def is_gpt2(self) -> bool:
        """Whether the prompt model is a GPT-2, by its config."""
        return self.prompt_model is not None and self.prompt_model_words().casefold().startswith(("gpt2", "gpt-2"))
