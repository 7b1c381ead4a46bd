"""The forms in which data sets give captions: Flickr's tables, objects, languages, conversations, several columns."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.data.importing.sources import draw_scene, import_folder, lines_of, report_of, rows_of

from impasto.data.catalogue.caption_columns import with_captions
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError


def captions_of(row: dict[str, Any]) -> list[str]:
    return row.get("captions") or [row["text"]] if "text" in row else []


def put(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_scene(seed).save(folder / name)
    return folder


FLICKR = "image_name| comment_number| comment\n0.jpg| 0| a pier\n0.jpg| 1| a jetty, at dusk\n1.jpg| 0| a quay\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results.csv", FLICKR),
        ("Flickr8k.token.txt", "0.jpg#0\ta pier\n0.jpg#1\ta jetty, at dusk\n1.jpg#0\ta quay\n"),
        ("results_20130124.token", "0.jpg#0\ta pier\n0.jpg#1\ta jetty, at dusk\n1.jpg#0\ta quay\n"),
        ("train_captions.txt", "0.jpg\t0\ta pier\n0.jpg\t1\ta jetty, at dusk\n1.jpg\t0\ta quay\n"),
        ("metadata.json", json.dumps({"images": [
            {"file": "0.jpg", "description": {"short": "a pier", "long": "a jetty, at dusk"}},
            {"file": "1.jpg", "description": ["a quay"]}]})),
        ("dataset_flickr8k.json", json.dumps({"dataset": "flickr8k", "images": [
            {"filename": "0.jpg", "sentences": [{"raw": "a pier", "tokens": ["a"]}, {"raw": "a jetty, at dusk"}]},
            {"filename": "1.jpg", "sentences": [{"raw": "a quay", "tokens": ["a", "quay"]}]}]})),
        ("llava.json", json.dumps([
            {"id": 7, "image": "0.jpg", "conversations": [
                {"from": "human", "value": "<image>\nDescribe"}, {"from": "gpt", "value": "a pier"},
                {"from": "human", "value": "More"}, {"from": "gpt", "value": "a jetty, at dusk"}]},
            {"id": 8, "images": ["1.jpg"], "messages": [
                {"role": "user", "content": "Describe"},
                {"role": "assistant", "content": [{"type": "text", "text": "a quay"}]}]}])),
        ("metadata.jsonl", '{"file_name": "0.jpg", "text": {"de": "a jetty, at dusk", "en": "a pier"}}\n'
                           '{"file_name": "1.jpg", "text": {"en": "a quay", "score": 3}}'),
        ("metadata.csv", 'file_name,zh_text,en_text\n0.jpg,"a jetty, at dusk",a pier\n1.jpg,,a quay\n'),
        ("metadata.tsv", "file_name\tcaption_1\tcaption_2\n0.jpg\ta pier\ta jetty, at dusk\n1.jpg\ta quay\t\n"),
        ("metadata.tsv", "file_name\tcaption\tprompt\n0.jpg\ta pier\ta jetty, at dusk\n1.jpg\ta quay\ta quay\n"),
    ],
)  # fmt: skip
def test_all_captions_of_a_data_set_arrive(tmp_path: Path, name: str, text: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    (source / name).write_text(text, "utf-8")
    import_folder(source, tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert [captions_of(rows[f"{n}.jpg"]) for n in (0, 1)] == [["a pier", "a jetty, at dusk"], ["a quay"]]
    assert not any(row["decision"] == "refused" for row in lines_of(tmp_path / "catalogue/import-report.jsonl"))
    for folder in (source, tmp_path / "catalogue"):
        first, second = read_catalogue(folder, check_images=False).entries
        assert (first.caption, first.variants, second.caption) == ("a pier", ("a jetty, at dusk",), "a quay")


def test_captions_of_an_object_beside_a_picture(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    (source / "0.json").write_text(json.dumps({"caption": {"en": "a pier", "fr": "une jetée"}, "score": {"a": 1}}))
    (source / "1.json").write_text(json.dumps({"conversations": [{"from": "gpt", "value": "a quay"}]}))
    import_folder(source, tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert [captions_of(rows[f"{n}.jpg"]) for n in (0, 1)] == [["a pier", "une jetée"], ["a quay"]]


def test_no_value_becomes_the_words_of_a_program(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "0.jpg")
    row = {
        "file_name": "0.jpg", "text": {"score": 3}, "title": {"en": "The Mill"}, "artist": {"name": "Jane Doe"},
        "tags": {"mill": 0.4, "river": 0.9},
    }  # fmt: skip
    (source / "metadata.jsonl").write_text(json.dumps(row))
    import_folder(source, tmp_path / "catalogue")
    (found,) = rows_of(tmp_path / "catalogue").values()
    assert (found["title"], found["artist"], found["tags"]) == ("The Mill", "Jane Doe", ["river", "mill"])
    assert "text" not in found and "{" not in json.dumps(list(found.values()))


def test_columns_that_only_sound_like_captions_stay() -> None:
    row = {"file_name": "0.jpg", "negative_prompt": "ugly", "text_length": 3, "prompt_id": "7", "caption_score": 0.1}
    assert with_captions(row) == row
    row = {"file_name": "0.jpg", "text": "a pier", "captions": ["a pier", "a jetty"], "short_caption": "pier"}
    assert with_captions(row) == row


@pytest.mark.parametrize("heading", ["id", "image_id", "key"])
def test_a_table_in_a_sub_folder_may_name_pictures_by_their_key(tmp_path: Path, heading: str) -> None:
    source = put(tmp_path / "source", "a/0.jpg", "a/1.jpg")
    (source / "a/metadata.csv").write_text(f"{heading},caption,url\n0,a pier,https://example.org/0.png\n1,a quay,\n")
    import_folder(source, tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert {name: row["text"] for name, row in rows.items()} == {"a/0.jpg": "a pier", "a/1.jpg": "a quay"}


def test_a_table_of_a_sub_folder_that_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "Jane Doe/0.jpg", "b/1.jpg")
    (source / "Jane Doe/metadata.csv").write_text("colour,mood\nred,gay\n")
    (source / "b/metadata.csv").write_text("file_name,text\n1.jpg,a quay\n")
    summary = import_folder(source, tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert (rows["b/1.jpg"]["text"], rows["Jane Doe/0.jpg"]["artist"]) == ("a quay", "Jane Doe")
    decision, reason = report_of(tmp_path / "catalogue")["Jane Doe/metadata.csv"]
    assert decision == "refused" and "file_name" in reason
    assert any("Jane Doe/metadata.csv is not used" in note for note in summary.notes)
    assert len(read_catalogue(source, check_images=False).entries) == 2


def test_boxes_of_objects_are_no_captions(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "train2017/0.jpg")
    images = [{"id": 1, "file_name": "0.jpg"}]
    for name, said in (("captions", {"caption": "a pier"}), ("instances", {"bbox": [0, 0, 1, 1]})):
        (source / "annotations").mkdir(exist_ok=True)
        coco = {"images": images, "annotations": [{"image_id": 1, **said}]}
        (source / f"annotations/{name}_train2017.json").write_text(json.dumps(coco))
    import_folder(source, tmp_path / "catalogue")
    assert rows_of(tmp_path / "catalogue")["train2017/0.jpg"]["text"] == "a pier"
    decisions = {name: decision for name, (decision, _) in report_of(tmp_path / "catalogue").items()}
    assert decisions == {"annotations/instances_train2017.json": "not taken"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("mill 水車小屋", "gbk"),
        ("水車", "cp932"),
        ("風車のある風景", "cp932"),
        ("мельница у реки", "cp1251"),
        ("ανεμόμυλος", "cp1253"),
        ("풍차", "euc-kr"),
    ],
)
def test_a_caption_of_another_alphabets_code_page_is_named_not_garbled(tmp_path: Path, text: str, encoding: str) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    (source / "0.txt").write_bytes(text.encode(encoding))
    (source / "1.txt").write_text(text, "utf-8")
    summary = import_folder(source, tmp_path / "catalogue")
    rows = rows_of(tmp_path / "catalogue")
    assert "text" not in rows["0.jpg"] and rows["1.jpg"]["text"] == text
    assert report_of(tmp_path / "catalogue")["0.jpg"][1].endswith("save it as UTF-8")
    assert any("0.txt" in note and "save" in note for note in summary.notes)
    (source / "metadata.csv").write_bytes(f"file_name,text\n0.jpg,{text}\n".encode(encoding))
    if encoding != "cp932":  # a table is mostly ASCII, and two letters in it may be anything
        with pytest.raises(ImpastoError, match=r"metadata\.csv.*save it as UTF-8"):
            import_folder(source, tmp_path / "other")


@pytest.mark.parametrize("text", ["été", "Où est-il allé ? À l'École", "Gemälde – Öl auf Holz…", "naïve façade, señor"])
def test_a_western_caption_is_read_and_the_file_named(tmp_path: Path, text: str) -> None:
    source = put(tmp_path / "source", "0.jpg")
    (source / "0.txt").write_bytes(text.encode("cp1252"))
    summary = import_folder(source, tmp_path / "catalogue")
    assert rows_of(tmp_path / "catalogue")["0.jpg"]["text"] == text
    assert any("read as Windows-1252: 0.txt" in note for note in summary.notes)


def test_files_beside_pictures_that_are_not_read_say_what_to_do(tmp_path: Path) -> None:
    source = put(tmp_path / "source", "0.jpg", "1.jpg")
    (source / "0.txt2").write_text("a pier")
    (source / "1.xmp").write_text("<x:xmpmeta/>")
    (source / "captions.yaml").write_text("0.jpg: a pier")
    summary = import_folder(source, tmp_path / "catalogue")
    reasons = {name: reason for name, (_, reason) in report_of(tmp_path / "catalogue").items()}
    assert ".txt2 is no ending of captions" in reasons["0.txt2"] and "name.txt" in reasons["1.xmp"]
    assert "metadata.csv" in reasons["captions.yaml"] and summary.not_taken == 3
