"""Compares the settings of a reproduction with those of wu2022, for the section on what differs."""

from impasto.reproduction.differences import Compared, compare, compare_checkpoint, device_words
from impasto.reproduction.paper_checkpoints import SD_V1_4, identify
from impasto.reproduction.parts import Parts
from impasto.reproduction.protocols import (
    EXTENSION,
    NONE,
    ROMBACH2021_PROMPTS,
    TWO_STAGES,
    WU2022_FOUR,
    WU2022_PROMPTS,
    WU2022_SAMPLING,
    Wu2022,
)  # fmt: skip
from impasto.reproduction.retrainings import as_asked
from impasto.reproduction.wu2022.findings import Findings
from impasto.training.recipes.wu2022 import wu2022_joint, wu2022_text_encoder

_WIKIART = 81_444  # section 1
_DEVICE = "8 NVIDIA A100-80GB"
_ROLES = (
    ("continuation", "what continues the prompt", "T5"), ("dialogue", "what answers the prompt", "DialoGPT"),
    ("encoder", "what embeds texts for the cosine", "T5"), ("ner", "what finds places and times", "BERT"),
)  # fmt: skip
_NOT_PRINTED = (
    ("batch", "batch"), ("learning_rate", "learning rate"), ("ema_decay", "decay of averaged weights"),
    ("warmup_steps", "warm-up steps"), ("text_dropout", "share of pictures without a text"),
)  # fmt: skip


def wu2022_differences(protocol: Wu2022, checkpoint: str, side: int, parts: Parts, found: Findings) -> list[Compared]:
    """Returns all comparisons, in the order of the paper.

    Args:
        checkpoint, side: the original checkpoint, and pixels of a side of its pictures.
    """
    sampling, paper = protocol.sampling, WU2022_SAMPLING
    judge = found.judge
    return [
        *_extension(protocol, parts, found),
        compare("pictures trained on", _WIKIART, found.training),
        Compared("texts", "artist, year, style, genre and caption (section 1)",
                 f"the same; {found.captioned} of {found.training} pictures have a caption, titles stand for the others",
                 found.captioned == found.training),
        *compare_checkpoint(SD_V1_4, identify(checkpoint, SD_V1_4), side),
        *_retraining(protocol, side, found),
        *(compare(what, getattr(paper, name), getattr(sampling, name))
          for what, name in (("sampler", "sampler"), ("steps", "steps"), ("guidance", "guidance"), ("eta", "eta"))),
        compare("number of artists in figures 9 to 12", 30, protocol.artists),
        Compared("artists of figures 5 to 8", ", ".join(WU2022_FOUR), ", ".join(protocol.four),
                 protocol.four == WU2022_FOUR),
        Compared("prompts of figures 5 to 12", "four", f"{len(protocol.prompts)}", protocol.prompts == WU2022_PROMPTS),
        Compared("prompts of figure 4", "those of Rombach et al. (2021), named and not printed",
                 "figure 5 of that paper", protocol.figure_4_prompts == ROMBACH2021_PROMPTS),
        Compared("first rows of figure 4", "copied from that paper: its 1.45B model on LAION",
                 "the original checkpoint, without an artist", False),
        Compared("measures", "none: figures only",
                 f"{judge.distance_name} on {judge.extractor.name}'s features, probe, similarity", None),
    ]  # fmt: skip


def _extension(protocol: Wu2022, parts: Parts, found: Findings) -> list[Compared]:
    printed = "extended prompts of figures 6 to 8", "three, as printed", "the same"
    rows = [Compared(*printed, protocol.prompts == WU2022_PROMPTS)]
    if EXTENSION not in protocol.arms or found.extended is None:
        return [Compared("extension of the prompt", "T5, DialoGPT, Wikipedia", "left out of the arms", False), *rows]
    index = "the handbook" if parts.expansion.index is None else f"the handbook and the index {parts.expansion.index.name}"
    method = parts.expansion.method
    here = f"the method {method} on {index}" if method == "wu2022" else f"the method {method}: {parts.prompt_model_words()}"
    return [
        *(Compared(what, paper, parts.writer_words(role), paper.casefold() in parts.writer_words(role).casefold())
          for role, what, paper in _ROLES if method == "wu2022"),
        Compared("knowledge of the extension", "Wikipedia's titles and articles, by BM25", here, False),
        Compared("extended prompts", "three, chosen by the author", f"{len(found.extended.texts) - 1}, the best by score",
                 False),
        *rows,
    ]  # fmt: skip


def _retraining(protocol: Wu2022, side: int, found: Findings) -> list[Compared]:
    trained = [arm for arm in found.arms if arm != NONE]
    if not trained:
        return [Compared("retraining", "text encoder from scratch, then both", "none: the arm is left out", False)]
    first, second = (as_asked(one(side), protocol.precision) for one in (wu2022_text_encoder, wu2022_joint))
    both = first.fresh_text_encoder and first.trained == "text-encoder" and second.trained == "both"
    length = "the recipes' epochs" if protocol.minutes is None else f"{protocol.minutes:g} minutes each"
    device = device_words()
    rows = [
        Compared("retraining", "text encoder from scratch, then text encoder and U-Net", f"arms: {', '.join(trained)}",
                 both and TWO_STAGES in trained),
        Compared("length of the stages", "not said", length, None),
        Compared("device", _DEVICE, device, "A100" in device),
    ]  # fmt: skip
    for name, words in _NOT_PRINTED:
        values = " and ".join(dict.fromkeys(f"{getattr(one, name):g}" for one in (first, second)))
        rows.append(Compared(words, "“the original code and settings” of v1-4; not printed", values, None))
    return rows
