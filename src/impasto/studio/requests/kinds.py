"""Which jobs clients may ask for, and with which fields: a field that is not named here does not exist for them.

A client never names a path. A field that a job takes as a path or as a name that could be a path is a reference here:

| reference | what the client writes | what the job gets |
|---|---|---|
| picture | `picture:ID` of the gallery, or `upload:ID` | the file |
| checkpoint | a name that `/api/v1/options/checkpoints` lists, or `run:NAME` of the workspace | the name, or the folder |
| lora | `NAME` or `NAME:SCALE` of `/api/v1/options/loras` | the file |
| like | a picture, or `picture:ID:WEIGHT` | the file with the weight |
| control | `KIND=picture:ID` | the kind with the file |
| catalogue | the name of a folder in the workspace's `catalogues` | the folder |
| run | the name of a folder in the workspace's `runs` (made, if there is none) | the folder |

To add a kind: a row in `KINDS`. All its numbers and flags, and the words that cannot be paths, are its plain fields.
"""

from dataclasses import dataclass, field
from typing import Literal

Reference = Literal["picture", "checkpoint", "lora", "concept", "like", "control", "net", "catalogue", "run"]


@dataclass(frozen=True)
class ApiKind:
    """What clients may say about a job of one kind.

    Attributes:
        plain: the fields that are taken as they are.
        references: field -> what it refers to.
        required: the fields without which there is no job.
    """

    plain: tuple[str, ...]
    references: dict[str, Reference] = field(default_factory=dict)
    required: tuple[str, ...] = ()


_WORDS = ("prompt", "artist", "any_artist", "year", "style", "genre", "negative", "prompt_syntax")
_EXPANSION = ("expand", "expand_rank", "expand_seed", "expand_style")
_SAMPLING = ("seed", "sampler", "steps", "guidance", "guider", "guidance_interval", "eta")
_SIZE = ("size", "width", "height")
_MACHINE = ("device", "precision", "engine")
_CONTROL = ("control_weight", "control_from", "control_until", "control_guess")
_PICTURE = (*_WORDS, *_EXPANSION, *_SAMPLING, *_CONTROL, *_MACHINE, "strength", "keep_source")
_PICTURE_REFERENCES: dict[str, Reference] = {
    "checkpoint": "checkpoint", "lora": "lora", "concept": "concept", "like": "like", "control": "control",
    "control_net": "net",
}  # fmt: skip
_TRAINING = (
    "seed", "steps", "epochs", "minutes", "batch", "accumulation", "optimizer", "learning_rate", "final_rate",
    "warmup_steps", "weight_decay", "gradient_norm", "ema_decay", "text_padding", "gradient_checkpointing", "precision",
    "size", "keep_states", "snr_gamma", "noise_offset", "timestep_bias", "text_dropout", "validation_every",
    "validation_pictures", "keep_best", "lora_rank", "aspect_buckets", "works",
)  # fmt: skip
_MANY = ("count", "batch", "preview_every")

PAINT = ApiKind(
    (*_PICTURE, *_SIZE, *_MANY, "fit", "artists", "expand_count", "expand_original", "best_of", "keep_all"),
    {**_PICTURE_REFERENCES, "init": "picture"},
)
KINDS: dict[str, ApiKind] = {
    "paint": PAINT,
    "inpaint": ApiKind(
        (*_PICTURE, *_MANY, "box", "mask_alpha", "invert_mask", "resize_mask", "only_masked", "padding", "method", "fill",
         "mask_blur", "thin", "keep_outside", "background", "background_steps", "background_weight", "background_rate"),
        {**_PICTURE_REFERENCES, "file": "picture", "mask": "picture"}, ("file",),
    ),
    "outpaint": ApiKind(
        (*_PICTURE, *_MANY, "left", "right", "up", "down", "method", "fill", "mask_blur"),
        {**_PICTURE_REFERENCES, "file": "picture"}, ("file",),
    ),
    "repaint": ApiKind(
        (*_WORDS, *_SAMPLING, *_SIZE, *_MACHINE, "strength"),
        {"file": "picture", "checkpoint": "checkpoint", "lora": "lora", "concept": "concept", "like": "like"}, ("file",),
    ),
    "edit": ApiKind(
        ("swap", "add", "weight", "prompt", "local", "cross", "itself", "describe", "invert", "steps", "guidance", "seed",
         "keep_source", "device", "precision"),
        {"file": "picture", "checkpoint": "checkpoint", "lora": "lora", "concept": "concept"}, ("file",),
    ),
    "upscale": ApiKind(("by", "tile", "device"), {"pictures": "picture"}, ("pictures",)),
    "attention": ApiKind(("word", "device"), {"file": "picture", "checkpoint": "checkpoint"}, ("file",)),
    "control-map": ApiKind(("condition", "from_drawing", "side"), {"pictures": "picture"}, ("condition", "pictures")),
    "expand": ApiKind(("prompt", "method", "count", "seed", "any_style", "candidates"), {}, ("prompt",)),
    "tag": ApiKind(("at_least", "most"), {"catalogue": "catalogue"}, ("catalogue",)),
    "caption": ApiKind(("candidates", "all_pictures", "most", "seed"), {"catalogue": "catalogue"}, ("catalogue",)),
    "train/lora": ApiKind(
        (*_TRAINING, "artist", "trigger", "consent"),
        {"catalogue": "catalogue", "checkpoint": "checkpoint", "out": "run"}, ("catalogue", "out"),
    ),
    "train/wang2023-artist": ApiKind(
        (*_TRAINING, "artist", "consent", "fresh_text_encoder", "domain_guidance"),
        {"catalogue": "catalogue", "checkpoint": "checkpoint", "out": "run"}, ("catalogue", "out"),
    ),
}  # fmt: skip
