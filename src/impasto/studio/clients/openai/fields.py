"""The bodies of generations and edits. Unknown fields are named in the answer's notes."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from impasto.errors import UsageError
from impasto.studio.requests.models import LONGEST_TEXT

MOST_PICTURES = 10  # of one request, as OpenAI's
FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
Word = Annotated[str, Field(max_length=200)]
# Steps by quality; None is what the checkpoint recommends.
QUALITIES: dict[str, int | None] = {
    "auto": None, "standard": None, "medium": None, "low": 10, "high": 50, "hd": 50, "xhigh": 50, "max": 50,
}  # fmt: skip
# Words that ask for what happens anyway.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "background": ("auto", "opaque"), "moderation": ("auto", "low"), "style": ("vivid", "natural"), "stream": (False,),
    "partial_images": (0,), "input_fidelity": ("low", "high"),
}  # fmt: skip
_OF_THE_CALLER = ("user", "safety_identifier")


class Asking(BaseModel):
    """What generations and edits share. `negative_prompt`, `steps`, `seed` and `cfg_scale` are no fields of OpenAI's."""

    model_config = ConfigDict(extra="allow")

    prompt: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    model: Word | None = None
    n: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = 1
    size: Word | None = Field(None, description='"auto" or "WIDTHxHEIGHT"')
    quality: Word | None = Field(None, description="low: 10 steps; high, hd: 50; else what the checkpoint recommends")
    response_format: Literal["b64_json", "url"] | None = "b64_json"
    output_format: Literal["png", "jpeg", "webp"] | None = "png"
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="quality of JPEG and WebP")
    negative_prompt: Annotated[str, Field(max_length=LONGEST_TEXT)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**62)] | None = None
    cfg_scale: Annotated[float, Field(ge=0, le=50)] | None = None

    def sides(self) -> tuple[int | None, int | None]:
        """Returns width and height; None for "auto".

        Raises:
            UsageError: the size has another form.
        """
        text = (self.size or "auto").strip().lower()
        if text in ("", "auto"):
            return None, None
        wide, _, high = text.partition("x")
        if not (wide.isascii() and high.isascii() and wide.isdecimal() and high.isdecimal() and len(text) < 12):
            raise UsageError(f"size {text[:40]!r}: use auto or WIDTHxHEIGHT, such as 512x512")
        if not (1 <= int(wide) <= 16_384 and 1 <= int(high) <= 16_384):
            raise UsageError(f"size {text[:40]!r}: use sides of 1 to 16384")
        return int(wide), int(high)

    def steps_asked(self) -> int | None:
        """Returns the steps, from `steps` or the quality.

        Raises:
            UsageError: there is no such quality.
        """
        quality = (self.quality or "auto").strip().lower()
        if quality not in QUALITIES:
            raise UsageError(f"quality {quality[:40]!r}: use one of {', '.join(QUALITIES)}")
        return self.steps or QUALITIES[quality]

    def notes(self) -> list[str]:
        """Returns a sentence on each field that is left out.

        Raises:
            UsageError: the answer cannot be given in the form that is asked for.
        """
        extra = {name: value for name, value in (self.model_extra or {}).items() if name not in _OF_THE_CALLER}
        if extra.get("stream") in (True, "true"):
            raise UsageError("stream: the pictures come when they are finished: leave it out")
        if self.response_format == "url" and self.output_format not in (None, "png"):
            raise UsageError(f"output_format {self.output_format!r}: an url is of a PNG: ask for b64_json")
        left = [name for name, value in extra.items() if value is not None and value not in _NEUTRAL.get(name, ())]
        return [f"{name[:100]} is left out" for name in left[:100]]
