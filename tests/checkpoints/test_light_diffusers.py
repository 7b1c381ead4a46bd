"""`import_diffusers_lightly` leaves out what painting does not need, and nothing that is asked for later."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "'transformers', 'peft', 'scipy.stats', 'torch._dynamo', 'sympy'"


def ran(code: str, folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("engine", ["optimized", "eager"])
def test_painting_with_pocket_loads_no_heavy_package(engine: str, tmp_path: Path) -> None:
    code = f"""
import atexit, sys
from impasto.cli.main import main
atexit.register(lambda: print("heavy", [name for name in ({HEAVY}) if sys.modules.get(name)]))
main()
"""
    out = ran(code, tmp_path, "paint", "boats", "--steps", "1", "--size", "64", "--engine", engine)
    assert out.rstrip().endswith("heavy []") and (list(tmp_path.rglob("*.png"))), out


def test_what_looked_absent_works_afterwards(tmp_path: Path) -> None:
    code = f"""
import sys
from impasto.checkpoints.light_diffusers import import_diffusers_lightly
import_diffusers_lightly()
import_diffusers_lightly()
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
assert not [name for name in ({HEAVY}) if name in sys.modules], "absent when it is imported"

import diffusers, torch
from diffusers.utils import is_peft_available, is_scipy_available, is_transformers_available
assert is_peft_available() and is_scipy_available() and is_transformers_available()
assert type(diffusers.__spec__.loader).__name__ == "SourceFileLoader"
scheduler = diffusers.DPMSolverMultistepScheduler(use_beta_sigmas=True)
scheduler.set_timesteps(5)
assert len(scheduler.sigmas) == 6

from peft import LoraConfig
unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(32, 32), down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=16, attention_head_dim=8,
)
latents, timestep, states = torch.randn(1, 4, 8, 8), torch.tensor(1), torch.randn(1, 5, 16)
with torch.no_grad():
    before = unet(latents, timestep, states).sample
    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]))
    assert torch.equal(unet(latents, timestep, states).sample, before)  # a new LoRA changes nothing
    unet.set_adapters(["default"], [1.0])
    torch.nn.init.ones_(unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.to_q.lora_B.default.weight)
    learned = unet(latents, timestep, states).sample
    assert not torch.equal(learned, before)
    off = unet(latents, timestep, states, cross_attention_kwargs=dict(scale=0.0)).sample
    torch.testing.assert_close(off, before)
    assert torch.equal(unet(latents, timestep, states).sample, learned)  # the scale was for one pass
    torch.nn.init.zeros_(unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.to_q.lora_B.default.weight)
    compiled = torch.compile(unet, backend="eager")
    torch.testing.assert_close(compiled(latents, timestep, states).sample, before)
assert diffusers.StableDiffusionPipeline.__module__.startswith("diffusers.pipelines")
from transformers import CLIPTextModel
from scipy.optimize import linear_sum_assignment
import torch._dynamo
"""
    ran(code, tmp_path)
