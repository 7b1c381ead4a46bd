"""The protocols are the papers', and the quick ones smaller versions of them."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

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


def test_the_help_of_quick_says_what_the_protocols_allow() -> None:
    from typer.main import get_command

    from impasto.cli.judging.reproduce import reproduce
    from impasto.reproduction.protocols import JOINT, TWO_STAGES

    commands: Any = get_command(reproduce)
    said = {
        name: next(option.help for option in one.params if option.name == "quick") for name, one in commands.commands.items()
    }
    page = (Path(__file__).parents[2] / "docs" / "judgement.md").read_text("utf-8")
    wang, wu = wang2023_protocol(128, quick=True), wu2022_protocol(128, quick=True)
    assert wang.minutes is not None and wu.minutes is not None
    assert "75 minutes at most" in said["wang2023"]  # held against the bounds above
    stages = {JOINT: 2, TWO_STAGES: 2}  # "joint" trains as long as both stages
    training = f"{wu.minutes * sum(stages.get(arm, 0) for arm in wu.arms):g} minutes of training, about an hour in all"
    assert training in said["wu2022"]
    assert f"reproduce wu2022 --catalogue paintings/ --quick         # {training}\n" in page


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
