"""The server of the Model Context Protocol, asked by the SDK's own client over HTTP and over stdin and stdout."""

import asyncio
import base64
import io
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp_types import BlobResourceContents, CallToolResult, ImageContent, ResourceLink, TextContent, TextResourceContents
from PIL import Image
from tests.studio.clients.conftest import Served

from impasto.queue.records import State
from impasto.queue.store import Queue
from impasto.workspace import Workspace

SMALL = {"prompt": "boats at sunset", "steps": 2}


def asked(served: Served, ask: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    async def run() -> Any:
        async with Client(f"{served.address}/mcp", mode=mode) as client:
            return await ask(client)

    return asyncio.run(asyncio.wait_for(run(), 120))


@pytest.fixture(scope="module")
def painted(served: Served) -> tuple[CallToolResult, list[tuple[float, float | None]]]:
    told: list[tuple[float, float | None]] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total))

    async def ask(client: Client) -> CallToolResult:
        return await client.call_tool(
            "paint",
            {"prompt": "boats at sunset", "artist": "monet", "count": 2, "seed": 4, "steps": 30},
            progress_callback=note,
        )

    return asked(served, ask), told


def words(result: CallToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, TextContent))


def picture_ids(result: CallToolResult) -> list[str]:
    return [one["id"] for one in (result.structured_content or {})["pictures"]]


def test_paint_answers_with_copies_and_links(painted: Any, served: Served) -> None:
    result, told = painted
    copies = [one for one in result.content if isinstance(one, ImageContent)]
    links = [one for one in result.content if isinstance(one, ResourceLink)]
    assert not result.is_error and len(copies) == len(links) == 2
    image = Image.open(io.BytesIO(base64.b64decode(copies[0].data)))
    assert image.format == "WEBP" and image.size == (64, 64)
    assert [served.studio.gallery.entry(one).seed for one in picture_ids(result)] == [4, 5]
    assert "by Claude Monet" in words(result) and [str(one.uri) for one in links] == [
        f"impasto://pictures/{one}" for one in picture_ids(result)
    ]
    assert told == sorted(set(told)) and told[-1] == (2, 2) and len(told) > 2


def test_a_picture_is_a_resource(painted: Any, served: Served) -> None:
    digits = picture_ids(painted[0])[0]

    async def ask(client: Client) -> tuple[Any, Any, Any]:
        templates = await client.list_resource_templates()
        with pytest.raises(MCPError, match="no picture"):
            await client.read_resource("impasto://pictures/" + "0" * 20)
        return (
            templates, await client.read_resource(f"impasto://pictures/{digits}"),
            await client.read_resource(f"impasto://pictures/{digits}/record"),
        )  # fmt: skip

    templates, file, record = asked(served, ask)
    assert len(templates.resource_templates) == 2
    blob = file.contents[0]
    assert isinstance(blob, BlobResourceContents) and blob.mime_type == "image/png"
    assert base64.b64decode(blob.blob) == served.studio.gallery.file(digits).read_bytes()
    assert isinstance(record.contents[0], TextResourceContents) and '"seed": 4' in record.contents[0].text


def test_show_and_search(painted: Any, served: Served) -> None:
    digits = picture_ids(painted[0])[0]

    async def ask(client: Client) -> list[CallToolResult]:
        assert [one.name for one in (await client.list_tools()).tools] == ["paint", "expand", "show", "search_gallery"]
        return [
            await client.call_tool("show", {"picture": digits}),
            await client.call_tool("search_gallery", {"text": "sunset", "most": 1}),
            await client.call_tool("search_gallery", {"shows": "boats on the water"}),
            await client.call_tool("search_gallery", {"text": "cathedral"}),
        ]

    shown, newest, similar, none = asked(served, ask, "legacy")
    assert (shown.structured_content or {})["record"]["seed"] == 4 and any(
        isinstance(one, ImageContent) for one in shown.content
    )
    assert len(picture_ids(newest)) == 1 and set(picture_ids(similar)) == set(picture_ids(painted[0]))
    assert picture_ids(none) == [] and words(none) == "no picture was found"


def test_a_picture_is_painted_over(painted: Any, served: Served) -> None:
    digits = picture_ids(painted[0])[0]
    result = asked(served, lambda client: client.call_tool("paint", {**SMALL, "start_from": digits, "strength": 0.5}))
    record = served.studio.gallery.file(picture_ids(result)[0])
    assert "Denoising strength: 0.5" in str(Image.open(record).info["parameters"])


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("paint", {"prompt": ""}, "nothing to paint"),
        ("paint", {**SMALL, "artist": "nobody at all"}, "nobody at all"),
        ("paint", {**SMALL, "checkpoint": "/etc"}, "no checkpoint"),
        ("paint", {**SMALL, "count": 9}, "paint, count: input should be less than or equal to 8"),
        ("search_gallery", {"query": "boats"}, "search_gallery, query: there is no such argument; it takes text, shows,"),
        ("paint", {**SMALL, "start_from": "0" * 20}, "no picture"),
        ("paint", {**SMALL, "start_from": "../../x"}, "start_from"),
        ("show", {"picture": "0" * 20}, "no picture"),
        ("expand", {"prompt": ""}, "prompt"),
    ],
)
def test_what_cannot_be_done_is_an_error_that_a_model_can_read(
    tool: str, arguments: dict[str, Any], sentence: str, served: Served
) -> None:
    result = asked(served, lambda client: client.call_tool(tool, arguments))
    assert result.is_error and sentence in words(result) and "\n" not in words(result)


def test_expand_answers_with_scores(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.jobs.painting.expand import ExpandJob, Expansions
    from impasto.prompts.expansion.pipeline import Expansion

    found = Expansions([Expansion("boats at dusk, fog", 0.75, {"similarity": 0.75}, "handbook", "at dusk, fog")])
    monkeypatch.setattr(ExpandJob, "run", lambda job, context: found if job.count == 1 and not context.check() else None)
    result = asked(served, lambda client: client.call_tool("expand", {"prompt": "boats", "count": 1}))
    assert words(result) == "0.750  boats at dusk, fog  (handbook)"
    assert (result.structured_content or {})["expansions"][0]["score"] == 0.75


def test_a_cancelled_call_cancels_its_job(served: Served) -> None:
    async def ask(client: Client) -> int:
        begun = asyncio.Event()

        async def note(done: float, total: float | None, message: str | None) -> None:
            if message and message.startswith("part"):
                begun.set()

        long = {"prompt": "boats", "steps": 900, "width": 128, "height": 128}
        call = asyncio.create_task(client.call_tool("paint", long, progress_callback=note))
        await asyncio.wait_for(begun.wait(), 60)
        call.cancel()
        number = served.studio.queue.jobs(most=1)[0].id
        for _ in range(600):
            if served.studio.queue.job(number).state is State.CANCELLED:
                break
            await asyncio.sleep(0.05)
        return number

    for mode in ("auto", "legacy"):
        assert served.studio.queue.job(asked(served, ask, mode)).state is State.CANCELLED


def test_the_gate_stands_before_it(served: Served) -> None:
    for headers, status in (
        ({"host": "evil.test"}, 421),
        ({"origin": "http://evil.test"}, 403),
        ({"content-type": "text/plain"}, 415),
    ):
        answer = requests.post(f"{served.address}/mcp", data="{}", headers={"content-type": "application/json", **headers})
        assert answer.status_code == status and answer.json()["error"]


def test_over_stdin_and_stdout_with_a_worker_of_its_own(tiny_pocket: Path, tmp_path: Path) -> None:
    source = str(Path(__file__).parents[3] / "src")
    environment = {
        **os.environ, "PYTHONPATH": source, "IMPASTO_POCKET": str(tiny_pocket), "IMPASTO_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    command = ["-m", "impasto", "mcp", "--workspace", str(tmp_path / "home")]

    async def run() -> CallToolResult:
        async with Client(StdioServerParameters(command=sys.executable, args=command, env=environment)) as client:
            return await client.call_tool("paint", SMALL)

    result = asyncio.run(asyncio.wait_for(run(), 240))
    assert not result.is_error and len(picture_ids(result)) == 1
    queue = Queue.open(Workspace.open(tmp_path / "home"))
    assert queue.job(1).state is State.DONE and queue.job(1).origin == "mcp"
    queue.close()
