"""SmolLM2 through llama.cpp, as it ships: each seed another text, a seed the same text whatever stands beside it."""

from pathlib import Path

import pytest

from impasto.language.smollm2 import smollm2_file
from impasto.prompts.expansion.proposers.small_model import ContinuationProposer, DialogueProposer, SmallModel, small_model


@pytest.fixture(scope="module")
def model() -> SmallModel:
    return small_model()


def test_a_seed_writes_the_same_alone_and_among_others(model: SmallModel) -> None:
    texts = model.go_on("The painting shows a harbour:", seed=5, count=3, tokens=12)
    assert len({text for text, _ in texts}) == 3
    assert texts[1:2] == model.go_on("The painting shows a harbour:", seed=6, count=1, tokens=12)


def test_more_texts_than_are_written_side_by_side(model: SmallModel) -> None:
    texts = model.go_on("Boats", seed=0, count=6, tokens=3)
    assert len(texts) == 6
    assert texts[4:] == model.go_on("Boats", seed=4, count=2, tokens=3)


def test_candidates_are_whole_sentences(model: SmallModel) -> None:
    for proposer in (ContinuationProposer(model), DialogueProposer(model)):
        found = proposer.propose("a harbour at dawn", count=4, seed=1)
        assert found == proposer.propose("a harbour at dawn", count=4, seed=1)
        assert all(candidate.text.endswith((".", "!", "?")) for candidate in found)
        assert {candidate.source for candidate in found} <= {"continuation", "dialogue"}


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")
def test_it_listens_at_no_address_of_the_network() -> None:
    before = sockets()  # of other tests in this process
    model = SmallModel(smollm2_file())
    assert model.go_on("Boats", seed=0, count=1, tokens=1)
    own = sockets() - before
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        rows = Path(f"/proc/self/net/{protocol}").read_text().splitlines()[1:]
        assert not own & {row.split()[9] for row in rows}


def sockets() -> set[str]:
    links = [str(name.readlink()) for name in Path("/proc/self/fd").iterdir() if name.is_symlink()]
    return {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}


def test_eight_at_a_time_each_seed_has_its_own_text_and_the_same_again() -> None:
    many = SmallModel(smollm2_file(), many=True)
    texts = many.go_on("Boats on the sea", seed=3, count=6, tokens=8)
    assert len({text for text, _ in texts}) == 6
    assert texts == many.go_on("Boats on the sea", seed=3, count=6, tokens=8)
