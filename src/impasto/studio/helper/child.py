"""The helper's process: reads a question, a line of JSON, and answers with a line of JSON."""

import base64
import io
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.jobs import job_from_json
from impasto.jobs.context import Context
from impasto.jobs.painter_pool import PainterPool

_POOL = PainterPool()


def main() -> None:
    """Answers until its input ends."""
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        out.write(json.dumps(_answer(line)) + "\n")
        out.flush()


def _answer(line: str) -> dict[str, Any]:
    try:
        question = json.loads(line)
        return {"ok": _WAYS[question["what"]](question)}
    except ImpastoError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:300]}"}


def _preview(question: dict[str, Any]) -> dict[str, Any]:
    """Paints one picture, which is not kept."""
    from PIL import Image

    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="impasto-preview-") as folder:
        job = job_from_json(question["job"]).model_copy(update={"out": Path(folder) / "preview.png"})
        job.run(Context(painters=_POOL))
        with Image.open(Path(folder) / "preview.png") as image:
            data = io.BytesIO()
            image.convert("RGB").save(data, format="WEBP", quality=85)
    return {"image": base64.b64encode(data.getvalue()).decode(), "notes": notes}


def _expand(question: dict[str, Any]) -> dict[str, Any]:
    """Looks for richer prompts."""
    found = job_from_json(question["job"]).run(Context(painters=_POOL))
    models = [asdict(one) for one in found.models]
    dropped = [asdict(one) for one in found.dropped[:20]]
    return {"found": [{**one.as_dict(), "added": one.added} for one in found.found], "dropped": dropped, "models": models}


_WAYS = {"preview": _preview, "expand": _expand}

if __name__ == "__main__":
    main()
