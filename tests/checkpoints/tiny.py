"""A checkpoint in pocket's layout with random weights, built in a second, for tests that paint."""

import json
from pathlib import Path

import torch

MASTERS = (
    ("Claude Monet", 86),
    ("Vincent van Gogh", 75),
    ("Rembrandt", 60),
    ("Albrecht Dürer", 41),
    ("Gustav Klimt", 30),
)
PIPELINE_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "BertModel"],
    "tokenizer": ["transformers", "BertTokenizerFast"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
}


def make_tiny_pocket(folder: Path, seed: int = 0, prediction_type: str = "v_prediction") -> Path:
    """Writes a folder in pocket's layout and returns it: 64 px pictures, latents [8, 8, 8].

    The same seed writes the same bytes. Text encoder and tokenizer are not in it: they come from MiniLM.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    folder.mkdir(parents=True, exist_ok=True)
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=8,
        sample_size=64,
        scaling_factor=0.5,
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=8,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=384,
    )
    torch.random.set_rng_state(state)
    unet.half().save_pretrained(folder / "unet", safe_serialization=True)
    vae.half().save_pretrained(folder / "vae", safe_serialization=True)
    DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type=prediction_type,
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    ).save_pretrained(folder / "scheduler")
    artists = [{"name": name, "works": works} for name, works in MASTERS]
    (folder / "artists.json").write_text(json.dumps(artists, ensure_ascii=False), "utf-8")
    (folder / "model_index.json").write_text(json.dumps(PIPELINE_INDEX, indent=1), "utf-8")
    return folder
