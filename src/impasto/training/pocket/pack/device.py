"""What `train.py` of a pack does: autoencoder, latents, denoiser and a sheet, by its own clock."""

import argparse
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.optim.swa_utils import AveragedModel

from impasto.checkpoints.memory import MemoryConfig
from impasto.settings import keep_freed_memory
from impasto.training.loop.loop import train
from impasto.training.methods.autoencoder import AutoencoderChoices, peak_signal_to_noise, reconstruct
from impasto.training.methods.denoiser import DenoiserChoices
from impasto.training.pocket.autoencoder_run import fit_autoencoder
from impasto.training.pocket.choices import PocketChoices
from impasto.training.pocket.denoiser_run import make_task, pocket_schedule
from impasto.training.pocket.machine import find_machine
from impasto.training.pocket.pack.read import Pack, prepare_packed, read_pack
from impasto.training.pocket.pack.result import SHEET, states_to_tensors, write_log, write_weights
from impasto.training.pocket.pack.sheet import SheetPainter, paint_sheet
from impasto.training.pocket.pack.trial import choose, matrix_rate, picture_operations
from impasto.training.pocket.pack.words import words_to_bytes
from impasto.training.pocket.phases import choices_on
from impasto.training.pocket.prepare import Prepared
from impasto.training.pocket.task import PocketTask

AUTOENCODER_SHARE = 0.28  # share of all the minutes
END_SHARE = 0.05  # share for the sheet and the last writing
LEAST_END, TRIAL = 12.0, 40.0  # seconds
KEEP_SECONDS = 60.0
_POINTS = 400  # points of the logged curve

TINY = PocketChoices(
    unet=DenoiserChoices(block_out_channels=(32, 32), head_width=16),
    memory=MemoryConfig(components=8, hidden=16), batch=8, log_every=1, neighbours=4,
)  # fmt: skip
TINY_AUTOENCODER = AutoencoderChoices(
    latent_channels=4, block_out_channels=(16, 24, 32, 48), crop=32, crop_batch=2, picture_batch=1, equivariant=True,
    kl_weight=1e-4,
)  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the arguments of `train.py`."""
    parser = argparse.ArgumentParser(prog="train.py", description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="all together, the start of Python included")
    parser.add_argument("--steps", type=int, help="of autoencoder and denoiser each, in place of the clock")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--optimizer", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--batch", type=int, help="pictures a step; found by a trial on CUDA, else 64")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="tried on CUDA")
    parser.add_argument("--subset", type=int, help="train on so many pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiny", action="store_true", help="tiny networks, for a test of the folder")
    return parser.parse_args(arguments)


class Training:
    """One training from a pack; `log` collects its metrics."""

    def __init__(self, folder: Path, options: argparse.Namespace, started: float) -> None:
        self.options, self.started = options, started
        self.machine = find_machine(options.device, options.precision)
        if self.machine.device.type == "cpu":
            keep_freed_memory()
        self.log: dict[str, Any] = {"machine": self.machine.name, "torch": torch.__version__, "seconds": {}}
        self.say(f"{self.machine.name}, torch {torch.__version__}")
        self.pack: Pack = read_pack(folder, self.machine, options.subset)
        self.done("reading the pack")

    @property
    def spent(self) -> float:
        return time.time() - self.started

    @property
    def left(self) -> float:
        """Seconds until painting the sheet must begin."""
        total = 60 * self.options.minutes
        return total - max(LEAST_END, END_SHARE * total) - self.spent

    def say(self, line: str) -> None:
        print(f"{self.spent:6.1f} s  {line}", flush=True)

    def done(self, what: str) -> None:
        self.log["seconds"][what] = round(self.spent, 1)
        self.say(f"done: {what}")

    def length(self, seconds: float) -> dict[str, Any]:
        """Returns the length of a training as arguments: minutes, or steps if the options set them."""
        return {"steps": self.options.steps} if self.options.steps else {"minutes": max(seconds, 1.0) / 60}

    def autoencoder(self, scratch: Path) -> AutoencoderKL:
        """Trains the autoencoder; returns it on the device, with unit variance per channel."""
        choices = TINY_AUTOENCODER if self.options.tiny else choices_on(self.machine)
        last = [0]

        def told(stage: str, share: float, losses: dict[str, float]) -> None:
            last[0] += 1
            if losses and last[0] % 500 == 0:
                self.say(f"autoencoder, {stage}: {losses}")

        model = fit_autoencoder(
            self.pack.squares, scratch / "autoencoder", choices, self.machine, seed=self.options.seed,
            keep=lambda step, elapsed, averages: None, on_progress=told,
            **self.length(AUTOENCODER_SHARE * 60 * self.options.minutes),
        )  # fmt: skip
        held_out = self.pack.held_out.all.cpu().numpy()
        figures: dict[str, Any] = {"choices": asdict(choices), "steps": last[0]}
        if len(held_out):
            figures["held_out_psnr_db"] = round(peak_signal_to_noise(held_out, reconstruct(model, held_out)), 2)
        self.log["autoencoder"] = figures
        self.say(f"autoencoder: {figures}")
        self.done("autoencoder")
        return model

    def choices(self) -> PocketChoices:
        options = self.options
        choices = TINY if options.tiny else replace(PocketChoices(), log_every=50)
        cuda = self.machine.device.type == "cuda"
        return replace(
            choices, optimizer=options.optimizer, batch=options.batch or choices.batch,
            compiled=bool(options.compile) and (not cuda or options.batch is not None),
            text_variants=min(choices.text_variants, self.pack.told["variants"]),
        )  # fmt: skip

    def denoiser(self, prepared: Prepared, vae: AutoencoderKL, scratch: Path) -> None:
        """Trains the denoiser, writes the weights periodically and at the end, and paints the sheet."""
        task = make_task(prepared, self.choices(), self.machine, seed=self.options.seed)
        rate = matrix_rate(self.machine, 0.1 if self.options.tiny else 1.0)
        work = picture_operations(task)
        self.log |= {"matrix_rate": rate, "operations_a_picture": work}
        if self.machine.device.type == "cuda" and self.options.batch is None:
            self.log["trial"] = choose(task, min(TRIAL, self.left / 4), self.options.compile, self.say)
        self.done("trial")
        fixed = self._fixed_tensors(prepared, vae, task)
        curve: list[dict[str, float]] = []
        begun = time.time()

        def keep(step: int, elapsed: float, averages: dict[str, AveragedModel]) -> None:
            averaged = {name: averages[name].module.state_dict() for name in averages}
            raw = {name: task.models[name].state_dict() for name in averages}
            pictures = step * task.choices.batch / max(elapsed, 1e-9)
            self.log["denoiser"] = {
                "steps": step, "batch": task.choices.batch, "compiled": task.is_compiled, "seconds": round(elapsed, 1),
                "pictures_per_second": round(pictures, 1),
                "share_of_matrix_rate": round(pictures * work / rate, 4),
            }  # fmt: skip
            told = {"step": step, "choices": asdict(task.choices), "machine": self.machine.name,
                    "autoencoder": dict(vae.config)}  # fmt: skip
            size = write_weights(self.options.out, fixed | states_to_tensors(averaged, raw), told)
            write_log(self.options.out, self.log | {"curve": curve[:: max(1, len(curve) // _POINTS)]})
            self.say(f"step {step}: {pictures:.0f} pictures/s; {size / 1e6:.1f} MB written")

        def told(step: int, share: float, figures: dict[str, float]) -> None:
            if step % 2000 == 0:
                curve.append({"step": step, "seconds": round(time.time() - begun, 1), **task.gap()})
            if "loss" in figures:
                curve.append({"step": step, "seconds": round(time.time() - begun, 1), **figures})
                if step % (20 * task.choices.log_every) == 0:
                    self.say(f"step {step}, {share:.0%}: {figures}")

        schedule = pocket_schedule(**self.length(self.left), save_seconds=KEEP_SECONDS, log_every=500)
        averages = train(
            task, scratch / "denoiser", schedule, seed=self.options.seed, pictures=task.choices.batch,
            on_progress=told, keep=keep,
        )  # fmt: skip
        self.done("denoiser")
        self._sheet(prepared, vae, task, averages)
        write_log(self.options.out, self.log | {"curve": curve[:: max(1, len(curve) // _POINTS)]})

    def _fixed_tensors(self, prepared: Prepared, vae: AutoencoderKL, task: PocketTask) -> dict[str, torch.Tensor]:
        """Returns the tensors that do not change while the denoiser trains."""
        tensors = {f"vae/{name}": value.detach().cpu().half() for name, value in vae.state_dict().items()}
        whitening = task.whitening.state_dict()
        tensors |= {f"whitening/{name}": value.detach().cpu() for name, value in whitening.items()}
        tensors["codes"] = prepared.memory.codes.half().contiguous()
        tensors["words"] = torch.frombuffer(bytearray(words_to_bytes(prepared.words)), dtype=torch.uint8)
        return tensors

    def _sheet(
        self, prepared: Prepared, vae: AutoencoderKL, task: PocketTask, averages: dict[str, AveragedModel]
    ) -> None:
        told, tiny = self.pack.told, self.options.tiny
        unet: Any = averages["unet"].module
        painter = SheetPainter(
            unet, averages["memory"].module, task.whitening, vae, prepared.encoder, task.data.codes,
            task.choices.unet, self.machine,
        )  # fmt: skip
        left = 60 * self.options.minutes - self.spent - 3
        sheet, seeds = paint_sheet(
            painter, told["prompts"], told["prompts_works"], 1 if tiny else 8, left, steps=2 if tiny else 20
        )
        sheet.save(self.options.out / SHEET, optimize=True)
        self.log["sheet"] = {"prompts": told["prompts"], "seeds": seeds}
        self.done("sheet")


def run(folder: Path, arguments: list[str], started: float) -> None:
    """Trains from the pack in `folder`; `started` is the start time of Python, POSIX seconds."""
    options = parse(arguments)
    training = Training(folder, options, started)
    import diffusers

    training.say(f"diffusers {diffusers.__version__} from {diffusers.__file__}")
    with tempfile.TemporaryDirectory(prefix="impasto-run-") as name:
        vae = training.autoencoder(Path(name))
        prepared = prepare_packed(training.pack, vae, training.choices(), training.machine)
        training.done("latents, texts and features")
        training.denoiser(prepared, vae, Path(name))
