import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stores.s3_server import s3_server
from tests.training.drawn import draw_catalogue

from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, UsageError
from impasto.jobs.context import Context
from impasto.jobs.data.export import ExportJob
from impasto.jobs.data.statistics import StatisticsJob
from impasto.stores.opening import store_of
from impasto.stores.place import address_of
from impasto.stores.remote import RemoteStore
from impasto.stores.store import Store


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as name:
        yield f"s3://{name}"


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return store_of(tmp_path / "store")
    if request.param == "memory":
        return store_of(f"memory://{tmp_path.name}")
    return store_of(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


def test_the_first_writer_wins_and_nobody_replaces(store: Store, tmp_path: Path) -> None:
    assert store.find("a.tar") is None
    assert store.put_if_absent("a.tar", b"first") and not store.put_if_absent("a.tar", b"second!")
    (tmp_path / "file").write_bytes(b"0123456789")
    assert store.put_if_absent("below/b.tar", tmp_path / "file") and not store.put_if_absent(
        "below/b.tar", tmp_path / "file"
    )
    assert (store.read("a.tar"), store.read("below/b.tar", 2, 3), store.read("below/b.tar", 8, 9)) == (
        b"first",
        b"234",
        b"89",
    )
    assert [(file.name, file.size) for file in store.files()] == [("a.tar", 5)]
    found = store.find("a.tar")
    assert found is not None and found.size == 5
    with store.open("below/b.tar") as file:
        file.seek(4)
        assert file.read(2) == b"45"
    with pytest.raises(FileNotFoundError) as raised:
        store.read("nothing.tar")
    assert raised.value.strerror


@pytest.mark.parametrize("store", ["folder", "s3"], indirect=True)  # fsspec's memory has no conditional writes
def test_of_two_writers_at_once_one_writes(store: Store) -> None:
    written: list[bytes] = []

    def write(content: bytes) -> None:
        if store.put_if_absent("raced.tar", content):
            written.append(content)

    threads = [threading.Thread(target=write, args=(bytes([n]) * 1000,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 1 and store.read("raced.tar") == written[0]


def test_credentials_are_in_no_message(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hunter2-very-secret"
    for place in (f"s3://key:{secret}@bucket/folder", f"https://host/a?X-Amz-Signature={secret}"):
        with pytest.raises(UsageError) as refused:
            store_of(place)
        assert secret not in str(refused.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with pytest.raises(OSError) as raised:
        store_of("s3://no-such-bucket/here").put_if_absent("a", b"a")
    assert secret not in f"{raised.value!r}" and os.environ["AWS_ACCESS_KEY_ID"] not in f"{raised.value!r}"


def test_a_catalogue_goes_to_a_bucket_and_is_read_from_there(bucket: str, tmp_path: Path) -> None:
    folder = draw_catalogue(tmp_path / "catalogue", 3)
    out = Path(f"{bucket}/shards")
    context = Context()
    assert ExportJob(catalogue=folder, to="shards", out=out, shard_size=2).run(context).pictures == 3
    with pytest.raises(UsageError, match="holds shards already"):
        ExportJob(catalogue=folder, to="shards", out=out).run(context)
    read = read_catalogue(out)
    assert [entry.file_name for entry in read.entries] == [entry.file_name for entry in read_catalogue(folder).entries]
    assert read.entries[2].file.read_bytes() == (folder / read.entries[2].file_name).read_bytes()
    assert StatisticsJob(place=out).run(context).found.paintings == 3
    with pytest.raises(ImpastoError, match=r"s3://paintings/nothing.*(no shard|no such object)"):
        read_catalogue(Path(f"{bucket}/nothing"))


def test_what_is_an_address() -> None:
    assert address_of(Path("s3://bucket/a/b")) == address_of("s3://bucket/a/b/") == "s3://bucket/a/b"
    assert address_of("pictures/a") is None and address_of("C:/pictures") is None and address_of("/s3:/x") is None
    with pytest.raises(UsageError, match="fsspec knows no"):
        store_of("nosuch://bucket")


def test_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs")

    def unheard(path: str) -> None:
        raise type("EndpointConnectionError", (Exception,), {})("http://127.0.0.1:9?X-Amz-Signature=secret")

    store = store_of("s3://unheard/x")
    assert isinstance(store, RemoteStore)
    monkeypatch.setattr(store._system, "info", unheard)
    with pytest.raises(OSError) as raised:
        store.find("a")
    assert raised.value.strerror == "no store answers at the endpoint: check AWS_ENDPOINT_URL and the network"
