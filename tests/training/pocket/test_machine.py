import pytest
import torch

from impasto.errors import UsageError
from impasto.training.pocket import machine as module
from impasto.training.pocket.machine import find_machine


@pytest.mark.parametrize(
    ("flags", "precision", "mixed"),
    [
        ("avx2 avx512f", "auto", False),
        ("avx2 avx512f avx512_bf16", "auto", True),
        ("avx2 amx_bf16", "auto", True),
        ("avx2 amx_bf16", "fp32", False),
        ("avx2", "bf16", True),
    ],
)
def test_bf16_where_the_processor_multiplies_in_it(
    monkeypatch: pytest.MonkeyPatch, flags: str, precision: str, mixed: bool
) -> None:
    monkeypatch.setattr(module, "_cpu_line", lambda name: flags if name == "flags" else "Test CPU")
    found = find_machine("cpu", precision)
    assert found.mixed is found.plain_attention is mixed
    assert found.name.startswith("Test CPU")
    with found.autocast():
        made = torch.ones(2, 2) @ torch.ones(2, 2)
    assert made.dtype == (torch.bfloat16 if mixed else torch.float32)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError):
        find_machine("abacus")
