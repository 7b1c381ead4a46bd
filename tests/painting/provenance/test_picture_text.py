"""Texts in picture files: encodings of PNG and EXIF, XMP and its continuation, comments, and texts hidden in the pixels."""

import gzip
import json
import random
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from impasto.errors import ImpastoError
from impasto.painting.foreign import ForeignRecord
from impasto.painting.provenance.exif_text import user_comment
from impasto.painting.provenance.picture_text import picture_texts
from impasto.painting.provenance.record import read_provenance

TEXT = "a mill, Übergröße, 風車 🌇\nNegative prompt: fog\nSteps: 3, Sampler: Euler, Seed: 4, Size: 64x64"
GRAPH = json.dumps({
    "3": {"class_type": "KSampler", "inputs": {"seed": 4, "steps": 3, "cfg": 5, "sampler_name": "x", "positive": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a mill", "clip": ["4", 1]}},
})  # fmt: skip


def read(path: Path) -> ForeignRecord:
    record = read_provenance(path)
    assert isinstance(record, ForeignRecord)
    return record


def saved(path: Path, mode: str = "RGB", **options: object) -> Path:
    Image.new(mode, (16, 16)).save(path, **options)
    return path


def with_chunks(path: Path, *chunks: tuple[bytes, bytes], at_end: bool = False) -> Path:
    """A PNG with these chunks behind its header, or before its end."""
    content = saved(path).read_bytes()
    added = b"".join(struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks)
    at = len(content) - 12 if at_end else 33
    path.write_bytes(content[:at] + added + content[at:])
    return path


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ("猫と風車 🌇".encode(), "猫と風車 🌇"),
        ("Fluß".encode(), "Fluß"),
        ("Fluß".encode("latin-1"), "Fluß"),
        (b"plain", "plain"),
    ],
)
def test_utf_8_in_a_text_chunk(tmp_path, body, prompt):
    path = with_chunks(tmp_path / "a.png", (b"tEXt", b"parameters\0" + body + b"\nSteps: 3, Seed: 4"))
    assert read(path).prompt == prompt
    path = with_chunks(tmp_path / "b.png", (b"zTXt", b"parameters\0\0" + zlib.compress(body + b"\nSteps: 3, Seed: 4")))
    assert read(path).prompt == prompt


@pytest.mark.parametrize("kind", [b"Software\0Mine", b"Title\0x"])
def test_chunks_behind_the_pixels(tmp_path, kind):
    path = with_chunks(tmp_path / "a.png", (b"tEXt", b"parameters\0a mill\nSteps: 3, Seed: 4"), at_end=True)
    assert read(path).prompt == "a mill"
    content = path.read_bytes()
    chunk = struct.pack(">I", len(kind)) + b"tEXt" + kind + struct.pack(">I", zlib.crc32(b"tEXt" + kind))
    path.write_bytes(content[:33] + chunk + content[33:])
    assert read(path).prompt == "a mill"


@pytest.mark.parametrize(
    ("comment", "order"),
    [
        (b"UNICODE\0" + TEXT.encode("utf-16-be"), "<"),
        (b"UNICODE\0" + TEXT.encode("utf-16-le"), ">"),
        (b"UNICODE\0" + TEXT.encode("utf-16"), ">"),  # with its mark
        (b"UNICODE\0" + TEXT.encode(), "<"),
        (b"Unicode\0" + TEXT.encode("utf-16-le"), "<"),
        (b"ASCII\0\0\0" + TEXT.encode(), "<"),
        (b"\0" * 8 + TEXT.encode() + b"\0\0", "<"),
        (TEXT.encode(), "<"),
        (TEXT.encode("utf-16-le"), "<"),
    ],
)
def test_comments_in_all_encodings(comment, order):
    assert user_comment(comment, order) == TEXT


def test_comments_without_latin_letters_and_in_japanese():
    assert user_comment(b"UNICODE\0" + "風車".encode("utf-16-be"), ">") == "風車"
    assert user_comment(b"UNICODE\0" + "風車".encode("utf-16-le"), "<") == "風車"
    assert user_comment(b"JIS\0\0\0\0\0" + "風車 Steps".encode("iso2022_jp")) == "風車 Steps"
    assert user_comment(b"JIS\0\0\0\0\0" + "風車".encode()) == "風車"
    assert user_comment("ASCII\0\0\0a mill") == "a mill"
    assert user_comment(b"ASCII\0\0\0Flu\xdf") == "Fluß"
    assert user_comment(5) == user_comment(None) == user_comment(b"") == ""


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif"])
def test_exif_in_every_format(tmp_path, suffix):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode("utf-16-be")
    assert read(saved(tmp_path / f"a.{suffix}", exif=exif.tobytes())).prompt == "a mill, Übergröße, 風車 🌇"


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
@pytest.mark.parametrize(
    "fields",
    [
        {0x010F: "Prompt: " + GRAPH, 0x010E: 'Workflow: {"nodes": [], "links": []}'},
        {0x0110: "prompt:" + GRAPH},
        {0x010D: "Prompt : " + GRAPH},
        {0x9286: '{"prompt": ' + GRAPH + ', "workflow": {"nodes": [], "links": []}}'},
        {0x010E: '{"prompt": ' + GRAPH + "}"},
        {0x010E: "a mill\nSteps: 3, Sampler: Euler, CFG scale: 5, Seed: 4"},
    ],
)
def test_fields_of_exif(tmp_path, suffix, fields):
    exif = Image.Exif()
    for tag, value in fields.items():
        exif[tag] = value
    record = read(saved(tmp_path / f"a.{suffix}", exif=exif))
    assert (record.prompt, record.seed, record.steps, record.guidance) == ("a mill", 4, 3, 5.0)


XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:exif="e" xmlns:dc="d"
 xmlns:xmp="x" xmp:CreatorTool="Draw Things">{}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""
COMMENT = (
    '<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{&quot;c&quot;:&quot;a mill&quot;,'
    "&quot;uc&quot;:&quot;fog&quot;,&quot;seed&quot;:4,&quot;steps&quot;:3}</rdf:li></rdf:Alt></exif:UserComment>"
)
DESCRIPTION = (
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">a mill\nNegative prompt: fog\nSteps: 3, Seed: 4, Sampler: x'
    "</rdf:li></rdf:Alt></dc:description>"
)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "avif"])
@pytest.mark.parametrize("body", [COMMENT, DESCRIPTION])
def test_xmp_in_every_format(tmp_path, suffix, body):
    packet = XMP.format(body)
    if suffix == "png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
        path = saved(tmp_path / "a.png", pnginfo=info)
    else:
        path = saved(tmp_path / f"a.{suffix}", xmp=packet.encode())
    record = read(path)
    assert (record.prompt, record.negative, record.seed, record.steps) == ("a mill", "fog", 4, 3)


def test_a_jpeg_that_continues_its_xmp(tmp_path):
    packet = XMP.format(COMMENT).encode()
    name = b"http://ns.adobe.com/xmp/extension/\0"
    segments = []
    for offset in (200, 0):  # in any order
        piece = packet[:200] if offset == 0 else packet[200:]
        body = name + b"A" * 32 + struct.pack(">II", len(packet), offset) + piece
        segments.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    path = saved(tmp_path / "a.jpg")
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"".join(segments) + content[2:])
    assert read(path).prompt == "a mill"


@pytest.mark.parametrize(
    "packet",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'">]><a>' + b"&b;" * 1000 + b"</a>",
        b"<a>" * 100_000,
        b"<a b='" + b"x" * 1_000_000,
        b"\xff\xfe<\0a\0>\0",
        b"not xml",
        b"<a>" + b"<b>x</b>" * 100_000 + b"</a>",
    ],
)
def test_hostile_xmp_is_no_record(tmp_path, packet):
    start = time.perf_counter()
    with pytest.raises(ImpastoError, match="holds no record"):
        read_provenance(saved(tmp_path / "a.webp", xmp=packet))
    assert time.perf_counter() - start < 5


def test_a_jpegs_comment(tmp_path):
    path = saved(tmp_path / "a.jpg", comment=b"a mill\nSteps: 3, Sampler: Euler, Seed: 4")
    assert (read(path).prompt, read(path).seed) == ("a mill", 4)


def hidden(text: bytes, form: bytes, depth: int, length: int | None = None) -> Image.Image:
    """A picture of noise with `text` in the lowest bits of its alpha channel (depth 1) or of its colours (3)."""
    body = gzip.compress(text) if form.endswith(b"comp") else text
    head = form + struct.pack(">I", 8 * len(body) if length is None else length)
    bits = np.unpackbits(np.frombuffer(head + body, np.uint8))
    height, width = 40, 80
    values = np.frombuffer(random.Random(0).randbytes(height * width * 4), np.uint8).reshape(height, width, 4).copy()
    flat = values[:, :, 3:] if depth == 1 else values[:, :, :3]
    columns = flat.transpose(1, 0, 2).reshape(-1).copy()
    columns[: bits.size] = (columns[: bits.size] & 254) | bits
    values[:, :, 3 if depth == 1 else 0 : 4 if depth == 1 else 3] = columns.reshape(width, height, depth).transpose(1, 0, 2)
    return Image.fromarray(values if depth == 1 else values[:, :, :3].copy())


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize(
    ("form", "depth"),
    [(b"stealth_pnginfo", 1), (b"stealth_pngcomp", 1), (b"stealth_rgbinfo", 3), (b"stealth_rgbcomp", 3)],
)
def test_texts_hidden_in_the_pixels(tmp_path, suffix, form, depth):
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    hidden(b"a mill\nSteps: 3, Seed: 4", form, depth).save(path, **options)
    assert (read(path).prompt, read(path).seed) == ("a mill", 4)
    comment = json.dumps({"steps": 3, "seed": 4, "uc": "fog", "scale": 5})
    texts = {"Software": "NovelAI", "Source": "V4", "Description": "a mill", "Comment": comment}
    hidden(json.dumps(texts).encode(), form, depth).save(path, **options)
    assert (read(path).tool, read(path).negative, read(path).checkpoint) == ("NovelAI", "fog", "V4")


def test_hidden_texts_that_are_none(tmp_path):
    path = tmp_path / "a.png"
    whole = hidden(b"a mill\nSteps: 3", b"stealth_pngcomp", 1)
    for picture in (
        hidden(b"x", b"stealth_pnginfo", 1, length=2**32 - 1),
        hidden(b"x", b"stealth_pnginfo", 1, length=0),
        hidden(b"x" * 10, b"stealth_nothing", 1),
        hidden(b"a" * 20, b"stealth_pngcomp", 1, length=64),
        Image.new("RGBA", (1, 1)),
        Image.new("LA", (3, 1)),
        whole.crop((0, 0, 3, 40)),
    ):
        picture.save(path)
        with pytest.raises(ImpastoError, match="holds no record"):
            read_provenance(path)
    bomb = zlib.compressobj(wbits=31)
    packed = bomb.compress(bytes(50 << 20)) + bomb.flush()
    big = np.zeros((1000, 1000, 4), np.uint8)
    bits = np.unpackbits(np.frombuffer(b"stealth_pngcomp" + struct.pack(">I", 8 * len(packed)) + packed, np.uint8))
    big[:, :, 3] = np.concatenate([bits, np.zeros(1_000_000 - bits.size, np.uint8)]).reshape(1000, 1000).T
    Image.fromarray(big).save(path)
    assert "stealth" not in picture_texts(path)


def test_a_record_of_ours_reads_as_it_was_written(tmp_path):
    """Words that would be UTF-8 if their Latin-1 bytes were read so."""
    from dataclasses import replace

    from tests.painting.provenance.test_record import BOATS

    from impasto.painting.provenance.record import png_info

    painting = replace(BOATS, prompt="Ã©tude", text="Ã©tude")
    path = saved(tmp_path / "a.png", pnginfo=png_info(painting))
    assert read_provenance(path) == painting
    assert picture_texts(path)["parameters"].startswith("Ã©tude\n")


def test_what_is_no_picture_and_damaged_ones(tmp_path):
    (tmp_path / "a.png").write_bytes(b"GIF89a")
    with pytest.raises(ImpastoError, match="not a PNG, JPEG, WebP or AVIF"):
        read_provenance(tmp_path / "a.png")
    for suffix in ("png", "jpg", "webp", "avif"):
        exif = Image.Exif()
        exif[0x010F] = "prompt:" + GRAPH
        whole = saved(tmp_path / f"b.{suffix}", exif=exif).read_bytes()
        for cut in range(0, len(whole), max(len(whole) // 25, 1)):
            (tmp_path / f"c.{suffix}").write_bytes(whole[:cut])
            try:
                read_provenance(tmp_path / f"c.{suffix}")
            except ImpastoError as error:
                assert "\n" not in str(error)


def test_windows_1252_in_texts_of_eight_bits(tmp_path):
    """Dashes and quotation marks are Windows-1252's 0x80 .. 0x9F; Latin-1 has controls there."""
    text = "a mill’s wheel – “dusk” é\nNegative prompt: fog\nSteps: 3, Sampler: Euler, Seed: 4"
    path = with_chunks(tmp_path / "a.png", (b"tEXt", b"parameters\0" + text.encode("cp1252")))
    assert read(path).prompt == "a mill’s wheel – “dusk” é"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", comment=text.encode("cp1252"))
    assert read(tmp_path / "a.jpg").prompt == "a mill’s wheel – “dusk” é"
    assert user_comment(b"ASCII\0\0\0" + "– é".encode("cp1252")) == "– é"
    assert user_comment(b"ASCII\0\0\0a\x81\xe9") == "a\x81é"  # 0x81 has no meaning in either
