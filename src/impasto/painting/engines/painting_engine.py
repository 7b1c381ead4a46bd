"""The engine of one painter: what it starts with, and when OpenVINO takes over."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from impasto.inference import runtime, store
from impasto.inference.runtime import CannotRun
from impasto.painting.engines.compiled import CompiledEngine
from impasto.painting.engines.conditioned import ControllableUNet, Engine
from impasto.painting.engines.eager import EagerEngine
from impasto.painting.engines.openvino.calibration import calibration_inputs
from impasto.painting.engines.openvino.engine import OpenVinoEngine, OpenVinoUNet
from impasto.painting.engines.optimized import OptimizedEngine
from impasto.painting.engines.record import AUTO, COMPILED, EAGER, OPENVINO, OPTIMIZED, EngineNote
from impasto.painting.engines.work import BatchWork, conversion_work, saved_work
from impasto.painting.optimized.unet import OptimizedUNet

if TYPE_CHECKING:
    from impasto.checkpoints.components import Components

# Of the work for which converting pays: below it, what OpenVINO would save is not worth a word, or a file.
_NOTICED, _COUNTED = 0.03, 0.0005


class PaintingEngine:
    """The engine of one painter, with its U-Net and decoder ready to run.

    Attributes:
        unet: the checkpoint's U-Net.
        decode: its decoder.
    """

    def __init__(self, components: "Components", device: torch.device, name: str = AUTO, inference: str = "fp32") -> None:
        """Starts with `optimized` or `eager`, until `prepare` is called. `name` and `inference` are of an `EngineChoice`."""
        self._parts, self._name = components, name
        dtype = components.unet.dtype
        usual = name == AUTO and device.type == "cpu" and dtype == torch.float32
        self._eager = EagerEngine(device, dtype)
        self._first: Engine = OptimizedEngine() if usual or name == OPTIMIZED else self._eager
        self._wanted: Engine | None = None
        if name == COMPILED:
            self._wanted = CompiledEngine(device, dtype)
        elif name == OPENVINO or (usual and runtime.openvino_version()):
            self._wanted = OpenVinoEngine(
                components.name, inference, self._say, partial(calibration_inputs, components)
            )
        self._notes: list[str] = []
        self._weaker: dict[str, ControllableUNet] = {}
        self._use(self._first)
        self._is_optimized = isinstance(self.unet, OptimizedUNet)

    def prepare(self, batches: Sequence[BatchWork], weaker: Mapping[str, nn.Module] | None = None) -> None:
        """Makes the engine ready for this work. `weaker`: the weaker U-Nets that it needs, by name."""
        engine, named = self._wanted, self._name not in (AUTO, EAGER)
        if named and any(batch.words for batch in batches):
            self._notes.append(f"words are edited by eager, whose attention can be steered, not by {self._name}")
        batches = [batch for batch in batches if not batch.words]
        if engine is None or not batches:
            return
        if self._name == AUTO and isinstance(engine, OpenVinoEngine) and not self._pays(engine, batches, weaker or {}):
            engine = self._first
        try:
            if engine is not self._engine:
                self._use(engine)
            if isinstance(self.unet, OpenVinoUNet):
                for batch in batches:
                    self.unet.prepare(batch.sizes)
        except CannotRun as error:
            self._notes.append(f"painted by {self._first.note.name}, not by {engine.note.name}: {error}")
            self._wanted = None
            self._use(self._first)

    def decide(self, batches: Sequence[BatchWork], weaker: Mapping[str, nn.Module] | None = None) -> str:
        """Returns the name of the engine with which `prepare` would run this work, which is counted; converts nothing."""
        if self._name != AUTO:
            return self._name
        batches = [batch for batch in batches if not batch.words]
        wanted = self._wanted
        if batches and isinstance(wanted, OpenVinoEngine) and self._pays(wanted, batches, weaker or {}):
            return wanted.note.name
        return self._first.note.name

    def take_notes(self) -> list[str]:
        """Returns what the user should know, each sentence once."""
        notes, self._notes = list(dict.fromkeys(self._notes)), []
        return notes

    def another(self, name: str, model: nn.Module) -> ControllableUNet:
        """Returns another U-Net by the same engine, or by `eager` if it cannot run it; kept under its name."""
        if name not in self._weaker:
            try:
                self._weaker[name] = self._engine.unet(model)
            except CannotRun as error:
                self._notes.append(f"the {name} U-Net is run by eager: {error}")
                self._weaker[name] = self._eager.unet(model)
        return self._weaker[name]

    @property
    def asked(self) -> str:
        """The name of the engine that was asked for."""
        return self._name

    @property
    def note(self) -> EngineNote:
        """What runs the U-Net and the decoder, for the records of paintings."""
        return self._engine.note

    def _say(self, note: str) -> None:
        self._notes.append(note)

    def _pays(self, engine: OpenVinoEngine, batches: Sequence[BatchWork], weaker: Mapping[str, nn.Module]) -> bool:
        """Returns whether OpenVINO is to run the U-Nets: they are kept, or converting them costs less than it saves, with
        what it would have saved before.

        What OpenVINO does not know is left to the first engine, without a word.
        """
        parts: Any = self._parts
        if not runtime.openvino_may_pay() or not all(map(engine.knows, (parts.unet, *weaker.values()))):
            return False
        needed = sum(self._needed(engine, batches, weaker).values())
        if not needed:
            return True
        keys = {
            batch.sizes: hashlib.sha256(f"{engine.note}\n{parts.content_hash}\n{batch.sizes}".encode()).hexdigest()
            for batch in batches
        }
        before = sum(map(store.work_so_far, keys.values()))
        saves = [saved_work(parts.unet, batch, optimized=self._is_optimized) for batch in batches]
        saved = sum(saves)
        if before + saved > needed:
            self._notes.append(f"{parts.name} is converted for OpenVINO, once, since it has been painted with often enough")
            return True
        if not before and saved > _NOTICED * needed:
            self._notes.append(
                f"{self._first.note.name} paints with {parts.name} until converting it for OpenVINO pays, after about"
                f" {needed / saved:.0f} times as much as this; --engine openvino converts it now"
            )
        if saved > _COUNTED * needed:
            for batch, one in zip(batches, saves, strict=True):
                store.add_work(keys[batch.sizes], one)
        return False

    def _needed(
        self, engine: OpenVinoEngine, batches: Sequence[BatchWork], weaker: Mapping[str, nn.Module]
    ) -> dict[Any, float]:
        """Returns the work of each conversion that is missing for these batches."""
        parts: Any = self._parts
        needed: dict[Any, float] = {}
        for batch in batches:
            asked = [("", parts.unet, batch.sizes, False)]
            if batch.controlled:
                asked.append(("", parts.unet, batch.sizes, True))
            pictures, _, height, width = batch.sizes
            asked += [(name, model, (pictures, pictures, height, width), False) for name, model in weaker.items()]
            for name, model, sizes, controlled in asked:
                converting, compiling = engine.missing(model, sizes, controlled=controlled)
                if compiling:
                    needed[name, sizes, controlled] = conversion_work(model, has_graph=True)
                if converting:
                    needed[name, controlled] = conversion_work(model) - conversion_work(model, has_graph=True)
        return needed

    def _use(self, engine: Engine) -> None:
        unet, decode = engine.unet(self._parts.unet), engine.decoder(self._parts.vae)
        self._engine, self.unet, self.decode = engine, unet, decode
        self._weaker.clear()
