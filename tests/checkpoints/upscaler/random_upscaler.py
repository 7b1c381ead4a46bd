"""Upscalers with random weights that do something to a picture, and their files as they are published."""

from pathlib import Path

import torch

from impasto.checkpoints.upscaler.compact import CompactShape, CompactUpscaler


def random_upscaler(features: int = 8, convolutions: int = 2, scale: int = 2) -> CompactUpscaler:
    torch.manual_seed(0)
    network = CompactUpscaler(CompactShape(features, convolutions, scale)).eval()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 4:
                torch.nn.init.kaiming_normal_(weight, a=0.25)
        network.body[-1].weight.mul_(0.1)  # pyright: ignore[reportCallIssue]
    return network


def save_pth(path: Path, network: CompactUpscaler, key: str = "params") -> Path:
    torch.save({key: network.state_dict()}, path)
    return path
