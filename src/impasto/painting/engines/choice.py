"""Chooses the engine of a painter: by its device, by what is installed, and by whether converting a model pays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from impasto.errors import MissingPart, UsageError
from impasto.painting.engines import store
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.engines.conditioned import CannotRun, ConditionedUNet, Engine
from impasto.painting.engines.eager import EagerEngine, name_of
from impasto.painting.engines.openvino import runtime
from impasto.painting.engines.openvino.engine import OpenVinoEngine
from impasto.painting.engines.record import AUTO, COMPILED, EAGER, ENGINES, OPENVINO, EngineNote
from impasto.painting.engines.work import conversion_work, evaluation_work
from impasto.settings import choose_precision

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

# Of the work for which converting pays: below it, eager is not worth a word.
_NOTICED = 0.03
INSTALL = "pip install 'impasto[fast]'"


@dataclass(frozen=True)
class EngineChoice:
    """A checked choice.

    Attributes:
        name: the engine, as `--engine` takes it; "auto" is decided when the work is known.
        dtype: the precision in which the checkpoint is loaded.
        inference: the precision in which OpenVINO computes: fp32 or bf16.
    """

    name: str
    dtype: torch.dtype
    inference: str = "fp32"

    def note(self, device: torch.device) -> EngineNote:
        """Returns what the records of its paintings will say, as far as it is decided."""
        if self.name == OPENVINO:
            return EngineNote(OPENVINO, runtime.openvino_version(), self.inference, device.type)
        return EngineNote(self.name, torch.__version__, name_of(self.dtype), device.type)


def choose_engine(name: str, device: torch.device, precision: str) -> EngineChoice:
    """Returns the engine called `name` for this device and precision.

    bf16 on a CPU that has it is OpenVINO's, on weights loaded in fp32, where OpenVINO is installed.

    Raises:
        UsageError: there is no such engine or precision, or the engine does not run on this device or in this precision.
        MissingPart: it is not installed.
    """
    if name not in ENGINES:
        raise UsageError(f"unknown engine {name!r}: use {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    dtype = choose_precision(precision, device)
    on_cpu = device.type == "cpu"
    if name == COMPILED and on_cpu:
        raise UsageError("--engine compiled is for accelerators: use openvino or eager on a CPU")
    if name == OPENVINO:
        if not on_cpu:
            raise UsageError(f"--engine openvino runs on a CPU, not on {device}: use compiled or eager, or --device cpu")
        if dtype == torch.float16:
            raise UsageError("--engine openvino computes in fp32 or bf16: leave --precision fp16 to eager")
        if not runtime.openvino_version():
            raise MissingPart(f"OpenVINO is not installed: {INSTALL}, or use --engine eager")
        if dtype == torch.bfloat16 and not runtime.cpu_has_bf16():
            raise UsageError("--engine openvino: this CPU has no units for bf16: use --precision fp32")
    low = dtype == torch.bfloat16 and on_cpu and name in (AUTO, OPENVINO)
    if low and runtime.openvino_version() and runtime.cpu_has_bf16():
        return EngineChoice(OPENVINO, torch.float32, "bf16")
    if name == AUTO and not (on_cpu and dtype == torch.float32 and runtime.openvino_version()):
        name = EAGER
    return EngineChoice(name, dtype)


def describe_engine(device: torch.device) -> str:
    """Returns which engine `auto` takes on this device, in words."""
    chosen = choose_engine(AUTO, device, AUTO)
    if chosen.name != AUTO:
        return f"{chosen.name}, torch {torch.__version__}"
    return f"openvino {runtime.openvino_version()}, and eager until converting a checkpoint pays"


class PaintingEngine:
    """The engine of one painter, with its U-Net and decoder ready to run.

    Attributes:
        unet: the checkpoint's U-Net.
        decode: its decoder.
        note: what ran them, for the records of paintings.
    """

    def __init__(self, components: "Components", device: torch.device, name: str = AUTO, inference: str = "fp32") -> None:
        """Starts with `eager`, until `prepare` is called. `name` and `inference` are of an `EngineChoice`."""
        self._parts, self._device, self._name = components, device, name
        self._notes: list[str] = []
        self._openvino = OpenVinoEngine(components.name, inference, self._say)
        self._worse: dict[str, ConditionedUNet] = {}
        usable = device.type == "cpu" and components.unet.dtype == torch.float32 and runtime.openvino_version()
        self._settled = name == EAGER or (name == AUTO and not usable)
        self._use(EagerEngine(device, components.unet.dtype))

    def prepare(self, batches: Sequence[tuple[int, int, int]]) -> None:
        """Makes the engine ready for this work.

        Args:
            batches: of each batch the evaluations of the U-Net, of one latent with one text each, and the latents' height
                and width.
        """
        if not self._settled:
            unet = self._parts.unet
            self._settle(sum(count * evaluation_work(unet, height, width) for count, height, width in batches))

    def take_notes(self) -> list[str]:
        """Returns what the user should know, each sentence once."""
        notes, self._notes = self._notes, []
        return notes

    def another(self, name: str, model: Any) -> ConditionedUNet:
        """Returns another U-Net by the same engine, or by `eager` if it cannot run it; kept under its name."""
        if name not in self._worse:
            try:
                self._worse[name] = self._engine.unet(model)
            except CannotRun as error:
                self._notes.append(f"the {name} U-Net is run by eager: {error}")
                self._worse[name] = EagerEngine(self._device, self._parts.unet.dtype).unet(model)
        return self._worse[name]

    def _say(self, note: str) -> None:
        self._notes.append(note)

    def _settle(self, work: float) -> None:
        parts = self._parts
        engine: Engine
        if self._name == COMPILED:
            engine = CompiledEngine(self._device, parts.unet.dtype)
        else:
            engine = self._openvino
            if self._name == AUTO and not self._pays(work):
                return
        self._settled = True
        try:
            self._use(engine)
        except CannotRun as error:
            self._notes.append(f"painted by eager, not by {engine.note.name}: {error}")

    def _pays(self, work: float) -> bool:
        """Returns whether to run OpenVINO: its models are kept, or the work without them has cost more than converting."""
        parts, engine = self._parts, self._openvino
        if engine.is_kept(parts.unet, parts.vae):
            return True
        key, needed = engine.key(parts.unet), conversion_work(parts.unet, parts.vae)
        before = store.work_so_far(key)
        pays = before + work > needed
        if not pays:
            if not before and work > _NOTICED * needed:
                self._notes.append(
                    f"eager paints with {parts.name} until converting it for OpenVINO pays, after about"
                    f" {needed / work:.0f} times as much as this; --engine openvino converts it now"
                )
            store.add_work(key, work)
            return False
        self._notes.append(f"{parts.name} is converted for OpenVINO, once, since it has been painted with often enough")
        return True

    def _use(self, engine: Engine) -> None:
        unet, decode = engine.unet(self._parts.unet), engine.decoder(self._parts.vae)
        self._engine, self.unet, self.decode = engine, unet, decode
        self._worse.clear()

    @property
    def note(self) -> EngineNote:
        """What runs the U-Net and the decoder."""
        return self._engine.note
