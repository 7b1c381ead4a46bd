"""What a request refuses, and that it says which value and what to do in one line."""

from typing import Any

import pytest

from impasto.errors import UsageError
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps 0: use 1 to 1000"),
        ({"steps": -5}, "steps -5: use 1 to 1000"),
        ({"steps": 1001}, "steps 1001: use 1 to 1000"),
        ({"steps": 2.5}, "steps 2.5: use a whole number"),
        ({"steps": True}, "steps True: use a whole number"),
        ({"seed": -1}, "seed -1: use 0 to 9223372036854775807"),
        ({"seed": 2**63}, "seed 9223372036854775808: use 0 to"),
        ({"guidance": -0.1}, "guidance -0.1: use 0 to 50"),
        ({"guidance": 51}, "guidance 51: use 0 to 50"),
        ({"guidance": float("nan")}, "guidance nan: use a number"),
        ({"guidance": float("inf")}, "guidance inf: use a number"),
        ({"eta": 1.5, "sampler": "ddim"}, "eta 1.5: use 0 to 1"),
        ({"eta": 0.5, "sampler": "euler"}, "eta 0.5 has a meaning for ddim only"),
        ({"sampler": "magic"}, "unknown sampler 'magic': use one of ddpm, ddim"),
        ({"width": 130}, "width 130: use a multiple of 8, such as 128"),
        ({"width": 56}, "width 56: use 64 to 2048"),
        ({"height": 4096}, "height 4096: use 64 to 2048"),
        ({"height": "128"}, "height '128': use a whole number"),
        ({"condition": Condition(caption="a" * 2001)}, "the prompt has 2001 characters: use at most 2000"),
        ({"condition": Condition(caption="boats\x1b[31m")}, r"control character U\+001B at 5: remove it"),
        ({"condition": Condition(caption="boats\ud800")}, r"U\+D800"),
        ({"negative": "fog\n"}, r"the negative prompt holds control character U\+000A"),
        ({"condition": Condition()}, "nothing to paint: give a prompt, an artist, or a picture"),
    ],
)
def test_refusals(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as refusal:
        PaintRequest(**{"condition": Condition(caption="boats"), **values})
    assert "\n" not in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_limits_are_allowed() -> None:
    PaintRequest(
        Condition(caption="é" * 2000), seed=2**63 - 1, steps=1000, guidance=50, width=2048, height=64
    )
    PaintRequest(Condition(artist="Claude Monet"), guidance=1)
    PaintRequest(Condition(), guidance=0)
    PaintRequest(Condition(caption="boats"), sampler="ddim", eta=1)
