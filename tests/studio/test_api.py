"""Our own API: jobs are left, looked at and changed; pictures come by ids; events can be taken up again."""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.studio.conftest import Start, png

from impasto.jobs import job_class
from impasto.queue.store import Queue
from impasto.studio.api import events
from impasto.studio.requests.kinds import KINDS
from impasto.studio.settings import Limits
from impasto.studio.state import Studio


def add(client: TestClient, **fields: Any) -> dict[str, Any]:
    rest = {name: fields.pop(name) for name in ("priority", "key", "front", "paused") if name in fields}
    answer = client.post("/api/v1/jobs", json={"job": {"kind": "paint", "prompt": "boats", **fields}, **rest})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_job_goes_from_a_request_to_pictures(client: TestClient, work: Callable[[], int]) -> None:
    job = add(client, seed=3, count=2)
    assert (job["state"], job["units"], job["origin"]) == ("queued", 2, "studio")
    assert client.get(f"/api/v1/jobs/{job['id']}").json()["before"] == 0
    work()
    assert client.get(f"/api/v1/jobs/{job['id']}").json()["job"]["state"] == "done"
    parts = client.get(f"/api/v1/jobs/{job['id']}/parts").json()
    digits = parts[0]["pictures"][0]["id"]
    picture = client.get(f"/api/v1/pictures/{digits}")
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    assert "attachment" in client.get(f"/api/v1/pictures/{digits}?download=true").headers["content-disposition"]
    small = client.get(f"/api/v1/pictures/{digits}/thumbnail?side=128")
    assert small.headers["content-type"] == "image/webp" and small.content[:4] == b"RIFF"
    assert client.get(f"/api/v1/pictures/{digits}/thumbnail?side=99").status_code == 422
    page = client.get("/api/v1/gallery").json()
    assert page["total"] == 2 and {one["id"] for one in page["entries"]} == {part["pictures"][0]["id"] for part in parts}
    assert b'id="prompt"' in client.get("/").content


def test_a_batch_with_settings_is_one_job(client: TestClient, studio: Studio, work: Callable[[], int]) -> None:
    request = {
        "kind": "batch", "prompts": ["boats", "trees"], "artists": ["Claude Monet"], "seeds": [1, 2],
        "base": {"size": "64"}, "settings": [{"steps": 3}, {"steps": 4}],
    }  # fmt: skip
    answer = client.post("/api/v1/jobs", json={"job": request})
    assert answer.status_code == 201 and answer.json()["units"] == 8, answer.text
    kept = json.loads(studio.queue.request(answer.json()["id"]))
    assert kept["base"] == {"size": "64"} and kept["settings"] == [{"steps": 3}, {"steps": 4}]
    work()
    assert client.get("/api/v1/queue").json()["counts"]["done"] == 1


def test_jobs_are_changed_and_listed(client: TestClient, work: Callable[[], int]) -> None:
    a, b, c = (add(client)["id"] for _ in range(3))
    assert add(client, key="once")["id"] == add(client, key="once")["id"] == 4
    assert client.post(f"/api/v1/jobs/{c}/move", json={"before": a}).json()["position"] < 0
    assert client.post(f"/api/v1/jobs/{b}/pause").json()["changed"] is True
    assert client.post(f"/api/v1/jobs/{b}/pause").json()["changed"] is False
    assert client.post("/api/v1/jobs/4/cancel").json()["changed"] is True
    assert [job["id"] for job in client.get("/api/v1/jobs/waiting").json()] == [c, a, b]
    work()
    assert [job["id"] for job in client.get("/api/v1/jobs?state=done").json()] == [c, a]
    assert [job["id"] for job in client.get(f"/api/v1/jobs?before={c}&most=1").json()] == [b]
    assert client.post(f"/api/v1/jobs/{b}/resume").json()["changed"] is True
    assert client.post(f"/api/v1/jobs/{a}/retry").json() == {
        "error": f"job {a} is done: only a failed or cancelled job can be tried again"
    }
    assert client.post("/api/v1/jobs/4/retry").json()["state"] == "queued"
    assert client.post("/api/v1/queue/pause").json()["changed"] is True
    assert client.get("/api/v1/queue").json()["counts"]["paused"] is True
    assert client.post("/api/v1/queue/cancel").json()["count"] == 2
    assert client.delete(f"/api/v1/jobs/{a}").json()["changed"] is True
    assert client.post("/api/v1/queue/clear").json()["count"] == 3
    for call in ("cancel", "pause", "resume", "retry"):
        assert client.post(f"/api/v1/jobs/{a}/{call}").status_code == 404
    assert client.get(f"/api/v1/jobs/{a}").json() == {"error": f"there is no job {a}: `impasto queue list --all` lists all"}


def test_a_full_queue_and_a_locked_one_are_told(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    client = start(limits=Limits(waiting_jobs=1))
    add(client)
    answer = client.post("/api/v1/jobs", json={"job": {"kind": "paint", "prompt": "boats"}})
    assert answer.status_code == 429 and "the queue is full" in answer.json()["error"] and answer.headers["retry-after"]

    def busy(self: Queue, *words: object, **named: object) -> None:
        from impasto.database import DatabaseBusy

        raise DatabaseBusy("the queue is in use")

    monkeypatch.setattr(Queue, "add", busy)
    answer = client.post("/api/v1/jobs", json={"job": {"kind": "paint", "prompt": "boats"}})
    assert (answer.status_code, answer.json()) == (503, {"error": "the queue is in use"})


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"kind": "paint", "prompt": "boats", "out": "/etc"}, "out: there is no such field"),
        ({"kind": "paint", "prompt": "boats", "wildcards": "/etc"}, "wildcards: there is no such field"),
        ({"kind": "paint", "prompt": "boats", "init": "/etc/passwd"}, "init"),
        ({"kind": "paint", "prompt": "boats", "init": "picture:../../../etc/passwd1"}, "init"),
        ({"kind": "paint", "prompt": "boats", "init": "picture:" + "0" * 20}, "there is no picture"),
        ({"kind": "paint", "prompt": "boats", "like": ["upload:" + "0" * 20 + ":0.5"]}, "there is no upload"),
        ({"kind": "paint", "prompt": "boats", "checkpoint": "../../evil"}, "checkpoint"),
        ({"kind": "paint", "prompt": "boats", "checkpoint": "somebody/else"}, "there is no checkpoint 'somebody/else'"),
        ({"kind": "paint", "prompt": "boats", "checkpoint": "run:.."}, "there is no checkpoint"),
        ({"kind": "paint", "prompt": "boats", "lora": ["nowhere:0.5"]}, "there is no LoRA 'nowhere'"),
        ({"kind": "paint", "prompt": "x" * 10_001}, "prompt"),
        ({"kind": "train/lora", "catalogue": "..", "out": "mine"}, "catalogue"),
        ({"kind": "train/lora", "catalogue": "none", "out": "mine"}, "there is no catalogue 'none'"),
        ({"kind": "train/lora", "catalogue": "none", "out": "a/b"}, "out"),
        ({"kind": "batch", "prompts": ["a"], "count": 10**9}, "count"),
        ({"kind": "batch", "prompts": ["a"], "base": {"seed": 3}}, "seed: there is no such field"),
        ({"kind": "runs/stop", "folder": "/"}, "does not match any of the expected tags"),
        ({"prompt": "boats"}, "job"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(job: dict[str, Any], said: str, shared: TestClient) -> None:
    answer = shared.post("/api/v1/jobs", json={"job": job})
    assert answer.status_code in (404, 422) and said in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert shared.get("/api/v1/jobs").json() == []


def test_the_schema_is_the_jobs_own(shared: TestClient) -> None:
    for kind, api in KINDS.items():
        assert {*api.plain, *api.references} <= set(job_class(kind).model_fields), kind
    schemas = shared.get("/api/v1/openapi.json").json()["components"]["schemas"]
    paint = schemas["PaintRequest"]["properties"]
    assert paint["steps"]["anyOf"][0] == {"type": "integer"} and paint["count"]["default"] == 1
    assert paint["prompt"]["description"].startswith("what the picture shows")
    assert not {"out", "wildcards", "lora_folder", "safety_checker"} & set(paint)


def test_uploads_are_checked_and_kept_by_content(client: TestClient, studio: Studio) -> None:
    first = client.post("/api/v1/uploads", content=png(), headers={"content-type": "image/png"})
    assert first.status_code == 201 and first.json()["reference"] == f"upload:{first.json()['id']}"
    again = client.post("/api/v1/uploads", files={"file": ("../../evil.png", png(), "image/png")})
    assert again.json() == first.json()
    assert client.get(f"/api/v1/uploads/{first.json()['id']}").content == png()
    job = add(client, init=first.json()["reference"])
    assert json.loads(studio.queue.request(job["id"]))["init"] == str(studio.uploads.file(first.json()["id"]))
    assert client.get(f"/api/v1/uploads/{first.json()['id']}/record").json()["error"] == (
        "the picture holds no record of how it was made"
    )
    assert client.get("/api/v1/uploads/" + "0" * 20).status_code == 404


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and has a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "this is no PNG, JPEG or WebP"),
        (b"<svg onload=alert(1)>", "this is no PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(30), "this is no PNG, JPEG or WebP"),
        (png()[:60], "this is no PNG, JPEG or WebP"),
        (bomb(30_000, 30_000), "a picture of too many px: send at most 64 megapixels"),
        (bomb(9_000, 9_000), "a picture of 9000x9000 px: send at most 64 megapixels"),
    ],
)
def test_hostile_uploads_are_refused_and_not_kept(data: bytes, said: str, shared: TestClient) -> None:
    answer = shared.post("/api/v1/uploads", content=data, headers={"content-type": "image/png"})
    assert answer.status_code == 422 and said in answer.json()["error"]
    studio: Studio = shared.app.state.studio  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
    assert not list((studio.workspace.folder / "uploads").iterdir())


def told(client: TestClient, studio: Studio, path: str = "/api/v1/events", **headers: str) -> list[tuple[str, str, Any]]:
    """The events of a stream that ends at once, as if the server did."""
    real = studio.news.wait

    async def end(seconds: float) -> bool:
        del seconds
        studio.news.ending = True
        return True

    studio.news.wait = end  # type: ignore[method-assign]
    try:
        text = client.get(path, headers=headers).text
    finally:
        studio.news.wait, studio.news.ending = real, False  # type: ignore[method-assign]
    found = []
    for block in text.split("\n\n")[1:]:
        if block:
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


def test_events_are_taken_up_where_they_broke(
    client: TestClient, studio: Studio, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = add(client, count=2)["id"]
    other = add(client)["id"]
    work()
    whole = told(client, studio, "/api/v1/events?after=0")
    assert [kind for _, kind, _ in whole].count("picture") == 3 and whole[-1][2]["row"]["state"] == "done"
    middle = whole[len(whole) // 2]
    assert told(client, studio, **{"last-event-id": middle[0]}) == whole[whole.index(middle) + 1 :]
    assert told(client, studio) == [] and {event[2]["job"] for event in whole} == {one, other}
    assert {event[2]["job"] for event in told(client, studio, f"/api/v1/events?after=0&job={one}")} == {one}
    monkeypatch.setattr(events, "_AT_ONCE", 2)
    assert told(client, studio, "/api/v1/events?after=0") == whole
    assert told(client, studio, "/api/v1/events?after=99999")[0][1] == "reset"
    studio.streams = 64
    assert client.get("/api/v1/events").status_code == 429


def test_the_gallery_is_searched_and_changed(client: TestClient, work: Callable[[], int]) -> None:
    add(client, seed=0, count=5)
    add(client, prompt="trees")
    work()
    first = client.get("/api/v1/gallery?most=4").json()
    rest = client.get("/api/v1/gallery", params={"most": 4, "after": first["next"]}).json()
    assert first["total"] == 6 and len(first["entries"]) == 4 and len(rest["entries"]) == 2 and rest["next"] is None
    trees = client.get("/api/v1/gallery?text=trees").json()["entries"]
    digits = trees[0]["id"]
    assert len(trees) == 1 and client.get(f"/api/v1/gallery/{digits}").json() == trees[0]
    assert client.post(f"/api/v1/gallery/{digits}/star", json={}).json()["starred"] is True
    assert client.get("/api/v1/gallery?starred=true").json()["total"] == 1
    assert client.post(f"/api/v1/gallery/{digits}/bin").json()["binned"] is True
    assert client.get("/api/v1/gallery").json()["total"] == 5 and client.get(f"/api/v1/pictures/{digits}").status_code == 200
    assert client.post(f"/api/v1/gallery/{digits}/restore").json()["binned"] is False
    client.post(f"/api/v1/gallery/{digits}/bin")
    assert client.post("/api/v1/gallery/bin/empty").json() == {"count": 1}
    assert client.get(f"/api/v1/gallery/{digits}").status_code == 404
    assert client.post("/api/v1/gallery/rebuild").json() == {"added": 0, "known": 5, "missing": 0, "skipped": 0}
    assert client.get("/api/v1/gallery?after=x").status_code == 422
    assert client.get("/api/v1/gallery/names?of=seed").status_code == 422


def test_forms_learn_what_they_may_say(shared: TestClient) -> None:
    options = shared.get("/api/v1/options").json()
    assert "ddim" in {one["name"] for one in options["samplers"]} and "batch" in options["kinds"]
    assert shared.get("/api/v1/options/loras").json() == [] and shared.get("/api/v1/options/catalogues").json() == []
    assert shared.get("/api/v1/options/artists?checkpoint=nowhere").status_code == 422
    assert "pocket" in {one["name"] for one in shared.get("/api/v1/options/checkpoints").json()}
