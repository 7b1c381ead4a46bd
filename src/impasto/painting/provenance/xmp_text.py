"""Reads the texts in a picture's XMP (ISO 16684-1), also where a JPEG continues it in further segments (ExtendedXMP).

Draw Things, Midjourney and several saving nodes write their records there.
"""

import re
from xml.parsers import expat

from PIL import Image

_LONGEST = 4 << 20
_MOST_TEXTS = 500
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_ROWS = {"li", "Alt", "Seq", "Bag", "Description", "RDF", "xmpmeta"}
_NO_TEXT = {"xmlns", "about", "lang", "parseType", "xmptk", "HasExtendedXMP"}
# The fields whose content has another name in the other formats.
_NAMES = {"description": "ImageDescription", "UserComment": "UserComment", "CreatorTool": "Software"}
# The other fields that may hold a record, as PNG's chunks are named; an editor's own fields are left alone.
_RECORDS = {"parameters", "prompt", "negative_prompt", "workflow", "invokeai_metadata", "sd-metadata", "Comment", "Source"}


def xmp_texts(picture: Image.Image) -> dict[str, str]:
    """Returns the texts in the XMP of an open picture by the names of its fields; an empty dict if it has none.

    `exif:UserComment`, `dc:description` and `xmp:CreatorTool` are named as EXIF's fields of the same meaning.
    """
    packets = [_packet(picture), _extension(picture)]
    texts: dict[str, str] = {}
    for packet in packets:
        for name, text in _fields(packet).items():
            if name in _NAMES or name in _RECORDS:
                texts.setdefault(_NAMES.get(name, name), text)
    return texts


def _packet(picture: Image.Image) -> bytes:
    value = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    return value.encode("utf-8", "replace") if isinstance(value, str) else value if isinstance(value, bytes) else b""


def _extension(picture: Image.Image) -> bytes:
    """Returns the XMP that a JPEG continues: pieces of 40 bytes that place them (GUID, length, offset), then the text."""
    pieces: dict[bytes, dict[int, bytes]] = {}
    for name, segment in getattr(picture, "applist", None) or []:
        if name == "APP1" and segment.startswith(_EXTENSION):
            head = segment[len(_EXTENSION) :][:40]
            if len(head) == 40:
                offset = int.from_bytes(head[36:40], "big")
                pieces.setdefault(head[:32], {})[offset] = segment[len(_EXTENSION) + 40 :]
    for parts in pieces.values():
        whole = b"".join(parts[offset] for offset in sorted(parts))
        if len(whole) <= _LONGEST:
            return whole
    return b""


def _fields(packet: bytes) -> dict[str, str]:
    """Returns the texts of an XMP packet. It may come from anywhere: entities are refused and sizes bounded."""
    packet = packet.strip(b"\0 \n\r\t")
    if not packet or len(packet) > _LONGEST or b"<!ENTITY" in packet or b"<!DOCTYPE" in packet:
        return {}
    texts: dict[str, str] = {}
    names: list[str] = []
    held: list[list[str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            local = name.rpartition(":")[2]
            if local not in _NO_TEXT and not name.startswith("xmlns") and len(texts) < _MOST_TEXTS:
                texts.setdefault(local, value)
        names.append(tag.rpartition(":")[2])
        held.append([])

    def end(_: str) -> None:
        text = "".join(held.pop()).strip()
        place = next((name for name in reversed(names[-4:]) if name not in _ROWS), "")
        names.pop()
        if text and place and len(texts) < _MOST_TEXTS:
            texts[place] = f"{texts[place]}, {text}" if place == "subject" and place in texts else texts.get(place, text)

    def data(text: str) -> None:
        if held:
            held[-1].append(text)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, data
    try:
        parser.Parse(re.sub(rb"<\?xpacket[^>]*\?>", b"", packet), True)
    except (expat.ExpatError, ValueError):
        return texts  # what came before the broken place is whole
    return texts
