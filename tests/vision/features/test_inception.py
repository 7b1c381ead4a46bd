from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from impasto.errors import ImpastoError, MissingPart
from impasto.inference import runtime
from impasto.vision.features import inception as inception_features
from impasto.vision.features.inception import InceptionFeatures, clean_square
from impasto.vision.features.inception_network import Inception


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights under a name of their own, in a file without the normalisations' counters, as some are."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = Inception().state_dict()
    content = {}
    for name, value in shapes.items():
        if value.ndim > 1:
            content[name] = torch.empty(value.shape).uniform_(-1, 1) * (6 / value[0].numel()) ** 0.5
        elif value.ndim == 1:
            content[name] = torch.rand(value.shape)
    file = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(content, file)
    return file


def test_features_do_not_depend_on_the_batch_and_logits_follow_from_them(
    weights: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = InceptionFeatures(weights, batch=2)
    assert (encoder.is_fid, encoder.name, encoder.width) == (False, "inception-v3", 2048)
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    pictures = [Image.fromarray(noise), Image.new("RGB", (30, 30), "navy"), Image.fromarray(noise[::-1].copy())]
    together = encoder.embed_images(pictures)
    assert together.shape == (3, 2048) and together.dtype == np.float32 and np.isfinite(together).all()
    alone = encoder.embed_images(pictures[2:])
    np.testing.assert_allclose(alone[0], together[2], rtol=1e-3, atol=1e-5 * np.abs(together).max())
    assert np.abs(together[0] - together[1]).max() > 1e-3 * np.abs(together).max()
    fc = torch.load(weights, weights_only=True)["fc.weight"].double().numpy()
    np.testing.assert_allclose(encoder.logits(together), together.astype(float) @ fc.T, rtol=1e-9)
    assert encoder.embed_images([]).shape == (0, 2048)
    if runtime.openvino_version():
        monkeypatch.setattr(runtime, "openvino_may_pay", lambda: True)
        encoder.expect(10**6)
        others = encoder.embed_images(pictures[:2])
        assert not np.array_equal(others, together[:2])  # it was OpenVINO
        assert np.abs(others - together[:2]).max() < 1e-5 * np.abs(together).max()


def test_normalisations_are_worked_in_and_pools_are_tensorflows(weights: Path) -> None:
    """Against the plain layers, a block of each kind of pool; the whole module: benchmarks/check_torch_fidelity.py."""
    network = Inception().eval()
    network.load_state_dict(torch.load(weights, weights_only=True), strict=False)
    first, block, last = network.Conv2d_1a_3x3, network.Mixed_5b, network.Mixed_7c
    x, maps, deep = torch.randn(1, 3, 9, 9), torch.rand(1, 192, 5, 5), torch.rand(1, 2048, 3, 3)
    with torch.inference_mode():
        # TensorFlow averages what there is: 4 pixels in a corner, where padding with zeros would divide by 9.
        averaged = F.avg_pool2d(F.pad(maps, (1, 1, 1, 1)), 3, 1) * 9
        counts = F.avg_pool2d(F.pad(torch.ones(1, 1, 5, 5), (1, 1, 1, 1)), 3, 1) * 9
        pooled, highest = block.branch_pool(averaged / counts), last.branch_pool(F.max_pool2d(deep, 3, 1, 1))
        before = [first(x), block(maps), last(deep)]
        torch.testing.assert_close(before[1][:, -32:], pooled)
        torch.testing.assert_close(before[2][:, -192:], highest)
        network.fuse()
        for plain, fused in zip(before, [first(x), block(maps), last(deep)], strict=True):
            torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-5 * float(plain.abs().max()))
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


def test_pictures_become_squares_as_clean_fid_makes_them() -> None:
    """Antialiased: a fine chequerboard becomes grey; unrounded: a slow ramp keeps its fractions; never beyond 0 and 255."""
    board = Image.fromarray((np.indices((598, 598)).sum(0) % 2 * 255).astype(np.uint8)).convert("RGB")
    assert np.abs(clean_square(board, 299) - 127.5).max() < 3
    ramp = Image.fromarray(np.linspace(100, 101.99, 64).astype(np.uint8)[None].repeat(64, 0)).convert("RGB")
    square = clean_square(ramp, 299)
    assert square.shape == (299, 299, 3) and square.dtype == np.float32
    assert len(np.unique(square)) > 3
    edge = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 2, 0)).convert("RGB")
    assert clean_square(edge, 299).min() == 0 and clean_square(edge, 299).max() == 255


def test_the_known_file_is_found_and_its_content_is_checked(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(MissingPart, match=r"--weights"):
        InceptionFeatures()
    known = tmp_path / inception_features.KNOWN_FILES[1]
    known.symlink_to(weights)
    with pytest.raises(ImpastoError, match="is not the file that its name says"):
        InceptionFeatures()
    monkeypatch.setattr(inception_features, "FID_SHA256", inception_features.hash_file(weights))
    found = InceptionFeatures()
    assert found.is_fid and found.name == "inception-v3-fid"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"conv1.weight": torch.zeros(3)}, "lacks the weights"),
        (b"not weights", "refused"),
        (None, "no such file of Inception's weights"),
    ],
)
def test_a_wrong_weights_file_is_named(content: object, says: str, tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(ImpastoError, match=says) as refused:
        InceptionFeatures(file)
    assert "other.pth" in str(refused.value) and "\n" not in str(refused.value)
