"""One evaluation of a checkpoint's U-Net with guidance, by each engine in turns: milliseconds, and how far it is off.

The median of `--repeats` in CPU time of all threads, which other load changes less than the clock; `--clock` for the clock.
"Apart" is the mean absolute difference of a prediction over eager's mean absolute value. Models come from the cache, or are
converted first.
"""

import argparse
import os
import statistics
import sys
import time
from functools import partial
from typing import Any

import torch

from impasto.checkpoints.load import load_components
from impasto.checkpoints.size import latent_factor
from impasto.errors import ImpastoError
from impasto.inference.runtime import CannotRun
from impasto.painting.engines.choice import choose_engine
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.engines.openvino.calibration import calibration_inputs
from impasto.painting.engines.openvino.engine import OpenVinoEngine
from impasto.painting.optimized.choice import optimize_unet
from impasto.settings import keep_freed_memory
from painting import cpu_name, engines_here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--engines", nargs="+", default=engines_here(), help="such as optimized openvino openvino-int8")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", action="store_true")
    chosen = parser.parse_args()
    if chosen.repeats < 1 or chosen.threads < 1 or min(chosen.batches) < 1:
        parser.error("at least one picture, one repeat and one thread")
    torch.set_num_threads(chosen.threads)
    keep_freed_memory()
    now, cpu = (time.perf_counter if chosen.clock else time.process_time), torch.device("cpu")
    try:
        parts = load_components(chosen.checkpoint, device=cpu, dtype=torch.float32)
        unets: dict[str, Any] = {"eager": PlainUNet(parts.unet)}
        for name in chosen.engines:
            engine, _, precision = name.partition("-")
            choose_engine(engine, cpu, precision or "fp32")
            if engine == "openvino":
                samples = partial(calibration_inputs, parts)
                unets[name] = OpenVinoEngine(parts.name, precision or "fp32", print, samples).unet(parts.unet)
            elif engine == "optimized":
                unets[name] = optimize_unet(parts.unet)
    except (ImpastoError, CannotRun) as error:
        sys.exit(str(error))
    side = parts.default_size // latent_factor(parts.vae.config)
    print(f"{parts.name}, {chosen.threads} thread(s), ms {'by the clock' if chosen.clock else 'of CPU time'}")
    print(f"on {cpu_name()}, load {os.getloadavg()[0]:.1f}")
    for count in chosen.batches:
        states = parts.encode_text([""] * count + ["boats at sunset by Claude Monet"] * count).float()
        latents = torch.randn(count, parts.unet.config["in_channels"], side, side)
        asked = {name: unet.tell(states, guided=True) for name, unet in unets.items()}
        times: dict[str, list[float]] = {name: [] for name in unets}
        made: dict[str, torch.Tensor] = {}
        with torch.inference_mode():
            for repeat in range(chosen.repeats + 1):
                for name, predict in asked.items():
                    begun = now()
                    made[name] = predict(latents, torch.tensor(500))
                    if repeat:  # the first of each is warm-up
                        times[name].append(1e3 * (now() - begun))
        plain = made["eager"]
        for name, took in times.items():
            apart = float((made[name] - plain).abs().mean() / plain.abs().mean())
            print(f"  {count} picture(s), {name:14s} {statistics.median(took):7.1f} ms, apart {apart:.1e}")


if __name__ == "__main__":
    main()
