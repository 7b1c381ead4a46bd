"""The lists of `/sdapi/v1`: what a client may ask for by name. Those of parts that the studio has not are empty."""

from typing import Any

from fastapi import APIRouter

from impasto.painting.provenance.record import A1111_SAMPLERS
from impasto.studio.api.options import get_checkpoints
from impasto.studio.clients.a1111.pictures import upscaler_names
from impasto.studio.clients.a1111.styles import read_styles
from impasto.studio.state import StudioOf

router = APIRouter()
Rows = list[dict[str, Any]]


@router.get("/samplers")
def get_samplers() -> Rows:
    """Lists the samplers by A1111's names."""
    return [{"name": theirs, "aliases": [ours], "options": {}} for ours, theirs in A1111_SAMPLERS.items()]


@router.get("/schedulers")
def get_schedulers() -> Rows:
    """Lists the one noise schedule: the checkpoint's own."""
    return [{"name": "automatic", "label": "Automatic", "aliases": None, "default_rho": -1, "need_inner_model": False}]


@router.get("/sd-models")
def get_checkpoint_list(studio: StudioOf) -> Rows:
    """Lists the checkpoints. They have no paths here."""
    return [
        {"title": one.name, "model_name": one.name, "hash": None, "sha256": None, "filename": one.name, "config": None}
        for one in get_checkpoints(studio)
    ]


@router.get("/loras")
def get_loras(studio: StudioOf) -> Rows:
    """Lists the LoRAs that prompts may name: `<lora:NAME:0.8>`."""
    return [{"name": name, "alias": name, "path": name, "metadata": {}} for name in sorted(studio.references.loras())]


@router.get("/upscalers")
def get_upscalers() -> Rows:
    """Lists the upscalers; the first one changes nothing, as clients expect."""
    none = {"name": "None", "model_name": None, "model_path": None, "model_url": None, "scale": 4}
    rest = [{**none, "name": name, "model_name": name} for name in upscaler_names()]
    return [none, *rest]


@router.get("/embeddings")
def get_embeddings() -> dict[str, dict[str, Any]]:
    """Lists the embeddings that prompts may name: none, because concepts are files of a job."""
    return {"loaded": {}, "skipped": {}}


@router.get("/prompt-styles")
def get_styles(studio: StudioOf) -> Rows:
    """Lists the styles of `styles.csv` in the workspace."""
    return [
        {"name": one.name, "prompt": one.prompt, "negative_prompt": one.negative_prompt}
        for one in read_styles(studio.workspace)
    ]


@router.get("/sd-vae")
def get_autoencoders() -> Rows:
    """Lists autoencoders that could take the place of a checkpoint's own: none."""
    return []


@router.get("/scripts")
def get_scripts() -> dict[str, list[str]]:
    """Lists scripts: none."""
    return {"txt2img": [], "img2img": []}


def _empty() -> Rows:
    """An empty list: the studio has no such parts."""
    return []


def _nothing() -> None:
    """The lists are always read anew."""


for _name in ("latent-upscale-modes", "hypernetworks", "face-restorers", "realesrgan-models", "script-info", "extensions"):
    router.add_api_route(f"/{_name}", _empty, methods=["GET"], name=_name)
for _name in ("refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings"):
    router.add_api_route(f"/{_name}", _nothing, methods=["POST"], name=_name)
