"""Chosen pictures come as one archive, as they are or signed; what could not be taken is named in it."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.studio.conftest import Start
from tests.studio.test_api import add

from impasto.errors import UsageError
from impasto.painting.credentials.embedded import holds_credentials
from impasto.painting.credentials.trial import TrialCertificates, make_trial_certificates
from impasto.painting.provenance.record import Provenance, png_info
from impasto.studio.state import Studio


def recorded(studio: Studio, name: str) -> str:
    """A picture with a record in the gallery; returns its id."""
    record = Provenance(
        prompt=name, condition={"caption": name}, expansion=None, negative="", seed=1, sampler="ddim", steps=2,
        guidance=2.0, eta=0.0, width=8, height=8, checkpoint="pocket", checkpoint_hash="0" * 64, version="0.1.0", text=name,
    )  # fmt: skip
    path = studio.workspace.pictures / f"{name}.png"
    Image.new("RGB", (32, 32), "teal").save(path, pnginfo=png_info(record))
    return studio.gallery.add_files([path])[0].id


def fetched(client: TestClient, ids: list[str], **fields: object) -> dict[str, bytes]:
    asked = client.post("/api/v1/downloads", json={"pictures": ids, **fields})
    assert asked.status_code == 201, asked.text
    answer = client.get(asked.json()["path"])
    assert answer.headers["content-type"] == "application/zip" and "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        return {one.filename: packed.read(one) for one in packed.infolist()}


def test_an_archive_has_the_files_as_they_are(client: TestClient, studio: Studio, work: Callable[[], int]) -> None:
    add(client, seed=3, count=3)
    work()
    entries = studio.gallery.page().entries
    inside = fetched(client, [one.id for one in entries[:2]] + [entries[0].id])
    assert inside == {one.name: studio.gallery.file(one.id).read_bytes() for one in entries[:2]}
    gone = studio.gallery.file(entries[1].id)
    asked = client.post("/api/v1/downloads", json={"pictures": [entries[0].id, entries[1].id, "0" * 20]}).json()
    assert asked["pictures"] == 2
    gone.unlink()  # between the two requests
    with zipfile.ZipFile(io.BytesIO(client.get(asked["path"]).content)) as packed:
        assert packed.namelist() == [entries[0].name, "left-out.txt"]
        assert packed.read("left-out.txt").decode().count("there is no picture") == 2


def test_pictures_of_one_name_get_numbers(client: TestClient, studio: Studio) -> None:
    first = recorded(studio, "boats")
    studio.gallery.bin(first)
    Image.new("RGB", (8, 8)).save(studio.workspace.pictures / "Boats.png")
    second = studio.gallery.add_files([studio.workspace.pictures / "Boats.png"])[0].id
    assert set(fetched(client, [first, second])) == {"boats.png", "Boats-2.png"}


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialCertificates:
    return make_trial_certificates(tmp_path_factory.mktemp("certificates"), "Ada")


def test_copies_are_signed_and_the_pictures_stay(start: Start, trial: TrialCertificates) -> None:
    client = start(signing=(Path(trial.key), Path(trial.certificate)), read_only=True)
    studio: Studio = client.app.state.studio  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]
    digits = recorded(studio, "boats")
    Image.new("RGB", (8, 8)).save(studio.workspace.pictures / "plain.png")
    plain = studio.gallery.add_files([studio.workspace.pictures / "plain.png"])[0].id
    before = studio.gallery.file(digits).read_bytes()
    assert client.get("/api/v1/options").json()["credentials"] is True
    inside = fetched(client, [digits, plain], credentials=True)
    assert set(inside) == {"boats.png", "left-out.txt"} and holds_credentials(inside["boats.png"])
    assert b"has no record" in inside["left-out.txt"] and str(studio.workspace.folder).encode() not in inside["left-out.txt"]
    one = client.get(f"/api/v1/pictures/{digits}?credentials=true")
    assert holds_credentials(one.content) and "boats-signed.png" in one.headers["content-disposition"]
    assert studio.gallery.file(digits).read_bytes() == before and not holds_credentials(before)


def test_a_key_without_its_certificate_starts_no_studio(tmp_path: Path) -> None:
    from impasto.cli.studio import studio

    with pytest.raises(UsageError, match="--sign-key and --sign-certificate belong together"):
        studio(workspace=tmp_path, sign_key=tmp_path / "key.pem")
    with pytest.raises(UsageError, match=r"key\.pem"):
        studio(workspace=tmp_path, sign_key=tmp_path / "key.pem", sign_certificate=tmp_path / "certificate.pem")


def test_what_cannot_be_downloaded_is_said(client: TestClient, studio: Studio) -> None:
    digits = recorded(studio, "boats")
    for body, text in (
        ({"pictures": []}, "pictures"), ({"pictures": ["../x"]}, "pictures"), ({"pictures": ["0" * 20]}, "none of these"),
        ({"pictures": [digits], "credentials": True}, "--sign-key"),
    ):  # fmt: skip
        answer = client.post("/api/v1/downloads", json=body)
        assert answer.status_code == 422 and text in answer.json()["error"], answer.text
    assert client.get(f"/api/v1/downloads/{'0' * 32}").status_code == 404
    assert "--sign-key" in client.get(f"/api/v1/pictures/{digits}?credentials=true").json()["error"]
