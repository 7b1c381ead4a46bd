"""Painting from prompts in A1111's syntax: what is painted, and what the record says of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.painting.tiny_components import make_components

from impasto.errors import UsageError
from impasto.painting.engines.eager import PlainUNet
from impasto.painting.foreign import RecordError
from impasto.painting.painter import Painter
from impasto.painting.prompt_syntax import read_syntax
from impasto.painting.provenance.record import Provenance
from impasto.painting.provenance.reuse import painting_key
from impasto.painting.request import PaintRequest
from impasto.prompts.condition import Condition
from impasto.prompts.weights import Weights


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return Painter(make_components(tmp_path_factory.mktemp("tiny"), seed=3))


def request(prompt: str, negative: str = "", **fields: object) -> PaintRequest:
    values = {"seed": 5, "steps": 2, "width": 64, "height": 64, "guidance": 5.0, **fields}
    return PaintRequest(Condition(caption=prompt, artist="Claude Monet"), negative, **values)  # type: ignore[arg-type]


def pixels(painter: Painter, *requests: PaintRequest) -> list[np.ndarray]:
    return [np.asarray(one.image, np.int16) for one in painter.paint_many(requests)]


def test_a_request_without_syntax_is_the_same_request() -> None:
    plain = request("boats at sunset", "storm")
    assert read_syntax(plain) == (plain, ()) and read_syntax(plain)[0].weights is None


def test_words_weights_and_what_was_typed(painter: Painter) -> None:
    read, notes = read_syntax(request("(boats:1.4) at sunset <lora:x:0.5>", "(storm:1.2) <lora:y>"))
    assert read.condition.caption == "boats at sunset" and read.negative == "storm"
    assert read.weights == Weights("(boats:1.4) at sunset", "(storm:1.2)")
    assert read.prompt == "(boats:1.4) at sunset <lora:x:0.5>" and read.negative_prompt == "(storm:1.2) <lora:y>"
    assert [tag.name for tag in read.tags] == ["x"] and "<lora:y> in the negative prompt is left out" in notes[0]
    (painting,) = painter.paint_many([read])
    record = painting.provenance
    assert record.text == "boats at sunset, by Claude Monet" and record.prompt == read.prompt
    assert "<lora" not in record.to_parameters()  # it was not merged
    first, second, _ = record.to_parameters().split("\n")
    assert first == "(boats:1.4) at sunset, by Claude Monet" and second == "Negative prompt: (storm:1.2)"
    assert Provenance.from_json(record.to_json()) == record


def test_weights_reach_the_picture_on_both_sides(painter: Painter) -> None:
    plain, heavy, away = (
        read_syntax(request(prompt, negative))[0]
        for prompt, negative in (("boats at sunset", "storm"), ("(boats:1.8) at sunset", "storm"),
                                 ("boats at sunset", "(storm:1.8)"))
    )  # fmt: skip
    pictures = pixels(painter, plain, heavy, away)
    assert np.abs(pictures[0] - pictures[1]).max() > 0 and np.abs(pictures[0] - pictures[2]).max() > 0
    escaped = read_syntax(request(r"boats at \(sunset\)", "storm"))[0]
    assert np.array_equal(pixels(painter, escaped)[0], pixels(painter, request("boats at (sunset)", "storm"))[0])


def test_break_and_a_batch_of_different_lengths(painter: Painter) -> None:
    prompts = ["boats", "boats BREAK storm", "red BREAK a field BREAK storm", "boats"]
    requests = [read_syntax(request(prompt, "red BREAK storm"))[0] for prompt in prompts]
    assert [one.text_counts for one in requests] == [(1, 2), (2, 2), (3, 2), (1, 2)]
    together = pixels(painter, *requests)
    for one, alone in zip(together, [pixels(painter, one)[0] for one in requests], strict=True):
        assert np.abs(one - alone).max() <= 1
    assert np.array_equal(together[0], together[3]) and np.abs(together[0] - together[1]).max() > 0


def test_diffusers_own_u_net_paints_the_same(painter: Painter) -> None:
    asked = read_syntax(request("(boats:1.5) BREAK storm", "(red:0.5)"))[0]
    fast = pixels(painter, asked)[0]
    own = Painter(painter.components)
    own._engine.unet = PlainUNet(painter.components.unet)
    assert np.abs(fast - pixels(own, asked)[0]).max() <= 1


def test_python_paints_syntax_too(painter: Painter) -> None:
    fields = {"seed": 5, "steps": 2, "width": 64, "height": 64}
    heavy = painter.paint("(boats:1.8) at sunset", **fields)
    assert heavy.provenance.weights == Weights("(boats:1.8) at sunset")
    words = painter.paint("(boats:1.8) at sunset", prompt_syntax="plain", **fields)
    assert words.provenance.weights is None and words.provenance.text == "(boats:1.8) at sunset"
    compel = painter.paint("(boats)1.8 at sunset", prompt_syntax="compel", **fields)
    assert compel.provenance.weights == heavy.provenance.weights and compel.image == heavy.image
    assert compel.provenance.prompt == "(boats)1.8 at sunset"
    with pytest.raises(UsageError, match="this painter has no LoRA x"):
        painter.paint("boats <lora:x:1>", **fields)
    with pytest.raises(UsageError, match="prompt_syntax 'other'"):
        painter.paint("boats", prompt_syntax="other", **fields)
    with pytest.raises(UsageError, match="nothing to paint"):
        painter.paint("<lora:x:1>", **fields)


def test_records_without_syntax_are_as_they_were(painter: Painter) -> None:
    (painting,) = painter.paint_many([request("boats")])
    fields = json.loads(painting.provenance.to_json())
    assert not {"weights", "negative_prompt", "safety"} & set(fields)
    weighted = replace(painting.provenance, weights=Weights("(boats:1.2)"))
    assert painting_key(weighted) != painting_key(painting.provenance)
    assert painting_key(replace(painting.provenance, negative_prompt="{a|b}")) == painting_key(painting.provenance)
    for broken in ({"prompt": 1, "negative": ""}, [], {"prompt": "a\nb", "negative": ""}, {"prompt": "a"}):
        with pytest.raises(RecordError, match="'weights'"):
            Provenance.from_json(json.dumps({**fields, "weights": broken}))


def test_a_text_that_grows_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match="prompt with its weights has"):
        read_syntax(request("(a:1.2)" + ")" * 1500))
