"""Other tools' pictures through the command line: shown whole, painted again, and what cannot be used is said."""

import json
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.journeys.conftest import Impasto
from tests.painting.foreign.graphs import graph, node, with_text


def picture(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def test_show_names_every_setting(impasto: Impasto, tmp_path: Path) -> None:
    text = "a mill\nNegative prompt: fog\nSteps: 3, Sampler: Euler, CFG Scale: 7,5, Seed: -1, "
    text += 'Hashes: {"model": "ab"}, Clip skip: 2'
    shown = impasto("show", picture(tmp_path / "a.png", parameters=text))
    assert shown.code == 0
    assert shown.out.splitlines()[1:] == [
        "tool: A1111", "prompt: a mill", "negative: fog", "sampler: Euler", "steps: 3", "guidance: 7.5",
        "seed: (cannot be told: -1 means a random one)", 'Hashes: {"model": "ab"}', "Clip skip: 2",
    ]  # fmt: skip
    told = json.loads(impasto("show", tmp_path / "a.png", "--json").out)
    assert told["untold"] == {"seed": "-1 means a random one"} and told["extra"]["Clip skip"] == "2"
    long = picture(tmp_path / "b.png", parameters=f"a mill\nSteps: 3, Seed: 4, Note: {'x' * 5000}")
    assert "(5,000 characters; --json prints all)" in impasto("show", long).out
    assert len(json.loads(impasto("show", long, "--json").out)["extra"]["Note"]) == 5000


def test_repaint_says_each_setting_that_it_cannot_use(impasto: Impasto, tmp_path: Path) -> None:
    values = {
        "positive_prompt": "a mill", "negative_prompt": "fog", "seed": 2**63 + 9, "cfg_scale": 70, "steps": 1200,
        "width": 768, "height": 512, "scheduler": "dpmpp_2m_k", "model": {"name": "dream"}, "strength": 0.7,
        "app_version": "5.6.0",
        "loras": [{"model": {"name": "rust style"}, "weight": 0.75}],
        "controlnets": [{"control_model": {"name": "canny"}, "control_weight": 0.8}],
    }  # fmt: skip
    path = picture(tmp_path / "a.png", invokeai_metadata=json.dumps(values))
    again = impasto("repaint", path, "--steps", 2, "--out", "again.png", "--json")
    assert again.code == 0, again.err
    record = json.loads(again.out)
    assert (record["prompt"], record["seed"], record["steps"], record["guidance"]) == ("a mill", 9, 2, 50.0)
    for line in (
        "note: the noise schedule 'karras' of its sampler 'dpmpp_2m_k' is left out",
        "note: its guidance 70 is not in 0 .. 50: 50 takes its place",
        "note: painted at 80x64, what the checkpoint paints best, for 768x512: see --size",
        "note: its LoRAs are left out, name them with --lora: rust style:0.75",
        "note: impasto cannot use these settings of InvokeAI: strength: 0.7; controlnets: "
        '[{"control_model": {"name": "canny"}, "control_weight": 0.8}]',
    ):
        assert line in again.err.splitlines()
    assert "1200" not in again.err  # what the user replaces needs no word
    again = impasto(
        "repaint", path, "--steps", 2, "--size", 64, "--seed", 1, "--sampler", "euler", "--guidance", 2, "--lora", ""
    )
    assert again.code == 0, again.err
    assert not any(word in again.err for word in ("karras", "70", "768", "rust", str(2**63 + 9)))


def test_embeddings_are_named_and_not_read_as_words(impasto: Impasto, tmp_path: Path) -> None:
    values = with_text("a mill, (embedding:oil/rust:1.2), dusk")
    values["7"]["inputs"]["text"] = "embedding:easynegative, fog"
    again = impasto("repaint", picture(tmp_path / "a.png", prompt=json.dumps(values)), "--steps", 2, "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["prompt"] == "a mill, , dusk"
    assert "note: its embeddings are left out, name them with --concept: oil/rust" in again.err.splitlines()
    assert "note: its embeddings are left out, name them with --concept: easynegative" in again.err.splitlines()


@pytest.mark.parametrize(
    ("tool", "prompt", "said"),
    [
        ("NovelAI", "{a mill}, [fog] (old:1.2)", "NovelAI's syntax"),
        ("NovelAI", "1.2::a mill::", "NovelAI's syntax"),
        ("NovelAI", "a mill (old)", ""),
        ("Midjourney", "a mill::2 [fog] (old:1.2)", "Midjourney's syntax"),
        ("Midjourney", "a [mill] (old)", ""),
        ("unknown", "a (mill:1.3), [fog]", "look like A1111's syntax"),
        ("unknown", "a mill (old)", ""),
    ],
)
def test_a_prompt_in_another_syntax_is_read_as_words(
    impasto: Impasto, tmp_path: Path, tool: str, prompt: str, said: str
) -> None:
    """None of these tools reads A1111's brackets: no word gets a weight by them."""
    texts = {
        "NovelAI": {"Software": "NovelAI", "Comment": json.dumps({"prompt": prompt, "uc": "fog", "seed": 3})},
        "Midjourney": {"Description": f"{prompt} --v 6 Job ID: 1b2c3d4e-1234-4abc-9def-123456789abc"},
        "unknown": {"Comment": json.dumps({"prompt": prompt, "seed": 3, "steps": 2})},
    }[tool]
    again = impasto("repaint", picture(tmp_path / "a.png", **texts), "--steps", 2, "--json")
    assert again.code == 0, again.err
    record = json.loads(again.out)
    assert (record["prompt"], record["condition"]["caption"]) == (prompt, prompt) and not record.get("weights")
    assert ("read as words" in again.err) == bool(said) and said in again.err


def test_comfyui_s_square_brackets_are_letters(impasto: Impasto, tmp_path: Path) -> None:
    values = with_text("a (mill:1.3) [old]")
    values["7"]["inputs"]["text"] = "[fog]"
    again = impasto("repaint", picture(tmp_path / "a.png", prompt=json.dumps(values)), "--steps", 2, "--json")
    assert again.code == 0, again.err
    record = json.loads(again.out)
    assert record["prompt"] == "a (mill:1.3) [old]"
    assert (record["condition"]["caption"], record["negative"]) == ("a mill [old]", "[fog]")
    assert record["weights"]["negative"] == "" and "(mill:1.3)" in record["weights"]["prompt"]


def test_the_text_file_beside_a_picture_is_its_record(impasto: Impasto, tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", Software="Photoshop")
    (tmp_path / "a.txt").write_text("a mill by a river, oil on canvas")  # a caption
    assert impasto("show", path).code == impasto("repaint", path).code == 1
    (tmp_path / "a.txt").write_bytes(
        "a mill\u2019s wheel\nNegative prompt: fog\nSteps: 3, Sampler: Euler, Seed: 4".encode("cp1252")
    )
    shown = impasto("show", path)
    assert shown.code == 0 and "prompt: a mill\u2019s wheel" in shown.out and "record from: a.txt" in shown.out
    again = impasto("repaint", path, "--steps", 2, "--out", "again.png", "--json")
    assert again.code == 0 and json.loads(again.out)["seed"] == 4
    assert "note: the picture holds no record: a.txt beside it is read" in again.err.splitlines()
    own = picture(tmp_path / "b.png", parameters="a barn\nSteps: 3, Sampler: Euler, Seed: 4")
    (tmp_path / "b.txt").write_text("a mill\nSteps: 5, Sampler: Euler, Seed: 6")
    assert "prompt: a barn" in impasto("show", own).out
    (tmp_path / "c.jpg.txt").write_text("a quay\nSteps: 5, Sampler: Euler, Seed: 6")
    Image.new("RGB", (8, 8)).save(tmp_path / "c.jpg")
    assert "record from: c.jpg.txt" in impasto("show", tmp_path / "c.jpg").out


def test_a_prompt_that_cannot_be_told_is_asked_for(impasto: Impasto, tmp_path: Path) -> None:
    values = with_text(["20", 0], n20=node("OllamaGenerate", prompt="describe it", model="x"))
    path = picture(tmp_path / "a.png", prompt=json.dumps(values))
    assert "prompt: (cannot be told: the node OllamaGenerate (20) writes it)" in impasto("show", path).out
    again = impasto("repaint", path)
    assert (again.code, again.out) == (1, "")
    assert again.err.splitlines()[-1].endswith(
        "a.png: its prompt cannot be told: the node OllamaGenerate (20) writes it: give one with --prompt"
    )
    given = impasto("repaint", path, "--prompt", "a barge", "--steps", 2, "--json")
    assert given.code == 0 and json.loads(given.out)["prompt"] == "a barge"
    empty = impasto("repaint", picture(tmp_path / "b.png", parameters="Steps: 3, Sampler: Euler, Seed: 4"))
    assert empty.code == 1 and "recorded no prompt: give one with --prompt" in empty.err


def test_the_graph_is_painted_in_place_of_placeholders(impasto: Impasto, tmp_path: Path) -> None:
    text = "unknown\nNegative prompt: unknown\nSteps: 1024, Sampler: euler_simple, Seed: 0, Size: 512x512, Version: ComfyUI"
    path = picture(tmp_path / "a.png", parameters=text, prompt=json.dumps(graph()))
    again = impasto("repaint", path, "--steps", 2, "--json")
    assert again.code == 0, again.err
    assert [json.loads(again.out)[name] for name in ("prompt", "negative", "seed")] == ["a mill", "fog", 5]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        ({"prompt": "{"}, "not valid JSON"),
        ({"prompt": '{"1": {"class_type": "LoadImage", "inputs": {}}}'}, "no sampler that impasto knows"),
        ({"parameters": '{"idea": 1}'}, "a tool that impasto does not know"),
        ({"Comment": "Created with GIMP"}, "holds no record"),
    ],
)
def test_what_cannot_be_read_is_one_line(impasto: Impasto, tmp_path: Path, texts: dict[str, str], word: str) -> None:
    for verb in ("show", "repaint"):
        answer = impasto(verb, picture(tmp_path / "a.png", **texts))
        assert answer.code == 1 and word in answer.err and len(answer.err.splitlines()) == 1
