"""Random components small enough to paint in milliseconds, built from configs alone."""

from pathlib import Path
from typing import Any

import torch

from impasto.checkpoints.components import Components

WORDS = [
    "boats",
    "at",
    "sunset",
    "by",
    "claude",
    "monet",
    "vincent",
    "van",
    "gogh",
    "a",
    "wheat",
    "field",
    "with",
    "cypresses",
    ",",
    "1872",
    "storm",
    "red",
]
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
    "set_alpha_to_one": False,
    "clip_sample": False,
}


def make_components(folder: Path, prediction_type: str = "epsilon", seed: int = 0, *, pooled: bool = False) -> Components:
    """A VAE with f = 8, a U-Net of three levels, a BERT of one layer and a word tokenizer, all random.

    `pooled`: the text joins the U-Net's time embedding too, as in the pocket checkpoint.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
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
        scaling_factor=0.7,
        mid_block_add_attention=bool(seed % 2),
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 16, 32),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=(2, 2, 4),
        use_linear_projection=not seed % 2,
        addition_embed_type="text" if pooled else None,
        addition_embed_type_num_heads=4,
    )
    text_encoder = BertModel(
        BertConfig(
            vocab_size=5 + len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
            use_attention_mask=True,
        ),
        add_pooling_layer=False,
    )
    torch.random.set_rng_state(state)
    return Components(
        name="tiny",
        content_hash="0123456789abcdef" * 4,
        vae=vae.eval(),
        unet=unet.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=BertTokenizerFast(str(vocabulary), model_max_length=16),
        scheduler_config={**SCHEDULE, "prediction_type": prediction_type},
        artists=[{"name": "Claude Monet", "works": 86}, {"name": "Vincent van Gogh", "works": 75}],
        default_size=64,
        max_tokens=16,
    )
