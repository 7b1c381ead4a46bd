"""Follows ComfyUI's links to values: texts through nodes that switch, show, join and replace them, and numbers.

Nodes are recognized by the names and types of their inputs rather than by their own names, because most graphs
hold nodes from extensions. A text that only arises while the graph runs, such as a language model's, cannot be told.
"""

import re
from typing import Any

from impasto.painting.foreign.comfyui_arithmetic import calculated, calculates
from impasto.painting.foreign.comfyui_choice import by_chance, check_chance, line_of, preset_size
from impasto.painting.foreign.comfyui_graph import (
    ANY,
    Graph,
    Node,
    Untold,
    called,
    input_order,
    is_link,
    linked_node,
    links_of,
    type_of,
)
from impasto.painting.foreign.record import plain_text, real_number, told, whole_number

_DEEPEST, _DEEPEST_NUMBER, _MOST_OPERANDS = 100, 20, 5_000
_LONGEST = 1 << 18
# Nodes that write a text themselves: what flows into them is no prompt.
_WRITES = re.compile(
    r"ollama|llm|llama|gpt|gemini|claude|openai|groq|deepseek|mistral|qwen\w*vl|caption|tagger|florence|joy_?cap|blip"
    r"|enhanc|improv|rewrit|upsampl|(prompt|text).?generat|assistant|chat|promptreader|metadata|describe"
    r"|interrogat|moondream|llava|minicpm|translat|loadprompt|load.*file|fromfile|from file|magicprompt|clipvision",
    re.IGNORECASE,
)
_DRAWS = re.compile(r"wildcard|random|dynamic|DPCombin", re.IGNORECASE)
SWITCHES = re.compile(r"switch|(^|[^a-z])if|select|choose|branch|index|conditional|pick|mux|router|logic", re.IGNORECASE)
_SELECTORS = (
    "select", "selector", "selection", "switch", "index", "input", "boolean", "bool", "condition", "cond", "choice",
    "boolean_value", "use_first", "any", "which", "toggle", "source_index",
)  # fmt: skip
_TRUE, _FALSE = re.compile(r"true|then|tt_|yes"), re.compile(r"false|else|ff_|no_|_no$")
# Links that carry no number: what follows them is measured, not read.
_NO_NUMBERS = ("IMAGE", "LATENT", "MODEL", "CLIP", "VAE", "CONDITIONING", "MASK")
_JOINS = re.compile(r"join|concat|combin|append|merge|prepend|sum|add|builder|compos|string ?function", re.IGNORECASE)
_SHOWS = re.compile(r"show|preview|display|debug|view|print", re.IGNORECASE)
_DELIMITERS = ("delimiter", "separator", "sep", "glue", "joiner", "divider", "join_with", "deliminator")
_DELIMITER_WORDS = {
    "space": " ", "comma": ",", "comma space": ", ", "newline": "\n", "new line": "\n", "line break": "\n", "none": "",
    "tab": "\t", "\\n": "\n", "\\t": "\t",
}  # fmt: skip
_TEXT_NAME = re.compile(r"text|prompt|string|caption")
_TEXT_NAMES = re.compile(
    r"(value|content|input|any\w*|source|prefix|suffix|prepend|append|before|after|body|positive|negative|output|str|tags?|lyrics"
    r"|clip_[lgh]|t5xxl|bert|mt5xl|llama|on_true|on_false|if_true|if_false|tt_value|ff_value|(part|line|item|phrase|value|in|str)_?\d+"
    r"|[a-h]|\d+)"
)
_NO_TEXT = re.compile(
    r"mode|style|type|format|encod|weight|strength|seed|file|path|model|clean|lang|count|return|enable|action"
)
_NO_WORDS = re.compile(r"image|video|audio|mask|name|path|file|folder|style|mode|type")
_FILE = re.compile(r"\.(png|jpe?g|webp|txt|csv|json|safetensors|ckpt|gguf|pth?|mp4)\s*$", re.IGNORECASE)
_YES = (True, 1, "true", "True", "yes", "on", "enable", "enabled")


class Values:
    """Reads values out of a graph and remembers the nodes that it understood.

    Attributes:
        graph: the graph.
        passed: the ids (`id`) of the nodes that were understood.
        styles: the styles that nodes add to a prompt; their words are not in the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.passed: set[int] = set()
        self.styles: list[str] = []
        self._texts: dict[tuple[int, int, str], str | Untold | None] = {}
        self._operands = 0

    def node(self, value: Any, understood: bool = True) -> Node | None:
        """Returns the node behind a link, and remembers it as passed if all that it does is understood."""
        node = linked_node(self.graph, value)
        if node is not None and understood:
            self.passed.add(id(node))
        return node

    def text(self, value: Any, role: str, depth: int = 0) -> str:
        """Returns the text of an input's value or link. `role` is "positive" or "negative", for nodes that give both.

        Raises:
            Untold: it cannot be told.
        """
        if not is_link(value):
            value = value.get("content", value.get("__value__")) if isinstance(value, dict) else value
            return (
                ", ".join(map(told, value)) if isinstance(value, list) else value if isinstance(value, str) else told(value)
            )
        node = self.node(value)
        if node is None:
            raise Untold("it comes from a node that the record does not hold")
        key = (id(node), value[1], role)
        if key not in self._texts:
            self._texts[key] = None  # being read
            try:
                if depth > _DEEPEST:
                    raise Untold("it comes through too many nodes")
                text = self._text_of(node, value[1], role, depth + 1)
                if len(text) > _LONGEST:
                    raise Untold("it is too long")
                self._texts[key] = text
            except Untold as reason:
                self._texts[key] = reason
        found = self._texts[key]
        if found is None:
            raise Untold("its nodes lead in a circle")
        if isinstance(found, Untold):
            raise found
        return found

    def number(self, value: Any, *names: str) -> Any:
        """Returns the number or word behind an input's value or link; None if it cannot be told."""
        try:
            return self.told_number(value, *names)
        except Untold:
            return None

    def told_number(self, value: Any, *names: str, depth: int = 0) -> Any:
        """Returns the number or word behind an input's value or link; simple arithmetic is calculated.

        Args:
            value: the value or link.
            names: of the inputs that hold it in the node behind the link.
            depth: how many calculations it is an operand of.

        Raises:
            Untold: it cannot be told.
        """
        passed: set[int] = set()
        self._operands += depth > 0
        if self._operands > _MOST_OPERANDS:
            raise Untold("it takes too many calculations")
        while is_link(value):
            node = self.node(value)
            if node is None:
                raise Untold("it comes from a node that the record does not hold")
            if id(node) in passed or depth > _DEEPEST_NUMBER:
                raise Untold("its nodes lead in a circle")
            passed.add(id(node))
            value = self._behind(node, value[1], names, depth)
        return value

    def _behind(self, node: Node, slot: int, names: tuple[str, ...], depth: int) -> Any:
        """Returns the value or the next link of a node that gives a number."""
        low = {name.lower(): item for name, item in node.inputs.items()}
        if SWITCHES.search(node.kind) and not calculates(node):
            return node.inputs[self.chosen(node, [n for n in node.inputs if is_link(node.inputs[n])])]
        if names[:1] in (("width",), ("height",)) and (size := preset_size(node)) is not None:
            return size[names[0] == "height"]
        if calculates(node):
            return calculated(node, slot, lambda operand: self.told_number(operand, depth=depth + 1))
        if by_chance(node) and any(re.search(r"min|max|from|to$|low|high|range|values", name) for name in low):
            raise Untold(f"the node {called(node)} draws it at random")
        wanted = (*names, "value", "int", "float", "number", "seed", "noise_seed", "val")
        found = next((low[name] for name in wanted if name in low), None)
        if found is None:
            plain = [item for item in low.values() if isinstance(item, int | float) and not isinstance(item, bool)]
            links = [name for name, item in node.inputs.items() if is_link(item)]
            if len(plain) == 1 and not links:
                return plain[0]
            if len(links) == 1 and not plain and type_of(self.graph, node, links[0]) not in _NO_NUMBERS:
                return node.inputs[links[0]]
            texts = [item for item in low.values() if isinstance(item, str) and real_number(item) is not None]
            if len(texts) == 1 and not plain and not links:
                return texts[0]
            raise Untold(f"the node {called(node)} calculates it")
        return found

    def chosen(self, node: Node, names: list[str]) -> str:
        """Returns which of the inputs `names` of a switch is the one that passes.

        Raises:
            Untold: its position cannot be told.
        """
        names = sorted(names, key=input_order)
        selector = next((n for n in node.inputs if n.lower() in _SELECTORS and n not in names), None)
        if not names:
            raise Untold(f"the switch {called(node)} has no input")
        if selector is None:
            return names[0]  # such nodes pass the first that is there
        at = node.inputs[selector]
        at = self.number(at, "boolean", "bool", "value") if is_link(at) else at
        at = {"true": True, "false": False}.get(at.lower(), at) if isinstance(at, str) else at
        if isinstance(at, str) and at in names:
            return at
        if isinstance(at, bool):
            side = _TRUE if at else _FALSE
            fits = [n for n in names if side.search(n.lower())]
            fits = fits or [n for n in names if re.search(r"(^|_)(a|1)$" if at else r"(^|_)(b|2)$", n.lower())]
        else:
            position = whole_number(at)
            fits = [n for n in names if re.search(rf"(?<!\d)0*{position}\D*$", n)] if position is not None else []
        if len(fits) != 1:
            raise Untold(f"the position of the switch {called(node)} cannot be told")
        return fits[0]

    def text_names(self, node: Node) -> list[str]:
        """Returns the inputs of a node that hold texts or links to texts, in their order."""
        found = []
        for name, value in node.inputs.items():
            low = name.lower()
            kind = type_of(self.graph, node, name) if is_link(value) else "STRING"
            named = bool(_TEXT_NAME.search(low) or _TEXT_NAMES.fullmatch(low)) and not _NO_TEXT.search(low)
            holds = isinstance(value, str) or is_link(value)
            if holds and named and low not in _DELIMITERS and kind in ("STRING", ANY):
                found.append(name)
        if not found:  # a node with one text and no usual name for it
            plain = {name: value for name, value in node.inputs.items() if isinstance(value, str)}
            words = [name for name, value in plain.items() if not (_FILE.search(value) or _NO_WORDS.search(name.lower()))]
            found = links_of(self.graph, node, "STRING") or (words if len(words) == 1 else [])
        return sorted(found, key=input_order)

    def _text_of(self, node: Node, slot: int, role: str, depth: int) -> str:
        low = {name.lower(): value for name, value in node.inputs.items()}
        if low.get("populated_text"):
            return self.text(low["populated_text"], role, depth)
        if _WRITES.search(node.kind) and not _DRAWS.search(node.kind):
            raise Untold(f"the node {called(node)} writes it")
        styles = [value for name, value in low.items() if "style" in name and isinstance(value, str)]
        self.styles += [plain_text(value) for value in styles if value.lower() not in ("", "none", "no style", "base")]
        names = self.text_names(node)
        sides = [name for name in names if re.search("positive|negative|(^|_)neg(_|$)", name.lower())]
        if len(sides) > 1:
            both = slot in (0, 1) and not low.keys() & {"model", "ckpt_name", "pipe", "clip"}
            wanted = ("positive", "negative")[slot] if both else role
            names = [name for name in sides if ("neg" in name.lower()) == (wanted == "negative")] or names
        if SWITCHES.search(node.kind) and len(names) > 1:
            names = [name for name in names if name.lower() not in _SELECTORS] if len(names) > 2 else names
            return self.text(node.inputs[self.chosen(node, names)], role, depth)
        if {"find", "replace"} <= low.keys() or {"find1", "replace1"} <= low.keys():
            return self._replaced(node, low, names, role, depth)
        if "action" in low and "tidy_tags" in low:
            return self._string_function(low, role, depth)
        if not names:
            raise Untold(f"the node {called(node)} holds no text")
        if len(names) > 1 and by_chance(node):
            raise Untold(f"the node {called(node)} draws it at random")
        if len(names) > 1 and {"prepend_text", "append_text"} & low.keys():
            names = [name for name in names if name.lower() not in ("prepend_text", "append_text")]
        text = self._joined(node, low, names, role, depth)
        check_chance(node, text)
        return line_of(node, text, self.number)

    def _joined(self, node: Node, low: dict[str, Any], names: list[str], role: str, depth: int) -> str:
        """Returns the texts of the inputs `names` joined by the node's delimiter, in their order."""
        between = next((low[name] for name in _DELIMITERS if name in low), None)
        linked = [name for name in names if is_link(node.inputs[name])]
        if len(names) > 1 and linked and _SHOWS.search(node.kind):
            names = linked  # beside the link, the text that was shown the last time
        if len(names) > 1 and between is None and not _JOINS.search(node.kind):
            raise Untold(f"the node {called(node)} makes one text of several ({', '.join(names)})")
        pieces = [self.text(node.inputs[name], role, depth) for name in names]
        if "clean_whitespace" in low:  # it leaves out what is empty
            clean = low["clean_whitespace"] in _YES
            pieces = [piece for piece in (one.strip() if clean else one for one in pieces) if piece]
        delimiter = self.text(between, role, depth) if between is not None else ""
        if sum(map(len, pieces)) + len(delimiter) * len(pieces) > _LONGEST:
            raise Untold("it is too long")
        return _DELIMITER_WORDS.get(delimiter.strip(" ").lower() or delimiter, delimiter).join(pieces)

    def _replaced(self, node: Node, low: dict[str, Any], names: list[str], role: str, depth: int) -> str:
        """Returns the text of a node that replaces words in it."""
        text = self.text(node.inputs[names[0]], role, depth) if names else ""
        for number in ("", *range(1, 10)):
            find, new = low.get(f"find{number}"), low.get(f"replace{number}")
            if find is not None and new is not None and (old := self.text(find, role, depth)):
                new = self.text(new, role, depth)
                if len(text) + text.count(old) * len(new) > _LONGEST:
                    raise Untold("it is too long")
                text = text.replace(old, new)
        return text

    def _string_function(self, low: dict[str, Any], role: str, depth: int) -> str:
        """Returns the text of pysssss' StringFunction: it appends or replaces."""
        texts = [self.text(low.get(f"text_{letter}"), role, depth) for letter in "abc"]
        if low["action"] == "replace":
            if texts[1].startswith("/") or not texts[1]:
                raise Untold("it is made by a regular expression")
            if len(texts[0]) + texts[0].count(texts[1]) * len(texts[2]) > _LONGEST:
                raise Untold("it is too long")
            return texts[0].replace(texts[1], texts[2])
        return (", " if low["tidy_tags"] in _YES else "").join(filter(None, texts))


def numeric(value: Any) -> float | None:
    """Returns a strength or weight as a number; None if it is none."""
    return None if is_link(value) else real_number(value)
