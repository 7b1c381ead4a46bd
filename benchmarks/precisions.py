"""What bf16 and int8 by OpenVINO change: the same prompts and seeds as in fp32 by `optimized`.

For each precision the mean absolute difference of a pixel to those pictures, of 255, and CPU seconds a picture. With
`--catalogue` the prompts are those of its held-out paintings, and the Fréchet distance on EfficientNet-Lite2 features (not
an "FID") to all held-out paintings stands beside. Without it they are the first of `abstract_prompts.txt`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from impasto.errors import ImpastoError
from impasto.evaluation.distances.frechet import frechet_distance
from impasto.inference.runtime import cpu_has_bf16, cpu_has_int8, nncf_version
from impasto.painting.painter import Painter
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.settings import cache_folder
from impasto.training.examples.training_set import condition_of
from impasto.vision.features.efficientnet import stack_images
from judged_pictures import JudgedPictures
from painting import cpu_name

PLAIN = "optimized fp32"


def here() -> list[str]:
    """The precisions of OpenVINO on this CPU."""
    return ["fp32", *(["bf16"] if cpu_has_bf16() else []), *(["int8"] if cpu_has_int8() and nncf_version() else [])]


def painted(painter: Painter, requests: Sequence[PaintRequest]) -> tuple[np.ndarray, float]:
    """uint8 [n, s, s, 3] and CPU seconds a picture; what is converted for the first batch is not counted."""
    list(painter.paint_many([replace(request, steps=2) for request in requests[:8]]))
    begun = time.process_time()
    pictures = stack_images([painting.image for painting in painter.paint_many(requests)])
    return pictures, (time.process_time() - begun) / len(requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="pocket")
    parser.add_argument("--precisions", nargs="+", default=here(), help="of OpenVINO: fp32, bf16, int8")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--catalogue", type=Path, help="real paintings with their metadata")
    parser.add_argument("--work", type=Path, default=Path("scratch/precisions"), help="features of real paintings")
    parser.add_argument("--threads", type=int)
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    try:
        judged = None
        if chosen.catalogue is not None:
            judged = JudgedPictures(
                chosen.catalogue, chosen.checkpoint, chosen.work, cache_folder(), guidance=chosen.guidance,
                steps=chosen.steps,
            )  # fmt: skip
            conditions = [condition_of(entry) for entry in judged.held_out]
        else:
            words = Path(__file__).with_name("abstract_prompts.txt").read_text("utf-8").splitlines()
            conditions = [Condition(caption=line) for line in words if line.strip()]
        if not 8 <= chosen.pictures <= len(conditions):
            parser.error(f"--pictures {chosen.pictures}: use 8 to {len(conditions)}, which there are prompts for")
        ways = {PLAIN: Painter.load(chosen.checkpoint, device="cpu", precision="fp32", engine="optimized")}
        for precision in chosen.precisions:
            name = f"openvino {precision}"
            ways[name] = Painter.load(chosen.checkpoint, device="cpu", precision=precision, engine="openvino")
        side = ways[PLAIN].components.default_size
        requests = [
            PaintRequest(
                condition=condition if condition.text() else Condition(caption="a painting"), seed=number, sampler="dpm++",
                steps=chosen.steps, guidance=chosen.guidance, width=side, height=side, memory="none",
            )
            for number, condition in enumerate(conditions[: chosen.pictures])
        ]  # fmt: skip
        print(f"{chosen.checkpoint}: {chosen.pictures} pictures, {chosen.steps} steps, {torch.get_num_threads()} thread(s)")
        print(f"on {cpu_name()}")
        plain: np.ndarray | None = None
        for name, painter in ways.items():
            pictures, seconds = painted(painter, requests)
            plain = pictures if plain is None else plain
            apart = np.abs(pictures.astype(np.int16) - plain.astype(np.int16)).mean()
            far = ""
            if judged is not None:
                real = judged.real_features(judged.held_out)
                far = f", Fréchet {frechet_distance(real, judged.features.of_squares(pictures), allow_few=True):.3f}"
            print(f"  {name:16s} {apart:6.2f}/255 apart, {seconds:.3f} CPU s a picture{far}", flush=True)
    except ImpastoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
