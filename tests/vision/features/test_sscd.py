"""SSCD's network against transformers' ResNet with the same weights, and the files that are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from impasto.errors import ImpastoError
from impasto.vision.features.sscd import Sscd, _SscdNetwork


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = _SscdNetwork().state_dict()
    made = {}
    for name, value in shapes.items():
        if not value.is_floating_point():
            made[name] = torch.tensor(1)
        elif value.ndim > 1:
            made[name] = torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5
        else:  # of batch norms: the last of a block small, as it is in trained ones
            near = 0.2 if ".bn3.weight" in name else 1.0 if name.endswith(("weight", "var")) else 0.0
            made[name] = near + 0.05 * torch.rand(value.shape, generator=generator)
    return made


@pytest.fixture(scope="module")
def file(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sscd") / "sscd.safetensors"
    save_file(weights, place)
    return place


def theirs(name: str) -> str:
    """transformers' name of a tensor of torchvision's ResNet."""
    parts = name.removeprefix("backbone.").split(".")
    if parts[0].startswith("layer"):
        block = f"encoder.stages.{int(parts[0][5:]) - 1}.layers.{parts[1]}"
        if parts[2] == "downsample":
            return f"{block}.shortcut.{('convolution', 'normalization')[int(parts[3])]}.{parts[4]}"
        kind = "convolution" if parts[2].startswith("conv") else "normalization"
        return f"{block}.layer.{int(parts[2][-1]) - 1}.{kind}.{parts[3]}"
    return f"embedder.embedder.{'convolution' if parts[0] == 'conv1' else 'normalization'}.{parts[1]}"


def test_it_is_resnet_50_with_gem_pooling(weights: dict[str, torch.Tensor], file: Path) -> None:
    from transformers import ResNetConfig, ResNetModel

    model = ResNetModel(ResNetConfig(layer_type="bottleneck")).eval()
    body = {theirs(name): value for name, value in weights.items() if ".fc." not in name}
    model.load_state_dict(body)
    squares = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    found = Sscd(file).of_squares(squares)
    pixels = torch.from_numpy(squares).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        maps = model((pixels - mean[:, None, None]) / std[:, None, None]).last_hidden_state
        pooled = maps.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)
        wanted = pooled @ weights["backbone.fc.weight"].T + weights["backbone.fc.bias"]
    np.testing.assert_allclose(found, torch.nn.functional.normalize(wanted), atol=2e-5)
    assert found.shape == (5, 512) and Sscd(file).of_squares(squares[:0]).shape == (0, 512)


def test_the_hash_is_held_against_the_file(file: Path) -> None:
    identity = Sscd(file).identity
    assert Sscd(file, identity.upper()).identity == identity
    with pytest.raises(ImpastoError, match=f"has SHA-256 {identity}, not 00"):
        Sscd(file, "00" * 32)


def test_weights_of_other_models_and_code_are_refused(tmp_path: Path, file: Path) -> None:
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ImpastoError, match="not SSCD in torchvision's layout"):
        Sscd(tmp_path / "other.safetensors")
    save_file({"backbone.conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "part.safetensors")
    with pytest.raises(ImpastoError, match="lacks the weights"):
        Sscd(tmp_path / "part.safetensors")
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(tmp_path / "code.pt"))
    with pytest.raises(ImpastoError, match=r"code\.pt"):
        Sscd(tmp_path / "code.pt")
    torch.save({"backbone.conv1.weight": Sscd}, tmp_path / "pickle.pt")
    with pytest.raises(ImpastoError, match="is refused"):
        Sscd(tmp_path / "pickle.pt")
