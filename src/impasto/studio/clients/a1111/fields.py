"""The bodies of txt2img and img2img. Unknown fields are allowed, as A1111 allows them, and named in the answer."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from impasto.studio.requests.models import LONGEST_TEXT
from impasto.studio.uploads import MOST_BYTES

MOST_PICTURES = 64  # of one request
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Name = Annotated[str, Field(max_length=200)]
Base64 = Annotated[
    str, Field(max_length=MOST_BYTES * 4 // 3 + 100, description="base64, with or without `data:image/png;base64,`")
]
Side = Annotated[int, Field(ge=1, le=16_384)]

# Values that ask for nothing; a field with another value is named in the answer. None asks for nothing anywhere.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "subseed": (-1,), "subseed_strength": (0,), "seed_resize_from_h": (-1, 0), "seed_resize_from_w": (-1, 0),
    "restore_faces": (False,), "tiling": (False,), "s_churn": (0,), "s_tmax": (0,), "s_tmin": (0,), "s_noise": (1,),
    "s_min_uncond": (0,), "script_name": ("",), "script_args": ([],), "alwayson_scripts": ({},),
    "initial_noise_multiplier": (1,),
    "refiner_checkpoint": ("", "None"), "disable_extra_networks": (False,), "comments": ({},), "enable_hr": (False,),
    "clip_skip": (1,), "image_cfg_scale": (1.5,), "inpainting_mask_weight": (1,),
}  # fmt: skip
# Where a client's pictures and words go is the studio's own affair, and ids are the client's.
_MEANINGLESS = (
    "do_not_save_samples", "do_not_save_grid", "save_images", "override_settings_restore_afterwards", "force_task_id",
    "infotext",
    "session_hash", "user", "mask_blur_x", "mask_blur_y",
)  # fmt: skip
_SETTINGS = {"CLIP_stop_at_last_layers": (1,), "sd_vae": ("Automatic", "automatic", "None", ""), "samples_format": ("png",)}


class Painting(BaseModel):
    """What txt2img and img2img have in common."""

    model_config = ConfigDict(extra="allow")

    prompt: Text | None = ""
    negative_prompt: Text | None = ""
    styles: Annotated[list[Name], Field(max_length=100)] | None = None
    seed: int | None = Field(-1, description="-1 draws one; picture k has `seed` + k")
    sampler_name: Name | None = None
    sampler_index: Name | None = None
    scheduler: Name | None = None
    batch_size: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = 1
    n_iter: Annotated[int, Field(ge=1, le=MOST_PICTURES)] | None = 1
    steps: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="none: as the checkpoint recommends")
    cfg_scale: Annotated[float, Field(ge=0, le=50)] | None = Field(None, description="none: as the checkpoint recommends")
    width: Side | None = None
    height: Side | None = None
    eta: Annotated[float, Field(ge=0, le=1)] | None = None
    denoising_strength: Annotated[float, Field(ge=0, le=1)] | None = None
    override_settings: dict[str, Any] | None = None
    send_images: bool | None = True

    def ignored(self) -> list[str]:
        """Returns the names of the fields that ask for something that the studio does not do."""
        extra = self.model_extra or {}
        wants_more = extra.get("enable_hr") not in (None, False)
        found = [
            name for name, value in extra.items() if _asks(name, value) and (wants_more or not _is_of_second_pass(name))
        ]
        settings = self.override_settings or {}
        known = ("sd_model_checkpoint", *_SETTINGS)
        found += [f"override_settings.{name}" for name in settings if name not in known]
        found += [
            f"override_settings.{name}" for name, plain in _SETTINGS.items() if settings.get(name, plain[0]) not in plain
        ]
        return [name[:100] for name in found[:100]]


class Txt2Img(Painting):
    """A picture from words."""


class Img2Img(Painting):
    """A picture from another one, or with a mask a part of it."""

    init_images: Annotated[list[Base64], Field(max_length=16)] | None = None
    mask: Base64 | None = Field(None, description="white is painted anew, or what is opaque if it has an alpha channel")
    resize_mode: Annotated[int, Field(ge=0, le=3)] | None = Field(0, description="0 stretches, 1 crops, 2 adds edges")
    mask_blur: Annotated[int, Field(ge=0, le=64)] | None = 4
    mask_round: bool | None = True
    inpainting_fill: Annotated[int, Field(ge=0, le=3)] | None = Field(0, description="0 blur, 1 original, 2 noise, 3 noise")
    inpaint_full_res: bool | Annotated[int, Field(ge=0, le=1)] | None = Field(
        True, description="only the part around the mask"
    )
    inpaint_full_res_padding: Annotated[int, Field(ge=0, le=2048)] | None = 0
    inpainting_mask_invert: bool | Annotated[int, Field(ge=0, le=1)] | None = 0
    include_init_images: bool | None = False


def _asks(name: str, value: Any) -> bool:
    if value is None or name in _MEANINGLESS:
        return False
    if name == "refiner_switch_at":
        return False  # it says when, and the checkpoint says whether
    if name == "alwayson_scripts" and isinstance(value, dict):
        return any(_script_asks(one) for one in value.values())
    return name not in _NEUTRAL or not any(value == plain for plain in _NEUTRAL[name])


def _script_asks(script: Any) -> bool:
    """Whether a script that always runs does something: its arguments are not empty, and it is not switched off."""
    arguments = script.get("args") if isinstance(script, dict) else script
    return arguments not in (None, [], {}, [False])


def _is_of_second_pass(name: str) -> bool:
    return name.startswith(("hr_", "firstphase_"))
