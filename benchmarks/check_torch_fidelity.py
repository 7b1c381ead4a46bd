"""Our measures beside torch-fidelity's, on equal features and weights: prints relative differences, fails if they are large.

torch-fidelity wants torchvision, which does not go with a CPU build of torch, so it has an environment of its own:

    python -m venv fidelity && fidelity/bin/pip install --no-deps torch-fidelity
    echo "$PWD/.venv/lib/python3.11/site-packages" > fidelity/lib/python3.11/site-packages/impasto.pth
    fidelity/bin/python benchmarks/check_torch_fidelity.py
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from impasto.evaluation.distances.frechet import frechet_distance
from impasto.evaluation.distances.inception_score import inception_score
from impasto.evaluation.distances.kernel_distance import kernel_distance
from impasto.evaluation.distances.precision_recall import compare_manifolds
from impasto.vision.features.inception import InceptionFeatures
from impasto.vision.features.inception_network import SIDE, Inception

DISTANCES, MODULE = 1e-6, 1e-5  # what the relative differences must stay below


def stand_in() -> None:
    """Empty modules for what torch-fidelity imports of torchvision; none of it is used on features."""
    names = ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")
    for name in names:
        sys.modules[name] = ModuleType(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    vars(sys.modules["torchvision.datasets"]).update(dict.fromkeys(("CIFAR10", "CIFAR100", "STL10"), object))


def relative(ours: np.ndarray | float, theirs: np.ndarray | float) -> float:
    """The largest difference over the largest value."""
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max() / np.abs(theirs).max())


def compare_distances(pictures: int, width: int) -> dict[str, float]:
    """Measure -> relative difference, on correlated features that are at least 0, as a network's last ones are."""
    from torch_fidelity.metric_fid import (  # pyright: ignore[reportMissingImports]
        fid_features_to_statistics,
        fid_statistics_to_metric,
    )
    from torch_fidelity.metric_isc import isc_features_to_metric  # pyright: ignore[reportMissingImports]
    from torch_fidelity.metric_kid import kid_features_to_metric  # pyright: ignore[reportMissingImports]
    from torch_fidelity.metric_prc import prc_features_to_metric  # pyright: ignore[reportMissingImports]

    draw = np.random.default_rng(0)
    mixing = draw.standard_normal((width, width)) / np.sqrt(width)
    x = np.maximum(draw.standard_normal((pictures, width)) @ mixing, 0)
    y = np.maximum(draw.standard_normal((pictures, width)) @ mixing * 1.1 + 0.1, 0)
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    sizes = {"kid_subsets": 20, "kid_subset_size": min(500, pictures), "verbose": False}
    kid = kid_features_to_metric(a, b, **sizes)
    fid = fid_statistics_to_metric(fid_features_to_statistics(a), fid_features_to_statistics(b), False)
    isc = isc_features_to_metric(5 * a)
    prc = prc_features_to_metric(a, b, verbose=False)
    kernel = kernel_distance(x, y, subsets=20, subset_size=500)
    score, manifolds = inception_score(5 * x), compare_manifolds(x, y)
    return {
        "Fréchet distance": relative(frechet_distance(x, y), fid["frechet_inception_distance"]),
        "kernel distance": relative(kernel.mean, kid["kernel_inception_distance_mean"]),
        "kernel deviation": relative(kernel.deviation, kid["kernel_inception_distance_std"]),
        "Inception score": relative(score.mean, isc["inception_score_mean"]),
        "precision": relative(float(manifolds.precision.mean()), prc["precision"]),
        "recall": relative(float(manifolds.recall.mean()), prc["recall"]),
    }


def compare_modules(pictures: int) -> dict[str, float]:
    """Features and logits of one file of random weights, on noise of 299 px, where neither side resizes."""
    from torch_fidelity.feature_extractor_inceptionv3 import (  # pyright: ignore[reportMissingImports]
        FeatureExtractorInceptionV3,
    )

    torch.manual_seed(0)
    network = Inception().eval()
    for name, value in network.state_dict().items():  # statistics that a normalisation cannot be blind to
        if name.endswith(("running_mean", "bn.bias")):
            value.normal_(0, 0.1)
        elif name.endswith(("running_var", "bn.weight")):
            value.uniform_(0.5, 1.5)
    squares = torch.randint(256, (pictures, 3, SIDE, SIDE), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(network.state_dict(), file)
        peer = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(file)
        )
        ours = InceptionFeatures(file)
    with torch.inference_mode():
        features, logits = (value.numpy() for value in peer(squares))
    found = ours.of_squares(squares.permute(0, 2, 3, 1).float().numpy())
    return {"Inception features": relative(found, features), "Inception logits": relative(ours.logits(found), logits)}


def main() -> None:
    """One line a measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000, help="rows of features a side")
    parser.add_argument("--width", type=int, default=512, help="numbers in a row; 2048 takes torch-fidelity a minute")
    chosen = parser.parse_args()
    stand_in()
    failed = False
    for found, most in ((compare_distances(chosen.pictures, chosen.width), DISTANCES), (compare_modules(4), MODULE)):
        for name, difference in found.items():
            failed |= not difference <= most
            print(f"{name:20s} {difference:.1e}{'' if difference <= most else f'   more than {most:.0e}'}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
