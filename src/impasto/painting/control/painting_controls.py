"""The controls of a painter: networks loaded once, maps made once, and a U-Net that follows them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from impasto.errors import MissingPart
from impasto.painting.control.control import Control
from impasto.painting.control.controlled import ActiveControl, ControlledUNet
from impasto.painting.control.record import ControlNote
from impasto.painting.editing.source import fitted
from impasto.vision.control_maps.makers import MAKERS, MAP, looks_inverted

if TYPE_CHECKING:
    from impasto.adapters.control.nets import ControlNet
    from impasto.checkpoints.components import Components
    from impasto.painting.engines.conditioned import ConditionedUNet, ControllableUNet

_MOST_MAPS = 32


class PaintingControls:
    """The networks and maps of one checkpoint's controls."""

    def __init__(self, components: "Components", device: torch.device) -> None:
        self._parts, self._device = components, device
        self._nets: dict[str, ControlNet] = {}
        self._maps: dict[tuple[Any, ...], torch.Tensor] = {}

    def prepare(self, controls: Sequence[Control]) -> list[str]:
        """Loads the networks of these controls; returns what the user should know.

        Raises:
            MissingPart: there is no such network; the checkpoint has none of its own for this kind of map.
            UsageError, ImpastoError: it is no network, broken, or for another kind of U-Net.
        """
        notes: dict[str, None] = {}
        for control in dict.fromkeys(controls):
            net = self.net(control)
            kind = control.maker.spec.name
            known = (net.condition.partition(":")[0], *net.also)
            if kind != MAP and net.condition and kind not in known:
                seen = ", ".join((net.condition, *net.also))
                notes[f"{net.name} was trained on maps of {seen}, and follows {kind} less well"] = None
            if control.expected_hash and control.expected_hash != net.content_hash:
                path = control.net or f"{self._parts.name}'s {net.name}"
                notes[f"{path} is not the network that it was painted with: it may differ"] = None
            if control.net and net.base_hash and net.base_hash != self._parts.base_hash:
                other = f"{net.name} was trained with another checkpoint than {self._parts.name}"
                notes[f"{other}, and may lead it less well"] = None
            trained_on = MAKERS.get(net.condition.partition(":")[0])
            if kind == MAP and trained_on is not None and trained_on.strokes and looks_inverted(control.source.image):
                name = control.source.note.name
                notes[f"{name}: most of the map is white; {net.name} expects white strokes on black"] = None
        return list(notes)

    def net(self, control: Control) -> "ControlNet":
        """Returns the control's network, on the device and in the dtype of the U-Net."""
        from impasto.adapters.control.nets import load_controlnet  # it takes long to import, and few pictures need it

        path = control.net or self._own(control)
        if path not in self._nets:
            found = load_controlnet(path, self._parts.unet, self._parts.name)
            model: Any = found.model
            torch.nn.Module.to(model, self._device, self._parts.unet.dtype)  # diffusers' own warns of no modules at all
            self._nets[path] = found
        return self._nets[path]

    def unet(
        self, plain: "ControllableUNet", controls: Sequence[Control], size: tuple[int, int], timesteps: torch.Tensor
    ) -> "ConditionedUNet":
        """Returns the U-Net that follows the controls in paintings of `size` (width, height) px; `plain` without any."""
        if not any(control.weight for control in controls):
            return plain
        active = [
            ActiveControl(self.net(one), self._map(one, size), one.weight, one.start, one.until, one.guess)
            for one in controls
        ]
        return ControlledUNet(plain, active, timesteps)

    def notes(self, controls: Sequence[Control]) -> tuple[ControlNote, ...] | None:
        """Returns the record of the controls; None without any."""
        if not controls:
            return None
        return tuple(
            ControlNote(str(one.maker), one.source.note, one.net and self.net(one).path, self.net(one).content_hash,
                        float(one.weight), float(one.start), float(one.until), one.guess)
            for one in controls
        )  # fmt: skip

    def _own(self, control: Control) -> str:
        from impasto.adapters.control.own import own_controlnet, own_kinds

        kind = control.maker.spec.name
        own = own_controlnet(self._parts.folder, kind)
        if own is not None:
            return str(own)
        known = [one for kinds in own_kinds(self._parts.folder).values() for one in kinds]
        has = f" (it has {', '.join(dict.fromkeys(known))})" if known else ""
        raise MissingPart(
            f"{self._parts.name} has no network of its own for {kind}{has}: name one with --control-net, or train one "
            f"with `impasto train control --condition {kind}`"
        )

    def _map(self, control: Control, size: tuple[int, int]) -> torch.Tensor:
        key = (str(control.maker), control.source.note.content_hash, size)
        if key not in self._maps:
            made = control.maker(fitted(control.source.image, *size, "crop"))
            hint = torch.from_numpy(np.array(made)).permute(2, 0, 1)[None].float() / 255
            if len(self._maps) >= _MOST_MAPS:
                self._maps.clear()
            self._maps[key] = hint.to(self._device, self._parts.unet.dtype)
        return self._maps[key]
