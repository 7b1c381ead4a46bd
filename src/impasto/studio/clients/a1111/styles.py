"""Prompt styles: `styles.csv` in the workspace, in the form that A1111, SD.Next and Fooocus write."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from impasto.workspace import Workspace

FILE = "styles.csv"
_MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Style:
    """A style: its prompt takes the place of `{prompt}` around the user's, or follows it."""

    name: str
    prompt: str
    negative_prompt: str


def read_styles(workspace: Workspace) -> list[Style]:
    """Returns the styles of a workspace; none if there is no file, or it cannot be read."""
    try:
        file = workspace.folder / FILE
        text = file.read_text(encoding="utf-8-sig") if file.stat().st_size <= _MOST_BYTES else ""
        rows = list(csv.DictReader(io.StringIO(text)))
    except (OSError, ValueError, csv.Error):
        return []
    found = []
    for row in rows:
        name, prompt = (row.get("name") or "").strip(), row.get("prompt") or row.get("text") or ""
        if name:
            found.append(Style(name, prompt, row.get("negative_prompt") or ""))
    return found


def apply_styles(
    prompt: str, negative: str, names: Sequence[str], workspace: Workspace, notes: list[str]
) -> tuple[str, str]:
    """Returns prompt and negative prompt with the styles `names`; adds to `notes` those that do not exist."""
    known = {one.name: one for one in read_styles(workspace)} if names else {}
    for name in names:
        style = known.get(name)
        if style is None:
            if name not in ("", "None"):
                notes.append(f"there is no style {name[:80]!r}")
            continue
        prompt, negative = _with(prompt, style.prompt), _with(negative, style.negative_prompt)
    return prompt, negative


def _with(text: str, style: str) -> str:
    if "{prompt}" in style:
        return style.replace("{prompt}", text)
    return ", ".join(part for part in (text.strip(), style.strip()) if part)
