"""A record that a client wrote names no file that the client may not name itself."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save_file

from impasto.checkpoints.applied_adapters import AppliedConcept, AppliedLora
from impasto.painting.editing.record import EditNote, SourceNote
from impasto.painting.guides.record import GuideNote
from impasto.painting.memory.record import MemoryUse
from impasto.painting.provenance.record import Provenance, png_info
from impasto.studio.state import Studio

HASH = "0" * 64
PLAIN = Provenance(
    prompt="boats", condition={"caption": "boats"}, expansion=None, negative="", seed=1, sampler="ddim", steps=2,
    guidance=2.0, eta=0.0, width=64, height=64, checkpoint="pocket", checkpoint_hash=HASH, version="0.1.0", text="boats",
)  # fmt: skip


def sent(client: TestClient, record: Provenance) -> str:
    """Uploads a picture with this record, and returns its reference."""
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG", pnginfo=png_info(record))
    return client.post("/api/v1/uploads", content=data.getvalue(), headers={"content-type": "image/png"}).json()["reference"]


def repaint(client: TestClient, record: Provenance, **fields: object) -> tuple[int, str]:
    answer = client.post("/api/v1/jobs", json={"job": {"kind": "repaint", "file": sent(client, record), **fields}})
    return answer.status_code, answer.json().get("error", "")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "loras").mkdir(parents=True)
    save_file({"<blue>": torch.zeros(1, 4)}, str(tmp_path / "secret.safetensors"))
    save_file({"x": torch.zeros(1)}, str(tmp_path / "cache" / "loras" / "monet.safetensors"))
    return tmp_path


HOSTILE: dict[str, Callable[[str], Provenance]] = {
    "LoRA": lambda path: replace(PLAIN, loras=(AppliedLora("a", path, HASH, 1.0),)),
    "concept": lambda path: replace(PLAIN, concepts=(AppliedConcept("<a>", path, HASH, 1),)),
    "checkpoint": lambda path: replace(PLAIN, checkpoint=path),
    "memory": lambda path: replace(PLAIN, memory=MemoryUse(source=path, content_hash=HASH)),
    "start picture": lambda path: replace(PLAIN, edit=EditNote("from", SourceNote("a.png", path, HASH, 8, 8), 0.5)),
    "guide's model": lambda path: replace(PLAIN, guides=(GuideNote("classifier", path, HASH, 1.0),)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_sent_record_names_no_file_of_the_machine(client: TestClient, folders: Path, what: str) -> None:
    for place in (folders / "secret.safetensors", folders / "nothing", folders / "cache/loras/../../secret.safetensors"):
        status, error = repaint(client, HOSTILE[what](str(place)))
        assert status == 422 and f"names the {what}" in error, (place, error)
    assert repaint(client, HOSTILE[what]("secret.safetensors"))[0] == 422


def test_a_link_out_of_the_folder_is_followed(client: TestClient, folders: Path) -> None:
    (folders / "cache/loras/link.safetensors").symlink_to(folders / "secret.safetensors")
    assert repaint(client, HOSTILE["LoRA"](str(folders / "cache/loras/link.safetensors")))[0] == 422


def test_listed_files_and_those_that_a_request_replaces_are_taken(client: TestClient, studio: Studio, folders: Path) -> None:
    assert repaint(client, PLAIN)[0] == 201
    assert repaint(client, HOSTILE["LoRA"](str(folders / "cache/loras/monet.safetensors")))[0] == 201
    assert repaint(client, HOSTILE["LoRA"](str(folders / "secret.safetensors")), lora=["monet:0.5"])[0] == 201
    assert repaint(client, HOSTILE["checkpoint"](str(folders)), checkpoint="pocket")[0] == 201
    upload = studio.uploads.file(sent(client, PLAIN).partition(":")[2])
    assert repaint(client, HOSTILE["start picture"](str(upload)))[0] == 201
    for kind, more in (("edit", {"swap": ["boats=ships"]}), ("attention", {})):
        job = {"kind": kind, "file": sent(client, HOSTILE["LoRA"](str(folders / "secret.safetensors"))), **more}
        assert "names the LoRA" in client.post("/api/v1/jobs", json={"job": job}).json()["error"]


def test_concepts_are_listed_with_their_words_and_named_by_requests(client: TestClient, folders: Path) -> None:
    place = folders / "cache" / "concepts"
    place.mkdir()
    (folders / "secret.safetensors").rename(place / "blue-hour.safetensors")
    assert client.get("/api/v1/options/concepts").json() == [{"name": "blue-hour", "words": ["<blue>"]}]
    job = {"kind": "paint", "prompt": "a <blue> sea", "concept": ["blue-hour"]}
    assert client.post("/api/v1/jobs", json={"job": job}).status_code == 201
    error = client.post("/api/v1/jobs", json={"job": {**job, "concept": ["other"]}}).json()["error"]
    assert "there is no concept 'other'" in error
    assert client.post("/api/v1/jobs", json={"job": {**job, "concept": ["../secret"]}}).status_code == 422


def test_controls_are_listed_and_named_by_requests(client: TestClient, folders: Path) -> None:
    net = folders / "cache" / "controls" / "edges"
    net.mkdir(parents=True)
    (net / "config.json").write_text("{}")
    told = client.get("/api/v1/options/controls").json()
    assert told["nets"] == ["edges"] and {"canny", "scribble", "map"} <= {one["name"] for one in told["kinds"]}
    assert not any(one["name"] == "depth" for one in told["kinds"])  # it needs a folder, which clients cannot name
    picture = sent(client, PLAIN)
    job = {"kind": "paint", "prompt": "boats", "control": [f"canny:100:200={picture}"], "control_net": ["edges"]}
    assert client.post("/api/v1/jobs", json={"job": job}).status_code == 201
    for wrong in ({"control": [f"depth@/etc={picture}"]}, {"control_net": ["/etc"]}, {"control_net": ["other"]}):
        assert client.post("/api/v1/jobs", json={"job": {**job, **wrong}}).status_code == 422, wrong
