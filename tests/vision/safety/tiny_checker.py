"""A tiny random safety checker in the layout of CompVis/stable-diffusion-safety-checker."""

import json
from pathlib import Path

import torch

PREPARING = {
    "image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32},
    "do_resize": True, "do_center_crop": True, "do_normalize": True,
}  # fmt: skip


def make_checker(folder: Path, threshold: float, *, old_names: bool = False) -> Path:
    """Writes a checker that flags a picture if a random concept's cosine with it is above `threshold`: -1 flags all."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from safetensors.torch import load_file, save_file
    from transformers import CLIPConfig

    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    seeing, reading = {**tower, "image_size": 32, "patch_size": 16}, {**tower, "vocab_size": 10}
    config = CLIPConfig(vision_config=seeing, text_config=reading, projection_dim=8)
    torch.manual_seed(0)
    model = StableDiffusionSafetyChecker(config)
    model.concept_embeds.data = torch.randn(17, 8)
    model.concept_embeds_weights.data = torch.full((17,), threshold)
    model.special_care_embeds.data = torch.randn(3, 8)
    model.special_care_embeds_weights.data = torch.full((3,), 2.0)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPARING))
    if old_names:  # as in the published files
        weights = load_file(folder / "model.safetensors")
        inner = "vision_model."
        renamed = {
            (f"{inner}{key}" if key.startswith(inner) and not key.startswith(2 * inner) else key): value
            for key, value in weights.items()
        }
        save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    return folder
