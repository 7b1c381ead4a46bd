"""What tools answer: pictures as small copies, with links to the files."""

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from impasto.gallery.records import Entry
from impasto.gallery.thumbnails import thumbnail
from impasto.studio.state import Studio

PICTURES = "impasto://pictures/"
_SIDE = 512  # px of a copy in an answer


def answer(text: str, content: Sequence[ContentBlock] = (), **structured: Any) -> CallToolResult:
    """Returns a tool's answer: a text, what follows it, and the same as structured data."""
    return CallToolResult(content=[TextContent(text=text), *content], structured_content=structured or None)


def copy_of(studio: Studio, digits: str) -> ImageContent:
    """Returns a picture's small copy, a WebP.

    Raises:
        UnknownPicture, ImpastoError: there is no such picture, or it cannot be read.
    """
    file = thumbnail(studio.gallery.file(digits), digits, _SIDE, studio.workspace.place("thumbnails"))
    return ImageContent(data=base64.b64encode(file.read_bytes()).decode(), mime_type="image/webp")


def link_to(entry: Entry) -> ResourceLink:
    """Returns the link to a picture's file."""
    ending = entry.name.rpartition(".")[2].lower()
    kind = {"jpg": "jpeg"}.get(ending, ending)
    return ResourceLink(
        uri=f"{PICTURES}{entry.id}", name=entry.name, mime_type=f"image/{kind}", description=entry.prompt[:200]
    )


def line_of(entry: Entry) -> str:
    """Returns a picture in one line."""
    parts = [entry.id, f"{entry.width}x{entry.height}", entry.prompt[:200] or entry.name]
    parts += [f"by {entry.artist}"] if entry.artist else []
    parts += [f"seed {entry.seed}"] if entry.seed is not None else []
    return ", ".join(parts)


def fields_of(entry: Entry) -> dict[str, Any]:
    """Returns what the gallery knows of a picture, as JSON types."""
    return asdict(entry)
