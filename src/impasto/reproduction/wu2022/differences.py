"""Compares the settings of a reproduction with those of wu2022, for the section on what differs."""

import re
from pathlib import Path

from impasto.checkpoints.listing import text_encoder_config
from impasto.prompts.condition import FIELD_DROPOUT
from impasto.prompts.expansion.models import SMALL_NAME
from impasto.prompts.expansion.proposers.small_model import PREFIX
from impasto.prompts.expansion.settings import OFF, ExpansionSettings
from impasto.prompts.expansion.term_table import TermTable, shipped_table
from impasto.reproduction.differences import Compared, compare, compare_checkpoint, compare_loss, device_words
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
# Role, what it does, the paper's model, and the names by which that very model is known.
_T5 = r"t5-(small|base|large|3b|11b)"
_ROLES = (
    ("continuation", "what continues the prompt", "T5", _T5),
    ("dialogue", "what answers the prompt", "DialoGPT", r"dialogpt(-(small|medium|large))?"),
    ("encoder", "what embeds texts for the cosine", "T5", _T5),
    ("ner", "what finds places and times", "BERT-NER (kamalkraj) and regular expressions", r"bert-ner"),
)  # fmt: skip
_FAMILIES = {"continuation": "t5", "dialogue": "dialogpt", "encoder": "t5", "ner": "bert"}
_CLIP = ("clip_text_model", 12, 768)  # section 2.1: 12 layers, hidden size 768, footnote 4
_KINDS = {"clip_text_model": "CLIP's", "clip": "CLIP's", "bert": "MiniLM's (BERT)"}
_ALL_ENTITIES = 1000  # the largest number that `most_entities` takes; no text holds so many places
_NOT_PRINTED = (
    ("batch", "batch"), ("learning_rate", "learning rate"), ("ema_decay", "decay of averaged weights"),
    ("warmup_steps", "warm-up steps"), ("text_dropout", "share of pictures without a text"),
    ("gradient_norm", "gradient clipping"),
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
        Compared("fields left out of the texts", "not said",
                 f"artist, year, style and genre, each in {FIELD_DROPOUT:.0%} of the texts", None),
        *compare_checkpoint(SD_V1_4, identify(checkpoint, SD_V1_4), side),
        *_retraining(protocol, checkpoint, side, found),
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
    settings = parts.expansion.settings()
    initial, *extended = found.extended.texts
    return [
        *(_writing(parts, settings) if method == "wu2022" else ()),
        *_scoring(settings),
        Compared("texts that are left out", "none are named",
                 "markup, chat phrases, unsafe words, styles and painters that the prompt does not name, a lost subject,"
                 " near-duplicates", False),
        Compared("the user's words in an extended prompt", "the extension stands alone (figures 6 to 8)",
                 "they stay first, and the extension follows",
                 not any(text.startswith(initial) for text in extended) if extended else None),
        Compared("knowledge of the extension", "Wikipedia's titles and articles, by BM25", here, False),
        Compared("extended prompts", "three, chosen by the author", f"{len(found.extended.texts) - 1}, the best by score",
                 False),
        *rows,
    ]  # fmt: skip


def _writing(parts: Parts, settings: ExpansionSettings) -> list[Compared]:
    """The models of section 3, and what they are asked."""
    names = {role: parts.writer_words(role) for role, *_ in _ROLES}
    also = {"ner": " and regular expressions"}
    rows = [
        Compared(what, paper, names[role] + also.get(role, ""), _is_papers(role, names[role], known))
        for role, what, paper, known in _ROLES
    ]
    written = [role for role in ("continuation", "dialogue") if getattr(settings, role) != OFF]
    if "continuation" in written:
        rows.append(Compared("prefix that is continued", "the prompt", f"“{PREFIX.format('PROMPT')}”", False))
    if "dialogue" in written:
        asked = names["dialogue"] == SMALL_NAME  # DialoGPT has no place for instructions
        words = "the prompt, after an instruction to describe a picture" if asked else "the prompt"
        rows.append(Compared("query that is answered", "the prompt", words, not asked))
    ranked = f"{settings.articles} articles at most for each text in each index, {settings.sentences} sentences in all"
    rows.append(Compared("articles and sentences that are ranked", "not said", ranked, None))
    if written:
        rows.append(Compared("texts of the language models", "not said to be cut",
                             f"the first whole sentence of each of {settings.candidates}", None))  # fmt: skip
    return rows


def _is_papers(role: str, name: str, known: str) -> bool | None:
    """Whether a model is the paper's, by its name; None for another of its family, or one of which only that is known."""
    if re.fullmatch(known, name.casefold()):
        return True
    return None if _FAMILIES[role] in name.casefold() else False


def _scoring(settings: ExpansionSettings) -> list[Compared]:
    """Equation 20 and the term for places and times below it."""
    own = TermTable.read(Path(settings.terms).expanduser()) if settings.terms else None
    here = f"the table {Path(settings.terms).name} of {own.documents:,}" if own else (
        f"the built-in table of {shipped_table().documents:,}"
    )  # fmt: skip
    everything = settings.most_entities >= _ALL_ENTITIES
    return [
        Compared("texts of the TF-IDF model", "the English texts of LAION-5B, and WikiArt", f"{here} texts",
                 None if own else False),
        Compared("how words become TFIDF(v) (equation 20)", "not said",
                 f"{settings.tfidf}; words in less than {settings.min_df:.2%} of the texts weigh nothing", None),
        Compared("lambda1", "not printed", f"{settings.lambda1:g}", None),
        Compared("lambda2", "not printed", f"{settings.lambda2:g}", None),
        Compared("places and times that count", "all", "all" if everything else f"{settings.most_entities} at most",
                 everything),
    ]  # fmt: skip


def _encoder(checkpoint: str, fresh: bool) -> Compared:
    """The text encoder that is trained, by its shape."""
    config = text_encoder_config(checkpoint)
    kind = str(config.get("model_type", "unknown"))
    layers, width = (config.get(name) for name in ("num_hidden_layers", "hidden_size"))
    shape = (_CLIP[0] if kind == "clip" else kind, layers, width)
    begins = "begins untrained" if fresh else "begins with the checkpoint's weights"
    here = f"{_KINDS.get(kind, kind)}, {layers} layers, {width} wide; it {begins}"
    return Compared("text encoder", f"CLIP's, {_CLIP[1]} layers, {_CLIP[2]} wide; it begins untrained", here,
                    shape == _CLIP and fresh)  # fmt: skip


def _retraining(protocol: Wu2022, checkpoint: str, side: int, found: Findings) -> list[Compared]:
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
        _encoder(checkpoint, TWO_STAGES in trained and first.fresh_text_encoder),
        *compare_loss(checkpoint, [first, second] if TWO_STAGES in trained else [second], "equation 15"),
        Compared("length of the stages", "not said", length, None),
        Compared("device", _DEVICE, device, None if "A100" in device else False),  # how many of them is not known here
    ]  # fmt: skip
    for name, words in _NOT_PRINTED:
        values = " and ".join(dict.fromkeys(f"{getattr(one, name):g}" for one in (first, second)))
        rows.append(Compared(words, "“the original code and settings” of v1-4; not printed", values, None))
    return rows
