"""The engine with which a picture is painted again: the recorded one if it is here, else one line says so."""

from dataclasses import replace

import pytest
import torch

from impasto.errors import MissingPart, UsageError
from impasto.inference import runtime
from impasto.jobs.painting.recorded_engine import recorded_engine
from impasto.painting.engines.record import EngineNote
from impasto.painting.provenance.record import Provenance
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition

RECORD = Provenance.of(PaintRequest(Condition(caption="boats")), "tiny", "0" * 64)


def ask(engine: EngineNote | None, *, name: str = "auto", precision: str = "auto") -> tuple[str, str, list[str]]:
    said: list[str] = []
    chosen = recorded_engine(replace(RECORD, engine=engine), name, "cpu", precision, said.append)
    return (*chosen, said)


@pytest.fixture
def openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "2026.4.1")
    monkeypatch.setattr(runtime, "cpu_has_bf16", lambda: True)


def test_the_recorded_engine_is_taken_without_a_word(openvino: None) -> None:
    assert ask(EngineNote("openvino", "2026.4.1", "fp32", "cpu")) == ("openvino", "fp32", [])
    assert ask(EngineNote("openvino", "2026.4.1", "bf16", "cpu")) == ("openvino", "bf16", [])
    assert ask(EngineNote("optimized", torch.__version__, "fp32", "cpu")) == ("optimized", "fp32", [])
    assert ask(EngineNote("eager", torch.__version__, "fp32", "cpu")) == ("eager", "fp32", [])
    assert ask(EngineNote("eager", torch.__version__, "bf16", "cpu")) == ("eager", "bf16", [])


def test_another_version_or_another_engine_is_said_in_one_line(openvino: None) -> None:
    *chosen, said = ask(EngineNote("openvino", "2025.1.0", "fp32", "cpu"))
    assert chosen == ["openvino", "fp32"] and len(said) == 1
    assert "2025.1.0" in said[0] and "2026.4.1" in said[0]
    *chosen, said = ask(EngineNote("openvino", "2026.4.1", "fp32", "cpu"), name="eager")
    assert chosen == ["eager", "fp32"] and len(said) == 1
    *chosen, said = ask(EngineNote("openvino", "2026.4.1", "bf16", "cpu"), precision="fp32")
    assert chosen == ["openvino", "fp32"] and len(said) == 1


def test_an_engine_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "openvino_version", lambda: "")
    for engine in (EngineNote("openvino", "2026.4.1", "fp32", "cpu"), EngineNote("compiled", "2.13", "fp16", "cuda"),
                   EngineNote("of the future", "1", "int2", "npu")):  # fmt: skip
        *chosen, said = ask(engine)
        assert chosen == ["auto", "auto"] and len(said) == 1 and engine.name in said[0] and "\n" not in said[0]
    with pytest.raises(MissingPart):
        ask(None, name="openvino")
    with pytest.raises(UsageError):
        ask(None, name="fastest")


def test_a_picture_from_before_engines_were_recorded(openvino: None) -> None:
    *chosen, said = ask(None)
    assert chosen == ["optimized", "auto"] and said == []
    assert ask(None, precision="bf16") == ("eager", "bf16", [])
    assert ask(None, precision="fp16") == ("eager", "fp16", [])
    assert ask(None, name="openvino") == ("openvino", "auto", [])
