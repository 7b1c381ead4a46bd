"""The recipe of wu2022: options to retrain a checkpoint on a catalogue in two stages (section 4, "Retraining with WikiArt").

The first stage trains the text encoder from untrained weights, with the tokenizer and the diffusion model unchanged, until
the catalogue's captions, artists, years, styles and genres select what the diffusion model already represents. The second
stage trains text encoder and U-Net together.
"""

from dataclasses import replace

from impasto.checkpoints.size import is_small
from impasto.training.methods.fine_tuning_choices import FineTuning

# Section 5 names 8 GPUs of type A100-80GB, and "the original code and settings of stable diffusion model's checkpoint
# v1-4". Its model card ("Training") has AdamW, a rate of 1e-4 that stays after a warm-up, a tenth of the pictures without
# their text, and 2,048 pictures a step: 32 x 8 GPUs, two accumulated parts, four pictures a GPU. Its code averages the
# weights. Neither source states batch, warm-up or length of the paper's retraining. Ours: 32 pictures a GPU in each of two
# parts, 512 in all, and 100 epochs, which are about 14,300 steps on WikiArt's 81,444 pictures, of which a tenth is held out.
# v1-4 warms up for 10,000 of its 225,000 steps (4.4 %); as many would be 70 % of these. So the warm-up is about the same
# share, 4.9 %.
WU2022_TEXT_ENCODER = FineTuning(
    trained="text-encoder", fresh_text_encoder=True, epochs=100, batch=8 * 2 * 32, accumulation=2, learning_rate=1e-4,
    warmup_steps=700, ema_decay=0.9999, precision="bf16", text_dropout=0.1, size=512,
)  # fmt: skip
WU2022_JOINT = replace(WU2022_TEXT_ENCODER, trained="both", fresh_text_encoder=False)

# For pocket on two cores, with the steps that half an hour allows. Rates, warm-up and bias are ours, by experiment. The text
# matters most where the latent shows little else: without the bias, the loss of an untrained encoder differs from the base's
# only in the noisiest quarter of the timesteps.
WU2022_TEXT_ENCODER_POCKET = FineTuning(
    trained="text-encoder", fresh_text_encoder=True, epochs=2, batch=16, learning_rate=5e-4, warmup_steps=100,
    final_rate=0.05, ema_decay=0.99, timestep_bias=5.0, precision="auto",
)  # fmt: skip
WU2022_JOINT_POCKET = replace(
    WU2022_TEXT_ENCODER_POCKET, trained="both", fresh_text_encoder=False, learning_rate=2e-4, timestep_bias=3.0
)


def wu2022_text_encoder(side: int | None) -> FineTuning:
    """Returns the first stage for a checkpoint that paints `side` px: the paper's, or pocket's for a small one."""
    return WU2022_TEXT_ENCODER_POCKET if is_small(side) else WU2022_TEXT_ENCODER


def wu2022_joint(side: int | None) -> FineTuning:
    """Returns the second stage for a checkpoint that paints `side` px: the paper's, or pocket's for a small one."""
    return WU2022_JOINT_POCKET if is_small(side) else WU2022_JOINT
