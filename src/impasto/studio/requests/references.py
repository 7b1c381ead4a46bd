"""What clients refer to by ids and names, and the paths that these stand for."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.errors import UsageError
from impasto.gallery.index import Gallery
from impasto.studio.requests.kinds import Reference
from impasto.studio.requests.listed import NAME, listed_checkpoints, listed_concepts, listed_loras, listed_nets
from impasto.studio.uploads import Uploads
from impasto.workspace import Workspace

PICTURE = r"(?:picture|upload):[0-9a-f]{20}"
RUN = "run:"
PATTERNS: dict[Reference, str] = {
    "picture": f"^{PICTURE}$",
    "checkpoint": r"^[\w][\w .:/+-]{0,199}$",
    "lora": r"^[\w][\w .:/+-]{0,199}$",
    "like": rf"^{PICTURE}(?::\d+(?:\.\d+)?)?$",
    "concept": f"^{NAME}$",
    "control": rf"^[a-z-]{{1,20}}(?::\d+(?:\.\d+)?){{0,2}}={PICTURE}$",
    "net": f"^(?:{NAME})?$",
    "catalogue": f"^{NAME}$",
    "run": f"^{NAME}$",
}
_LORA_SCALE = re.compile(r"^(.*?)(?::(-?\d+(?:\.\d+)?))?$")


@dataclass(frozen=True)
class References:
    """Looks up what clients refer to."""

    workspace: Workspace
    gallery: Gallery
    uploads: Uploads

    def resolve(self, kind: Reference, value: Any) -> Any:
        """Returns the path, or the name with a path in it, that a reference or a list of them stands for.

        Raises:
            UsageError: there is no such thing.
        """
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [self.resolve(kind, one) for one in value]
        if not isinstance(value, str) or not re.fullmatch(PATTERNS[kind].strip("^$"), value):
            raise UsageError(f"{str(value)[:80]!r} is no {kind}: /api/v1/openapi.json tells its form, {PATTERNS[kind]}")
        if kind == "picture":
            return str(self.picture(value))
        if kind == "like":
            reference, _, weight = value.partition(":")[2].partition(":")
            path = self.picture(f"{value.partition(':')[0]}:{reference}")
            return f"{path}:{weight}" if weight else str(path)
        if kind == "control":
            what, _, reference = value.partition("=")
            return f"{what}={self.picture(reference)}"
        if kind == "checkpoint":
            return self._checkpoint(value)
        if kind == "lora":
            return self._lora(value)
        if kind == "concept":
            return self._concept(value)
        if kind == "net":
            return self._net(value)
        folder = self.workspace.place("catalogues" if kind == "catalogue" else "runs") / value
        if kind == "catalogue" and not folder.is_dir():
            raise UsageError(f"there is no catalogue {value!r} in the workspace")
        return str(folder)

    def picture(self, reference: str) -> Path:
        """Returns the file of `picture:ID` or `upload:ID`.

        Raises:
            UsageError: there is none.
        """
        where, _, digits = reference.partition(":")
        return self.gallery.file(digits) if where == "picture" else self.uploads.file(digits)

    def _checkpoint(self, name: str) -> str:
        if name.startswith(RUN):
            folder = self.workspace.place("runs") / name.removeprefix(RUN)
            if re.fullmatch(NAME, name.removeprefix(RUN)) and folder.is_dir():
                return str(folder)
        elif name in {one.name for one in listed_checkpoints()}:
            return name
        raise UsageError(f"there is no checkpoint {name!r}: /api/v1/options/checkpoints lists them")

    def _lora(self, value: str) -> str:
        found = _LORA_SCALE.match(value)
        name, scale = (found.group(1), found.group(2)) if found else (value, None)
        path = self.loras().get(name)
        if path is None:
            raise UsageError(f"there is no LoRA {name!r}: /api/v1/options/loras lists them")
        return f"{path}:{scale}" if scale else str(path)

    def _concept(self, name: str) -> str:
        path = listed_concepts(self.workspace).get(name)
        if path is None:
            raise UsageError(f"there is no concept {name!r}: /api/v1/options/concepts lists them")
        return str(path)

    def _net(self, name: str) -> str:
        if not name:
            return ""
        path = listed_nets(self.workspace).get(name)
        if path is None:
            raise UsageError(f"there is no control network {name!r}: /api/v1/options/controls lists them")
        return str(path)

    def loras(self) -> dict[str, Path]:
        """Returns the LoRAs that clients may name."""
        return listed_loras(self.workspace)
