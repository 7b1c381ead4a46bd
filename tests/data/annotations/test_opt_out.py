"""Who opts out is left out, now and in later imports: artists, file hashes and addresses, one per line."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from tests.data.importing.sources import draw_scene, import_folder, report_of, rows_of

from impasto.data.annotations.log import AnnotationLog
from impasto.data.annotations.opt_out import rule_log
from impasto.data.annotations.opt_out_file import read_opt_out
from impasto.data.annotations.opting_out import opt_out
from impasto.data.annotations.review import ReviewSession
from impasto.data.catalogue.read import read_catalogue
from impasto.data.exporting.exporter import export_catalogue
from impasto.data.statistics.counts import catalogue_statistics
from impasto.data.statistics.tables import statistics_tables
from impasto.errors import ImpastoError, UsageError
from impasto.jobs import run
from impasto.jobs.context import Context
from impasto.jobs.data.filter import FilterJob
from impasto.jobs.data.statistics import StatisticsJob
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
        ("//www.example.org/klee/b.png", "acde"),
        ("Claude Monet (French, 1840-1926)", "bcde"),
        ("Claude Monet; Paul Klee", "de"),
    ],
)
def test_one_line(catalogue: Path, tmp_path: Path, line: str, left: str) -> None:
    outcome = opt_out(catalogue, write(tmp_path, f"# who does not want to be used\n\n{line}\n"))
    assert names(catalogue) == left and outcome.left == len(left)
    assert len(outcome.removed) == 5 - len(left) and bool(outcome.unknown) == (left == "abcde")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("url", "example.org/a.jpg"), ("url", "//www.example.org/a.jpg"), ("source", "www.example.org/a.jpg?size=2"),
        ("link", "HTTPS://Example.org/a.jpg"), ("notes", "seen at example.org/a.jpg, in May"), ("image_src", "example.org"),
        ("urls", ["https://else.example/x", "https://example.org/a.jpg"]), ("links", "http://else.example/x,//example.org/a.jpg"),
        ("page", "see (https://example.org/a.jpg)."), ("web", {"picture": "https://example.org/a.jpg"}),
    ],
)  # fmt: skip
def test_addresses_as_metadata_has_them(tmp_path: Path, column: str, value: object) -> None:
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    rows = [{"file_name": "a.png", column: value}, {"file_name": "b.png", column: "example.com/a.jpg"}]
    for seed, row in enumerate(rows):
        draw_scene(seed).save(catalogue / str(row["file_name"]))
    (catalogue / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    opt_out(catalogue, write(tmp_path, "example.org"))
    assert names(catalogue) == "b"
    later = tmp_path / "later"
    shutil.copytree(catalogue / "annotations", later / "annotations")
    assert import_folder(catalogue, later).opted_out == 1 and names(later) == "b"


@pytest.mark.parametrize(
    ("artist", "is_out"),
    [
        ("Claude Monet; Alfred Sisley", True), ("Alfred Sisley & Claude Monet", True),
        ("Sisley, Alfred; Monet, Claude", True),
        ("Alfred Sisley, Claude Monet", True), ("Alfred Sisley, Paul Klee and Claude Monet", True),
        ("['Alfred Sisley', 'Claude Monet']", True), (["Alfred Sisley", "Claude Monet"], True),
        ("Claude Monet (1840-1926)", True), ("Claude Monet, French, 1840-1926", True), ("Alfred Sisley", False),
        ("Jean Claude Monet", False), ("Claude Monnet", False), ("workshop of Claude Monet", False),
    ],
)  # fmt: skip
def test_joint_works_and_names_alike(tmp_path: Path, artist: object, is_out: bool) -> None:
    source, catalogue = tmp_path / "source", tmp_path / "catalogue"
    source.mkdir()
    rows = [{"file_name": "a.png", "artist": artist}, {"file_name": "b.png", "artist": "Claude Monet"}]
    rows += [{"file_name": "c.png", "artist": "Paul Klee"}]
    for seed, row in enumerate(rows):
        draw_scene(seed).save(source / str(row["file_name"]))
    (source / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outcome = opt_out(source, write(tmp_path, "Claude Monet"))
    assert names(source) == ("c" if is_out else "ac")
    near = not is_out and artist != "Alfred Sisley"
    told = f"'Claude Monet' leaves these names alone: {artist} (1 pictures)"
    assert len(outcome.near) == near and (not near or told in outcome.near[0].reason)
    shutil.copytree(source / "annotations", catalogue / "annotations")
    assert import_folder(source, catalogue).opted_out == 1 + is_out


def test_lines_that_name_nobody_are_named(tmp_path: Path) -> None:
    lines = (
        "nonsense ??? line", "boats.jpg", "monet/boats.jpg", "a@b.org", "12345", "abcdef0123", "artist", "...",
        "please do not use any of my pictures for the training of any model", "key = value", "url: two words",
    )  # fmt: skip
    rules, wrong = read_opt_out(write(tmp_path, "\n".join(lines)))
    assert not rules and [row.file_name for row in wrong] == [f"out.txt line {n}" for n in range(1, len(lines) + 1)]
    assert all("is not understood" in row.reason for row in wrong)
    good = ("artist: OBEY!", "J.M.W.Turner", "claude_monet", "Banksy", "Group 1890", "Ai Weiwei (艾未未)", "Abe", "O'Keeffe",
            "example.org/monet/boats.jpg", "url: example.org", "hash: " + "a" * 64)  # fmt: skip
    rules, wrong = read_opt_out(write(tmp_path, "\n".join(good)))
    assert not wrong and [rule.kind for rule in rules] == ["artist"] * 8 + ["url"] * 2 + ["hash"]


def test_a_rule_within_another_is_no_unknown_one(catalogue: Path, tmp_path: Path) -> None:
    outcome = opt_out(catalogue, write(tmp_path, "Claude Monet\nPaul Klee\nexample.org\nhttps://example.org/klee/\n"))
    assert not outcome.unknown and len(outcome.removed) == 3


def test_pictures_that_are_not_used_anyway_do_not_stay(catalogue: Path, tmp_path: Path) -> None:
    rows = [
        {
            "file_name": name,
            "content": digest(catalogue / name, "sha256"),
            "kept": False,
            "reason": "similarity 0.1 is below 0.2",
        }
        for name in ("a.png", "d.png")
    ]
    AnnotationLog(catalogue, "filter").append(rows)
    ReviewSession(catalogue, order="name")
    outcome = opt_out(catalogue, write(tmp_path, "Paul Klee"), dry_run=True)
    assert outcome.left == 1 and outcome.otherwise == {"dropped by the filter": 2} and len(outcome.removed) == 2
    opt_out(catalogue, write(tmp_path, "Paul Klee\nRembrandt"))
    with pytest.raises(ImpastoError, match=r"not used are 3 opted out, 2 dropped by the filter; the first, b\.png"):
        read_catalogue(catalogue, check_images=False)
    found = catalogue_statistics(catalogue)
    assert found.paintings == 0 and statistics_tables(found) == [] and found.report.reasons()["opted out"] == 3
    assert run(StatisticsJob(place=catalogue, out=tmp_path / "stats"), Context()).files == []
    (tmp_path / "bare").mkdir()
    with pytest.raises(ImpastoError, match="holds no usable picture"):
        catalogue_statistics(tmp_path / "bare")


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
    events.clear()
    run(FilterJob(catalogue=catalogue, opt_out=job.opt_out, dry_run=True), Context(on_event=events.append))
    assert any("the rule would be kept for later" in event.text for event in events if isinstance(event, Note))


def test_what_cannot_be_used(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        opt_out(catalogue, tmp_path / "none.txt")
    with pytest.raises(UsageError, match="is a folder: name a file"):
        opt_out(catalogue, tmp_path)
    with pytest.raises(UsageError, match="holds no rule"):
        opt_out(catalogue, write(tmp_path, "# nothing\n"))
    rules, wrong = read_opt_out(write(tmp_path, "artist:\nhash: 12\nhttps://\n"))
    assert not rules and len(wrong) == 3
    opt_out(catalogue, write(tmp_path, "Paul Klee\n"))
    with (catalogue / "annotations" / "opt-out.jsonl").open("a") as log:
        log.write('{"kind": "nothing"}\n')
    with pytest.raises(ImpastoError, match="no opt-out rules"):
        read_catalogue(catalogue)
