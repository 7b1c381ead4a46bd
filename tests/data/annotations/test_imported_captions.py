"""Published captions come into a catalogue: by name or content, from a person or a machine, and nothing is lost unsaid."""

import json
from pathlib import Path

import pytest
from tests.data.importing.sources import draw_scene

from impasto.data.annotations.imported_captions import import_captions
from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.data.annotations.review import ReviewSession
from impasto.data.catalogue.read import read_catalogue
from impasto.data.exporting.exporter import export_catalogue
from impasto.errors import ImpastoError, UsageError

NAMES = ("monet/0.png", "monet/1.png", "klee/1.png", "klee/2.png")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    for seed, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_scene(seed).save(folder / name)
    rows = [{"file_name": name} | ({"text": "of the metadata"} if name == "klee/2.png" else {}) for name in NAMES]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def captions(catalogue: Path) -> dict[str, str]:
    return {entry.file_name: entry.caption for entry in read_catalogue(catalogue, check_images=False).entries}


def test_names_hashes_ambiguous_and_unknown_rows(catalogue: Path, tmp_path: Path) -> None:
    digest = content_of(catalogue / "monet/1.png")
    table = tmp_path / "captions.csv"
    table.write_text(
        "file_name,sha256,caption,tags\n"
        'MONET/0.png,,a pier,"pier, sea"\n'
        f"elsewhere.png,{digest},a heath,\n"
        "1.png,,one of two,\n"
        "gone.png,,x,\n"
        "2.png,,by a machine,\n"
        "monet/0.png,,a second,\n"
        "klee/1.png,,,\n"
    )
    outcome = import_captions(catalogue, table, "blip")
    assert (outcome.rows, outcome.matched, outcome.new, outcome.already) == (7, 4, 3, 0)
    assert (outcome.behind, outcome.lacking, outcome.by) == (1, 1, {"blip": 3})
    assert [(row.file_name, row.reason) for row in outcome.unmatched] == [
        ("1.png", "names several pictures: monet/1.png, klee/1.png"),
        ("gone.png", "there is no such picture in the catalogue"),
        ("klee/1.png", "neither a caption nor tags"),
    ]
    report = [json.loads(line)["row"] for line in (catalogue / "annotations/import-captions.jsonl").read_text().splitlines()]
    assert report == ["1.png", "gone.png", "klee/1.png"]
    assert captions(catalogue) == {
        "monet/0.png": "a pier", "monet/1.png": "a heath", "klee/1.png": "", "klee/2.png": "of the metadata",
    }  # fmt: skip
    pier = read_catalogue(catalogue, check_images=False).entries[0]
    assert (pier.variants, pier.tags) == (("a second",), ("pier", "sea"))
    again = import_captions(catalogue, table, "blip")
    assert (again.new, again.already) == (0, 3)
    assert import_captions(catalogue, table, "git").new == 3
    (row,) = [row for row in AnnotationLog(catalogue, "captions").rows() if row["by"] == "git" and "captions" in row]
    assert row["captioner"] == "imported/git" and row["from"] == "captions.csv"


def test_a_persons_captions_go_first_and_a_reviewers_decisions_stay(catalogue: Path, tmp_path: Path) -> None:
    session = ReviewSession(catalogue, order="name")
    assert session.current is not None and session.current.entry.file_name == "klee/1.png"
    session.reject()
    session.edit("mine")  # klee/2.png
    table = tmp_path / "captions.jsonl"
    table.write_text("".join(json.dumps({"file_name": name, "text": f"of {name}"}) + "\n" for name in NAMES))
    dry = import_captions(catalogue, table, "person", dry_run=True)
    assert dry.new == 2 and captions(catalogue)["monet/0.png"] == ""
    outcome = import_captions(catalogue, table, "person")
    assert outcome.new == 2 and [row.file_name for row in outcome.kept] == ["klee/1.png", "klee/2.png"]
    assert captions(catalogue) == {"monet/0.png": "of monet/0.png", "monet/1.png": "of monet/1.png", "klee/2.png": "mine"}
    assert import_captions(catalogue, table, "person").already == 2
    assert import_captions(catalogue, table, "person", replace=True).new == 2
    assert captions(catalogue)["klee/2.png"] == "of klee/2.png" and "klee/1.png" in captions(catalogue)


def test_our_own_export_comes_back(catalogue: Path, tmp_path: Path) -> None:
    session = ReviewSession(catalogue, order="name")
    session.skip()
    session.edit("by a person")
    log = AnnotationLog(catalogue, "captions")
    log.append([{"file_name": NAMES[0], "content": content_of(catalogue / NAMES[0]), "caption": "a quay", "by": "pocket"}])
    export_catalogue(catalogue, "captions.csv", tmp_path / "captions.csv")
    (catalogue / "annotations" / "review.jsonl").unlink()
    (catalogue / "annotations" / "captions.jsonl").unlink()
    (catalogue / "monet" / "0.png").rename(catalogue / "monet" / "renamed.png")
    rows = (catalogue / "metadata.jsonl").read_text().replace("monet/0.png", "monet/renamed.png")
    (catalogue / "metadata.jsonl").write_text(rows)
    outcome = import_captions(catalogue, tmp_path / "captions.csv")
    assert outcome.by == {"captions.csv": 1, "person": 1} and not outcome.unmatched
    assert captions(catalogue) == {
        "monet/renamed.png": "a quay", "monet/1.png": "", "klee/1.png": "", "klee/2.png": "by a person",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "by", "says"),
    [
        (
            "a.csv",
            "file_name,text\nnone.png,x\n",
            None,
            "none of the 1 rows .* none.png: there is no such picture",
        ),
        (
            "a.csv",
            "title,text\nx,y\n",
            None,
            "no column for a file name .file_name, image, .* or a SHA-256 .content, sha256",
        ),
        (
            "a.jsonl",
            '{"title": "x", "text": "y"}',
            None,
            "names no picture: .* a column for a file name .file_name, .* SHA-256",
        ),
        ("a.jsonl", '{"sha256": "12", "text": "y"}', None, "'12' is no SHA-256"),
        ("a.csv", "", None, "a.csv is empty"),
        ("a.jsonl", "\ufeff \n\n", None, "a.jsonl is empty"),
        ("a.csv", "file_name,text\n", None, "has no rows"),
        ("a.json", "[]", None, "has no rows"),
        ("a.docx", "x", None, "use a file that ends in"),
        ("a.csv", "file_name,text\nmonet/0.png,x\n", " ", "--by"),
        ("a.jsonl", "not json", None, "none of the 1 rows"),
    ],
)
def test_tables_that_cannot_be_used(catalogue: Path, tmp_path: Path, name: str, text: str, by: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ImpastoError, match=says):
        import_captions(catalogue, tmp_path / name, by)
    with pytest.raises(UsageError, match="there is no such file"):
        import_captions(catalogue, tmp_path / "none.csv")
    assert not (catalogue / "annotations" / "review.jsonl").exists()


def test_all_lines_are_counted(catalogue: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text(
        '{"file_name": "monet/0.png", "text": "a pier"}\n{"file_name": "monet/1.png", "text": "a heath"}\n'
        '{"file_name": broken\n{"file_name": "gone.png", "text": "x"}\n'
    )
    outcome = import_captions(catalogue, table)
    assert (outcome.rows, outcome.matched, len(outcome.unmatched)) == (4, 2, 2)
    # What one used row says further, and who comes second, are counted once.
    table.write_text(
        '{"file_name": "monet/0.png", "captions": ["one", "two"], "by": "person"}\n'
        '{"file_name": "monet/0.png", "text": "three", "by": "blip"}\n'
    )
    outcome = import_captions(catalogue, table)
    assert (outcome.rows, outcome.matched) == (2, 1)
    assert [row.reason[:20] for row in outcome.unmatched] == ["blip says something "]
    assert [row.reason for row in outcome.further] == ["of a person's captions the first is used, not 'two'"]
    with pytest.raises(UsageError, match="is a folder: name a file"):
        (tmp_path / "x.csv").mkdir()
        import_captions(catalogue, tmp_path / "x.csv")


def test_the_captioner_leaves_imported_captions_alone(catalogue: Path, tmp_path: Path) -> None:
    from impasto.jobs import run
    from impasto.jobs.data.import_captions import ImportCaptionsJob

    (tmp_path / "a.tsv").write_text("image\tcaption\nmonet/0.png\ta pier\n", "utf-16")
    job = ImportCaptionsJob(catalogue=catalogue, table=tmp_path / "a.tsv", by="an annotator")
    assert run(job).by == {"an annotator": 1}
    assert captions(catalogue)["monet/0.png"] == "a pier"
