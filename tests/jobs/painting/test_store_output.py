"""Paintings whose `--out` is the address of an object store."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.fleet.elsewhere import Elsewhere
from tests.stores.s3_server import s3_server

from impasto.errors import UsageError
from impasto.jobs.batch import BatchJob
from impasto.jobs.context import Context
from impasto.jobs.events import Event, PictureDone
from impasto.jobs.painting.paint import PaintJob
from impasto.jobs.painting.upscale import UpscaleJob
from impasto.queue.publishing import content_id
from impasto.queue.store import Queue
from impasto.settings import cache_folder
from impasto.spreading import HERE
from impasto.stores.opening import store_of
from impasto.stores.place import address_of
from impasto.workspace import Workspace


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server() as name:
        yield f"s3://{name}"


@pytest.mark.parametrize("root", ["memory://", "s3"])
@pytest.mark.parametrize("spread", [HERE, Elsewhere()], ids=["here", "spread"])
def test_paintings_are_put_once_under_names_of_their_content(
    spread: object, root: str, tiny_pocket: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    start = f"{request.getfixturevalue('bucket')}/" if root == "s3" else root
    address = f"{start}{tmp_path.name}/made"
    job = PaintJob(
        prompt="boats", checkpoint=str(tiny_pocket), count=3, seed=1, steps=2, engine="optimized", out=Path(address)
    )  # fmt: skip
    local = job.model_copy(update={"out": tmp_path / "local"}).run(Context())
    for _ in range(2):  # given again, it puts nothing
        events: list[Event] = []
        made = job.run(Context(on_event=events.append, spread=spread))  # pyright: ignore[reportArgumentType]
        names = [f"{one.path.stem}-{content_id(one.path)}.png" for one in local]
        store = store_of(address)
        assert sorted(file.name for file in store.files()) == sorted(names)
        assert [store.read(name) for name in names] == [one.path.read_bytes() for one in local]
        told = [address_of(event.path) for event in events if isinstance(event, PictureDone)]
        assert told == [f"{address}/{name}" for name in names] == [address_of(one.path) for one in made]
    assert not list((cache_folder() / "to-store").iterdir())
    assert not Path("memory:").exists() and not Path("s3:").exists()


def test_what_cannot_go_to_a_store_is_refused(tiny_pocket: Path, tmp_path: Path) -> None:
    address = Path(f"memory://{tmp_path.name}")
    fields = {"prompt": "boats", "checkpoint": str(tiny_pocket), "out": address}
    for wrong, why in (({"out": address / "a.png"}, "named by their content"), ({"overwrite": True}, "never replaced"),
                       ({"artists": ("none", "any"), "any_artist": True}, "a series is painted into a folder")):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            PaintJob(**{**fields, **wrong}).run(Context())
    with pytest.raises(UsageError, match=r"is an address, but this needs a folder"):
        UpscaleJob(pictures=(tmp_path,), out=address).run(Context())
    with closing(Queue.open(Workspace.open(tmp_path / "w"))) as queue, pytest.raises(UsageError, match="a queued job"):
        queue.add(BatchJob(base={"checkpoint": str(tiny_pocket)}, prompts=("boats",), out=address))
    with pytest.raises(FileNotFoundError):  # nothing was put
        store_of(address).files()
