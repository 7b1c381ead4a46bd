"""Markup as the Wikipedias of several languages have it."""

import pytest

from impasto.prompts.knowledge.markup import clean_sentences
from impasto.prompts.knowledge.wiki_page import Page


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            "[[Archivo:Puerto.jpg|miniatura|200px|Vista en 1890.]]El puerto es una obra de piedra.",
            "El puerto es una obra de piedra.",
        ),
        (
            "[[Datei:Hafen.jpg|mini|Ein [[Hafen]].]]\nDer Hafen wurde z. B. am 3. Mai eröffnet.",
            "Der Hafen wurde z. B. am 3. Mai eröffnet.",
        ),
        ("[[ファイル:港.jpg|thumb|港の写真。]]港は船が停泊する場所である。", "港は船が停泊する場所である。"),
        ("[[文件:Port.jpg|缩略图]]深圳是-{zh-hans:中国;zh-hant:中國}-的一座城市。它很大。", "深圳是中国的一座城市。"),
        ("-{H|zh-cn:甲;zh-tw:乙}-港口是船只停泊的地方。", "港口是船只停泊的地方。"),
        ("[[Vaizdas:Uostas.svg|thumb]]Uostas yra vieta prie jūros.", "Uostas yra vieta prie jūros."),
        (
            "It lies {{convert|12|km|mi}} from {{lang|de|Köln}} and has {{formatnum:1200}} people.",
            "It lies 12 km from Köln and has 1200 people.",
        ),
        ("It is {{convert|3|to|5|km|mi}} wide here.", "It is 3 to 5 km wide here."),
        ("The mill{{efn|Built {{circa|1890}}.}} stands by the river.", "The mill stands by the river."),
        ("The mill stands<br>by the river. __NOTOC__", "The mill stands by the river."),
        ("深圳（{{lang|en|Shenzhen}}{{x}}）是一座城市。", "深圳（Shenzhen）是一座城市。"),
        ("深圳（{{x}}，）是一座很大的城市。", "深圳是一座很大的城市。"),
        ("กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย", "กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย"),
        ("दिल्ली भारत की राजधानी है। यह बड़ी है।", "दिल्ली भारत की राजधानी है।"),
    ],
)
def test_the_first_sentence_survives(text: str, first: str) -> None:
    assert clean_sentences(Page("x", text))[0] == first


def test_the_dumps_own_names_of_namespaces_are_known() -> None:
    text = "Ty port bras yw hemma. [[Class:Porthow]] [[Restren:Porth.foo|Porth koth]]"
    own = Page("Porth", text, hidden=frozenset({"class", "restren"}))
    assert clean_sentences(own) == ["Ty port bras yw hemma."]


def test_links_to_other_pages_keep_their_words() -> None:
    found = clean_sentences(Page("x", "Boats lie in [[Port: the sea|a port]] near [[:Category:Cities|cities]]."))
    assert found == ["Boats lie in a port near cities."]
