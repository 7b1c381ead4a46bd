"""Which engine is taken: by name, by device, by precision and by what is installed; and how a record names it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.painting.test_painter import request
from tests.painting.tiny_components import make_components

from impasto.errors import MissingPart, UsageError
from impasto.inference import runtime
from impasto.painting.engines.choice import choose_engine, describe_engine
from impasto.painting.engines.record import ENGINES, EngineNote, read_engine
from impasto.painting.foreign import RecordError
from impasto.painting.painter import Painter
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import painting_key

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: True)
    assert choose_engine("auto", CPU, "auto").name == "auto"
    assert choose_engine("auto", CUDA, "auto").name == "eager"
    assert choose_engine("optimized", CPU, "auto").dtype == torch.float32
    low = choose_engine("auto", CPU, "bf16")
    assert (low.name, low.dtype, low.inference) == ("openvino", torch.float32, "bf16")
    assert choose_engine("openvino", CPU, "bf16") == low
    assert choose_engine("eager", CPU, "bf16").dtype == torch.bfloat16
    assert choose_engine("auto", CPU, "fp16").name == "eager"
    assert choose_engine("compiled", CUDA, "auto").dtype == torch.float16
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: False)
    assert choose_engine("auto", CPU, "bf16").name == "eager"
    with pytest.raises(UsageError, match="no units for bf16"):
        choose_engine("openvino", CPU, "bf16")


@pytest.mark.parametrize(
    ("name", "device", "precision"),
    [("fast", CPU, "auto"), ("compiled", CPU, "auto"), ("openvino", CUDA, "auto"), ("openvino", CPU, "fp16"),
     ("auto", CPU, "int4"), ("optimized", CUDA, "auto"), ("optimized", CPU, "bf16"), ("OPENVINO", CPU, "auto")],
)  # fmt: skip
def test_refusals_are_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, device: torch.device, precision: str) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    with pytest.raises(UsageError) as refused:
        choose_engine(name, device, precision)
    assert "\n" not in str(refused.value)


def test_int8_is_openvinos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    monkeypatch.setattr(runtime, "nncf_version", lambda: "3.4.0")
    monkeypatch.setattr(runtime, "cpu_has_int8", lambda: True)
    chosen = choose_engine("auto", CPU, "int8")
    assert (chosen.name, chosen.dtype, chosen.inference) == ("openvino", torch.float32, "int8")
    assert choose_engine("openvino", CPU, "int8") == chosen
    assert chosen.note(CPU) == EngineNote("openvino", "2026.4.1, nncf 3.4.0", "int8", "cpu")
    for name, device in (("eager", CPU), ("optimized", CPU), ("auto", CUDA), ("compiled", CUDA)):
        with pytest.raises(UsageError, match="int8 is of --engine openvino on a CPU"):
            choose_engine(name, device, "int8")
    monkeypatch.setattr(runtime, "cpu_has_int8", lambda: False)
    with pytest.raises(UsageError, match="no units for it"):
        choose_engine("auto", CPU, "int8")
    for missing in ("nncf_version", "openvino_version"):
        monkeypatch.setattr(runtime, missing, lambda: "")
        with pytest.raises(MissingPart, match=r"impasto\[int8\]"):
            choose_engine("auto", CPU, "int8")


def test_without_openvino(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "")
    assert choose_engine("auto", CPU, "auto").name == "optimized"
    assert choose_engine("auto", CPU, "bf16").name == "eager"
    assert describe_engine(CPU) == f"optimized, torch {torch.__version__}"
    with pytest.raises(MissingPart, match=r"impasto\[fast\]"):
        choose_engine("openvino", CPU, "auto")
    painting = next(Painter(make_components(tmp_path)).paint_many([request(1)], on_note=pytest.fail))
    assert painting.provenance.engine == EngineNote("optimized", torch.__version__, "fp32", "cpu")


@pytest.mark.parametrize(
    ("flags", "said"),
    [({"avx2"}, "for U-Nets once converting them pays"),
     ({"avx2", "avx512f", "avx512_bf16"}, "converting them pays and for --precision bf16"),
     ({"avx2", "avx_vnni"}, "converting them pays and for --precision int8"),
     ({"asimd"}, "openvino 2026.4.1 only where it is named")],
)  # fmt: skip
def test_doctor_says_which(monkeypatch: pytest.MonkeyPatch, flags: set[str], said: str) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    monkeypatch.setattr(runtime, "nncf_version", lambda: "3.4.0")
    monkeypatch.setattr(runtime, "cpu_flags", lambda: frozenset(flags))
    assert describe_engine(CPU).startswith("optimized, torch ") and describe_engine(CPU).endswith(said)
    assert describe_engine(CUDA).startswith("eager, torch ")


def test_the_record_is_read_back(tmp_path: Path) -> None:
    painting = next(Painter(make_components(tmp_path), engine="eager").paint_many([request(1)]))
    record = Provenance.from_json(painting.provenance.to_json())
    assert record == painting.provenance and record.engine is not None and record.engine.name in ENGINES
    older = replace(record, engine=None)
    assert "engine" not in older.to_json() and Provenance.from_json(older.to_json()).engine is None
    assert painting_key(older) == painting_key(record)
    good = {"name": "openvino", "version": "1", "precision": "fp32", "device": "cpu"}
    assert read_engine(good) == EngineNote(**good)
    for wrong in ("openvino", {**good, "name": 3}, {**good, "version": "x" * 99}, {**good, "device": "a\x1b"}, {}):
        with pytest.raises(RecordError, match="engine"):
            read_engine(wrong)
