"""Parses and writes the tensor names of LoRA files: diffusers' and peft's, kohya's (A1111, ComfyUI, InvokeAI) and LyCORIS'.

diffusers reads kohya's keys too, but guesses the names of modules that Stable Diffusion lacks (pocket's `add_embedding`,
BERT) and writes alpha = rank whatever alpha was. Its other renamings are used here.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import torch

from impasto.adapters.lora.low_rank import Change, Layers, LowRank
from impasto.adapters.lora.original_names import diffusers_module
from impasto.adapters.lora.other_kinds import Full, ShapeProblem, decomposed, other_kind

UNET, TEXT_ENCODER = "unet", "text_encoder"
# Where diffusers keeps peft's settings in a safetensors file's metadata.
ADAPTER_METADATA = "lora_adapter_metadata"
_KOHYA_PREFIX = {UNET: "lora_unet_", TEXT_ENCODER: "lora_te_"}
_WHAT = (
    r"lora_(?:down|up|mid)\.weight|alpha|dora_scale|diff|hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)"
    r"|lora_magnitude_vector"
)
_KOHYA = re.compile(rf"(?:lora|lycoris)_(?P<part>unet|te1?)_(?P<module>[^.]+)\.(?P<what>{_WHAT})")
# peft puts an adapter's name behind its tensors: `lora_A.style.weight`.
_PEFT = re.compile(
    r"(base_model\.model\.)?((?P<part>unet|text_encoder|diffusion_model)\.)?(?P<module>.+?)"
    rf"\.(?:(?P<matrix>lora_[AB])(?:\.(?P<name>[^.]+))?\.weight|(?P<what>{_WHAT})(?:\.(?P<adapter>[^.]+))?(?:\.weight)?)"
)
# Parts of module names that contain an underscore themselves: kohya replaces every dot with an underscore.
# fmt: off
_COMPOUND = [
    "add_embedding", "add_k_proj", "add_q_proj", "add_v_proj", "class_embedding", "conv_in", "conv_out",
    "conv_shortcut", "down_blocks", "emb_layers", "encoder_hid_proj", "in_layers", "input_blocks", "k_proj",
    "linear_1", "linear_2", "mid_block", "middle_block", "out_layers", "out_proj", "output_blocks", "proj_in",
    "proj_out", "q_proj", "self_attn", "skip_connection", "text_model", "text_projection", "time_emb_proj",
    "time_embed", "time_embedding", "to_k", "to_out", "to_q", "to_v", "transformer_blocks", "up_blocks", "v_proj",
]
# fmt: on
_STEP = re.compile("(" + "|".join(sorted(_COMPOUND, key=len, reverse=True)) + r"|[^_]+)(?:_|$)")
_OTHER_KINDS = {
    r"\.oft_|boft": "an OFT",
    r"\.on_input$": "an IA3",
    r"\.[ab][12]\.weight$": "a GLoRA",
    r"\.[wb]_norm$|\.diff_b$": "a LyCORIS with changes of biases or norms",
    r"vera_lambda": "a VeRA",
    r"\.lora_embedding_[AB]": "a LoRA of word embeddings",
}
_OTHER_MODELS = {
    r"lora_te[23]_|text_encoder_2\.|lora_prior_": "Stable Diffusion XL or another model of two text encoders",
    r"text_encoder_3\.|lora_unet_joint_blocks_|transformer\.joint_|diffusion_model\.joint_blocks": "Stable Diffusion 3",
    r"(?:lora_unet_|diffusion_model\.|transformer\.)(?:double_blocks|single_blocks|single_transformer_blocks)": "Flux",
    r"transformer\.|lora_transformer_": "a diffusion transformer",
    r"diffusion_model\.(?:layers|blocks|transformer_blocks|context_refiner)\.": "a diffusion transformer",
}


class KeyProblem(Exception):
    """An error in the tensors' names or shapes. Its message is the end of a sentence that begins with the file."""


def parse_keys(
    weights: Mapping[str, torch.Tensor], metadata: Mapping[str, Any], usual_scale: float = 1.0
) -> tuple[Layers, Layers]:
    """Returns the layers of (U-Net, text encoder) by the module names of diffusers and transformers.

    Args:
        weights: the tensors by name, in peft's, kohya's or one of diffusers' older forms.
        metadata: peft's settings (`unet.lora_alpha`, ...), which give alpha if no tensor does.
        usual_scale: the default for alpha / rank if neither gives it.

    Raises:
        KeyProblem: the weights are not a LoRA, are one of another kind, or are incomplete or not all numbers.
    """
    _refuse_others(weights)
    found: dict[tuple[str, str], dict[str, torch.Tensor]] = {}
    adapters: set[str] = set()
    for key, value in _in_one_form(weights).items():
        match = _KOHYA.fullmatch(key) or _PEFT.fullmatch(key)
        if match is None:
            raise KeyProblem(f"holds {key[:100]!r}, which no LoRA that can be read here has")
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise KeyProblem(f"is broken: its tensor {key[:150]} holds values that are no numbers (NaN or infinite)")
        part = TEXT_ENCODER if match["part"] in ("te", "te1", TEXT_ENCODER) else UNET
        if match.re is _KOHYA:
            module, what = _with_dots(match["module"]), match["what"]
        else:
            matrix = {"lora_A": "lora_down", "lora_B": "lora_up"}.get(match["matrix"] or "", "")
            module, what = match["module"], matrix or match["what"]
            adapters.add(match["name"] or match["adapter"] or "default")
            if match["part"] is None and module.startswith("text_model."):
                part = TEXT_ENCODER  # peft's own folder for a text encoder
        module = diffusers_module(module) if part == UNET else module.removeprefix("text_model.")
        # transformers dropped that prefix; the files keep it.
        tensors = found.setdefault((part, module), {})
        what = what.removesuffix(".weight")
        if what in tensors and len(adapters) > 1:
            raise KeyProblem(f"holds several adapters ({', '.join(sorted(adapters))}): save one of them alone")
        tensors[what] = value
    layers: dict[str, Layers] = {UNET: {}, TEXT_ENCODER: {}}
    for (part, module), tensors in found.items():
        layers[part][module] = _change(part, module, tensors, metadata, usual_scale)
    return layers[UNET], layers[TEXT_ENCODER]


def kohya_keys(unet: Layers, text_encoder: Layers) -> dict[str, torch.Tensor]:
    """Returns the tensors under kohya's names, with an alpha for each layer.

    Raises:
        KeyProblem: a layer is of another kind than a plain LoRA.
    """
    keys: dict[str, torch.Tensor] = {}
    for part, layers in ((UNET, unet), (TEXT_ENCODER, text_encoder)):
        for module, layer in _plain(layers).items():
            # CLIP's layers were below text_model when kohya chose these names; BERT's never were.
            inside = "text_model_" if part == TEXT_ENCODER and is_clips(module) else ""
            name = _KOHYA_PREFIX[part] + inside + module.replace(".", "_")
            keys[f"{name}.lora_down.weight"] = layer.down
            keys[f"{name}.lora_up.weight"] = layer.up
            keys[f"{name}.alpha"] = torch.tensor(layer.alpha)
    return keys


def is_clips(module: str) -> bool:
    """Returns whether a text encoder's linear layer is one of CLIP's, by its name; BERT's are in `encoder.layer`."""
    return module.startswith("encoder.layers.")


def diffusers_keys(unet: Layers, text_encoder: Layers) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Returns the tensors under the names that diffusers' `save_lora_weights` gives them, and the file's metadata.

    The metadata are peft's settings if an alpha differs from its rank, since readers take alpha = rank without them.

    Raises:
        KeyProblem: a layer is of another kind than a plain LoRA.
    """
    keys: dict[str, torch.Tensor] = {}
    settings: dict[str, Any] = {}
    for part, layers in ((UNET, unet), (TEXT_ENCODER, text_encoder)):
        for module, layer in _plain(layers).items():
            keys[f"{part}.{module}.lora_A.weight"] = layer.down
            keys[f"{part}.{module}.lora_B.weight"] = layer.up
        if layers:
            settings |= {f"{part}.{name}": value for name, value in _peft_settings(layers).items()}
    plain = all(layer.alpha == layer.rank for layer in [*unet.values(), *text_encoder.values()])
    return keys, {} if plain else {ADAPTER_METADATA: json.dumps(settings)}


def _peft_settings(layers: Layers) -> dict[str, Any]:
    first = next(iter(layers.values()))
    return {
        "r": first.rank,
        "lora_alpha": first.alpha,
        "rank_pattern": {name: layer.rank for name, layer in layers.items() if layer.rank != first.rank},
        "alpha_pattern": {name: layer.alpha for name, layer in layers.items() if layer.alpha != first.alpha},
        "target_modules": sorted(layers),
    }


def _plain(layers: Layers) -> dict[str, LowRank]:
    """Returns the layers if all are plain LoRAs.

    Raises:
        KeyProblem: one is of another kind.
    """
    for name, layer in layers.items():
        if not isinstance(layer, LowRank):
            kind = layer.name if isinstance(layer, Full) else layer.kind
            raise KeyProblem(f"is no plain LoRA but a {kind} ({name}), which can be painted with but not be written again")
    return {name: layer for name, layer in layers.items() if isinstance(layer, LowRank)}


def _refuse_others(weights: Mapping[str, torch.Tensor]) -> None:
    for key in weights:
        for mark, model in _OTHER_MODELS.items():
            if re.match(mark, key):
                raise KeyProblem(f"is for {model}, not for Stable Diffusion v1 or pocket ({key[:60]})")
        for mark, kind in _OTHER_KINDS.items():
            if re.search(mark, key):
                raise KeyProblem(f"holds {kind} ({key[:60]}): LoRA, DoRA, LoHa, LoKr and full differences can be read here")
    if not any(re.search(r"lora_|[._]lora\.|hada_w|lokr_w|\.diff$", key) for key in weights):
        is_concept = any(re.search(r"emb_params|string_to_param|^clip_[lg]$", key) for key in weights)
        is_concept = is_concept or all(value.ndim == 2 and "." not in key for key, value in weights.items())
        raise KeyProblem("holds no LoRA" + (" but a textual inversion: give it with --concept" if is_concept else ""))


def _in_one_form(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Converts diffusers' two older key formats to peft's; leaves peft's and kohya's as they are."""
    from diffusers.utils.state_dict_utils import (
        DIFFUSERS_OLD_TO_PEFT,
        DIFFUSERS_TO_PEFT,
        UNET_TO_DIFFUSERS,
        convert_state_dict,
    )

    older = {TEXT_ENCODER: DIFFUSERS_TO_PEFT | DIFFUSERS_OLD_TO_PEFT, UNET: UNET_TO_DIFFUSERS}
    converted: dict[str, torch.Tensor] = {}
    for key, value in weights.items():
        part = TEXT_ENCODER if key.startswith("text_encoder.") else UNET
        kohya = _KOHYA.fullmatch(key) is not None or _PEFT.fullmatch(key) is not None
        converted |= {key: value} if kohya else convert_state_dict({key: value}, older[part])
    return converted


def _with_dots(module: str) -> str:
    """Converts `down_blocks_0_attentions_0_proj_in` to `down_blocks.0.attentions.0.proj_in`."""
    return ".".join(_STEP.findall(module))


def _change(
    part: str, module: str, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any], usual_scale: float
) -> Change:
    """Returns the change that the tensors of one layer describe."""
    magnitude = tensors.get("dora_scale", tensors.get("lora_magnitude_vector"))
    rest = {name: value for name, value in tensors.items() if name not in ("dora_scale", "lora_magnitude_vector", "alpha")}
    try:
        if set(rest) <= {"lora_down", "lora_up"}:
            change: Change = _low_rank(part, module, tensors, metadata, usual_scale)
        else:
            change = other_kind(rest, None)
            given = "alpha" in tensors or f"{part}.lora_alpha" in metadata or f"{part}.alpha" in metadata
            if given and not (isinstance(change, Full) and change.name == "full difference"):
                change = other_kind(rest, _alpha(part, module, tensors, change.rank, metadata, usual_scale))
        if magnitude is None:
            return change
        return decomposed(change, magnitude, by_peft="lora_magnitude_vector" in tensors)
    except ShapeProblem as problem:
        raise KeyProblem(f"is torn: {part}.{module} {problem}") from None


def _low_rank(
    part: str, module: str, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any], usual_scale: float
) -> LowRank:
    down, up = tensors.get("lora_down"), tensors.get("lora_up")
    if down is None or up is None:
        raise KeyProblem(f"is torn: {part}.{module} lacks its {'lora_down' if down is None else 'lora_up'}")
    fits = down.ndim in (2, 4) and up.ndim in (2, 4) and down.is_floating_point() and up.is_floating_point()
    if not fits or up.shape[1] != down.shape[0] or up[0, 0].numel() != 1 or not down.shape[0]:
        raise KeyProblem(f"is no LoRA: the shapes {list(down.shape)} and {list(up.shape)} of {part}.{module} do not fit")
    return LowRank(down, up, _alpha(part, module, tensors, down.shape[0], metadata, usual_scale))


def _alpha(
    part: str, module: str, tensors: Mapping[str, torch.Tensor], rank: int, metadata: Mapping[str, Any], usual_scale: float
) -> float:
    """Returns the layer's alpha from its tensor, else from the settings beside the tensors.

    Raises:
        KeyProblem: it is no number.
    """
    if "alpha" in tensors:
        alpha = float(tensors["alpha"].float().reshape(-1)[0]) if tensors["alpha"].numel() == 1 else math.nan
    else:
        alpha = _recorded_alpha(part, module, rank, metadata, usual_scale)
    if not math.isfinite(alpha):
        raise KeyProblem(f"is no LoRA: the alpha of {part}.{module} is no number")
    # Rounded to fp32, as in kohya's files, so that a LoRA is the same in every format.
    return torch.tensor(alpha).item()


def _recorded_alpha(part: str, module: str, rank: int, metadata: Mapping[str, Any], usual_scale: float) -> float:
    """Returns alpha from peft's settings: from the pattern that names the module, else the common one."""
    alpha = metadata.get(f"{part}.lora_alpha", metadata.get(f"{part}.alpha", usual_scale * rank))
    patterns = metadata.get(f"{part}.alpha_pattern")
    for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
        # peft's patterns may be regular expressions; Impasto's and diffusers' are names.
        if module == str(pattern).removeprefix("^") or module.endswith(f".{pattern}"):
            alpha = value
            break
    if isinstance(alpha, bool) or not isinstance(alpha, int | float):
        return math.nan
    # Kalajdzievski 2023, "rank-stabilized LoRA": alpha over the root of the rank.
    return alpha * rank**0.5 if metadata.get(f"{part}.use_rslora") else float(alpha)
