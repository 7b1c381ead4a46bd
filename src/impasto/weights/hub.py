"""Finds models by hub name: in the Hugging Face cache, else by download."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impasto.errors import MissingPart

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
ANSWER_SECONDS = 5.0  # if the hub takes longer, it counts as unreachable
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
    """Returns whether the user disabled network access (`HF_HUB_OFFLINE=1`)."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in TRUE


def cached_folder(name: str) -> Path | None:
    """Returns the snapshot folder of `org/name` in the Hugging Face cache, or None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError):
        return None


def is_in_cache(name: str) -> bool:
    """Returns whether the Hugging Face cache has a folder for the repository `name`, without importing huggingface_hub."""
    root = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if not root:
        caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        root = f"{os.environ.get('HF_HOME') or f'{caches}/huggingface'}/hub"
    return (Path(root).expanduser() / f"models--{name.replace('/', '--')}").is_dir()


def cached_names() -> dict[str, Path]:
    """Returns hub name -> snapshot folder of every checkpoint in the Hugging Face cache, without network access."""
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
    """Returns whether the folder has all files needed for painting: an index, and weights for U-Net and VAE."""
    return (folder / "model_index.json").is_file() and all(
        any(
            any((folder / part).glob(f"diffusion_pytorch_model*{suffix}"))
            for suffix in (".safetensors", ".bin")
        )
        for part in ("unet", "vae")
    )


@dataclass(frozen=True)
class HubLayout:
    """The files that one kind of model needs from its hub repository.

    Attributes:
        wanted, unwanted: patterns of the files to download, and of those not to download.
        is_whole: returns whether a folder has all files needed for loading.
        lacking: the error message for a repository without them, after "NAME on the hub".
        instead: the alternative that the error message suggests to the user.
        second: patterns of further files to download if the folder is not whole with those `wanted`.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    is_whole: Callable[[Path], bool]
    lacking: str
    instead: str
    second: tuple[str, ...] = ()


DIFFUSERS = HubLayout(
    WANTED,
    UNWANTED,
    is_whole,
    "is no Stable Diffusion checkpoint in diffusers layout",
    "give --checkpoint its folder or .safetensors file",
)


def hub_folder(name: str, layout: HubLayout = DIFFUSERS) -> Path:
    """Returns the folder of the model `org/name`: the cached one, else a downloaded one.

    Raises:
        MissingPart: it is not cached and cannot be downloaded; raised within seconds, and the message says what to do.
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
    """Returns the reason why `name` cannot be downloaded, or None. It asks in a thread, since a host lookup has no
    timeout.
    """
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
        except Exception:  # a missing network can raise any exception
            answer.append("the hub cannot be reached")

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return answer[0] if answer else f"the hub did not answer within {ANSWER_SECONDS:.0f} s"


def _download(name: str, layout: HubLayout, advice: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=[*layout.wanted], ignore_patterns=[*layout.unwanted]))
        if layout.second and not layout.is_whole(folder):
            more = [*layout.wanted, *layout.second]
            folder = Path(snapshot_download(name, allow_patterns=more, ignore_patterns=[*layout.unwanted]))
    except Exception as error:  # the network was lost, the disk is full, the hub refused
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise MissingPart(f"{name} could not be downloaded ({reason}): {advice}") from None
    if not layout.is_whole(folder):
        raise MissingPart(f"{name} on the hub {layout.lacking}: {advice}")
    return folder
