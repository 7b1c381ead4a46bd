"""Models by hub name: from the Hugging Face cache where they are there, else from the network."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import MissingPart

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
ANSWER_SECONDS = 5.0  # longer than that and there is, for our purposes, no network
WANTED = (
    "model_index.json",
    "README.md",
    "artists.json",
    "painting.json",
    "guide/*",
    "scheduler/*.json",
    "tokenizer/*",
    "*/config.json",
    "unet/diffusion_pytorch_model*.safetensors*",
    "vae/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.int8.safetensors",
    "text_encoder/model.safetensors",
)
UNWANTED = ("*.fp16.*", "*non_ema*", "safety_checker/*", "image_encoder/*")
TRUE = ("1", "true", "yes", "on")


def offline() -> bool:
    """Whether the user forbade the network (`HF_HUB_OFFLINE=1`)."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in TRUE


def cached_folder(name: str) -> Path | None:
    """The snapshot of `org/name` in the Hugging Face cache, or None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return None


def cached_names() -> dict[str, Path]:
    """Hub name -> snapshot folder of every checkpoint in the Hugging Face cache, without the network."""
    from huggingface_hub.constants import HF_HUB_CACHE

    root = Path(os.environ.get("HF_HUB_CACHE") or HF_HUB_CACHE)
    found: dict[str, Path] = {}
    for repository in sorted(root.glob("models--*--*")):
        name = repository.name.removeprefix("models--").replace("--", "/", 1)
        folder = cached_folder(name)
        if folder is not None and is_whole(folder):
            found[name] = folder
    return found


def is_whole(folder: Path) -> bool:
    """Whether all that paints is there: an index, and weights for U-Net and VAE."""
    return (folder / "model_index.json").is_file() and all(
        any(
            any((folder / part).glob(f"diffusion_pytorch_model*{suffix}"))
            for suffix in (".safetensors", ".bin")
        )
        for part in ("unet", "vae")
    )


@dataclass(frozen=True)
class HubLayout:
    """What one kind of model needs of its repository.

    Attributes:
        wanted, unwanted: patterns of the files to download, and of those not to.
        is_whole: whether a folder holds all that loads.
        lacking: what is said of a repository without it: "NAME on the hub ...".
        instead: what else a user can do.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    is_whole: Callable[[Path], bool]
    lacking: str
    instead: str


DIFFUSERS = HubLayout(
    WANTED,
    UNWANTED,
    is_whole,
    "is no Stable Diffusion checkpoint in diffusers layout",
    "give --checkpoint its folder or .safetensors file",
)


def hub_folder(name: str, layout: HubLayout = DIFFUSERS) -> Path:
    """The folder of the model `org/name`: the cached one, else downloaded.

    Raises:
        MissingPart: it is not cached and cannot be fetched; said within seconds, with what to do.
    """
    folder = cached_folder(name)
    if folder is not None and layout.is_whole(folder):
        return folder
    advice = (
        f"download it where there is a network (`hf download {name}`) and copy the Hugging Face cache here, "
        f"or {layout.instead}"
    )
    if offline():
        raise MissingPart(f"{name} is not in the Hugging Face cache and HF_HUB_OFFLINE is set: {advice}")
    reason = _ask_hub(name)
    if reason is not None:
        raise MissingPart(f"{name} is not in the Hugging Face cache and {reason}: {advice}")
    return _download(name, layout, advice)


def _ask_hub(name: str) -> str | None:
    """Why `name` cannot be downloaded, or None. In a thread: looking up a host knows no timeout."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    answer: list[str | None] = []

    def ask() -> None:
        try:
            HfApi().model_info(name, timeout=ANSWER_SECONDS)
            answer.append(None)
        except GatedRepoError:
            answer.append("the hub wants you to accept its terms and log in (`hf auth login`)")
        except RepositoryNotFoundError:
            answer.append("the hub knows no such public model")
        except Exception:  # every way in which a network can be absent
            answer.append("the hub cannot be reached")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return answer[0] if answer else f"the hub did not answer within {ANSWER_SECONDS:.0f} s"


def _download(name: str, layout: HubLayout, advice: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=[*layout.wanted], ignore_patterns=[*layout.unwanted]))
    except Exception as error:  # the network went away, the disk is full, the hub refused
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise MissingPart(f"{name} could not be downloaded ({reason}): {advice}") from None
    if not layout.is_whole(folder):
        raise MissingPart(f"{name} on the hub {layout.lacking}: {advice}")
    return folder
