"""An expansion imports no torch, and spaCy works without it."""

import subprocess
import sys
from pathlib import Path


def test_wu2022s_measures_need_no_torch(tmp_path: Path) -> None:
    code = """
import sys
from impasto.language.sentence_encoder import sentence_encoder
from impasto.prompts.entities import find_entities
from impasto.prompts.expansion.proposers.knowledge import handbook_index

assert [one.words for one in find_entities(["a harbour in Shenzhen"])[0]] == ["Shenzhen"]
assert sentence_encoder().vectors(["a harbour"]).shape == (1, 384)
assert handbook_index().search("fishing village")
assert "torch" not in sys.modules, "torch was imported"
import torch  # later imports find it
assert torch.ones(1).item() == 1
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
