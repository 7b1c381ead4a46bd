"""`/sdapi/v1/txt2img` and `img2img`: they answer when the pictures are finished."""

import asyncio

from fastapi import APIRouter, HTTPException, Request

from impasto.queue.records import State
from impasto.studio.clients.a1111.answers import Painted, painted
from impasto.studio.clients.a1111.asked import Asked, from_picture, from_text
from impasto.studio.clients.a1111.fields import Img2Img, Painting, Txt2Img
from impasto.studio.clients.a1111.state import A1111Of, A1111State
from impasto.studio.clients.work import Picture, add, failure, gone, pictures, wait
from impasto.studio.state import Studio, StudioOf

router = APIRouter()


@router.post("/txt2img")
async def txt2img(body: Txt2Img, studio: StudioOf, state: A1111Of, request: Request) -> Painted:
    """Paints pictures from words."""
    _refuse_script(body)
    return await _paint(await asyncio.to_thread(from_text, body, studio, state), body, studio, state, request)


@router.post("/img2img")
async def img2img(body: Img2Img, studio: StudioOf, state: A1111Of, request: Request) -> Painted:
    """Paints pictures from a picture, or with a mask a part of it."""
    _refuse_script(body)
    return await _paint(await asyncio.to_thread(from_picture, body, studio, state), body, studio, state, request)


def _refuse_script(body: Painting) -> None:
    name = (body.model_extra or {}).get("script_name")
    if name not in (None, "", "None"):
        raise HTTPException(422, f"Script {str(name)[:80]!r} not found: the studio has no scripts")


async def _paint(asked: Asked, body: Painting, studio: Studio, state: A1111State, request: Request) -> Painted:
    numbers = await asyncio.to_thread(add, studio, asked.jobs, "a1111")
    with state.active(numbers, asked.steps) as active:
        ended = await wait(studio, numbers, gone(request))
        failed = [one for one in ended if one.state is State.FAILED]
        if len(failed) == len(ended):
            raise failure(failed[0])
        asked.notes += [str(failure(one)) for one in failed]
        left_out = sum(one.state is State.CANCELLED for one in ended)
        if left_out:
            word = "skipped" if active.skipped and not active.interrupted else "interrupted"
            asked.notes.append(f"{word}: {left_out} of {len(ended)} pictures are not painted")
        found: list[Picture] = []
        for one in ended:
            if one.state is State.DONE:
                found += await asyncio.to_thread(pictures, studio, one)
        return await asyncio.to_thread(painted, asked, body, found)
