"""Writes a LoRA adapter of a Llama-like model as GGUF, which llama.cpp reads beside the model's own file."""

from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, MissingPart


def write_gguf_adapter(model: Any, path: Path, alpha: float) -> None:
    """Writes the LoRA weights of a peft model of Llama's architecture, in fp16; the write is atomic.

    Names and layout are those of llama.cpp's convert_lora_to_gguf.py: rows of queries and keys are in llama.cpp's order,
    which interleaves the halves of each head for its rotary embedding.

    Raises:
        MissingPart: gguf is not installed. ImpastoError: another architecture, or no LoRA.
    """
    try:
        import gguf
    except ImportError:
        raise MissingPart("writing GGUF needs gguf: pip install 'impasto[prompt-model]'") from None
    config = model.config
    if config.model_type != "llama":
        raise ImpastoError(f"only Llama's architecture is written as GGUF, not {config.model_type}")
    names: Any = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    unfinished = path.with_suffix(".part")
    writer: Any = gguf.GGUFWriter(unfinished, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    count = 0
    for name, weight in model.named_parameters():
        place, side, _ = name.partition(".lora_A.")
        if not side:
            place, side, _ = name.partition(".lora_B.")
        if not side:
            continue
        place = place[place.index("model.layers.") :]
        ours = names.get_name(place)
        if ours is None:
            raise ImpastoError(f"llama.cpp has no name for {place}")
        rows = weight.detach().float()
        last = place.rpartition(".")[2]
        if side == ".lora_B." and last in heads:
            rows = _paired(rows, heads[last])
        writer.add_tensor(f"{ours}.weight.lora_{'a' if 'A' in side else 'b'}", rows.half().numpy())
        count += 1
    if not count:
        writer.close()
        unfinished.unlink(missing_ok=True)
        raise ImpastoError("the model has no LoRA weights")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(path)


def _paired(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Reorders rows [heads * 2 * half, r]: within each head, row k of the first half comes next to row k of the second."""
    return rows.view(heads, 2, -1, rows.shape[1]).transpose(1, 2).reshape(rows.shape).contiguous()
