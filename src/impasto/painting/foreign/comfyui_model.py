"""Follows ComfyUI's model links to the checkpoint and the LoRAs, through loaders, stacks, merges, switches and pipes."""

import re
from typing import Any

from impasto.painting.foreign.comfyui_graph import Node, Untold, called, is_link, linked_node, links_of
from impasto.painting.foreign.comfyui_text import SWITCHES, Values, numeric
from impasto.painting.foreign.record import is_placeholder, plain_text, whole_number

_CHECKPOINTS = (
    "ckpt_name", "unet_name", "model_name", "base_ckpt_name", "checkpoint", "checkpoint_name", "ckpt", "gguf_name",
    "model_path", "diffusion_model", "base_model", "model",
)  # fmt: skip
_SUFFIXES = (".safetensors", ".ckpt", ".gguf", ".sft", ".pt", ".pth", ".bin")
_LORA_NAME = re.compile(r"lora(_?name)?(_?\d+)?(_name)?|lora_(\d+)_name", re.IGNORECASE)
_LORA_LINK = re.compile(r"\w*lora_?stack\w*|(prev_|previous_|optional_|opt_)?loras?(_?\d+)?", re.IGNORECASE)
_LORA_TAG = re.compile(r"<lora:([^<>:]{1,200}):?([^<>]{0,60})>")
_NUMBERED_STRENGTHS = (
    "strength_model_{}", "lora_wt_{}", "model_weight_{}", "model_str_{}", "strength_{}", "lora_{}_strength",
    "lora_{}_model_strength",
)  # fmt: skip
_OFF = (False, 0, "off", "Off", "false", "False", "disable", "disabled")
_MOST = 100


class Models:
    """Reads checkpoints and LoRAs out of a graph.

    Attributes:
        checkpoints: the file names of the checkpoints, the nearest first.
        loras: the LoRAs, each "name" or "name:strength", the nearest to the sampler first.
        reason: why the checkpoint could not be told; "".
    """

    def __init__(self, values: Values) -> None:
        self.values = values
        self.checkpoints: list[str] = []
        self.loras: list[str] = []
        self.reason = ""

    def read(self, link: Any) -> None:
        """Follows the link of a model, or of a pipe that carries one."""
        graph = self.values.graph
        waiting = [link]
        seen: set[int] = set()
        while waiting:
            link = waiting.pop(0)
            node = self.values.node(link, understood=False)
            if node is None:
                self.reason = self.reason or "it comes from a node that the record does not hold" if is_link(link) else ""
                continue
            if id(node) in seen:
                continue
            seen.add(id(node))
            before = len(self.loras)
            self._add_loras(node)
            stacks = [name for name in node.inputs if _LORA_LINK.fullmatch(name) and is_link(node.inputs[name])]
            waiting += [node.inputs[name] for name in stacks]
            loads = self._add_checkpoint(node)
            if loads or len(self.loras) > before or _is_stack(node) or SWITCHES.search(node.kind) or _is_pipe(node):
                self.values.node(link)
            if loads:
                continue
            names = links_of(graph, node, "MODEL") or links_of(graph, node, "PIPE")
            names = [name for name in names if name not in stacks]
            if SWITCHES.search(node.kind) and len(names) > 1:
                try:
                    names = [self.values.chosen(node, names)]
                except Untold as reason:
                    self.reason, names = str(reason), []
            elif not names and not stacks and not self.checkpoints and not _is_stack(node):
                self.reason = self.reason or f"the node {called(node)} names none"
            waiting += [node.inputs[name] for name in names]

    def _add_checkpoint(self, node: Node) -> bool:
        """Adds the checkpoint that a node loads; returns whether it loads one."""
        low = {name.lower(): value for name, value in node.inputs.items()}
        for name in _CHECKPOINTS:
            value = low.get(name)
            if isinstance(value, dict):
                value = value.get("content")
            if is_link(value) and name not in ("model", "base_model", "diffusion_model"):
                try:
                    value = self._file_name(value)
                except Untold as reason:
                    self.reason = str(reason)
                    return True
            if isinstance(value, str) and value.strip() and not is_placeholder(value):
                if value not in self.checkpoints and len(self.checkpoints) < _MOST:
                    self.checkpoints.append(plain_text(value))
                return True
        files = [v for v in low.values() if isinstance(v, str) and v.lower().endswith(_SUFFIXES)]
        if len(files) == 1 and not _is_stack(node) and not any(is_link(value) for value in low.values()):
            self.checkpoints.append(plain_text(files[0]))
            return True
        return False

    def _file_name(self, link: Any) -> str:
        """Returns the file name behind a link: of a node that selects a file, or a text.

        Raises:
            Untold: it cannot be told.
        """
        node = self.values.node(link)
        texts = [value for value in node.inputs.values() if isinstance(value, str)] if node is not None else []
        files = [text for text in texts if text.lower().endswith(_SUFFIXES)]
        return files[0] if len(files) == 1 else self.values.text(link, "positive")

    def _add_loras(self, node: Node) -> None:
        """Adds the LoRAs that a node names: one, a numbered stack, or rows with a name and a strength."""
        most = whole_number(node.inputs.get("lora_count", node.inputs.get("num_loras")))
        for name, value in node.inputs.items():
            if isinstance(value, dict) and isinstance(value.get("lora"), str):
                if value.get("on", True) not in _OFF:
                    self._add(value["lora"], value.get("strength"))
                continue
            if isinstance(value, list | dict) and "lora" in name.lower() and not is_link(value):
                rows = value.get("__value__", value) if isinstance(value, dict) else value
                for row in rows if isinstance(rows, list) else []:
                    if isinstance(row, dict) and row.get("active", True) not in _OFF:
                        self._add(row.get("name"), row.get("strength"))
                continue
            if not _LORA_NAME.fullmatch(name) or linked_node(self.values.graph, value) is not None:
                continue
            value = value.get("content") if isinstance(value, dict) else value
            digits = re.search(r"\d+", name)
            number = digits[0] if digits else ""
            if number and most is not None and len(number) < 6 and int(number) > most:
                continue
            if any(node.inputs.get(f"{word}_{number}") in _OFF for word in ("switch", "toggle") if number):
                continue
            strengths = [word.format(number) for word in _NUMBERED_STRENGTHS] if number else []
            strengths += ["strength_model", "lora_model_strength", "strength", "weight"]
            self._add(value, next((node.inputs[one] for one in strengths if one in node.inputs), None))
        texts = [value for name, value in node.inputs.items() if isinstance(value, str) and "<lora:" in value[:100_000]]
        if _is_stack(node) and not self.loras:
            for text in texts:
                for name, strength in _LORA_TAG.findall(text[:100_000]):
                    self._add(name, strength.split(":")[0])

    def _add(self, name: object, strength: object) -> None:
        if not isinstance(name, str) or not name.strip() or is_placeholder(name) or len(self.loras) >= _MOST:
            return
        number = numeric(strength)
        lora = plain_text(name) if number is None else f"{plain_text(name)}:{number:g}"
        if lora not in self.loras:
            self.loras.append(lora)


def _is_pipe(node: Node) -> bool:
    """Returns whether a node only gathers or passes links on: it has no values of its own."""
    return len(node.inputs) == 1 or {"positive", "negative"} <= node.inputs.keys()


def _is_stack(node: Node) -> bool:
    return "lora" in node.kind.lower() or any("lora" in name.lower() for name in node.inputs)
