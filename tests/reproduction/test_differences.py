"""What a report lists as different follows from the settings in use, not from fixed words."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from safetensors.torch import save_file
from tests.checkpoints.stable_diffusion import to_ldm
from tests.painting.memory.drawn_memory import drawn_memory
from tests.painting.tiny_components import make_components
from tests.vision.tiny_recognize_anything import save

from impasto.checkpoints.export.components import save_components
from impasto.checkpoints.listing import text_encoder_config
from impasto.checkpoints.memory import save_memory
from impasto.prompts.condition import FIELD_DROPOUT
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.prompts.expansion.term_table import TermTable
from impasto.reproduction.annotated_catalogue import AnnotatedData
from impasto.reproduction.differences import Compared, compare_loss, trained_words
from impasto.reproduction.parts import Parts
from impasto.reproduction.protocols import TWO_STAGES, Wang2023, Wu2022
from impasto.reproduction.retrainings import TrainingFacts
from impasto.reproduction.wang2023.differences import wang2023_differences
from impasto.reproduction.wang2023.findings import Findings as WangFindings
from impasto.reproduction.wu2022.differences import wu2022_differences
from impasto.reproduction.wu2022.findings import Extended
from impasto.reproduction.wu2022.findings import Findings as WuFindings
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.wu2022 import WU2022_JOINT_POCKET, WU2022_TEXT_ENCODER, WU2022_TEXT_ENCODER_POCKET

JUDGE: Any = SimpleNamespace(distance_name="Fréchet distance", extractor=SimpleNamespace(name="tiny", width=8))
START = "a painting of urbanization of china"


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made = {kind: make_components(folder / f"{kind}-words", kind) for kind in ("epsilon", "v_prediction")}
    return {kind: str(save_components(one, folder / kind, "by a test", text_encoder=True)) for kind, one in made.items()}


def by_name(rows: Sequence[Compared]) -> dict[str, Compared]:
    names = [row.what for row in rows]
    assert len(set(names)) == len(names)
    return {row.what: row for row in rows}


def wang2023(checkpoint: str, side: int = 64, *, before: bool = False, **parts: Any) -> dict[str, Compared]:
    protocol = Wang2023(artists=("Rembrandt",))
    data = AnnotatedData(tagger="a tagger", captioner="a captioner", scorer="a scorer", threshold=0.2)
    facts = {"Rembrandt": (20, TrainingFacts(10), before)}
    found = WangFindings(JUDGE, {}, {}, facts, (0, 0), 0, {}, data, 4)
    return by_name(wang2023_differences(protocol, checkpoint, side, Parts(**parts), found))


def wu2022(
    checkpoint: str,
    side: int = 64,
    *,
    texts: tuple[str, ...] = (f"{START}, in Shenzhen",),
    arms: tuple[str, ...] = ("none", "joint", "two-stages"),
    **choices: Any,
) -> dict[str, Compared]:
    judged: Any = dict.fromkeys((*arms, "real"))
    extended = Extended("none", (START, *texts), (), 3)
    found = WuFindings(JUDGE, judged, (), 5, 20, 20, None, {}, extended)
    parts = Parts(expansion=ExpansionChoices("wu2022") if not choices else ExpansionChoices(**choices))
    return by_name(wu2022_differences(Wu2022(), checkpoint, side, parts, found))


def test_wang2023_tells_texts_trained_parts_and_the_loss(checkpoints: dict[str, str]) -> None:
    small = wang2023(checkpoints["v_prediction"])
    text = small["text of a picture"]
    assert text.same is False and text.paper == "its description"
    assert f"“by ARTIST, YEAR, STYLE, GENRE”, each left out of {FIELD_DROPOUT:.0%} of the texts" in text.here
    assert small["what is trained"].here.startswith("the U-Net; text encoder") and small["what is trained"].same is None
    assert small["what the U-Net predicts (equation 13)"].same is False
    large = wang2023(checkpoints["epsilon"], 512)
    assert large["what the U-Net predicts (equation 13)"].same is True
    assert large["timesteps that are drawn in training"].same is True
    captions = small["captions written of a picture"]
    assert captions.same is False and captions.here.startswith("3, of which tags and scorer choose one")
    there = wang2023(checkpoints["epsilon"], before=True)  # how those were trained is not known
    assert there["retraining"].same is None and "text of a picture" not in there and "what is trained" not in there


def test_wang2023_tells_that_expansions_are_filtered_and_ranked(checkpoints: dict[str, str]) -> None:
    row = wang2023(checkpoints["epsilon"])["choice among the model's texts"]
    assert row.same is False and "equation 20 of wu2022 (TFIDF pivoted, lambda1 1, lambda2 0.1, at most 3 places" in row.here
    own = ExpansionChoices("wang2023", changes=(("lambda1", 0.5), ("tfidf", "sum"), ("most_entities", 7)))
    row = wang2023(checkpoints["epsilon"], expansion=own)["choice among the model's texts"]
    assert "(TFIDF sum, lambda1 0.5, lambda2 0.1, at most 7 places and times)" in row.here


def test_ram_plus_is_another_model_than_ram(checkpoints: dict[str, str], tmp_path: Path) -> None:
    ram, plus, tag2text = (str(save(tmp_path / kind, kind)) for kind in ("ram", "ram++", "tag2text"))
    misnamed = tmp_path / "misnamed" / "ram_swin_large_14m.pth"
    misnamed.parent.mkdir()
    misnamed.write_bytes(Path(plus).read_bytes())
    other = tmp_path / "weights.pth"
    other.write_bytes(b"no weights")
    known = {ram: "ram", plus: "ram++", tag2text: "tag2text", str(misnamed): "ram++", str(other): "", None: "", "pocket": ""}
    known |= {str(tmp_path / kind): kind for kind in ("ram", "ram++", "tag2text")}
    for tagger, kind in known.items():
        assert Parts(tagger=tagger).tagger_kind == kind
        assert Parts(tagger=tagger).is_ram is (kind == "ram")
        # A folder with RAM alone holds no captioner.
        assert Parts(captioner=tagger).is_tag2text is (kind == "tag2text")
    rows = {tagger: wang2023(checkpoints["epsilon"], tagger=tagger)["tags"] for tagger in (ram, plus, tag2text)}
    assert [row.same for row in rows.values()] == [True, False, False]
    assert rows[plus].here == "a tagger (RAM++, a later model than RAM)"
    assert rows[tag2text].here == "a tagger (Tag2Text, not RAM)"


def test_wu2022_tells_the_score(checkpoints: dict[str, str], tmp_path: Path) -> None:
    usual = wu2022(checkpoints["epsilon"])
    table = usual["texts of the TF-IDF model"]
    assert table.same is False and table.here == "the built-in table of 559,217 texts"
    assert usual["lambda1"].here == "1" and usual["lambda2"].here == "0.1" and usual["lambda1"].same is None
    assert usual["places and times that count"].here == "3 at most" and usual["places and times that count"].same is False
    assert usual["how words become TFIDF(v) (equation 20)"].here.startswith("pivoted; words in less than 0.02% of")
    own = tmp_path / "terms.tsv.gz"
    TermTable.count(["a boat", "a sea", "a boat at sea"], at_least=1).write(own)
    changes = (("terms", str(own)), ("lambda1", 2.0), ("tfidf", "norm"), ("most_entities", 1000), ("min_df", 0.0))
    given = wu2022(checkpoints["epsilon"], method="wu2022", changes=changes)
    assert given["texts of the TF-IDF model"].here == "the table terms.tsv.gz of 3 texts"
    assert given["texts of the TF-IDF model"].same is None
    assert given["lambda1"].here == "2" and given["places and times that count"].same is True
    assert given["how words become TFIDF(v) (equation 20)"].here.startswith("norm; ")
    by_prompts = wu2022(checkpoints["epsilon"], method="wang2023")  # another writer, the same score
    assert "lambda1" in by_prompts and "prefix that is continued" not in by_prompts


def test_wu2022_tells_what_the_models_are_asked(checkpoints: dict[str, str]) -> None:
    small = wu2022(checkpoints["epsilon"], method="wu2022", changes=(("continuation", "smollm2"), ("dialogue", "smollm2")))
    assert small["what continues the prompt"].same is small["what answers the prompt"].same is False
    assert small["prefix that is continued"].here == "“The painting shows PROMPT:”"
    assert small["query that is answered"].same is False and "instruction" in small["query that is answered"].here
    names = (("continuation", "google-t5/t5-base"), ("dialogue", "dialogpt-medium"), ("encoder", "flan-t5-base"),
             ("ner", "bert"), ("candidates", 6), ("articles", 2), ("sentences", 9))  # fmt: skip
    papers = wu2022(checkpoints["epsilon"], method="wu2022", changes=names)
    assert papers["what continues the prompt"].same is papers["what answers the prompt"].same is True
    assert papers["query that is answered"].same is True
    assert papers["what embeds texts for the cosine"].same is None  # a T5 that was tuned further
    assert papers["what finds places and times"].same is None
    assert papers["what finds places and times"].here == "bert and regular expressions"
    ranked = papers["articles and sentences that are ranked"].here
    assert ranked == "2 articles at most for each text in each index, 9 sentences in all"
    assert papers["texts of the language models"].here == "the first whole sentence of each of 6"
    off = wu2022(checkpoints["epsilon"], method="wu2022", changes=(("continuation", "off"), ("dialogue", "off")))
    assert not {"prefix that is continued", "query that is answered", "texts of the language models"} & set(off)


def test_wu2022_tells_whether_the_users_words_stay(checkpoints: dict[str, str]) -> None:
    what = "the user's words in an extended prompt"
    assert wu2022(checkpoints["epsilon"])[what].same is False
    assert wu2022(checkpoints["epsilon"], texts=())[what].same is None


def test_wu2022_tells_text_encoder_and_loss(checkpoints: dict[str, str]) -> None:
    small = wu2022(checkpoints["v_prediction"])
    assert small["text encoder"].here == "MiniLM's (BERT), 1 layers, 16 wide; it begins untrained"
    assert small["text encoder"].same is False
    assert small["what the U-Net predicts (equation 15)"].same is False
    assert small["timesteps that are drawn in training"].here == "the noisiest quarter 5 and 3 times as often as others"
    joint = wu2022(checkpoints["v_prediction"], arms=("none", "joint"))
    assert joint["text encoder"].here.endswith("it begins with the checkpoint's weights")
    assert joint["timesteps that are drawn in training"].here == "the noisiest quarter 3 times as often as others"
    assert wu2022(checkpoints["epsilon"], 512)["timesteps that are drawn in training"].same is True
    assert "text encoder" not in wu2022(checkpoints["epsilon"], arms=("none",))


def test_clip_of_stable_diffusion_is_the_papers_text_encoder(
    checkpoints: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"model_type": "clip_text_model", "num_hidden_layers": 12, "hidden_size": 768}
    monkeypatch.setattr("impasto.reproduction.wu2022.differences.text_encoder_config", lambda name: config)
    row = wu2022(checkpoints["epsilon"], 512)["text encoder"]
    assert row.same is True and row.here == "CLIP's, 12 layers, 768 wide; it begins untrained"
    assert wu2022(checkpoints["epsilon"], 512, arms=("none", "joint"))["text encoder"].same is False
    config["num_hidden_layers"] = 24
    assert wu2022(checkpoints["epsilon"], 512)["text encoder"].same is False


def test_text_encoders_of_checkpoints(checkpoints: dict[str, str], tiny_parts: dict[str, Any], tmp_path: Path) -> None:
    assert text_encoder_config(checkpoints["epsilon"])["hidden_size"] == 16
    pocket = text_encoder_config("pocket")
    assert (pocket["model_type"], pocket["num_hidden_layers"], pocket["hidden_size"]) == ("bert", 6, 384)
    save_file(to_ldm(tiny_parts), tmp_path / "tiny.safetensors")
    config = text_encoder_config(str(tmp_path / "tiny.safetensors"))
    assert (config["model_type"], config["hidden_size"]) == (
        "clip_text_model",
        tiny_parts["text_encoder"].config.hidden_size,
    )


def test_what_is_trained_and_the_loss_are_those_of_the_choices(checkpoints: dict[str, str]) -> None:
    assert trained_words(FineTuning(lora_rank=4)) == "a LoRA of the U-Net, of rank 4"
    assert trained_words(FineTuning(trained="both")).startswith("U-Net and text encoder")
    stages = [WU2022_TEXT_ENCODER_POCKET, replace(WU2022_JOINT_POCKET, timestep_bias=5.0)]
    assert compare_loss(checkpoints["epsilon"], stages, "e")[1].here == "the noisiest quarter 5 times as often as others"
    assert compare_loss(checkpoints["epsilon"], [WU2022_TEXT_ENCODER], "e")[1].same is True
    assert TWO_STAGES in Wu2022().arms


def test_works_of_a_memory_are_a_difference(checkpoints: dict[str, str], tmp_path: Path) -> None:
    plain, shows = checkpoints["v_prediction"], [WU2022_TEXT_ENCODER_POCKET, WU2022_JOINT_POCKET]
    row = compare_loss(plain, shows, "e")[2]
    assert (row.what, row.here, row.same) == ("what the U-Net attends to beside the text", "nothing", True)
    save_memory(drawn_memory(width=16), Path(shutil.copytree(plain, tmp_path / "with")) / "memory")
    row = compare_loss(str(tmp_path / "with"), shows, "e")[2]
    assert row.here == "works of the checkpoint's memory, in retraining and in painting" and row.same is False
    hides = [replace(one, works=False) for one in shows]
    assert compare_loss(str(tmp_path / "with"), hides, "e")[2].here.endswith("in painting alone")
    # The report of each paper has the row.
    for rows in (wang2023(str(tmp_path / "with")), wu2022(str(tmp_path / "with"))):
        assert rows["what the U-Net attends to beside the text"].same is False
