"""Who opts out is left out, now and in later imports: artists, file hashes and addresses, one per line."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.data.importing.sources import draw_scene, import_folder, report_of, rows_of

from impasto.data.annotations.opt_out import read_opt_out, rule_log
from impasto.data.annotations.opting_out import opt_out
from impasto.data.annotations.review import ReviewSession
from impasto.data.catalogue.read import read_catalogue
from impasto.data.exporting.exporter import export_catalogue
from impasto.data.statistics.counts import catalogue_statistics
from impasto.errors import ImpastoError, UsageError
from impasto.jobs import run
from impasto.jobs.context import Context
from impasto.jobs.data.filter import FilterJob
from impasto.jobs.events import Event, Note

ROWS = (
    {"file_name": "a.png", "artist": "Claude Monet", "url": "https://www.example.org/monet/a.png"},
    {"file_name": "b.png", "artist": "Paul Klee", "url": "https://example.org/klee/b.png?size=2", "license": "CC0"},
    {"file_name": "c.png", "artist": "Paul Klee", "url": "https://img.museum.example.net/c.png", "license": "CC BY 4.0"},
    {"file_name": "d.png", "artist": "Paul Cézanne", "source": "Rijksmuseum", "license": "CC0"},
    {"file_name": "e.png", "artist": "Rembrandt"},
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for seed, row in enumerate(ROWS):
        draw_scene(seed).save(folder / str(row["file_name"]))
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


@pytest.fixture
def catalogue(source: Path, tmp_path: Path) -> Path:
    import_folder(source, tmp_path / "catalogue")
    return tmp_path / "catalogue"


def names(catalogue: Path) -> str:
    return "".join(entry.file_name[0] for entry in read_catalogue(catalogue, check_images=False).entries)


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    (tmp_path / "out.txt").write_bytes(text.encode(encoding))
    return tmp_path / "out.txt"


def digest(file: Path, algorithm: str) -> str:
    return hashlib.new(algorithm, file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Claude Monet", "bcde"),
        ("monet, claude   # asked in a letter", "bcde"),
        ("artist: PAUL CEZANNE", "abce"),
        ("https://example.org/klee/b.png?size=2", "acde"),
        ("http://www.example.org/klee/b.png", "acde"),
        ("https://example.org/klee/", "acde"),
        ("example.org", "cde"),
        ("museum.example.net", "abde"),
        ("url: https://example.org/*", "cde"),
        ("https://example.org/other/b.png", "abcde"),
        ("https://ample.org", "abcde"),
    ],
)
def test_one_line(catalogue: Path, tmp_path: Path, line: str, left: str) -> None:
    outcome = opt_out(catalogue, write(tmp_path, f"# who does not want to be used\n\n{line}\n"))
    assert names(catalogue) == left and outcome.left == len(left)
    assert len(outcome.removed) == 5 - len(left) and bool(outcome.unknown) == (left == "abcde")


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_a_files_hash(catalogue: Path, tmp_path: Path, algorithm: str) -> None:
    opt_out(catalogue, write(tmp_path, digest(catalogue / "e.png", algorithm).upper()))
    assert names(catalogue) == "abcd"


def test_all_is_told_recorded_and_stays_so_in_later_imports(source: Path, catalogue: Path, tmp_path: Path) -> None:
    file = write(
        tmp_path, f"Paul Klee\nMonet\nnobody.example\nabcdef0123456789abcdef\n{digest(source / 'e.png', 'sha256')}\n"
    )
    dry = opt_out(catalogue, file, dry_run=True)
    assert len(dry.removed) == 3 and names(catalogue) == "abcde"
    outcome = opt_out(catalogue, file)
    assert [(row.file_name, row.reason) for row in outcome.removed] == [
        ("b.png", "opted out (artist Paul Klee)"), ("c.png", "opted out (artist Paul Klee)"),
        ("e.png", f"opted out (hash {digest(source / 'e.png', 'sha256')})"),
    ]  # fmt: skip
    assert [row.file_name for row in outcome.unknown] == ["out.txt line 2", "out.txt line 3"]
    assert "Did you mean Claude Monet?" in outcome.unknown[0].reason
    assert [row.file_name for row in outcome.not_understood] == ["out.txt line 4"]
    assert next(rule_log(catalogue).rows())["value"] == "paul klee"
    again = opt_out(catalogue, file)
    assert (again.new, again.removed, again.before) == (0, [], 3)

    summary = import_folder(source, catalogue)
    assert summary.opted_out == 3 and report_of(catalogue)["b.png"] == ("opted out", "opted out (artist Paul Klee)")
    draw_scene(9).save(source / "new.png")
    with (source / "metadata.jsonl").open("a") as rows:
        rows.write('{"file_name": "new.png", "painter": "klee, paul"}\n')
    import_folder(source, catalogue)
    assert names(catalogue) == "ad" and "new.png" not in rows_of(catalogue)
    assert not (catalogue / "new.png").exists()


def test_no_verb_uses_them(catalogue: Path, tmp_path: Path) -> None:
    opt_out(catalogue, write(tmp_path, "\ufeffPaul Klee\r\n", "utf-16"))
    session = ReviewSession(catalogue, order="name")
    assert session.waiting == 3
    export_catalogue(catalogue, "imagefolder", tmp_path / "exported")
    assert sorted(rows_of(tmp_path / "exported")) == ["a.png", "d.png", "e.png"]
    exported = rows_of(tmp_path / "exported")["d.png"]
    assert (exported["license"], exported["source"]) == ("CC0", "Rijksmuseum")
    found = catalogue_statistics(catalogue)
    assert found.paintings == 3 and found.licenses == [("CC0", 1)]
    assert found.sources == [("Rijksmuseum", 1), ("www.example.org", 1)] and dict(found.missing)["license"] == 2


def test_the_job_tells_and_needs_no_scorer(catalogue: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    job = FilterJob(catalogue=catalogue, opt_out=write(tmp_path, "Paul Klee\nnobody at all\n"), scorer=None)
    done = run(job, Context(on_event=events.append))
    assert done.outcome is None and len(done.opted_out.removed) == 2
    told = "\n".join(event.text for event in events if isinstance(event, Note))
    assert "b.png: opted out (artist Paul Klee)" in told and "'nobody at all'; the rule is kept" in told


def test_what_cannot_be_used(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        opt_out(catalogue, tmp_path / "none.txt")
    with pytest.raises(ImpastoError, match="holds no rule"):
        opt_out(catalogue, write(tmp_path, "# nothing\n"))
    rules, wrong = read_opt_out(write(tmp_path, "artist:\nhash: 12\nhttps://\n"))
    assert not rules and len(wrong) == 3
    opt_out(catalogue, write(tmp_path, "Paul Klee\n"))
    with (catalogue / "annotations" / "opt-out.jsonl").open("a") as log:
        log.write('{"kind": "nothing"}\n')
    with pytest.raises(ImpastoError, match="no opt-out rules"):
        read_catalogue(catalogue)
