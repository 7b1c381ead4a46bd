"""`/sdapi/v1/options`, `cmd-flags` and `memory`."""

import os
from typing import Annotated, Any

from fastapi import APIRouter, Body

from impasto.errors import UsageError
from impasto.studio.clients.a1111.state import CHECKPOINT, A1111Of, A1111State
from impasto.studio.clients.work import PREVIEW_EVERY
from impasto.studio.state import StudioOf

router = APIRouter()


@router.get("/options")
def get_options(state: A1111Of) -> dict[str, Any]:
    """Tells the options. Only the checkpoint can be changed."""
    return _options(state)


@router.post("/options")
def set_options(given: Annotated[dict[str, Any], Body()], state: A1111Of) -> dict[str, Any] | None:
    """Chooses the checkpoint for requests that name none. Options that cannot be changed are named in the answer."""
    known = _options(state)
    name = given.get(CHECKPOINT)
    if name is not None:
        if not isinstance(name, str):
            raise UsageError(f"{CHECKPOINT}: use the title of a checkpoint that /sdapi/v1/sd-models lists")
        if name != known[CHECKPOINT]:
            state.choose_checkpoint(name)
    ignored = [one[:100] for one, value in given.items() if one != CHECKPOINT and known.get(one) != value]
    return {"ignored": ignored[:100]} if ignored else None


def _options(state: A1111State) -> dict[str, Any]:
    return {
        CHECKPOINT: state.checkpoint, "sd_checkpoint_hash": "", "sd_vae": "Automatic", "CLIP_stop_at_last_layers": 1,
        "samples_format": "png", "samples_save": True, "enable_pnginfo": True, "live_previews_enable": True,
        "live_previews_image_format": "png", "show_progress_every_n_steps": PREVIEW_EVERY, "eta_noise_seed_delta": 0,
        "randn_source": "CPU", "return_grid": False, "inpainting_mask_weight": 1.0, "initial_noise_multiplier": 1.0,
        "upscaler_for_img2img": "None",
    }  # fmt: skip


@router.get("/cmd-flags")
def get_flags(studio: StudioOf) -> dict[str, Any]:
    """Tells how the server was started; no secrets and no paths."""
    settings = studio.settings
    return {
        "api": True, "listen": not settings.is_local, "port": settings.port, "api_auth": bool(settings.token),
        "nowebui": False, "read_only": settings.read_only,
    }  # fmt: skip


@router.get("/memory")
def get_memory() -> dict[str, Any]:
    """Tells the memory of this machine and of the server, in bytes; the worker's own is not in it."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return {"ram": {"error": "unavailable"}, "cuda": {"error": "unavailable"}}
    return {"ram": {"free": free, "used": total - free, "total": total}, "cuda": {"error": "unavailable"}}
