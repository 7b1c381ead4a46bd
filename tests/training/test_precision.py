"""What `--precision auto` means: bf16 only where the processor multiplies in it."""

from dataclasses import replace

import pytest

from impasto.errors import UsageError
from impasto.training.methods.distillation_choices import Distillation
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.personal import DREAMBOOTH_POCKET, LORA_POCKET, TEXTUAL_INVERSION_POCKET
from impasto.training.recipes.precision import settled
from impasto.training.recipes.wang2023 import WANG2023_ARTIST, WANG2023_ARTIST_POCKET
from impasto.training.recipes.wu2022 import WU2022_JOINT_POCKET, WU2022_TEXT_ENCODER_POCKET


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("avx2 avx512f avx512_bf16", "bf16"), ("amx_bf16", "bf16"), ("avx2 avx512f", "fp32"), ("", "fp32")],
)
def test_auto_is_bf16_only_with_units_for_it(monkeypatch: pytest.MonkeyPatch, flags: str, precision: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("impasto.training.pocket.machine.cpu_flags", lambda: frozenset(flags.split()))
    assert settled(FineTuning(precision="auto")).precision == precision
    kept = Distillation(precision="auto", leap=3)
    assert settled(kept) == replace(kept, precision=precision)
    for named in ("fp32", "bf16", "fp16"):
        assert settled(FineTuning(precision=named)).precision == named


def test_pockets_recipes_leave_it_to_the_machine_and_the_papers_do_not() -> None:
    personal = [one.choices for one in (LORA_POCKET, DREAMBOOTH_POCKET, TEXTUAL_INVERSION_POCKET)]
    for choices in (WANG2023_ARTIST_POCKET, WU2022_TEXT_ENCODER_POCKET, WU2022_JOINT_POCKET, *personal):
        assert choices.precision == "auto"
    assert WANG2023_ARTIST.precision == "fp16" and FineTuning().precision == "fp32"


@pytest.mark.parametrize(
    ("name", "value", "known"), [("precision", "int8", "auto, fp32, bf16"), ("text_padding", "some", "auto, full, batch")]
)
def test_other_words_are_refused(name: str, value: str, known: str) -> None:
    with pytest.raises(UsageError, match=f"{name} '{value}': use {known}"):
        FineTuning(**{name: value})
