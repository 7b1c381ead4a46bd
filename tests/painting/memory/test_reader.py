"""What a picture looks at, and what its record says of it."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.painting.memory.drawn_memory import drawn_memory
from tests.painting.tiny_components import make_components

from impasto.checkpoints.components import Components
from impasto.checkpoints.memory import Work, save_memory
from impasto.errors import ImpastoError, UsageError
from impasto.painting.foreign import RecordError
from impasto.painting.memory.likes import mixed, read_likes, split_weight
from impasto.painting.memory.reader import MemoryReader, planned_use
from impasto.painting.memory.record import MemoryUse, read_memory_use
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

BOATS = Condition(caption="boats at sunset")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "pooled"])
def components(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Components:
    folder = tmp_path_factory.mktemp("tiny")
    made = make_components(folder, pooled=request.param)
    save_memory(drawn_memory(width=16), folder / "memory")
    made.folder = folder
    return made


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(draw.integers(0, 255, (80, 64, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


def ask(seed: int = 0, **values: object) -> PaintRequest:
    fields = {"condition": BOATS, "seed": seed, "width": 64, "height": 64, "steps": 2, **values}
    return PaintRequest(**fields)  # pyright: ignore[reportArgumentType]


def pixels(painter: Painter, *requests: PaintRequest) -> list[np.ndarray]:
    return [np.asarray(painting.image, int) for painting in painter.paint_many(requests)]


def test_a_painting_says_what_it_looked_at_and_is_painted_again_from_that(components: Components) -> None:
    painter = Painter(components)
    first = next(painter.paint_many([ask(5)]))
    use = first.provenance.memory
    assert use is not None and len(use.works) == 4 and use.content_hash == components.memory_hash
    text = first.provenance.to_parameters()
    assert use.works[0].name in text and use.content_hash[:12] in text
    read = Provenance.from_json(first.provenance.to_json())
    assert read == first.provenance
    again = next(Painter(components).paint_many([ask(5, looked_at=read.memory)]))
    assert again.image.tobytes() == first.image.tobytes() and again.provenance == first.provenance
    without = next(painter.paint_many([ask(5, memory="none")]))
    assert without.provenance.memory == MemoryUse("none")
    assert without.image.tobytes() != first.image.tobytes()


def test_a_picture_of_a_batch_is_the_picture_alone(components: Components) -> None:
    painter = Painter(components)
    requests = [ask(1), ask(2), ask(3, memory="none"), ask(4), ask(5, guidance=1.0)]
    for one, together in zip(requests, pixels(painter, *requests), strict=True):
        assert np.abs(pixels(painter, one)[0] - together).max() <= 1


@pytest.mark.parametrize("guidance", [0.0, 1.0, 5.0])
def test_diffusers_own_network_says_the_same(components: Components, guidance: float) -> None:
    from impasto.painting.engines.eager import PlainUNet

    painter = Painter(components)
    arranged = pixels(painter, ask(2, guidance=guidance))[0]
    painter._engine.unet = PlainUNet(components.unet)
    assert np.abs(arranged - pixels(painter, ask(2, guidance=guidance))[0]).max() <= 1


def test_pictures_to_be_like(components: Components, pictures: Path) -> None:
    looking = MemoryReader(components)
    own = components.memory
    assert own is not None
    likes = read_likes([f"{pictures / 'a.png'}:1", f"{pictures / 'b.png'}:1"])
    one = looking.look(ask(condition=Condition(), like=likes[:1]))
    assert one.use is not None and len(one.tokens) == 4 and len(one.use.works) == 3
    assert [like.name for like in one.use.likes] == ["a.png"] and one.use.likes[0].code
    two = looking.look(ask(condition=Condition(), like=likes))
    assert two.use is not None and len(two.tokens) == 4 and len(two.use.works) == 1
    # The second and the third token are the pictures' own, the first lies between them.
    alone = [looking.look(ask(memory="none", like=likes[n : n + 1])).tokens[0] for n in (0, 1)]
    torch.testing.assert_close(two.tokens[1:3], torch.stack(alone))
    half = looking.look(ask(like=(replace(likes[0], weight=0.5),)))
    assert half.use is not None and len(half.tokens) == 4
    # What the record holds is enough to paint again, and with another seed, without the files.
    kept = read_memory_use(json.loads(json.dumps(asdict(one.use))))
    assert kept is not None and kept == one.use
    (pictures / "a.png").unlink()
    torch.testing.assert_close(MemoryReader(components).look(ask(1, like=kept.likes)).tokens[0], one.tokens[0])


def test_a_folder_takes_the_memorys_place(components: Components, pictures: Path) -> None:
    (pictures / "broken.png").write_bytes(b"no picture")
    looking = MemoryReader(components)
    heard: list[tuple[int, int]] = []
    looking.load(str(pictures), lambda done, of: heard.append((done, of)))
    assert heard and heard[-1][0] == heard[-1][1]
    assert [skipped.file_name for skipped in looking.skipped] == ["broken.png"]
    look = looking.look(ask(memory=str(pictures)))
    assert look.use is not None and {work.name for work in look.use.works} == {"a.png", "b.png", "c.png"}
    heard.clear()
    again = MemoryReader(components)
    again.load(str(pictures), lambda done, of: heard.append((done, of)))
    assert all(of == 1 for _, of in heard)  # only the broken one is tried again
    assert again.look(ask(memory=str(pictures))).use == look.use
    planned = planned_use(ask(memory=str(pictures)), "tiny", components.memory_hash)
    assert planned is not None and planned.deciding() == look.use.deciding()


def test_what_a_user_can_get_wrong_is_one_line(tmp_path: Path, pictures: Path, components: Components) -> None:
    bare = Painter(make_components(tmp_path / "bare"))
    with pytest.raises(UsageError, match="tiny has no memory"):
        bare.paint("boats", memory=str(pictures))
    with pytest.raises(UsageError, match="tiny has no memory"):
        bare.paint("boats", like=[pictures / "a.png"])
    assert bare.paint("boats", memory="none", steps=1).provenance.memory is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImpastoError, match="empty"):
        Painter(components).paint("boats", memory=tmp_path / "empty")
    with pytest.raises(UsageError, match="weight 0"):
        read_likes([f"{pictures / 'a.png'}:0"])
    with pytest.raises(ImpastoError, match="there is no such file"):
        read_likes([tmp_path / "gone.png"])


def test_a_works_odd_name_can_be_read_back(components: Components, tmp_path: Path) -> None:
    memory = drawn_memory(width=16, works=1)
    memory.works[0] = Work("a\x1b\n.jpg", "Münter\u00a0G.", "t" * 5000)
    odd = replace(components, folder=tmp_path)
    save_memory(memory, tmp_path / "memory")
    use = MemoryReader(odd).look(ask()).use
    assert use is not None and len(use.works) == 1 and read_memory_use(json.loads(json.dumps(asdict(use)))) == use


def test_weights_of_names_with_colons(tmp_path: Path) -> None:
    assert split_weight("a.png:0.5") == (Path("a.png"), 0.5)
    assert split_weight("c:a.png") == (Path("c:a.png"), 1.0)
    (tmp_path / "a:1").touch()
    assert split_weight(str(tmp_path / "a:1")) == (tmp_path / "a:1", 1.0)


def test_a_mixture_is_as_long_as_what_it_is_of() -> None:
    codes = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    between = mixed(codes, [1, 1])
    assert abs(float(between.norm()) - 1) < 0.05 and abs(float(between[0] - between[1])) < 0.01


@pytest.mark.parametrize(
    "change",
    [
        {"source": "a\nb"}, {"content_hash": "xyz"}, {"works": [1]}, {"works": [{"name": 1}]}, {"codes": "?"},
        {"codes": "A" * 400_000}, {"likes": [{"name": "a", "content_hash": "", "weight": 99, "code": ""}]}, {"likes": None},
    ],
)  # fmt: skip
def test_a_strangers_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RecordError, match="memory"):
        read_memory_use({**asdict(MemoryUse()), **change})
