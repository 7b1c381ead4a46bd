"""Tells whether a checkpoint is the one that a paper retrained, by the SHA-256 of its weights or by its name at the hub."""

from dataclasses import dataclass
from pathlib import Path

from impasto.checkpoints.listing import inspect_checkpoint
from impasto.checkpoints.source import find_source
from impasto.reproduction.manifest import shown_name
from impasto.weights.file_hash import hash_file

# Weights of the U-Net of every Stable Diffusion v1, whatever it was trained on.
_V1_PARAMETERS = 859_520_964
_UNET_FILES = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")


@dataclass(frozen=True)
class PaperCheckpoint:
    """A published checkpoint.

    Attributes:
        name: as the paper calls it.
        side: pixels of a side of its pictures.
        hub_names: where it is published; the first is the paper's own, the others are copies.
        files: SHA-256, hexadecimal, of the published single files and of the U-Net's files.
    """

    name: str
    side: int
    hub_names: tuple[str, ...]
    files: frozenset[str]


SD_V1_4 = PaperCheckpoint(  # wu2022, section 5
    "Stable Diffusion v1-4", 512, ("CompVis/stable-diffusion-v-1-4-original", "CompVis/stable-diffusion-v1-4"),
    frozenset({
        "fe4efff1e174c627256e44ec2991ba279b3816e364b49f9be2abc0b3ff3f8556",  # sd-v1-4.ckpt
        "14749efc0ae8ef0329391ad4436feb781b402f4fece4883c7ad8d10556d8a36a",  # sd-v1-4-full-ema.ckpt
    }),
)  # fmt: skip
SD_V1_5 = PaperCheckpoint(  # wang2023, section 4.2
    "Stable Diffusion v1-5", 512,
    (
        "runwayml/stable-diffusion-v1-5", "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "benjamin-paine/stable-diffusion-v1-5", "sd-legacy/stable-diffusion-v1-5",
    ),
    frozenset({
        "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",  # v1-5-pruned-emaonly.safetensors
        "cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",  # v1-5-pruned-emaonly.ckpt
        "1a189f0be69d6106a48548e7626207dddd7042a418dbf372cefd05e0cdba61b6",  # v1-5-pruned.safetensors
        "e1441589a6f3c5a53f5f54d0975a18a7feb7cdf0b0dee276dfc3331ae376a053",  # v1-5-pruned.ckpt
        "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1",  # unet/diffusion_pytorch_model.safetensors
        "c7da0e21ba7ea50637bee26e81c220844defdf01aafca02b2c42ecdadb813de4",  # unet/diffusion_pytorch_model.bin
    }),
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """What a checkpoint is, compared with a paper's.

    Attributes:
        words: the checkpoint in words, without folders of this machine.
        same: whether it is the paper's checkpoint; None if that cannot be told.
    """

    words: str
    same: bool | None


def identify(checkpoint: str, paper: PaperCheckpoint) -> Identity:
    """Compares a checkpoint (as `--checkpoint` takes it) with a paper's.

    The SHA-256 of a known file decides; then the hub's name; then the number of weights of the U-Net, by which a smaller
    or larger model is surely another one. A checkpoint of the right size from an unknown place may be the paper's in other
    files (fp16, for instance): then `same` is None.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as `inspect_checkpoint`.
    """
    shown = shown_name(checkpoint)
    if _file_hashes(find_source(checkpoint).path) & paper.files:
        return Identity(f"{shown}, which is {paper.name} by its SHA-256", True)
    info = inspect_checkpoint(checkpoint)
    hub_name = _hub_name(checkpoint, info.path)
    if hub_name.casefold() in {name.casefold() for name in paper.hub_names}:
        return Identity(f"{shown}, which is {paper.name} by its name at the hub", True)
    weights = info.parameters.get("unet")
    if weights == _V1_PARAMETERS:
        return Identity(f"{shown}, of the size of {paper.name}; whether it is that cannot be told from its files", None)
    size = f" (a U-Net of {weights / 1e6:.3g} million weights)" if weights else ""
    if weights is None and info.kind == "file":
        return Identity(f"{shown}, a file whose SHA-256 is not one of {paper.name}'s published files", None)
    return Identity(f"{shown}{size}, not {paper.name}", False)


def _file_hashes(path: Path) -> frozenset[str]:
    """SHA-256 of the file, or of the U-Net's file in a folder; empty if there is none."""
    candidates = [path] if path.is_file() else [path / "unet" / name for name in _UNET_FILES]
    return frozenset(hash_file(file) for file in candidates if file.is_file())


def _hub_name(checkpoint: str, path: Path) -> str:
    """The hub name of a checkpoint in the hub's cache (`models--org--name/snapshots/...`), or the name itself."""
    for part in path.parts:
        if part.startswith("models--") and "snapshots" in path.parts:
            return part.removeprefix("models--").replace("--", "/", 1)
    return "" if Path(checkpoint).expanduser().exists() else checkpoint
