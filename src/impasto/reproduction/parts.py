"""The models of a reproduction by their names: taggers, captioners, scorers, features, prompt models; loaded when needed."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.errors import ImpastoError, UsageError
from impasto.evaluation.features import INCEPTION, OFFLINE, load_extractor
from impasto.language.find_model import cached_language_model, is_model_name
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.models import AUTOMATIC, SMALL_NAME
from impasto.prompts.expansion.settings import AUTO, BUILTIN, SMALL
from impasto.reproduction.retrainings import fixed_name
from impasto.vision.recognize_anything.files import find_file
from impasto.vision.recognize_anything.keys import KINDS, RAM, TAG2TEXT
from impasto.weights.header import read_json

if TYPE_CHECKING:
    from impasto.data.annotations.caption_work import Models
    from impasto.vision.captioners.interface import Captioner
    from impasto.vision.scorers.interface import ImageEncoder, TextImageScorer
    from impasto.vision.taggers.interface import EncodingTagger

POCKET, ZERO_SHOT = "pocket", "zero-shot"


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
        self.expansion.settings()
        if self.expansion.index is not None and not self.expansion.index.is_dir():
            raise UsageError(f"--index {self.expansion.index}: there is no such folder")
        model = self.prompt_model
        if model is not None and not model.expanduser().exists() and not is_model_name(str(model)):
            raise UsageError(f"--prompt-model {model}: there is no such folder, and it is no model's name")
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

    def load_tagger(self) -> "EncodingTagger":
        """Loads the tagger; see `impasto.vision.taggers.load`."""
        from impasto.data.annotations.tag_vocabulary import tag_vocabulary
        from impasto.vision.taggers.load import load_tagger, zero_shot_tagger

        if self.tagger == ZERO_SHOT:
            return zero_shot_tagger([tag.name for tag in tag_vocabulary()], self.scorer)
        return load_tagger(self.tagger)

    def load_scorer(self) -> "TextImageScorer":
        """Loads the scorer; see `impasto.vision.scorers.interface.load_scorer`."""
        from impasto.vision.scorers.interface import load_scorer

        return load_scorer(self.scorer)

    def load_captioner(self) -> "Captioner":
        """Loads the captioner; see `impasto.vision.captioners.load.load_captioner`."""
        from impasto.vision.captioners.load import load_captioner

        return load_captioner(self.captioner)

    def load_captioning(self) -> "Models":
        """Loads the captioner, the tagger whose tags it is told, and the scorer that chooses.

        Without `tagger`, Tag2Text is told its own tags.
        """
        from impasto.data.annotations.caption_work import Models
        from impasto.vision.captioners.tag2text import Tag2TextCaptioner

        captioner = self.load_captioner()
        own = self.tagger is None and isinstance(captioner, Tag2TextCaptioner)
        return Models(captioner, captioner.tagger if own else self.load_tagger(), self.load_scorer())  # pyright: ignore

    def load_features(self) -> "ImageEncoder":
        """Loads the feature extractor; see `impasto.evaluation.features.load_extractor`."""
        return load_extractor(self.features, weights=self.weights)

    @property
    def tagger_kind(self) -> str:
        """Which of `KINDS` (RAM, RAM++, Tag2Text) the tagger is, by its weights; "" if it is none of them."""
        return _published_kind(self.tagger, KINDS)

    @property
    def is_ram(self) -> bool:
        """Whether the tagger is RAM, by its weights (wang2023, section 4.1). RAM++ is a later, other model."""
        return self.tagger_kind == RAM

    @property
    def is_tag2text(self) -> bool:
        """Whether the captioner is Tag2Text, by its weights (wang2023, section 4.1)."""
        return _published_kind(self.captioner, (TAG2TEXT,)) == TAG2TEXT

    @property
    def is_clip(self) -> bool:
        """Whether the scorer is a CLIP, by its config (wang2023, section 4.1)."""
        if self.scorer is None or self.scorer == POCKET:
            return False
        config = Path(self.scorer).expanduser() / "config.json"
        if config.is_file():
            return str(read_json(config).get("model_type", "")).startswith("clip")
        return "clip" in self.scorer.casefold()

    @property
    def prompt_model(self) -> Path | None:
        """The folder or the name of the prompt model; None for the built-in one."""
        if self.expansion.model is not None:
            return self.expansion.model
        named = self.expansion.settings().prompt_model
        return None if named == BUILTIN else Path(named)

    def prompt_model_words(self) -> str:
        """Returns the prompt model in words: its kind and its name, or the built-in one."""
        model = self.prompt_model
        if model is None:
            return "a LoRA of SmolLM2-135M on cleaned prompts, built in"
        for name in ("config.json", "adapter_config.json"):
            config = model.expanduser() / name
            if config.is_file():
                told = read_json(config)
                kind = told.get("model_type") or told.get("base_model_name_or_path") or "an unknown kind"
                return f"{Path(str(kind)).name} from the folder {model.name}"
        return f"a LoRA of SmolLM2-135M from the folder {model.name}" if model.expanduser().is_dir() else str(model)

    @property
    def is_gpt2(self) -> bool:
        """Whether the prompt model is a GPT-2, by its config or its name."""
        words = self.prompt_model_words().casefold()
        return self.prompt_model is not None and ("gpt2" in words.split(" from ")[0] or "gpt-2" in words)

    def writer_words(self, role: str) -> str:
        """Returns the name of the model for a role of wu2022: "continuation", "dialogue", "encoder" or "ner"."""
        named = str(getattr(self.expansion.settings(), role))
        if named == AUTO:
            named = next((name for name in AUTOMATIC[role] if cached_language_model(name) is not None), SMALL)
        return SMALL_NAME if named == SMALL else Path(named).name


def _published_kind(name: str | None, kinds: tuple[str, ...]) -> str:
    """Returns which of `KINDS` the model that `name` means is, by its weights; "" if it is none of them."""
    from impasto.vision.recognize_anything.model import kind_of_file

    file = None if name is None else find_file(name, kinds)
    try:
        return "" if file is None else kind_of_file(file)
    except ImpastoError:  # somebody else's file, such as a trained pocket tagger's
        return ""
