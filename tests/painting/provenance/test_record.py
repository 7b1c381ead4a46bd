"""What is written into a painting is read back exactly, by us and, as far as its form goes, by others."""

import json
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.errors import ImpastoError
from impasto.painting.copies.record import CopyCheck
from impasto.painting.foreign import ForeignRecord
from impasto.painting.provenance.record import Provenance, png_info, read_provenance

BOATS = Provenance(
    prompt="boats at sunset",
    condition={"caption": "boats at sunset", "artist": "Claude Monet", "year": 1872, "style": ""},
    expansion=None,
    negative="frame, signature",
    seed=7,
    sampler="dpm++",
    steps=25,
    guidance=5.0,
    eta=0.0,
    width=128,
    height=128,
    checkpoint="pocket",
    checkpoint_hash="0123456789abcdef" * 4,
    version="0.1.0",
    text="boats at sunset, by Claude Monet, 1872",
)
MONET = AppliedLora("monet", "runs/monet", "abcdef0123456789" * 4, 0.8)
HOUR = AppliedConcept("<blue-hour>", "C:\\hour.safetensors", "fedcba9876543210" * 4, 3)

CHECKED = {"index": "ab12", "threshold": 0.6, "similarity": 0.4, "refused_seeds": [5]}


def save(path: Path, info: PngInfo | None = None) -> Path:
    Image.new("RGB", (16, 16), "teal").save(path, pnginfo=info)
    return path


def with_text(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name.replace("_", "-") if name == "sd_metadata" else name, text)
    return save(path, info)


def insert_chunk(path: Path, kind: bytes, body: bytes) -> Path:
    """Puts a raw chunk behind the PNG's header chunk (8 bytes of signature, 25 of IHDR)."""
    content = path.read_bytes()
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(content[:33] + chunk + content[33:])
    return path


def test_the_a1111_text_to_the_letter():
    assert BOATS.to_parameters() == (
        "boats at sunset, by Claude Monet, 1872\n"
        "Negative prompt: frame, signature\n"
        "Steps: 25, Sampler: DPM++ 2M, CFG scale: 5, Seed: 7, Size: 128x128, "
        "Model hash: 0123456789, Model: pocket, Version: impasto 0.1.0"
    )


def test_loras_and_concepts_as_a1111_has_them():
    painting = replace(BOATS, loras=(MONET, replace(MONET, name="gogh", scale=1.0)), concepts=(HOUR,))
    first, *_, settings = painting.to_parameters().splitlines()
    assert first == "boats at sunset, by Claude Monet, 1872 <lora:monet:0.8> <lora:gogh:1>"
    assert 'Lora hashes: "monet: abcdef012345, gogh: abcdef012345"' in settings
    assert 'TI hashes: "<blue-hour>: fedcba987654"' in settings


def test_a_record_from_before_there_were_loras_is_read(tmp_path):
    values = {name: value for name, value in json.loads(BOATS.to_json()).items() if name not in ("loras", "concepts")}
    assert read_provenance(with_text(tmp_path / "x.png", impasto=json.dumps(values))) == BOATS


@pytest.mark.parametrize(
    "wrong",
    [
        {"loras": {}},
        {"loras": ["monet"]},
        {"loras": [{"name": "monet", "path": "runs/monet", "content_hash": "ab", "scale": "0.8"}]},
        {"loras": [{"name": "monet", "path": "runs/monet", "content_hash": "ab", "scale": 1e9}]},
        {"loras": [{"name": "mo\x1bnet", "path": "runs/monet", "content_hash": "ab", "scale": 1}]},
        {"loras": [{"path": "runs/monet", "content_hash": "ab", "scale": 1}]},
        {"concepts": [{"name": "<x>", "path": "x", "content_hash": "ab", "vectors": 0}]},
        {"concepts": [{"name": "<x>", "path": "x", "content_hash": "ab", "vectors": 1.5}]},
        {"copy_check": []},
        {"copy_check": CHECKED | {"index": "a\x1bb"}},
        {"copy_check": CHECKED | {"similarity": "0.4"}},
        {"copy_check": CHECKED | {"threshold": float("nan")}},
        {"copy_check": CHECKED | {"refused_seeds": [-1]}},
        {"copy_check": CHECKED | {"refused_seeds": 7}},
    ],
)
def test_what_a_stranger_says_was_laid_over_or_compared_is_checked(tmp_path, wrong):
    values = json.loads(BOATS.to_json()) | wrong
    with pytest.raises(ImpastoError, match=f"no valid '{next(iter(wrong))}'"):
        read_provenance(with_text(tmp_path / "x.png", impasto=json.dumps(values)))


def test_settings_that_would_break_the_line_are_quoted():
    painting = replace(BOATS, checkpoint='C:\\my "best", really.safetensors', guidance=7.5, eta=0.5)
    line = painting.to_parameters().splitlines()[-1]
    # The pattern is how A1111-style readers commonly cut this line.
    found = dict(re.findall(r'\s*([\w ]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', line))
    assert json.loads(found["Model"]) == painting.checkpoint
    assert (found["CFG scale"], found["Eta"], found["Version"]) == ("7.5", "0.5", "impasto 0.1.0")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prompt": "", "text": "", "negative": "", "condition": {}},
        {"prompt": "Häuser am Fluß", "text": "Häuser am Fluß"},
        {"prompt": "波と富士山 🌊", "text": "波と富士山 🌊", "negative": "ø, “text”"},
        {"prompt": 'two\nlines, "quoted"\tand \\tabbed', "text": "two\nlines\n\nSteps: none"},
        {"expansion": "boats at sunset, oil on canvas, golden light", "seed": 2**63 - 1, "eta": 0.25},
        {"loras": (MONET, replace(MONET, name="gogh", scale=-1.0)), "concepts": (HOUR,)},
        {"copy_check": CopyCheck("ab12", 0.6, 0.4, (5, 6))},
        {"guidance": 1 / 3, "sampler": "euler-a", "steps": 1000, "width": 2048, "height": 64},
    ],
)
def test_round_trip(tmp_path, changes):
    painting = replace(BOATS, **changes)
    assert read_provenance(save(tmp_path / "x.png", png_info(painting))) == painting


def test_latin_1_is_text_and_the_rest_international_text(tmp_path):
    latin = save(tmp_path / "a.png", png_info(replace(BOATS, prompt="Fluß"))).read_bytes()
    other = save(tmp_path / "b.png", png_info(replace(BOATS, prompt="富士山"))).read_bytes()
    assert latin.count(b"tEXt") == 2 and b"iTXt" not in latin
    assert b"iTXtimpasto" in other and b"tEXtparameters" in other


def test_our_record_comes_before_any_other(tmp_path):
    info = png_info(BOATS)
    info.add_text("invokeai_metadata", json.dumps({"positive_prompt": "something else"}))
    assert read_provenance(save(tmp_path / "x.png", info)) == BOATS


def test_saved_again_by_another_tool_the_a1111_text_is_left(tmp_path):
    painting = replace(BOATS, text="波\nsecond line", negative="a\nb", checkpoint="a, b: c")
    record = read_provenance(with_text(tmp_path / "x.png", parameters=painting.to_parameters()))
    assert record == ForeignRecord(
        tool="impasto",
        prompt="波\nsecond line",
        negative="a\nb",
        seed=7,
        sampler="DPM++ 2M",
        steps=25,
        guidance=5.0,
        width=128,
        height=128,
        checkpoint="a, b: c",
        extra={"Model hash": "0123456789", "Version": "impasto 0.1.0"},
    )


def test_texts_behind_the_pixels_are_found(tmp_path):
    path = save(tmp_path / "x.png")
    content = path.read_bytes()
    body = b"impasto\0" + BOATS.to_json().encode("latin-1")
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    path.write_bytes(content[:-12] + chunk + content[-12:])  # before the 12 bytes of IEND
    assert read_provenance(path) == BOATS


def test_a_lone_surrogate_is_refused_before_anything_is_written():
    with pytest.raises(ImpastoError, match="not valid Unicode"):
        png_info(replace(BOATS, prompt="caf\udce9", text="caf\udce9"))


def refusal(path: Path) -> str:
    with pytest.raises(ImpastoError) as caught:
        read_provenance(path)
    message = str(caught.value)
    assert message.startswith(str(path)) and message.isprintable(), message  # names the file, on one line
    return message[len(str(path)) :]


def test_no_record_is_said_plainly(tmp_path):
    assert refusal(save(tmp_path / "x.png")) == " holds no record of how it was made"
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg")
    assert refusal(tmp_path / "x.jpg") == " holds no record of how it was made"


def test_what_is_no_picture_is_refused(tmp_path):
    assert refusal(tmp_path / "none.png") == ": no such file"
    assert "folder" in refusal(tmp_path)
    (tmp_path / "a.png").write_text("plain text")
    assert "not a PNG" in refusal(tmp_path / "a.png")
    (tmp_path / "b.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    assert "not a PNG" in refusal(tmp_path / "b.eps")
    save(tmp_path / "c.png", png_info(BOATS))
    whole = (tmp_path / "c.png").read_bytes()
    for length in (0, 5, 20, 40, 120):
        (tmp_path / "c.png").write_bytes(whole[:length])
        refusal(tmp_path / "c.png")


def test_compressed_bombs_are_refused(tmp_path):
    bomb = zlib.compress(b"a" * (64 << 20), 9)
    path = insert_chunk(save(tmp_path / "z.png"), b"zTXt", b"impasto\0\0" + bomb)
    assert "too large" in refusal(path)
    path = insert_chunk(save(tmp_path / "i.png"), b"iTXt", b"prompt\0\1\0\0\0" + bomb)
    assert "too large" in refusal(path)


def test_a_picture_of_hostile_size_is_not_decoded(tmp_path):
    path = save(tmp_path / "x.png")
    header = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    content = path.read_bytes()
    path.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    assert "too large a picture" in refusal(path)


def record_with(**changes: object) -> str:
    return json.dumps({**json.loads(BOATS.to_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 200_000,
        "{}",
        '{"seed": ' + "9" * 5000 + "}",
        "[" + "0," * (3 << 20) + "0]",
        record_with(seed=-1),
        record_with(seed=True),
        record_with(seed="7"),
        record_with(steps=10**9),
        record_with(width=0),
        record_with(guidance=float("nan")),
        record_with(guidance=10**400),
        record_with(eta="0"),
        record_with(prompt=None),
        record_with(prompt="\x1b[2Jgone"),
        record_with(expansion=5),
        record_with(condition=[]),
        record_with(condition={"caption": ["a"]}),
        record_with(condition={"caption\x07": "a"}),
    ],
)
def test_a_broken_record_of_ours_is_refused(tmp_path, text):
    assert "impasto record" in refusal(with_text(tmp_path / "x.png", impasto=text))


def test_a_name_that_would_break_the_line_is_escaped(tmp_path):
    with pytest.raises(ImpastoError) as caught:
        read_provenance(tmp_path / "a\nb.png")
    assert str(caught.value).isprintable()
