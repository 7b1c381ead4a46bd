"""Answers in A1111's form: pictures in base64, and `info`, a JSON text with the infotext of each picture."""

import base64
import json
import time
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from impasto import __version__
from impasto.painting.provenance.record import A1111_SAMPLERS, Provenance, read_provenance
from impasto.studio.clients.a1111.asked import Asked
from impasto.studio.clients.a1111.fields import Img2Img, Painting
from impasto.studio.clients.work import Picture


class Painted(BaseModel):
    """The pictures of a request."""

    images: list[str]
    parameters: dict[str, Any]
    info: str


def painted(asked: Asked, body: Painting, pictures: Sequence[Picture]) -> Painted:
    """Returns the answer of a request.

    Raises:
        ImpastoError: a picture cannot be read.
    """
    records = [record for one in pictures if isinstance(record := read_provenance(one.path), Provenance)]
    images = (
        [base64.b64encode(one.path.read_bytes()).decode() for one in pictures] if body.send_images in (True, None) else []
    )
    parameters = body.model_dump(mode="json")
    if isinstance(body, Img2Img):
        parameters["mask"] = None
        if not body.include_init_images:
            parameters["init_images"] = None
    return Painted(
        images=images, parameters=parameters, info=json.dumps(_info(asked, pictures, records), ensure_ascii=False)
    )


def _info(asked: Asked, pictures: Sequence[Picture], records: Sequence[Provenance]) -> dict[str, Any]:
    job: dict[str, Any] = dict(asked.jobs[0])
    first = records[0] if records else None
    seeds = [one.seed for one in records]
    edit = first.edit if first else None
    return {
        "prompt": first.text if first else job["prompt"], "all_prompts": [one.text for one in records],
        "negative_prompt": job["negative"], "all_negative_prompts": [one.negative for one in records],
        "seed": seeds[0] if seeds else job["seed"], "all_seeds": seeds, "subseed": -1, "all_subseeds": [-1] * len(seeds),
        "subseed_strength": 0, "width": first.width if first else 0, "height": first.height if first else 0,
        "sampler_name": A1111_SAMPLERS.get(first.sampler, first.sampler) if first else "",
        "cfg_scale": first.guidance if first else job["guidance"], "steps": first.steps if first else job["steps"],
        "batch_size": len(asked.jobs), "restore_faces": False, "face_restoration_model": None,
        "sd_model_name": first.checkpoint if first else "", "sd_model_hash": first.checkpoint_hash[:10] if first else "",
        "sd_vae_name": None, "sd_vae_hash": None, "seed_resize_from_w": -1, "seed_resize_from_h": -1,
        "denoising_strength": edit.strength if edit else None, "extra_generation_params": {}, "index_of_first_image": 0,
        "infotexts": [one.to_parameters() for one in records], "styles": [],
        "job_timestamp": time.strftime("%Y%m%d%H%M%S"), "clip_skip": 1, "is_using_inpainting_conditioning": False,
        "version": f"impasto {__version__}",
        "impasto": {
            "ignored": asked.ignored, "notes": asked.notes, "pictures": [one.id for one in pictures],
            "jobs": [one.job for one in pictures],
        },
    }  # fmt: skip
