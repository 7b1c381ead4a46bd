"""Follows ComfyUI's conditionings to the texts that they encode, through combinations, ControlNets, switches and pipes."""

from typing import Any

from impasto.painting.foreign.comfyui_choice import check_chance
from impasto.painting.foreign.comfyui_graph import Node, Untold, called, input_order, is_link, linked_node, links_of, type_of
from impasto.painting.foreign.comfyui_text import SWITCHES, Values
from impasto.painting.foreign.record import plain_text

_DEEPEST = 100
_LONGEST = 1 << 18


class Prompts:
    """Reads prompts out of a graph.

    Attributes:
        values: reads the values.
        reasons: why a part of a prompt could not be told, by its role.
    """

    def __init__(self, values: Values) -> None:
        self.values = values
        self.reasons: dict[str, str] = {}
        self._seen: set[tuple[int, int, str]] = set()

    def read(self, link: Any, role: str) -> str:
        """Returns the texts that flow into a conditioning, each once, joined by line breaks.

        `role` is "positive" or "negative". What cannot be told is left out and named in `reasons`.
        ConditioningZeroOut counts as the empty text, whatever its input is.
        """
        texts: list[str] = []
        self._seen = set()
        self._collect(link, role, texts, 0)
        return plain_text("\n".join(texts))

    def _collect(self, link: Any, role: str, texts: list[str], depth: int) -> None:
        graph = self.values.graph
        if isinstance(link, str):  # loaders that encode the prompt hold it themselves
            self._add(link, texts)
            return
        if not is_link(link):
            return
        node = self.values.node(link, understood=False)
        if node is None:
            self.reasons[role] = "it comes from a node that the record does not hold"
            return
        key = (id(node), link[1], role)
        if key in self._seen:
            return
        self._seen.add(key)
        zero = "zeroout" in node.kind.lower().replace("_", "").replace(" ", "")
        if zero or self._passes_on(node):
            self.values.node(link)
        if zero:
            return
        if depth > _DEEPEST:
            self.reasons[role] = "it comes through too many nodes"
            return
        try:
            names = self._sources(node, link[1], role)
        except Untold as reason:
            self.reasons[role] = str(reason)
            return
        for name in names:
            value = node.inputs[name]
            linked = linked_node(graph, value) is not None
            if linked and not (_encodes(node) and name in self.values.text_names(node)):
                self._collect(value, role, texts, depth + 1)
            else:
                self._add_text(node, value, role, texts)

    def _sources(self, node: Node, slot: int, role: str) -> list[str]:
        """Returns the inputs of a node from which its conditioning comes.

        Raises:
            Untold: none of them can be told.
        """
        graph = self.values.graph
        low = {name.lower(): name for name in node.inputs}
        if low.get("populated_text") and node.inputs[low["populated_text"]]:
            return [low["populated_text"]]
        sides = [name for name in node.inputs if "positive" in name.lower() or "negative" in name.lower()]
        sides = [name for name in sides if is_link(node.inputs[name]) or isinstance(node.inputs[name], str)]
        if any("positive" in name.lower() for name in sides) and any("negative" in name.lower() for name in sides):
            linked = [name for name in sides if is_link(node.inputs[name]) and type_of(graph, node, name) == "CONDITIONING"]
            wanted = self._side(node, slot, role) if linked else role
            return sorted((name for name in sides if wanted in name.lower()), key=input_order)[:1]
        if role in low and (is_link(node.inputs[low[role]]) or isinstance(node.inputs[low[role]], str)):
            return [low[role]]
        conditionings = links_of(graph, node, "CONDITIONING")
        if not _encodes(node) and conditionings:
            if SWITCHES.search(node.kind) and len(conditionings) > 1:
                return [self.values.chosen(node, conditionings)]
            return conditionings
        texts = self.values.text_names(node)
        if texts:
            if SWITCHES.search(node.kind) and len(texts) > 1:
                return [self.values.chosen(node, texts)]
            return texts
        pipes = links_of(graph, node, "PIPE")
        if pipes:
            return pipes[:1]
        raise Untold(f"the node {called(node)} holds no text")

    def _passes_on(self, node: Node) -> bool:
        """Returns whether a node does no more than to encode, choose or combine: it has no strength, area or picture."""
        if _encodes(node) or SWITCHES.search(node.kind):
            return True
        kinds = {type_of(self.values.graph, node, name) for name, value in node.inputs.items() if is_link(value)}
        if "PIPE" in kinds or {"MODEL", "VAE"} <= kinds:
            return True
        strengths = any(isinstance(value, int | float) for value in node.inputs.values())
        return not strengths and not kinds & {"IMAGE", "OTHER_MODEL", "CONTROL_NET"}

    def _side(self, node: Node, slot: int, role: str) -> str:
        """Returns which of its two conditionings a node gives at an output."""
        kinds = [at for at, kind in enumerate(node.outputs) if kind == "CONDITIONING"]
        if slot in kinds[:2]:
            return ("positive", "negative")[kinds.index(slot)]
        low = {name.lower() for name in node.inputs}
        plain = not low & {"model", "ckpt_name", "base_ctx", "ctx", "pipe", "basic_pipe"}
        return ("positive", "negative")[slot] if plain and slot in (0, 1) else role

    def _add_text(self, node: Node, value: Any, role: str, texts: list[str]) -> None:
        try:
            text = self.values.text(value, role)
            if not is_link(value) and "populated_text" not in {name.lower() for name in node.inputs}:
                check_chance(node, text)
            self._add(text, texts)
        except Untold as reason:
            self.reasons[role] = str(reason)

    def _add(self, text: str, texts: list[str]) -> None:
        if text.strip() and text not in texts and sum(map(len, texts)) + len(text) <= _LONGEST:
            texts.append(text)


def _encodes(node: Node) -> bool:
    """Returns whether a node encodes its own text: it takes a text encoder and no conditioning."""
    names = {name.lower() for name in node.inputs}
    takes = any(name.startswith("conditioning") for name in names)
    return not takes and (bool(names & {"clip", "t5", "text_encoder"}) or "encode" in node.kind.lower())
