"""Prompts in A1111's syntax on the command line: weights, LoRAs by name, unknown words, in sheets and repainted."""

import json
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.journeys.conftest import Impasto

FAST = ("--steps", 2, "--seed", 3)


@pytest.fixture
def loras(tmp_path: Path, tiny: Path) -> Path:
    """A folder with one LoRA for the tiny checkpoint."""
    from impasto.checkpoints.load import load_components

    width = load_components(str(tiny)).unet.config["block_out_channels"][0]
    folder = tmp_path / "loras"
    folder.mkdir()
    tensors = {"lora_down.weight": torch.randn(2, 8, 3, 3), "lora_up.weight": torch.randn(width, 2, 1, 1)}
    channels = load_components(str(tiny)).unet.config["in_channels"]
    tensors["lora_down.weight"] = torch.randn(2, channels, 3, 3)
    save_file({f"lora_unet_conv_in.{name}": value for name, value in tensors.items()}, folder / "Oil.SAFETENSORS")
    return folder


def shown(impasto: Impasto, file: str) -> dict[str, object]:
    return json.loads(impasto("show", file, "--json").out)


def parameters(file: str) -> str:
    return str(Image.open(file).info["parameters"])


def same(one: str, other: str) -> bool:
    return Image.open(one).tobytes() == Image.open(other).tobytes()


def test_a_lora_by_name(impasto: Impasto, loras: Path) -> None:
    assert impasto("paint", "boats", *FAST, "--out", "plain.png").code == 0
    lacking = impasto("paint", "boats <lora:Oil:0.5>", *FAST, "--out", "lacking.png")
    assert lacking.code == 0 and "note: <lora:Oil:0.5> is left out: there is no LoRA Oil in" in lacking.err
    assert "put Oil.safetensors there, or give --lora FILE" in lacking.err
    assert same("plain.png", "lacking.png") and "<lora" not in parameters("lacking.png")
    record = shown(impasto, "lacking.png")
    assert (record["prompt"], record["text"], record["loras"]) == ("boats <lora:Oil:0.5>", "boats", [])

    used = impasto("paint", "boats <lora:oil:0.5>", *FAST, "--lora-folder", loras, "--out", "used.png")
    assert used.code == 0 and "left out" not in used.err and not same("plain.png", "used.png")
    given = impasto("paint", "boats", *FAST, "--lora", f"{loras / 'Oil.SAFETENSORS'}:0.5", "--out", "given.png")
    assert given.code == 0 and same("used.png", "given.png")
    assert parameters("used.png").splitlines()[0] == "boats <lora:Oil:0.5>"
    # A tag gives the scale of a LoRA that an option names without one.
    both = impasto("paint", "boats <lora:Oil:0.5>", *FAST, "--lora", loras / "Oil.SAFETENSORS", "--out", "both.png")
    assert both.code == 0 and same("used.png", "both.png")
    assert impasto("repaint", "used.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("used.png").read_bytes()


def test_several_pictures_may_ask_for_different_loras(impasto: Impasto, loras: Path) -> None:
    answer = impasto("paint", "{boats|boats <lora:Oil:1>}", *FAST, "-n", 6, "--lora-folder", loras, "--json")
    assert answer.code == 0
    records = [json.loads(line) for line in answer.out.splitlines()]
    assert {len(record["loras"]) for record in records} == {0, 1} and [r["seed"] for r in records] == [3, 4, 5, 6, 7, 8]


def test_weights_break_and_negative_prompts(impasto: Impasto) -> None:
    prompt, negative = r"(boats:1.4) at \(sunset\) BREAK sea", "(fog:1.2) {dark|bright}"
    answer = impasto("paint", prompt, "--negative", negative, *FAST, "--out", "a.png")
    assert answer.code == 0
    record = shown(impasto, "a.png")
    assert record["prompt"] == prompt and record["text"] == "boats at (sunset) sea"
    assert record["negative_prompt"] == negative and record["negative"] in ("fog dark", "fog bright")
    assert record["weights"] == {"prompt": prompt, "negative": f"(fog:1.2) {str(record['negative'])[4:]}"}
    first, second, _ = parameters("a.png").split("\n")
    assert first == prompt and second == f"Negative prompt: (fog:1.2) {str(record['negative'])[4:]}"
    assert impasto("repaint", "a.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("a.png").read_bytes()
    assert impasto("repaint", "a.png", "--prompt", "sea", "--out", "sea.png").code == 0
    changed = shown(impasto, "sea.png")
    assert changed["weights"] == {"prompt": "", "negative": record["weights"]["negative"]}  # type: ignore[index]
    assert impasto("repaint", "a.png", "--negative", "", "--out", "none.png").code == 0
    assert shown(impasto, "none.png")["weights"]["prompt"] == prompt  # type: ignore[index]


def test_syntax_as_words_and_old_records(impasto: Impasto) -> None:
    assert impasto("paint", "boats (a:1.3) [x|y]", "--prompt-syntax", "plain", *FAST, "--out", "words.png").code == 0
    record = shown(impasto, "words.png")
    assert record["text"] == "boats (a:1.3) [x|y]" and "weights" not in json.loads(Image.open("words.png").info["impasto"])
    # As painted by a version that did not know the syntax: the words stay words.
    assert impasto("repaint", "words.png", "--out", "again.png").code == 0
    assert Path("again.png").read_bytes() == Path("words.png").read_bytes()
    wrong = impasto("paint", "boats", "--prompt-syntax", "other", *FAST)
    assert wrong.code == 2 and "--prompt-syntax other: use a1111, compel or plain" in wrong.err


def test_notes_on_what_is_not_read(impasto: Impasto) -> None:
    answer = impasto("paint", "boats 🌇 [a|b]", "--negative", "👑 <lora:x:1>", *FAST, "--out", "a.png")
    assert answer.code == 0
    assert re.search(r"note: '🌇', '👑': not known to the text encoder of pocket", answer.err)
    assert "[a|b] alternates" in answer.err and "<lora:x:1> in the negative prompt is left out" in answer.err
    long = impasto("paint", "boats " * 100, *FAST, "--out", "long.png")
    assert "not read: 'boats" in long.err and "BREAK begins another" in long.err


def test_a_concept_whose_word_is_not_in_the_prompt(impasto: Impasto, tmp_path: Path, tiny: Path) -> None:
    from impasto.checkpoints.load import load_components

    width = load_components(str(tiny)).text_encoder.get_input_embeddings().weight.shape[1]  # type: ignore[operator]
    save_file({"emb_params": torch.randn(2, width).to(torch.float8_e4m3fn)}, tmp_path / "EasyWord.safetensors")
    lacking = impasto("paint", "boats", "--concept", "EasyWord.safetensors", *FAST, "--out", "a.png")
    assert lacking.code == 0 and "the concept EasyWord is in no prompt" in lacking.err
    assert "write the word EasyWord into the prompt" in lacking.err
    used = impasto("paint", "boats (easyword:1.2)", "--concept", "EasyWord.safetensors", *FAST, "--out", "b.png")
    assert used.code == 0 and "EasyWord" not in used.err


def test_sheets_and_prompt_files(impasto: Impasto, loras: Path, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes("café (boats:1.3)\r\n<lora:Oil:0.5> sea\r\n".encode("utf-16"))
    answer = impasto("grid", "--prompts", "p.txt", "--steps", 1, "--lora-folder", loras, "--out", "g.png", "--json")
    assert answer.code == 0
    cells = [row[0] for row in json.loads(answer.out)["cells"]]
    first, second = (shown(impasto, cell) for cell in cells)
    assert first["text"] == "café boats" and first["weights"]["prompt"] == "café (boats:1.3)"  # type: ignore[index]
    assert second["text"] == "sea" and second["loras"][0]["scale"] == 0.5  # type: ignore[index]
    again = impasto("grid", "--prompts", "p.txt", "--steps", 1, "--lora-folder", loras, "--out", "g.png", "--json")
    assert json.loads(again.out)["painted"] == 0
    (tmp_path / "t.csv").write_text('prompt,negative\n"a mill, dusk",fog\n', "utf-8")
    answer = impasto("grid", "--prompts", "t.csv", "--steps", 1, "--out", "t.png", "--json")
    assert json.loads(answer.out)["rows"]["titles"] == ["a mill, dusk"]
    (tmp_path / "o.txt").write_text('--prompt "a mill" --steps 20\n', "utf-8")
    assert "holds options" in impasto("grid", "--prompts", "o.txt", "--out", "o.png").err
