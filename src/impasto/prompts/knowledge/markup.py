"""Removes MediaWiki markup, in the markup of any language's Wikipedia, and keeps whole sentences."""

import re
from typing import Any

from impasto.errors import MissingPart
from impasto.prompts.knowledge.sentences import is_whole, pieces, size_in_words
from impasto.prompts.knowledge.wiki_page import Page

# Only the beginning of an article's source is read: the lead and the first sections describe its subject.
_MOST_SOURCE = 20_000  # characters
_MOST_SENTENCES = 40
_LEAST_WORDS = 4
_GONE = re.compile(
    r"<!--.*?-->|<ref[^>]*/>|<ref.*?</ref>|<(math|gallery|timeline|syntaxhighlight|table|score|code)\b.*?</\1>|\{\|.*?\n\|\}"
    r"|__[^\W_]+__",
    re.DOTALL | re.IGNORECASE,
)
_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_LISTS_AND_HEADINGS = re.compile(r"^[ \t]*[*#:;=!|].*$", re.MULTILINE)
_QUOTES = re.compile(r"'{2,5}")  # MediaWiki's bold and italic
_LEFTOVER = re.compile(r"[{}|<>\[\]=]|https?:|&[a-z]+;")
_EMPTY_BRACKETS = re.compile(r" ?[(（][ ,;，；、：:]*[)）]")
# A file in any language's namespace: a prefix, and a name with the ending of a picture, a film or a sound.
_FILE_LINK = re.compile(
    r"\[\[[^:\[\]|]+:[^\[\]|]+\.(?:jpe?g|png|svg|gif|tiff?|webp|xcf|djvu|pdf|og[gva]|opus|webm|mp[34]|wav|flac|mid|stl)\s*[|\]]",
    re.IGNORECASE,
)
# Conversion between scripts, in Chinese and Serbian: -{zh-hans:甲;zh-hant:乙}-, -{flags|text}-
_CONVERSION = re.compile(r"-\{(?:(?P<flags>[A-Za-z;\-]*)\|)?(?P<body>[^{}]*)\}-")
_VARIANT = re.compile(r"(?:^|;)\s*[a-z]{2,3}(?:-[a-z]{2,4})?\s*:\s*([^;]+)", re.IGNORECASE)
# The names of the file and category namespaces, for files that do not bring the list of their own (`siteinfo`).
_NAMES = """
file image media category datei bild kategorie fichier catégorie archivo imagen
categoría ficheiro imagem categoria immagine bestand afbeelding categorie plik grafika
kategoria файл изображение категория зображення категорія fil bilde billede kategori
tiedosto kuva luokka soubor súbor obrázok fájl kép kategória fișier imagine dosya resim
αρχείο εικόνα κατηγορία קובץ תמונה קטגוריה ملف صورة تصنيف پرونده تصویر رده 文件 檔案 档案 图像
圖像 分类 分類 ファイル 画像 カテゴリ 파일 그림 분류 berkas gambar fail ไฟล์ ภาพ หมวดหมู่ चित्र श्रेणी চিত্র
বিষয়শ্রেণী fitxer imatge fitxategi irudi imaxe dosiero kategorio картинка датотека
слика категорија datoteka slika kategorija vaizdas attēls pilt kategooria beeld delwedd
skeda ფაილი კატეგორია պատկեր şəkil fayl сурет படிமம் పటం
"""
_NAMESPACES = frozenset((*_NAMES.split(), "tập tin", "hình", "thể loại"))


def clean_sentences(page: Page, most: int = _MOST_SENTENCES) -> list[str]:
    """Returns the first sentences of a page as plain text, without templates, tables, references, lists or headings.

    Raises:
        MissingPart: mwparserfromhell is not installed.
    """
    text = page.text[:_MOST_SOURCE]
    if not page.plain:
        text = _without_markup(text, _NAMESPACES | page.hidden)
    sentences: list[str] = []
    for line in text.splitlines():
        line = " ".join(line.split())
        if size_in_words(line) < _LEAST_WORDS:
            continue
        for sentence in pieces(line):
            if size_in_words(sentence) >= _LEAST_WORDS and is_whole(sentence) and not _LEFTOVER.search(sentence):
                sentences.append(_EMPTY_BRACKETS.sub("", sentence))
                if len(sentences) == most:
                    return sentences
    return sentences


def _without_markup(text: str, hidden: frozenset[str]) -> str:
    try:
        import mwparserfromhell
    except ImportError:
        raise MissingPart("reading Wikipedia needs mwparserfromhell: pip install 'impasto[expand]'") from None
    text = _QUOTES.sub("", _LISTS_AND_HEADINGS.sub("", _GONE.sub(" ", _BREAK.sub(" ", _CONVERSION.sub(_converted, text)))))
    code = mwparserfromhell.parse(text, skip_style_tags=True)
    for template in code.filter_templates():
        said = _said(template)
        if said:
            _exchange(code, template, said)
    for link in code.filter_wikilinks():
        prefix, colon, _ = str(link.title).partition(":")
        if _FILE_LINK.match(str(link)) or (colon and prefix.strip().casefold().replace("_", " ") in hidden):
            _exchange(code, link, "")
    return code.strip_code(normalize=True, collapse=True, keep_template_params=False)


def _exchange(code: Any, node: Any, text: str) -> None:
    try:
        code.replace(node, text) if text else code.remove(node)
    except ValueError:
        return  # it was inside another one that is already gone


def _converted(match: re.Match[str]) -> str:
    if match["flags"] and set(match["flags"].upper()) & set("HD-"):
        return ""  # a rule for the rest of the page, which shows nothing here
    variant = _VARIANT.search(match["body"])
    return variant[1] if variant else match["body"]


def _said(template: Any) -> str:
    """Returns the words of a template that stands for words in a sentence; "" for all others, which are left out."""
    name = str(template.name).strip().casefold()
    if name.startswith("formatnum:"):
        return str(template.name).strip()[len("formatnum:") :]
    values = [str(value.value).strip() for value in template.params if not value.showkey]
    if not values or not values[0]:
        return ""
    match name:
        case "convert" | "cvt" | "unité" | "unité/2" | "unidad":
            # {{convert|3|to|5|km|mi}}: a range has a word between its numbers.
            wide = len(values) > 3 and values[1] in ("to", "-", "–", "and", "x", "by", "or")
            return " ".join(values[: 4 if wide else 2])
        case "lang" | "langue" | "transl" | "translit" | "transliteration" | "lang-de":
            return values[-1] if len(values) > 1 else ""
        case "nowrap" | "nobr" | "nbsp" | "small" | "em" | "abbr" | "smallcaps" | "tooltip" | "nombre" | "formatnum":
            return values[0]
        case "as of":
            return f"as of {values[0]}"
        case "circa" | "c." | "ca." | "ca":
            return f"c. {values[0]}"
    return ""
