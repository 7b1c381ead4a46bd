"""`/api/v1/events`: what happens in the queue, as server-sent events that can be taken up again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi.responses import StreamingResponse

from impasto.queue.records import QueueEvent
from impasto.studio.state import Studio, StudioOf

router = APIRouter(tags=["events"])
_ALIVE_SECONDS = 15.0
_AT_ONCE = 200


@router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_events(
    studio: StudioOf,
    job: Annotated[int | None, Query(ge=1, lt=2**63, description="only of this job")] = None,
    after: Annotated[int | None, Query(ge=0, lt=2**63, description="the events after this number")] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> StreamingResponse:
    """Streams events: `id` is the number, `event` the kind (job, progress, preview, picture, note, failure, figures, queue),
    `data` JSON with `job` (its number) and `at`; an event "job" has the whole job in `row`.

    `Last-Event-ID`, which browsers send by themselves after a break, goes before `after`; without both, the stream begins
    now. The event `reset` says that events are missing: read the present state anew.
    """
    if studio.streams >= studio.settings.limits.streams:
        raise HTTPException(429, f"{studio.streams} streams are open: close one", {"retry-after": "5"})
    given = last_event_id or ""
    if given.isascii() and given.isdecimal() and len(given) < 19:
        after = int(given)
    begin = await asyncio.to_thread(studio.queue.events.last) if after is None else after
    return StreamingResponse(
        _stream(studio, begin, job), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _stream(studio: Studio, after: int, job: int | None) -> AsyncIterator[str]:
    studio.streams += 1
    try:
        yield "retry: 1000\n\n"
        while not studio.news.ending:
            events, whole = await asyncio.to_thread(studio.queue.events.since, after, job=job, most=_AT_ONCE)
            if not whole:
                after = (events[0].id - 1) if events else await asyncio.to_thread(studio.queue.events.last)
                yield f"id: {after}\nevent: reset\ndata: {{}}\n\n"
            for event in events:
                yield event_text(event)
                after = event.id
            if len(events) < _AT_ONCE and not await studio.news.wait(_ALIVE_SECONDS):
                yield ": alive\n\n"
    finally:
        studio.streams -= 1


def event_text(event: QueueEvent) -> str:
    """Returns an event as it goes over the wire."""
    data = json.dumps({"job": event.job, "at": event.at, **_data(event)}, ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"


def _data(event: QueueEvent) -> dict[str, object]:
    return {"row": event.data} if event.kind == "job" else event.data
