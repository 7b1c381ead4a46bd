"""The server: its tools paint, expand, show and search_gallery, and pictures as resources."""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import Field, ValidationError

from impasto import __version__
from impasto.errors import ImpastoError
from impasto.gallery.records import Filter
from impasto.jobs import job_class
from impasto.studio.clients.mcp.painting import painted, reported
from impasto.studio.clients.mcp.results import PICTURES, answer, copy_of, fields_of, line_of, link_to
from impasto.studio.clients.sizes import painted_size, side_of
from impasto.studio.clients.work import PREVIEW_EVERY
from impasto.studio.state import Studio

MOST_PICTURES = 8  # of one call
Lifespan = Callable[[MCPServer[Any]], AbstractAsyncContextManager[Any]]
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
Id = Annotated[str, Field(pattern="^[0-9a-f]{20}$", description="a picture's id")]
Words = Annotated[str, Field(max_length=2000)]


class _Server(MCPServer[Any]):
    """A server that refuses arguments in one sentence, also those that a tool does not have: the SDK leaves them out."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        for tool in await self.list_tools():
            taken = tool.input_schema.get("properties", {})
            if tool.name == name and (unknown := [one for one in arguments if one not in taken]):
                raise ToolError(f"{name}, {unknown[0][:80]}: there is no such argument; it takes {', '.join(taken)}")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            first = error.__cause__.errors(include_url=False)[0]
            field, message = ".".join(map(str, first["loc"])), first["msg"]
            raise ToolError(f"{name}, {field}: {message[:1].lower()}{message[1:]}") from error.__cause__


def make_server(studio: Studio, lifespan: Lifespan | None = None) -> MCPServer[Any]:
    """Makes the server of a studio. `lifespan` is entered when it begins to serve."""
    server = _Server(
        "impasto", title="Impasto", version=__version__, log_level="ERROR", lifespan=lifespan,
        instructions="Paints new pictures in the manner of the masters on this machine. Pictures have ids: `show` one, or "
        "start from it with `paint(start_from=...)`. Pictures in answers are small copies; linked resources are the files.",
    )  # fmt: skip
    _add_paint(server, studio)
    _add_expand(server, studio)
    _add_gallery(server, studio)
    return server


def _add_paint(server: MCPServer[Any], studio: Studio) -> None:
    @server.tool(annotations=ToolAnnotations(destructive_hint=False, open_world_hint=False))
    @_in_sentences
    async def paint(
        context: Context[Any],
        prompt: Annotated[Words, Field(description="what the picture shows")] = "",
        artist: Annotated[str, Field(max_length=200, description="a master whom the checkpoint knows")] = "",
        style: Annotated[str, Field(max_length=200, description="such as Impressionism")] = "",
        negative: Annotated[Words, Field(description="what it should not show")] = "",
        count: Annotated[int, Field(ge=1, le=MOST_PICTURES, description="pictures, each with a seed of its own")] = 1,
        seed: Annotated[int | None, Field(ge=0, lt=2**62, description="the first seed; none draws one")] = None,
        width: Annotated[int | None, Field(ge=1, le=16_384, description="px; none for the checkpoint's own")] = None,
        height: Annotated[int | None, Field(ge=1, le=16_384, description="px; none for the checkpoint's own")] = None,
        steps: Annotated[int | None, Field(ge=1, le=1000, description="none for what the checkpoint recommends")] = None,
        guidance: Annotated[float | None, Field(ge=0, le=50)] = None,
        checkpoint: Annotated[str, Field(max_length=200)] = "pocket",
        expand: Annotated[bool, Field(description="whether the prompt is made richer first")] = False,
        start_from: Annotated[str, Field(pattern="^([0-9a-f]{20})?$", description="id of a picture to paint over")] = "",
        strength: Annotated[float | None, Field(ge=0, le=1, description="how much of it is painted anew")] = None,
    ) -> CallToolResult:
        """Paints pictures from words, or over a picture of the gallery. They stay in the gallery."""

        def job() -> tuple[Any, str]:
            fields: dict[str, Any] = {
                "prompt": " ".join(prompt.split()), "artist": artist, "style": style, "negative": negative, "count": count,
                "seed": seed, "steps": steps, "guidance": guidance, "preview_every": PREVIEW_EVERY,
                "checkpoint": studio.references.resolve("checkpoint", checkpoint), "expand": "wu2022" if expand else "off",
            }  # fmt: skip
            note = ""
            if start_from:
                fields |= {"init": studio.references.picture(f"picture:{start_from}"), "strength": strength}
            if not start_from or width or height:
                fields["width"], fields["height"], note = painted_size(width, height, side_of(studio, checkpoint))
            return job_class("paint")(**fields), note

        made, note = await asyncio.to_thread(job)
        ended, found = await painted(studio, made, context)
        entries = await asyncio.to_thread(studio.gallery.entries, [one.id for one in found])
        copies = await asyncio.gather(*(asyncio.to_thread(copy_of, studio, one.id) for one in entries))
        lines = [f"job {ended.id} {ended.state}: {len(entries)} of {count} pictures", *map(line_of, entries)]
        content = [block for entry, copy in zip(entries, copies, strict=True) for block in (copy, link_to(entry))]
        text = "\n".join([*lines, note] if note else lines)
        return answer(text, content, job=ended.id, pictures=[fields_of(one) for one in entries])


def _add_expand(server: MCPServer[Any], studio: Studio) -> None:
    @server.tool(annotations=_READS)
    @_in_sentences
    async def expand(
        context: Context[Any],
        prompt: Annotated[Words, Field(min_length=1)],
        count: Annotated[int, Field(ge=1, le=20)] = 5,
        seed: Annotated[int, Field(ge=0, lt=2**31)] = 0,
    ) -> CallToolResult:
        """Finds richer prompts for a prompt, best first, each with its score and the terms of the score. Paints nothing."""
        made = await asyncio.to_thread(job_class("expand"), prompt=prompt, count=count, seed=seed)
        report = await reported(studio, made, context)
        found = (report or {}).get("found", [])
        lines = [f"{one['score']:.3f}  {one['text']}  ({one['source']})" for one in found]
        return answer("\n".join(lines) or "nothing expands this prompt", expansions=found)


def _add_gallery(server: MCPServer[Any], studio: Studio) -> None:
    @server.tool(annotations=_READS)
    @_in_sentences
    async def show(picture: Id) -> CallToolResult:
        """Shows a picture of the gallery, and tells how it was made."""
        entry = await asyncio.to_thread(studio.gallery.entry, picture)
        copy, record = await asyncio.to_thread(lambda: (copy_of(studio, picture), _record(studio, picture)))
        text = f"{line_of(entry)}\n{json.dumps(record, ensure_ascii=False)}"
        return answer(text, [copy, link_to(entry)], picture=fields_of(entry), record=record)

    @server.tool(annotations=_READS)
    @_in_sentences
    async def search_gallery(
        text: Annotated[Words, Field(description="words that prompt, artist, style or checkpoint have")] = "",
        shows: Annotated[str, Field(max_length=500, description="what the picture shows; looks at the pictures")] = "",
        artist: Annotated[str, Field(max_length=200, description="a whole name")] = "",
        starred: bool = False,
        most: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> CallToolResult:
        """Looks for pictures in the gallery: newest first, or by what they show, most similar first."""

        def find() -> list[Any]:
            if not shows.strip():
                return list(studio.gallery.page(Filter(text=text, artist=artist, starred=starred), most=most).entries)
            search = studio.word_search()
            search.embed(64)
            found = [one.entry for one in search.find(shows, 200)]
            fitting = [one for one in found if (not artist or one.artist == artist) and (one.starred or not starred)]
            return [one for one in fitting if text.casefold() in one.prompt.casefold()][:most]

        entries = await asyncio.to_thread(find)
        lines = "\n".join(map(line_of, entries)) or "no picture was found"
        return answer(lines, [link_to(one) for one in entries], pictures=[fields_of(one) for one in entries])

    @server.resource(
        PICTURES + "{digits}", name="picture", description="A picture of the gallery: its file", mime_type="image/png"
    )
    def picture(digits: str) -> bytes:
        try:
            return studio.gallery.file(digits).read_bytes()
        except (ImpastoError, OSError) as error:
            raise ResourceNotFoundError(str(error)) from None

    @server.resource(
        PICTURES + "{digits}/record", name="record", description="How a picture was made", mime_type="application/json"
    )
    def record(digits: str) -> str:
        try:
            return json.dumps(_record(studio, digits), ensure_ascii=False)
        except ImpastoError as error:
            raise ResourceNotFoundError(str(error)) from None


def _record(studio: Studio, digits: str) -> dict[str, Any]:
    """How a picture was made; nothing if it holds no record."""
    from impasto.painting.provenance.record import read_provenance

    file = studio.gallery.file(digits)
    try:
        return asdict(read_provenance(file))
    except ImpastoError:
        return {}


def _in_sentences(tool: Callable[..., Awaitable[CallToolResult]]) -> Callable[..., Awaitable[CallToolResult]]:
    """A tool whose errors are sentences that the model can read."""

    @functools.wraps(tool)
    async def asked(*words: Any, **named: Any) -> CallToolResult:
        try:
            return await tool(*words, **named)
        except ImpastoError as error:
            raise ToolError(str(error)) from None

    return asked
