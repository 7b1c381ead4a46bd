import json
import shutil
from pathlib import Path

import pytest

from impasto.adapters.control.own import own_controlnet, own_kinds
from impasto.checkpoints.control_files import control_files
from impasto.errors import ImpastoError


def network(checkpoint: Path, name: str, condition: str = "", also: object = ()) -> Path:
    folder = checkpoint / "control" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    if condition:
        card = {"condition": condition, "also": list(also) if isinstance(also, tuple) else also}
        (folder / "control.json").write_text(json.dumps(card))
    return folder


def test_a_network_serves_the_kinds_of_its_card(tmp_path: Path) -> None:
    strokes = network(tmp_path, "strokes", "canny:50:90", ("scribble",))
    tiles = network(tmp_path, "tile")
    assert own_kinds(tmp_path) == {strokes: ("strokes", "canny", "scribble"), tiles: ("tile",)}
    found = {kind: own_controlnet(tmp_path, kind) for kind in ("canny", "scribble", "lines", "tile", "grey", "map")}
    assert found == {"canny": strokes, "scribble": strokes, "lines": strokes, "tile": tiles, "grey": None, "map": None}


def test_the_one_trained_on_the_kind_comes_before_another_one_of_strokes(tmp_path: Path) -> None:
    network(tmp_path, "canny", "canny")
    assert own_controlnet(tmp_path, "hed") == tmp_path / "control" / "canny"
    hed = network(tmp_path, "hed", "hed")
    assert own_controlnet(tmp_path, "hed") == hed


def test_a_given_map_is_led_by_the_only_network(tmp_path: Path) -> None:
    assert own_controlnet(tmp_path, "map") is None
    only = network(tmp_path, "strokes", "canny")
    assert own_controlnet(tmp_path, "map") == only
    assert own_controlnet(None, "map") is None
    assert own_controlnet(tmp_path / "a.safetensors", "canny") is None


def test_a_broken_card_is_named(tmp_path: Path) -> None:
    network(tmp_path, "strokes", "canny", "scribble")
    with pytest.raises(ImpastoError, match="'also' is no list"):
        own_controlnet(tmp_path, "canny")


def test_a_checkpoint_that_is_saved_again_takes_them_along(tiny_pocket: Path, tmp_path: Path) -> None:
    from impasto.checkpoints.export.components import save_components
    from impasto.checkpoints.load import load_components

    assert control_files(tiny_pocket) == {}
    own = Path(shutil.copytree(tiny_pocket, tmp_path / "own"))
    network(own, "strokes", "canny", ("scribble",))
    saved = save_components(load_components(str(own)), tmp_path / "saved", "", text_encoder=False)
    assert own_kinds(saved) == {saved / "control" / "strokes": ("strokes", "canny", "scribble")}
    assert sorted(control_files(saved)) == ["control/strokes/config.json", "control/strokes/control.json"]
