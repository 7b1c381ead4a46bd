"""A memory of works that exist in name only, for any U-Net."""

import torch

from impasto.checkpoints.memory import MemoryConfig, MemoryEncoder, PaintingMemory, Work, to_grid

SUBJECTS = ("boats at sunset", "wheat field", "storm at sea", "portrait of a lady", "red roses")


def drawn_memory(width: int = 384, works: int = 60, seed: int = 0) -> PaintingMemory:
    """Three of four works by Claude Monet, the others by Rembrandt; works 0, 5, 10 ... show boats at sunset."""
    draw = torch.Generator().manual_seed(seed)
    config = MemoryConfig(components=16, latent_channels=8, hidden=24, width=width)
    encoder = MemoryEncoder(config)
    state = {name: torch.randn(value.shape, generator=draw) * 0.3 for name, value in encoder.state_dict().items()}
    encoder.load_state_dict({**state, "latent_scale": torch.ones(16), "mean": torch.zeros(1280)})
    codes = to_grid(torch.randn(works, config.code, generator=draw))
    known = [
        Work(f"{n}.jpg", "Rembrandt" if n % 4 == 3 else "Claude Monet", SUBJECTS[n % len(SUBJECTS)].title())
        for n in range(works)
    ]
    return PaintingMemory(encoder.eval().requires_grad_(False), codes, known)
