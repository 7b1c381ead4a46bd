import random

import numpy as np
import pytest

from impasto.data.annotations.tag_vocabulary import tag_vocabulary
from impasto.training.examples.caption_texts import draw_caption, draw_tags, title_as_caption

TAGS = tag_vocabulary()
KINDS = {tag.name: tag for tag in TAGS}


@pytest.mark.parametrize(
    ("title", "caption"),
    [
        ("Woman with a parasol in the garden", "woman with a parasol in the garden"),
        ("Study for boats on the river (1889)", "boats on the river"),
        ("Portrait of Princess Saltykova", ""),
        ("View of Antibes", ""),
        ("Untitled", ""),
        ("", ""),
    ],
)
def test_a_title_that_says_what_is_seen_is_a_caption(title: str, caption: str) -> None:
    assert title_as_caption(title) == caption


def test_captions_are_drawn_from_title_and_tags() -> None:
    labels = np.zeros(len(TAGS), np.float32)
    labels[[TAGS.index(KINDS[name]) for name in ("river", "bridge", "snow")]] = 0.95, 0.9, 0.1
    draw = random.Random(0)
    drawn = [draw_tags(labels, TAGS, draw, most=6) for _ in range(40)]
    assert {tag.name for tags in drawn for tag in tags} == {"river", "bridge"}
    captions = {draw_caption("View of Antibes", "landscape", tags, KINDS, draw) for tags in drawn}
    assert "a landscape with a river and a bridge" in captions and captions <= {
        "a landscape with a river and a bridge", "a landscape with a river", "a landscape with a bridge", ""
    }  # fmt: skip
    titled = {draw_caption("Boats on the river", "landscape", tags, KINDS, draw) for tags in drawn}
    assert {"boats on the river", "landscape: boats on the river"} <= titled
    assert draw_caption("Antibes", "unheard of", [], KINDS, draw) == ""
