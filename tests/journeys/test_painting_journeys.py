"""What a user does with pictures, end to end."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from tests.journeys.conftest import Impasto

QUICK = ("--steps", 3, "--size", 64)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_paint_show_repaint_gives_the_same_file(impasto: Impasto, tmp_path: Path) -> None:
    painted = impasto("paint", "Boats at sunset", "--artist", "monet", "--seed", 7, "--year", 1872, *QUICK)
    assert painted.code == 0, painted.err
    assert painted.err == ""
    assert painted.out.startswith("pictures/boats-at-sunset-1.png  seed 7  ")
    file = tmp_path / "pictures" / "boats-at-sunset-1.png"

    shown = impasto("show", file)
    assert shown.code == 0
    for line in ("prompt: Boats at sunset", "artist: Claude Monet", "year: 1872", "seed: 7", "steps: 3"):
        assert line in shown.out.splitlines()
    record = json.loads(impasto("show", file, "--json").out)
    assert record["tool"] == "impasto"
    assert record["condition"]["artist"] == "Claude Monet"

    again = impasto("repaint", file, "--out", "again.png", "--json")
    assert again.code == 0, again.err
    assert again.err == ""
    assert json.loads(again.out)["seed"] == 7
    assert (tmp_path / "again.png").read_bytes() == file.read_bytes()


def test_repaint_changes_one_thing_and_takes_a_new_name(impasto: Impasto, tmp_path: Path) -> None:
    assert impasto("paint", "boats", "--seed", 7, "--sampler", "ddim", "--eta", 0.5, *QUICK).code == 0
    file = tmp_path / "pictures" / "boats-1.png"
    changed = impasto("repaint", file, "--seed", 8)
    assert changed.code == 0, changed.err
    copy = tmp_path / "pictures" / "boats-1-repainted-1.png"
    record = json.loads(impasto("show", copy, "--json").out)
    assert (record["seed"], record["sampler"], record["eta"]) == (8, "ddim", 0.5)
    assert np.abs(pixels(copy) - pixels(file)).max() > 0
    # eta was for ddim; another sampler must not stumble over it.
    assert impasto("repaint", file, "--sampler", "euler").code == 0


def test_repaint_says_when_the_checkpoint_is_another_one(
    impasto: Impasto, tmp_path: Path, monkeypatch
) -> None:
    from tests.checkpoints.tiny import make_tiny_pocket

    assert impasto("paint", "boats", "--seed", 7, *QUICK).code == 0
    monkeypatch.setenv("IMPASTO_POCKET", str(make_tiny_pocket(tmp_path / "other", seed=2)))
    again = impasto("repaint", "pictures/boats-1.png")
    assert again.code == 0
    assert again.err.startswith("note: ")
    assert "not the checkpoint it was painted with" in again.err


def test_picture_k_of_many_is_the_picture_painted_alone(impasto: Impasto, tmp_path: Path) -> None:
    many = impasto("paint", "boats", "--count", 3, "--seed", 5, *QUICK)
    assert many.code == 0, many.err
    alone = impasto("paint", "boats", "--seed", 7, *QUICK)
    assert alone.out.startswith("pictures/boats-4.png  seed 7")
    folder = tmp_path / "pictures"
    assert np.abs(pixels(folder / "boats-3.png") - pixels(folder / "boats-4.png")).max() <= 1
    assert sorted(file.name for file in folder.iterdir()) == [f"boats-{k}.png" for k in (1, 2, 3, 4)]


def test_size_count_and_previews(impasto: Impasto, tmp_path: Path) -> None:
    answer = impasto(
        "paint", "boats", "--steps", 4, "--size", "96x64", "--preview-every", 2, "--json", "--seed", 1
    )
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)
    assert (record["width"], record["height"]) == (96, 64)
    assert record["seconds"] >= 0
    assert pixels(Path(record["file"])).shape == (64, 96, 3)
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == ["boats-1.png"]


def test_the_checkpoint_gives_the_size(impasto: Impasto, tmp_path: Path) -> None:
    assert impasto("paint", "boats", "--steps", 2, "--out", "one.png").code == 0
    assert pixels(tmp_path / "one.png").shape == (64, 64, 3)


def test_ctrl_c_keeps_what_is_finished(impasto: Impasto, tmp_path: Path, monkeypatch) -> None:
    from impasto.painting.painting import Painting

    save = Painting.save

    def save_then_interrupt(self: Painting, *arguments, **named) -> Path:
        path = save(self, *arguments, **named)
        if path.name == "boats-2.png":
            raise KeyboardInterrupt
        return path

    monkeypatch.setattr(Painting, "save", save_then_interrupt)
    stopped = impasto("paint", "boats", "--count", 4, "--batch", 1, *QUICK)
    assert stopped.code == 130
    assert stopped.err.count("\n") == 1
    assert "of 4 paintings" in stopped.err
    assert sorted(file.name for file in (tmp_path / "pictures").iterdir()) == ["boats-1.png", "boats-2.png"]


def test_another_tools_picture_is_painted_again(impasto: Impasto, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text(
        "parameters",
        "a harbour\nNegative prompt: people\n"
        "Steps: 3, Sampler: DPM++ 2M Karras, CFG scale: 6, Seed: 42, Size: 768x512, Model: v1-5",
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "foreign.png", pnginfo=info)
    again = impasto("repaint", "foreign.png", "--out", "again.png", "--json")
    assert again.code == 0, again.err
    record = json.loads(again.out)
    assert (record["prompt"], record["negative"], record["sampler"]) == ("a harbour", "people", "dpm++")
    assert (record["seed"], record["guidance"], record["width"], record["height"]) == (42, 6.0, 80, 64)
    assert all(line.startswith("note: ") for line in again.err.splitlines())


def test_artists(impasto: Impasto) -> None:
    assert impasto("artists").out.splitlines()[0] == "Claude Monet\t86"
    assert impasto("artists", "--search", "MON").out == "Claude Monet\t86\n"
    assert json.loads(impasto("artists", "--search", "durer", "--json").out) == [
        {"name": "Albrecht Dürer", "works": 41}
    ]


def test_an_unknown_artist_paints_with_any_artist(impasto: Impasto) -> None:
    painted = impasto("paint", "boats", "--artist", "Nobody At All", "--any-artist", "--json", *QUICK)
    assert painted.code == 0, painted.err
    assert json.loads(painted.out)["condition"]["artist"] == "Nobody At All"


def test_export_paints_with_plain_diffusers(impasto: Impasto, tmp_path: Path) -> None:
    listed = impasto("checkpoints", "list", "--json")
    assert [row["name"] for row in json.loads(listed.out)] == ["pocket"]
    inspected = json.loads(impasto("checkpoints", "inspect", "pocket", "--json").out)
    assert inspected["prediction_type"] == "v_prediction"
    assert impasto("checkpoints", "export", "pocket", "exported").code == 0

    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "exported")
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("boats", num_inference_steps=2, width=64, height=64).images[0]
    assert picture.size == (64, 64)
    assert impasto("paint", "boats", "--checkpoint", "exported", *QUICK).code == 0


def test_python(tiny: Path, tmp_path: Path) -> None:
    import pytest

    import impasto

    painter = impasto.Painter.load(str(tiny))
    painting = painter.paint("boats at sunset", artist="Claude Monet", seed=1, steps=2, width=64, height=64)
    path = painting.save(tmp_path / "boats.png")
    record = impasto.read_provenance(path)
    assert isinstance(record, type(painting.provenance))
    assert (record.prompt, record.seed) == ("boats at sunset", 1)
    with pytest.raises(impasto.ImpastoError):
        painter.paint("boats", seed=-1)


def test_doctor(impasto: Impasto, monkeypatch, tmp_path: Path) -> None:
    healthy = impasto("doctor", "--json")
    assert healthy.code == 0
    assert json.loads(healthy.out)["can_paint"] is True
    monkeypatch.setenv("IMPASTO_POCKET", str(tmp_path / "nowhere"))
    ill = impasto("doctor")
    assert ill.code == 1
    assert "missing: the pocket checkpoint" in ill.out
    assert "nothing can be painted here" in ill.out
