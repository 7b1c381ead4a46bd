import pytest

from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.proposers.knowledge import (
    Article,
    KnowledgeIndex,
    KnowledgeProposer,
    handbook_index,
    whole_handbook_index,
)
from impasto.prompts.knowledge.handbook import handbook

ARTICLES = [
    Article("Harbours", ("Harbours", "port"), "Ships lie in the harbour at dawn. Ropes creak in Honfleur.", "a: Harbours"),
    Article("Horses", ("Horses",), "Horses graze on the steppe. A rider crosses a river in spring.", "a: Horses"),
    Article("Rivers", ("Rivers",), "A river winds through meadows. Barges pass the port of a town.", "a: Rivers"),
]


def test_titles_come_before_contents() -> None:
    found = KnowledgeIndex(ARTICLES).search("a port")
    assert [article.title for article, _ in found] == ["Harbours", "Rivers"]
    assert found[0][1] > found[1][1] > 0


def test_what_shares_no_word_is_not_found() -> None:
    index = KnowledgeIndex(ARTICLES)
    assert index.search("quantum") == [] and index.search("") == [] and index.search("the of and") == []
    assert KnowledgeIndex([]).search("a port") == []


def test_sentences_are_proposed_for_the_prompt_and_for_what_was_written_on_it() -> None:
    proposer = KnowledgeProposer(KnowledgeIndex(ARTICLES), articles=1)
    alone = proposer.propose("horse", count=10, seed=0)
    assert [candidate.text for candidate in alone] == [
        "Horses graze on the steppe.",
        "A rider crosses a river in spring.",
    ]
    assert {candidate.source for candidate in alone} == {"a: Horses"}
    further = proposer.propose("horse", count=10, seed=0, queries=["it stood by the harbour"])
    assert len(further) == 4 and further[:2] == alone
    assert len(proposer.propose("horse", count=1, seed=0)) == 1


@pytest.mark.parametrize(
    ("prompt", "theme"),
    [
        ("urbanization of China", "Growth of Chinese cities"),
        ("asia morning", "Asia in the morning"),
        ("loneliness", "Solitude"),
    ],
)
def test_the_handbook_knows_what_people_ask_for(prompt: str, theme: str) -> None:
    assert handbook_index().search(prompt)[0][0].title == theme


def test_search_covers_all_of_the_handbook_and_expansion_only_its_themes() -> None:
    whole = whole_handbook_index()
    assert len(whole.articles) == len(handbook())
    for query, kind in (("Impressionism", "styles"), ("dürer", "artists"), ("STILL LIFE", "genres"), ("Venice", "themes")):
        (best, _), *others = whole.search(query, 4)
        assert best.kind == kind
        assert plain_name(query) in " ".join(map(plain_name, best.names))
        assert [worth for _, worth in others] == sorted((worth for _, worth in others), reverse=True)
    assert {article.kind for article in handbook_index().articles} == {"themes"}
    # A field of the file, not its text: the brushwork of a painter.
    field = next(entry.field("brushwork") for entry in handbook() if entry.title == "Vincent van Gogh")
    assert "Vincent van Gogh" in [article.title for article, _ in whole.search(field, 3)]
