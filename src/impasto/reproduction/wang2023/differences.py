"""Compares the settings of a reproduction with those of wang2023, for the section on what differs."""

from impasto.checkpoints.painting_defaults import DOMAIN
from impasto.data.annotations.captioning import CANDIDATES
from impasto.prompts.expansion.choices import ExpansionChoices
from impasto.reproduction.annotated_catalogue import AnnotatedData
from impasto.reproduction.differences import (
    Compared,
    compare,
    compare_checkpoint,
    compare_loss,
    device_words,
    score_words,
    text_words,
    trained_words,
)
from impasto.reproduction.paper_checkpoints import SD_V1_5, identify
from impasto.reproduction.parts import Parts
from impasto.reproduction.protocols import WANG2023_PROMPTS, Wang2023
from impasto.reproduction.retrainings import as_asked
from impasto.reproduction.wang2023.findings import Findings
from impasto.training.methods.fine_tuning_choices import FineTuning
from impasto.training.recipes.wang2023 import WANG2023_ARTIST, WANG2023_MASTERS, wang2023_artist
from impasto.vision.recognize_anything.keys import RAM, RAM_PLUS, TAG2TEXT

_GPU = "NVIDIA GeForce RTX 4090"
_THRESHOLD = 0.2  # section 4.1
_TAGGERS = {RAM: "RAM", RAM_PLUS: "RAM++, a later model than RAM", TAG2TEXT: "Tag2Text, not RAM"}
_NOT_SAID = (
    ("warmup_steps", "warm-up steps"), ("final_rate", "share of the rate left at the end"),
    ("ema_decay", "decay of averaged weights"), ("snr_gamma", "Min-SNR's gamma"),
    ("text_dropout", "share of pictures without a text"), ("gradient_norm", "gradient clipping"),
)  # fmt: skip


def wang2023_differences(protocol: Wang2023, checkpoint: str, side: int, parts: Parts, found: Findings) -> list[Compared]:
    """Returns all comparisons, in the order of the paper.

    Args:
        checkpoint, side: the original checkpoint, and pixels of a side of its pictures.
    """
    return [
        *_data(protocol, parts, found),
        *compare_checkpoint(SD_V1_5, identify(checkpoint, SD_V1_5), side),
        *_retraining(protocol, checkpoint, side, found),
        *_expansion(protocol, parts.expansion, parts),
        *_judgement(protocol, found),
    ]


def _data(protocol: Wang2023, parts: Parts, found: Findings) -> list[Compared]:
    reasons = {master.name: master.reason for master in WANG2023_MASTERS}
    papers = [artist for artist in protocol.artists if reasons.get(artist) == "the paper's"]
    named = "; ".join(f"{artist} ({reasons.get(artist, 'asked for on the command line')})" for artist in protocol.artists)
    data, none = found.data, "the catalogue's own texts" if protocol.annotates else "left out (--no-annotate)"
    count = len(protocol.artists)
    unknown = None if protocol.annotates else False  # whose tags and captions the catalogue has is not known here
    return [
        compare("number of artists", 9, count),
        Compared("artists", "nine, of whom the text names three: Vincent van Gogh, Leonardo da Vinci, Pablo Picasso", named,
                 None if len(papers) == count else False),
        Compared("tags", "RAM", _tagger_words(data.tagger, parts) or none, parts.is_ram if data.tagger else unknown),
        Compared("captions", "Tag2Text", data.captioner or none, parts.is_tag2text if data.captioner else unknown),
        *_choice_of_captions(data),
        Compared("similarity of picture and caption", "CLIP", data.scorer or none,
                 parts.is_clip if data.scorer else unknown),
        Compared("pairs removed below", str(_THRESHOLD), _number(data.threshold, none),
                 unknown if data.threshold is None else data.threshold == _THRESHOLD),
        Compared("review of the captions by hand", "all", f"{data.reviewed} of {sum(data.pictures.values())} pictures",
                 bool(data.pictures) and data.reviewed >= sum(data.pictures.values())),
        Compared("pictures trained on", "all of the artist's in WikiArt",
                 "the catalogue's, without a tenth that is held out to compare with", False),
    ]  # fmt: skip


def _choice_of_captions(data: AnnotatedData) -> list[Compared]:
    if not data.captioner:
        return []
    here = f"{CANDIDATES}, of which tags and scorer choose one; a catalogue's own captions stay"
    return [Compared("captions written of a picture", "one, as far as is said", here, CANDIDATES == 1)]


def _tagger_words(name: str, parts: Parts) -> str:
    kind = _TAGGERS.get(parts.tagger_kind) if name else None
    return f"{name} ({kind})" if kind else name


def _number(value: float | None, none: str) -> str:
    return none if value is None else f"{value:g}"


def _retraining(protocol: Wang2023, checkpoint: str, side: int, found: Findings) -> list[Compared]:
    own, paper = as_asked(wang2023_artist(side), protocol.precision), WANG2023_ARTIST
    if all(before for _, _, before in found.facts.values()):
        return [Compared("retraining", _recipe(paper), "checkpoints that were there before (--runs)", None)]
    rows = [
        Compared("text of a picture", "its description",
                 f"its caption, or its title where it has none, then {text_words()}", False),
        Compared("what is trained", "“the latent diffusion model”; the autoencoder is “pre-trained”", trained_words(own),
                 None),
        *compare_loss(checkpoint, [own], "equation 13"),
        compare("batch", paper.batch, own.batch),
        compare("learning rate", f"{paper.learning_rate:g}", f"{own.learning_rate:g}"),
        Compared("length of each retraining", f"{paper.epochs:g} epochs", _length(protocol, own, found),
                 protocol.minutes is None and own.epochs == paper.epochs),
        Compared("precision", "16- and 32-bit mixed", own.precision, own.precision in ("fp16", "bf16")),
        Compared("device", _GPU, device_words(), device_words() == _GPU),
    ]  # fmt: skip
    return rows + [Compared(words, "not said", f"{getattr(own, name):g}", None) for name, words in _NOT_SAID]


def _recipe(choices: FineTuning) -> str:
    return f"batch {choices.batch}, learning rate {choices.learning_rate:g}, {choices.epochs:g} epochs on an {_GPU}"


def _length(protocol: Wang2023, own: FineTuning, found: Findings) -> str:
    if protocol.minutes is None:
        return f"{own.epochs:g} epochs"
    epochs = [
        facts.steps * min(own.batch, pictures) / pictures
        for pictures, facts, before in found.facts.values()
        if not before and pictures and facts.steps
    ]
    ends = dict.fromkeys((f"{min(epochs):.3g}", f"{max(epochs):.3g}")) if epochs else ()
    told = f" ({' to '.join(ends)} epochs)" if ends else ""
    return f"{protocol.minutes:g} minutes{told}"


def _expansion(protocol: Wang2023, choices: ExpansionChoices, parts: Parts) -> list[Compared]:
    if choices.method == "wang2023":
        model, same = parts.prompt_model_words(), None if parts.is_gpt2 else False
    else:
        model, same = f"the method of {choices.method}, knowledge and language models", False
    searched = protocol.expansions
    return [
        Compared("model that expands prompts", "GPT-2, fine-tuned on 80,000 prompts", model, same),
        Compared("choice among the model's texts", "none is named",
                 "unfit ones and near-duplicates are dropped, the others ranked by equation 20 of wu2022"
                 f" ({score_words(choices.settings())})", False),
        Compared("expansions searched for each prompt", "not said", f"{searched}, of which the best is painted", None),
        Compared("seeds of the expansions", "several, numbers not readable in the text at hand",
                 ", ".join(map(str, protocol.expand_seeds)), None),
    ]  # fmt: skip


def _guidance(guider: str) -> str:
    if guider == DOMAIN:
        return "Domain Guidance (Zhong et al. 2025): the negative side is predicted by the original checkpoint's U-Net"
    return "as that of the original checkpoint"


def _judgement(protocol: Wang2023, found: Findings) -> list[Compared]:
    sampling, judge = protocol.sampling, found.judge
    return [
        Compared("artist in the prompts of a row", "not said", "the artist of the row; none for the original checkpoint",
                 None),
        Compared("prompts of the figures", "eight", f"{len(protocol.prompts)}", protocol.prompts == WANG2023_PROMPTS),
        Compared("sampler, steps, guidance", "not said",
                 f"{sampling.sampler}, {sampling.steps} steps, guidance {sampling.guidance:g}", None),
        Compared("guidance of the retrained checkpoints", "not said", " or ".join(map(_guidance, found.guiders)), None),
        Compared("measure", "FID (Inception-v3)", f"{judge.distance_name} on {judge.extractor.name}'s features",
                 judge.distance_name == "FID"),
        Compared("real pictures of the comparison", "not said", "held-out works, which no retraining has seen", None),
        Compared("prompts of the measured paintings", "not said", "the texts of those held-out works", None),
        Compared("number of measured paintings", "not said", f"{found.paintings} in each set of an artist", None),
    ]  # fmt: skip
