"""Finds and loads ControlNets (Zhang et al. 2023) and T2I-Adapters (Mou et al. 2023) for a checkpoint's U-Net."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.adapter import T2IAdapter
from diffusers.models.controlnets.controlnet import ControlNetModel

from impasto.adapters.control.own import CARD
from impasto.adapters.control.single_file import controlnet_states
from impasto.checkpoints.applied_adapters import printable_path
from impasto.checkpoints.control_files import FOLDER
from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.weights.content_hash import hash_files
from impasto.weights.file_hash import hash_file
from impasto.weights.files import fill_module, read_weights
from impasto.weights.header import read_json, weight_files

STEM = "diffusion_pytorch_model"
FILE_ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")
_COPIED = (
    "in_channels", "flip_sin_to_cos", "freq_shift", "down_block_types", "only_cross_attention", "block_out_channels",
    "layers_per_block", "downsample_padding", "mid_block_scale_factor", "act_fn", "norm_num_groups", "norm_eps",
    "cross_attention_dim", "transformer_layers_per_block", "encoder_hid_dim", "encoder_hid_dim_type", "attention_head_dim",
    "num_attention_heads", "use_linear_projection", "class_embed_type", "num_class_embeds", "upcast_attention",
    "resnet_time_scale_shift", "projection_class_embeddings_input_dim", "mid_block_type", "addition_embed_type",
    "addition_time_embed_dim",
)  # fmt: skip
_HINT_CHANNELS = (16, 32, 96, 256)
_LIGHT_HINT_CHANNELS = (8, 16, 32, 96)
_WITHOUT_ATTENTION = {"CrossAttnDownBlock2D": "DownBlock2D", "UNetMidBlock2DCrossAttn": "UNetMidBlock2D"}


@dataclass(frozen=True)
class ControlNet:
    """A network that adds a picture's structure to a U-Net's hidden maps.

    Attributes:
        name: of its file or folder.
        model: a `ControlNetModel` or `T2IAdapter` of diffusers, on the CPU.
        content_hash: SHA-256 over its files, hexadecimal.
        path: as it was given.
        condition: the maker of the maps that it was trained on, if its card says so; else "".
        also: further kinds of maps that it was trained on.
        base_hash: of the checkpoint that it was trained with; "" if unknown.
    """

    name: str
    model: Any
    content_hash: str
    path: str = ""
    condition: str = ""
    base_hash: str = ""
    also: tuple[str, ...] = ()

    @property
    def is_adapter(self) -> bool:
        """Whether it is a T2I-Adapter, whose maps do not depend on the step."""
        return isinstance(self.model, T2IAdapter)


def controlnet_config(unet_config: Any, hint_channels: tuple[int, ...] = _HINT_CHANNELS) -> dict[str, Any]:
    """Returns the config of a ControlNet for a U-Net.

    diffusers' own `from_unet` leaves out the number of heads of the text's pooling (`addition_embed_type_num_heads`): the
    weights fit then, but compute something else.
    """
    config = {name: unet_config[name] for name in _COPIED if name in unet_config}
    heads = unet_config.get("addition_embed_type_num_heads")
    return {**config, "conditioning_embedding_out_channels": list(hint_channels), "conditioning_channels": 3,
            **({"addition_embed_type_num_heads": heads} if heads else {})}  # fmt: skip


def convolutions_config(unet_config: Any) -> dict[str, Any]:
    """Returns the config of a light ControlNet: the convolutions of the U-Net's encoder without its attention.

    Of the text it knows the pooled one, if the U-Net's time embedding has it.
    """
    config = controlnet_config(unet_config, _LIGHT_HINT_CHANNELS)
    blocks = [_WITHOUT_ATTENTION.get(kind, kind) for kind in config["down_block_types"]]
    return {**config, "down_block_types": blocks, "mid_block_type": _WITHOUT_ATTENTION["UNetMidBlock2DCrossAttn"]}


def make_controlnet(unet: Any, config: dict[str, Any] | None = None) -> ControlNetModel:
    """Returns an untrained ControlNet: the U-Net's encoder, with zero convolutions after it.

    With it the U-Net computes what it computes without, bit for bit.

    Args:
        config: of the network; None for `controlnet_config` of the U-Net's.
    """
    made: Any = ControlNetModel.from_config(config or controlnet_config(unet.config))
    own = unet.state_dict()
    state = {name: own[name] if name in own and own[name].shape == value.shape else value
             for name, value in made.state_dict().items()}  # fmt: skip
    made.load_state_dict(state)
    return made


def find_controlnet(path: str | Path) -> Path | None:
    """Returns the folder or file of the network at `path`: a diffusers folder, a run's folder, or a file of weights."""
    place = Path(path).expanduser()
    try:
        if place.is_file():
            return place
        for folder in (place, place / FOLDER):
            if (folder / "config.json").is_file():
                return folder
    except (OSError, ValueError):
        return None
    return None


def controlnet_hash(path: str | Path) -> str:
    """Returns the `content_hash` of the network at `path` without loading it.

    Raises:
        MissingPart, ImpastoError: there is none, or a file cannot be read.
    """
    found = find_controlnet(path)
    if found is None:
        raise MissingPart(f"there is no ControlNet {path}: give a diffusers folder, a run's folder or a .safetensors file")
    if found.is_file():
        return hash_file(found)
    return hash_files({file.name: file for file in [found / "config.json", *weight_files(found, STEM)]})


def load_controlnet(path: str | Path, unet: Any, unet_name: str = "the checkpoint") -> ControlNet:
    """Loads a network for `unet`: a diffusers folder, or one file in ControlNet's own or in diffusers' names.

    A folder whose card says `shares_unet` holds only the weights that differ from the U-Net's.

    Raises:
        UsageError: it is no file of weights.
        MissingPart: there is none.
        ImpastoError: it is broken, or is for another kind of U-Net.
    """
    found = find_controlnet(path)
    if found is None:
        raise MissingPart(f"there is no ControlNet {path}: give a diffusers folder, a run's folder or a .safetensors file")
    if found.is_file():
        return _load_file(found, str(path), unet, unet_name)
    config = read_json(found / "config.json")
    card = read_json(found / CARD) if (found / CARD).is_file() else {}
    kind = config.get("_class_name")
    files = weight_files(found, STEM)
    weights = read_weights(files)
    if kind == "T2IAdapter":
        model: Any = _module(T2IAdapter, config, weights, found)
        _check_adapter(found, config, unet.config, unet_name)
    elif kind == "ControlNetModel":
        _check_config(found, config, unet.config, unet_name)
        if card.get("shares_unet"):
            model = make_controlnet(unet, config)
            _fill_shared(model, weights, found)
        else:
            model = _filled(config, weights, found)
    else:
        raise ImpastoError(f"{found} is a {kind or 'model without a name'}, not a ControlNetModel or T2IAdapter")
    return ControlNet(
        found.parent.name if found.name == FOLDER else found.name, model.eval().requires_grad_(False),
        hash_files({file.name: file for file in [found / "config.json", *files]}), printable_path(path),
        str(card.get("condition", "")), str(card.get("base_hash", "")), tuple(map(str, card.get("also", ()))),
    )  # fmt: skip


def _load_file(file: Path, path: str, unet: Any, unet_name: str) -> ControlNet:
    if file.suffix.lower() not in FILE_ENDINGS:
        raise UsageError(f"{file} is no file of weights: a ControlNet is a folder or ends in .safetensors or .pth")
    config = controlnet_config(unet.config)
    weights = controlnet_states(read_weights([file]), config, file, unet_name)
    model = _filled(config, weights, file)
    return ControlNet(file.stem, model, hash_file(file), printable_path(path))


def _filled(config: dict[str, Any], weights: dict[str, torch.Tensor], source: Path) -> Any:
    return _module(ControlNetModel, config, weights, source)


def _module(kind: Any, config: dict[str, Any], weights: dict[str, torch.Tensor], source: Path) -> Any:
    return fill_module(lambda: kind.from_config(config), weights, source, torch.float32, torch.device("cpu"))


def _fill_shared(model: Any, weights: dict[str, torch.Tensor], source: Path) -> None:
    own = model.state_dict()
    for name, value in weights.items():
        if name not in own or own[name].shape != value.shape:
            raise ImpastoError(f"{source}: {name} does not fit this checkpoint's U-Net: it was trained with another one")
    model.load_state_dict({**own, **{name: value.float() for name, value in weights.items()}})


def _check_config(source: Path, config: dict[str, Any], unet: Any, unet_name: str) -> None:
    for name, what in (("cross_attention_dim", "texts {} wide"), ("block_out_channels", "blocks of {} channels"),
                       ("in_channels", "latents of {} channels")):  # fmt: skip
        theirs, ours = config.get(name), unet[name]
        theirs, ours = (list(one) if isinstance(one, list | tuple) else one for one in (theirs, ours))
        if theirs is not None and theirs != ours:
            theirs, ours = what.format(theirs), what.format(ours)
            raise ImpastoError(f"{source} is for a U-Net with {theirs}, but {unet_name} has {ours}: use one for it")


def _check_adapter(source: Path, config: dict[str, Any], unet: Any, unet_name: str) -> None:
    theirs, ours = list(config.get("channels", [])), list(unet["block_out_channels"])
    if theirs != ours:
        raise ImpastoError(f"{source} is for a U-Net with blocks of {theirs} channels, but {unet_name} has {ours}")
