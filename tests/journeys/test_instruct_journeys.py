"""Instructions as a user meets them: a picture, a sentence, and the same again; and what cannot be asked for."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.journeys.conftest import Answer, Impasto
from tests.journeys.test_bad_input import tree
from tests.painting.editing.instructed import write_instruct
from tests.painting.editing.pictures import difference, drawn, write
from tests.painting.editing.test_source import _header_only

QUICK = ("--steps", 2, "--seed", 1)
WINTER = "make it winter"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_instruct(tmp_path_factory.mktemp("instruct") / "tiny-instruct")


@pytest.fixture
def instruct(impasto: Impasto, checkpoint: Path) -> Impasto:
    def run(*words: object) -> Answer:
        return impasto("instruct", *words, "--checkpoint", checkpoint, *QUICK)

    return run


def test_a_picture_is_changed_and_changed_again_from_its_record(instruct: Impasto, impasto: Impasto) -> None:
    photo = write(drawn(80, 56), Path("photo.jpg"), exif=Image.Exif())
    done = instruct(photo, WINTER, "--image-guidance", 1.2, "--guidance", 4, "--count", 2, "--json")
    assert done.code == 0, done.err
    records = [json.loads(line) for line in done.out.splitlines()]
    files = [Path("photo-make-it-winter-1.png"), Path("photo-make-it-winter-2.png")]
    assert all(file.is_file() for file in files) and [record["seed"] for record in records] == [1, 2]
    edit = records[0]["edit"]
    assert (edit["kind"], edit["image_guidance"], records[0]["guidance"]) == ("instruct", 1.2, 4.0)
    shown = impasto("show", files[0]).out
    assert "instruct photo.jpg" in shown and "image guidance 1.2" in shown
    assert "Image CFG scale: 1.2" in Image.open(files[0]).info["parameters"]
    assert impasto("repaint", files[1], "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == files[1].read_bytes()
    photo.unlink()
    lost = impasto("repaint", files[1], "--out", "lost.png")
    assert lost.code == 1 and "photo.jpg (SHA-256" in lost.err and not Path("lost.png").exists()


def test_a_picture_inside_is_found_anywhere(instruct: Impasto, impasto: Impasto) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    photo = write(drawn(90, 64), Path("turned.jpg"), exif=turned)
    assert instruct(photo, WINTER, "--keep-source", "inside", "--out", "made.png").code == 0
    assert Image.open("made.png").size == (64, 90)
    Path("far").mkdir()
    shutil.move("made.png", "far/made.png")
    photo.unlink()
    assert impasto("repaint", "far/made.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("far/made.png").read_bytes()


def test_sizes_fits_and_transparent_pictures(instruct: Impasto) -> None:
    clear = drawn(80, 56).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((80, 56)))
    write(clear, Path("a.png"))
    told = instruct("a.png", WINTER, "--size", "64x72", "--fit", "pad", "--out", "padded.png")
    assert told.code == 0 and "a.png is transparent in parts" in told.err
    assert instruct("a.png", WINTER, "--size", "64x72", "--out", "cropped.png").code == 0
    padded, cropped = (np.asarray(Image.open(name)) for name in ("padded.png", "cropped.png"))
    assert padded.shape == cropped.shape == (72, 64, 3) and not np.array_equal(padded, cropped)


CASES = {
    "no picture": (("none.png", WINTER), 2, "none.png: there is no such file"),
    "a folder": ((".", WINTER), 2, ". is a folder: name one picture"),
    "a text": (("text.png", WINTER), 1, "text.png: not a picture"),
    "an animation": (("anim.gif", WINTER), 2, "anim.gif holds 2 pictures"),
    "a dot": (("dot.png", WINTER), 2, "1x1 px is too small"),
    "a huge one": (("huge.png", WINTER), 1, "huge.png: more than 100 megapixels"),
    "nothing visible": (("clear.png", WINTER), 2, "clear.png is wholly transparent"),
    "no instruction": (("a.png", "  "), 2, "there is no instruction: say what is to change"),
    "a book": (("a.png", "snow " * 500), 2, "use at most 2000"),
    "image guidance below 0": (("a.png", WINTER, "--image-guidance", -1), 2, "--image-guidance -1"),
    "image guidance above 50": (("a.png", WINTER, "--image-guidance", 51), 2, "--image-guidance 51"),
    "no number": (("a.png", WINTER, "--image-guidance", "nan"), 2, "--image-guidance nan"),
    "guidance": (("a.png", WINTER, "--guidance", 99), 2, "guidance 99: use 0 to 50"),
    "strength": (("a.png", WINTER, "--strength", 1.5), 2, "strength 1.5"),
    "fit": (("a.png", WINTER, "--fit", "squeeze"), 2, "--fit 'squeeze'"),
    "keeping": (("a.png", WINTER, "--keep-source", "all"), 2, "--keep-source 'all'"),
    "guider": (("a.png", WINTER, "--guider", "pag"), 2, "followed with the guiders cfg, interval, apg, not with pag"),
    "unknown guider": (("a.png", WINTER, "--guider", "none"), 2, "unknown guider 'none'"),
    "none of it": (("a.png", WINTER, "--count", 0), 2, "count 0"),
    "too large": (("a.png", WINTER, "--size", "4000x64"), 2, "cannot be painted at once"),
    "a control": (("a.png", WINTER, "--control", "canny=a.png"), 2, "No such option: --control"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_line_and_nothing_left(case: str, instruct: Impasto, tmp_path: Path) -> None:
    words, code, says = CASES[case]
    write(drawn(72, 64), tmp_path / "a.png")
    write(drawn(16, 16), tmp_path / "anim.gif", save_all=True, append_images=[drawn(16, 16, 1)])
    write(drawn(1, 1), tmp_path / "dot.png")
    write(Image.new("RGBA", (72, 64), (9, 9, 9, 0)), tmp_path / "clear.png")
    (tmp_path / "huge.png").write_bytes(_header_only(20_000, 20_000))
    (tmp_path / "text.png").write_text("no picture")
    before = tree(tmp_path)
    told = instruct(*words)
    assert told.code == code and says in told.err.strip().splitlines()[-1], told.err
    assert len(told.err.strip().splitlines()) == 1 and tree(tmp_path) == before


def test_checkpoints_of_other_kinds_are_one_line(impasto: Impasto, checkpoint: Path, tmp_path: Path) -> None:
    write(drawn(72, 64), tmp_path / "a.png")
    before = tree(tmp_path)
    only = "only follows instructions: use impasto instruct PICTURE"
    asked = [
        (("instruct", "a.png", WINTER), 2, "instruct needs a checkpoint trained for instructions, and pocket was not"),
        (("paint", "boats", "--checkpoint", checkpoint), 2, only),
        (("paint", "boats", "--from", "a.png", "--checkpoint", checkpoint), 2, only),
        (("inpaint", "a.png", "boats", "--box", "8,8,9,9", "--checkpoint", checkpoint), 2, only),
        (("inpaint", "a.png", "boats", "--box", "8,8,9,9", "--method", "model", "--checkpoint", checkpoint), 2, only),
        (("outpaint", "a.png", "sky", "--up", 8, "--checkpoint", checkpoint), 2, only),
        (("edit", "a.png", "--describe", "boats", "--swap", "boats=ships", "--checkpoint", checkpoint), 2, only),
    ]  # fmt: skip
    for words, code, says in asked:
        told = impasto(*words)
        assert told.code == code and says in told.err.strip().splitlines()[-1], (words, told.err)
    assert [name for name in tree(tmp_path) if name not in before] == []


ANY = ("--min-direction", -1, "--min-likeness", -1, "--min-fit", -1, "--tries", 2, "--steps", 2)


def test_pairs_are_made_learned_from_and_followed(impasto: Impasto, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto.painting.painting import Painting

    saved, own = [], Painting.save

    def killed(self: Painting, path: Path, *, overwrite: bool = False) -> Path:
        saved.append(path)
        if len(saved) == 4:  # the picture before of pair 1 is on disk, the edited one is not
            raise KeyboardInterrupt
        return own(self, path, overwrite=overwrite)

    with monkeypatch.context() as patch:
        patch.setattr(Painting, "save", killed)
        stopped = impasto("data", "instructions", "pairs", "--count", 5, *ANY)
    assert stopped.code == 130 and "1 of 5 pairs are kept in pairs" in stopped.err
    made = impasto("data", "instructions", "pairs", "--count", 5, *ANY)
    assert made.code == 0 and "pairs: 5 pairs, 4 of them new" in made.out, made.err
    rows = [json.loads(line) for line in Path("pairs/metadata.jsonl").read_text().splitlines()]
    assert [row["number"] for row in rows] == list(range(5))
    assert [row["instruction_kind"] for row in rows] == ["season", "time", "weather", "light", "colour"]
    assert all(Path("pairs", row[name]).is_file() for row in rows for name in ("file_name", "input_file_name"))
    assert impasto("data", "instructions", "again", "--count", 2, *ANY).code == 0
    for name in ("input/000001.png", "edited/000001.png"):  # stopped or not
        assert Path("pairs", name).read_bytes() == Path("again", name).read_bytes(), name
    assert Path("pairs/metadata.jsonl").read_text().startswith(Path("again/metadata.jsonl").read_text())
    assert impasto("repaint", "pairs/edited/000000.png", "--out", "same.png").code == 0
    assert difference(Path("same.png"), Path("pairs/edited/000000.png")) <= 1
    other = impasto("data", "instructions", "pairs", "--count", 5, *ANY, "--seed", 5)
    assert other.code == 2 and "pairs was begun with seed 0, not 5" in other.err

    words = ("train", "instruct", "--catalogue", "pairs", "--steps", 2, "--batch", 2, "--validation-pictures", 0)
    trained = impasto(*words, "--run", "runs/told")
    assert trained.code == 0, trained.err
    assert "left out" not in trained.err and "no work to learn from" not in trained.err
    photo = write(drawn(70, 64), Path("photo.png"))
    assert impasto("instruct", photo, WINTER, "--checkpoint", "runs/told", *QUICK, "--out", "told.png").code == 0
    assert impasto("repaint", "told.png", "--out", "told-again.png").code == 0
    assert Path("told.png").read_bytes() == Path("told-again.png").read_bytes()
    further = impasto("train", "instruct", "--catalogue", "pairs", "--checkpoint", "runs/told", "--dry-run")
    assert further.code == 0, further.err
    only = "only follows instructions"
    for words in (("paint", "boats", "--checkpoint", "runs/told"), ("train", "lora", "--catalogue", "pairs",
                  "--trigger", "mine", "--checkpoint", "runs/told", "--run", "runs/no")):  # fmt: skip
        told = impasto(*words)
        assert told.code in (1, 2) and only in told.err.strip().splitlines()[-1], told.err


def test_pairs_that_fail_are_counted_and_named(impasto: Impasto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.jobs.data.instructions._MOST_ATTEMPTS", 3)
    strict = ("--min-direction", 1, "--tries", 1, "--steps", 1, "--count", 1, "--instruction", "season")
    made = impasto("data", "instructions", "pairs", *strict)
    assert made.code == 0 and "3 attempts gave 0 of 1 pairs: lower --min-direction" in made.err
    assert "3 attempts refused (3 for direction below 1" in made.out
    refused = [json.loads(line) for line in Path("pairs/refused.jsonl").read_text().splitlines()]
    assert len(refused) == 3 and {row["reason"] for row in refused} == {"direction"}
    assert not list(Path("pairs/edited").iterdir())
    learned = impasto("train", "instruct", "--catalogue", "pairs", "--run", "runs/none", "--steps", 1)
    assert learned.code == 1 and "holds no usable picture" in learned.err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--count", 0), "--count 0: use 1 to 1000000"),
        (("--tries", 99), "--tries 99: use 1 to 16"),
        (("--min-direction", 2), "--min-direction 2: use -1 to 1"),
        (("--min-likeness", "nan"), "--min-likeness nan"),
        (("--instruction", "mood"), "unknown kind of instruction 'mood'"),
        (("--steps", 0), "steps 0: use 1 to 1000"),
        (("--sampler", "none"), "unknown sampler 'none'"),
        (("--catalogue", "none"), "none: there is no such folder"),
        (("--scorer", "none"), "none"),
        (("--checkpoint", "none"), "unknown checkpoint 'none'"),
        (("--checkpoint", "CHECKPOINT"), "only follows instructions"),
    ],
)
def test_pairs_that_cannot_be_made_are_one_line(
    words: tuple[object, ...], says: str, impasto: Impasto, checkpoint: Path, tmp_path: Path
) -> None:
    given = [checkpoint if word == "CHECKPOINT" else word for word in words]
    told = impasto("data", "instructions", "pairs", *given)
    assert told.code in (1, 2) and says in told.err.strip().splitlines()[-1], told.err
    assert tree(tmp_path) == {}
