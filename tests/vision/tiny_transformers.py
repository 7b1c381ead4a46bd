"""Other people's kinds of models, untrained and a few thousand weights large, saved as their authors would."""

import json
from pathlib import Path
from typing import Any

import torch

SIDE, PATCH = 32, 8
_SHAPE: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4
}  # fmt: skip
_EYES = {**_SHAPE, "image_size": SIDE, "patch_size": PATCH}
_TEXT = {**_SHAPE, "max_position_embeddings": 128}
PAD, UNKNOWN, BEGIN, END, DECODE, IMAGE = range(6)
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", "<image>"]
_SAID = """a painting of what does the image describe ? boat boats sea sky red blue woman hat garden tree trees field
    river bridge house church street horse dog child flowers vase table window light storm snow night moon sun"""
WORDS = _SAID.split()
CHAT_TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image> {% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}"
)


def make_tokenizer(*, knows_pictures: bool = True) -> Any:
    """Whole words between [CLS] and [SEP]; `knows_pictures`: whether it says what stands for a picture."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*MARKS, *WORDS])}
    inner: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")])
    inner.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", BEGIN), ("[SEP]", END)])
    marks = {"extra_special_tokens": {"image_token": "<image>"}} if knows_pictures else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, model_max_length=128, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", bos_token="[CLS]", eos_token="[SEP]", **marks,
    )  # fmt: skip


def save(model: Any, folder: Path, processor: str = "CLIPImageProcessor", **preparing: Any) -> Path:
    """The model with weights so large that what it sees matters, a tokenizer, and how pictures are prepared."""
    generator = torch.Generator().manual_seed(len(type(model).__name__))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.35)
    model.save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    square = {"size": {"height": SIDE, "width": SIDE}}
    if processor == "CLIPImageProcessor":
        square = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    content = {"image_processor_type": processor, **square, **preparing}
    (folder / "preprocessor_config.json").write_text(json.dumps(content), "utf-8")
    return folder


def clip(folder: Path) -> Path:
    from transformers import CLIPConfig, CLIPModel

    text = {**_TEXT, "vocab_size": len(MARKS + WORDS), "max_position_embeddings": 16, "eos_token_id": END}
    config: Any = CLIPConfig(text_config=text, vision_config=_EYES, projection_dim=24)
    return save(CLIPModel(config), folder)


def siglip(folder: Path) -> Path:
    from transformers import SiglipConfig, SiglipModel

    text = {**_TEXT, "vocab_size": len(MARKS + WORDS), "max_position_embeddings": 16, "projection_size": 32}
    model: Any = SiglipModel(SiglipConfig(text_config=text, vision_config=_EYES))
    torch.nn.init.constant_(model.logit_bias, -12.93)
    torch.nn.init.constant_(model.logit_scale, 4.765)
    return save(model, folder, "SiglipImageProcessor")


def blip(folder: Path) -> Path:
    from transformers import BlipConfig, BlipForConditionalGeneration

    marks = {"bos_token_id": DECODE, "eos_token_id": END, "sep_token_id": END, "pad_token_id": PAD}
    text = {**_TEXT, **marks, "vocab_size": len(MARKS + WORDS), "encoder_hidden_size": 32}
    config: Any = BlipConfig(text_config=text, vision_config=_EYES)
    return save(BlipForConditionalGeneration(config), folder, "BlipImageProcessor")


def blip2(folder: Path) -> Path:
    from transformers import Blip2Config, Blip2ForConditionalGeneration

    marks = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD}
    text = {
        **_SHAPE, **marks, "model_type": "opt", "vocab_size": len(MARKS + WORDS), "word_embed_proj_dim": 32, "ffn_dim": 48,
        "max_position_embeddings": 128,
    }  # fmt: skip
    middle = {**_TEXT, "vocab_size": len(MARKS + WORDS), "encoder_hidden_size": 32}
    config: Any = Blip2Config(
        vision_config=_EYES, qformer_config=middle, text_config=text, num_query_tokens=4, image_token_index=IMAGE
    )
    return save(Blip2ForConditionalGeneration(config), folder, "BlipImageProcessor")


def git(folder: Path) -> Path:
    from transformers import GitConfig, GitForCausalLM

    marks = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD}
    config: Any = GitConfig(vision_config=_EYES, vocab_size=len(MARKS + WORDS), **_TEXT, **marks)
    return save(GitForCausalLM(config), folder)


def vit_gpt2(folder: Path) -> Path:
    from transformers import GPT2Config, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

    words: Any = GPT2Config(
        vocab_size=len(MARKS + WORDS), n_embd=32, n_layer=2, n_head=4, n_positions=128, add_cross_attention=True,
        bos_token_id=BEGIN, eos_token_id=END,
    )  # fmt: skip
    eyes: Any = ViTConfig(**_EYES)
    config: Any = VisionEncoderDecoderConfig.from_encoder_decoder_configs(eyes, words)
    model: Any = VisionEncoderDecoderModel(config)
    model.generation_config.update(decoder_start_token_id=BEGIN, eos_token_id=END, pad_token_id=PAD)
    return save(model, folder, "ViTImageProcessor")


def florence2(folder: Path) -> Path:
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    eyes = {
        "depths": [1] * 4, "embed_dim": [8, 8, 16, 32], "num_heads": [1, 1, 2, 4], "num_groups": [1, 1, 2, 4],
        "window_size": 4, "projection_dim": 32,
    }  # fmt: skip
    text = {
        "model_type": "bart", "vocab_size": len(MARKS + WORDS), "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48,
        "max_position_embeddings": 256, "bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD,
        "decoder_start_token_id": END, "forced_eos_token_id": END,
    }  # fmt: skip
    config: Any = Florence2Config(vision_config=eyes, text_config=text, image_token_id=IMAGE)
    return save(Florence2ForConditionalGeneration(config), folder, do_center_crop=False, size={"height": 64, "width": 64})


def llava(folder: Path) -> Path:
    from transformers import LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    words: Any = LlamaConfig(
        **_TEXT, vocab_size=len(MARKS + WORDS), num_key_value_heads=2, bos_token_id=BEGIN, eos_token_id=END, pad_token_id=PAD
    )
    eyes = {**_EYES, "model_type": "clip_vision_model"}
    config: Any = LlavaConfig(vision_config=eyes, text_config=words, image_token_index=IMAGE, vision_feature_layer=-1)
    save(LlavaForConditionalGeneration(config), folder)
    (folder / "preprocessor_config.json").unlink()
    prepare: Any = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    processor: Any = LlavaProcessor(
        prepare, make_tokenizer(), patch_size=PATCH, vision_feature_select_strategy="default", chat_template=CHAT_TEMPLATE,
        num_additional_image_tokens=1,
    )  # fmt: skip
    processor.save_pretrained(folder)
    return folder


def tagger(folder: Path, tags: tuple[str, ...] = ("boat", "stormy_sea", "woman"), **config: Any) -> Path:
    from transformers import ViTConfig, ViTForImageClassification

    kind = {"problem_type": "multi_label_classification", "id2label": dict(enumerate(tags)), **config}
    described: Any = ViTConfig(**_EYES, **kind)
    return save(ViTForImageClassification(described), folder, "ViTImageProcessor")


def bert(folder: Path) -> Path:
    """A model that sees nothing."""
    from transformers import BertConfig, BertModel

    config: Any = BertConfig(**_TEXT, vocab_size=len(MARKS + WORDS))
    return save(BertModel(config), folder)


CAPTIONERS = {
    "blip": blip, "blip-2": blip2, "git": git, "vision-encoder-decoder": vit_gpt2, "florence2": florence2, "llava": llava
}  # fmt: skip
