"""The protocols are the papers', and the quick ones smaller versions of them."""

import re
from dataclasses import fields

import pytest

from impasto.errors import UsageError
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.reproduction.protocols import (
    ARMS,
    Sampling,
    Wang2023,
    Wu2022,
    parse_arms,
    wang2023_protocol,
    wu2022_protocol,
)
from impasto.reproduction.time_bounds import BOUNDED
from impasto.training.recipes.wang2023 import WANG2023_MASTERS


def test_wang2023_has_nine_artists_and_the_eight_prompts_of_its_figures() -> None:
    whole = wang2023_protocol(128)
    assert whole.artists == tuple(master.name for master in WANG2023_MASTERS) and len(whole.artists) == 9
    assert len(set(whole.prompts)) == 8 and all(re.fullmatch(r"An? [a-z].*", prompt) for prompt in whole.prompts)
    assert whole.minutes is None  # the recipe's epochs
    quick = wang2023_protocol(128, quick=True)
    assert set(quick.artists) < set(whole.artists) and quick.paintings < whole.paintings and quick.prompts == whole.prompts
    assert quick.minutes is not None and not whole.bounds
    # The bounded phases and the retrainings leave ten of the 75 minutes to the others.
    assert sum(quick.bounds.values()) + quick.minutes * len(quick.artists) <= 65 and set(quick.bounds) == set(BOUNDED)


def test_wu2022_has_its_own_settings_and_the_four_prompts() -> None:
    whole, quick = wu2022_protocol(512), wu2022_protocol(128, quick=True)
    assert whole.sampling == wu2022_protocol(128).sampling == Sampling("ddim", 200, 5.0, eta=1.0)  # section 5
    assert (whole.artists, len(whole.prompts), len(whole.four), len(whole.figure_4_prompts)) == (30, 4, 4, 7)
    assert quick.prompts == whole.prompts and quick.artists < whole.artists and quick.sampling.steps < 50


def test_arms_keep_their_order_and_are_compared_with_the_original() -> None:
    assert wu2022_protocol(128).arms == ARMS == ("none", "joint", "two-stages", "extension")
    assert parse_arms("two-stages, joint") == ("none", "joint", "two-stages") and parse_arms(("none",)) == ("none",)
    for wrong in ("", "two", "none,three-stages"):
        with pytest.raises(UsageError, match="arms"):
            parse_arms(wrong)


@pytest.mark.parametrize("protocol", [wang2023_protocol(side, quick=q) for side in (64, 512) for q in (True, False)]
                         + [wu2022_protocol(side, quick=q) for side in (64, 512) for q in (True, False)])  # fmt: skip
def test_every_protocol_can_be_painted(protocol: Wang2023 | Wu2022) -> None:
    sampling = {field.name: getattr(protocol.sampling, field.name) for field in fields(protocol.sampling)}
    for prompt in protocol.prompts:
        assert PaintRequest(Condition(prompt), seed=protocol.seed, **sampling).steps == protocol.sampling.steps
