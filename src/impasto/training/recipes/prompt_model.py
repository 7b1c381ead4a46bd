"""The recipe of the prompt model: cleans prompts, fine-tunes a language model on them, writes an adapter for llama.cpp."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, MissingPart
from impasto.files import check_file, write_atomically
from impasto.language.causal_lm import SMOLLM2, load_causal_lm, perplexity
from impasto.language.gguf_adapter import write_gguf_adapter
from impasto.prompts.prompt_cleaning import Cleaning, clean_prompts
from impasto.settings import cache_folder
from impasto.training.loop.loop import train
from impasto.training.loop.progress import Progress, ShouldStop, each_step, never, no_report
from impasto.training.loop.steps import Schedule
from impasto.training.methods.prompt_model import PromptModelChoices, PromptModelTask
from impasto.training.recipes.pocket import write_report

ADAPTER = "adapter.gguf"
_MEASURED = 512  # the most prompts that perplexity is measured on


def read_prompts(path: Path, on_progress: Progress = no_report) -> Cleaning:
    """Returns the cleaned prompts of a text file with one prompt per line; cached by the file's content.

    Raises:
        UsageError: there is no such file. ImpastoError: it cannot be read, or no prompt is left.
    """
    check_file(path, "--prompts ")
    try:
        content = path.read_bytes()
        lines = [line for line in content.decode("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ImpastoError(f"{path} cannot be read as text: {error}") from None
    rules = Path(clean_prompts.__code__.co_filename).read_bytes()
    kept = cache_folder() / f"prompts-{hashlib.sha256(content + rules).hexdigest()[:16]}.json"
    if kept.is_file():
        known = json.loads(kept.read_text("utf-8"))
        return Cleaning(known["prompts"], Counter(known["dropped"]), Counter(known["cut"]))
    done = Cleaning()
    for start in range(0, len(lines), 1000):
        on_progress("cleaning prompts", start / len(lines), {})
        part = clean_prompts(lines[start : start + 1000])
        done.prompts += part.prompts
        done.dropped += part.dropped
        done.cut += part.cut
    unique = list(dict.fromkeys(done.prompts))
    done.dropped["said already"] += len(done.prompts) - len(unique)
    done.prompts = unique
    if not done.prompts:
        raise ImpastoError(f"{path}: no prompt is left after cleaning ({dict(done.dropped)})")
    kept.parent.mkdir(parents=True, exist_ok=True)
    record = {"prompts": done.prompts, "dropped": dict(done.dropped), "cut": dict(done.cut)}
    write_atomically(kept, json.dumps(record, ensure_ascii=False).encode())
    return done


def train_prompt_model(
    prompts: Path,
    run: Path,
    minutes: float | None = None,
    *,
    base: str = SMOLLM2,
    steps: int | None = None,
    seed: int = 0,
    test_prompts: Path | None = None,
    choices: PromptModelChoices | None = None,
    save_steps: int | None = None,
    should_stop: ShouldStop = never,
    on_progress: Progress = no_report,
) -> Path:
    """Fine-tunes `base` on a file of prompts; returns `run/prompt-model`.

    That folder holds a LoRA in peft's layout, and also as `adapter.gguf` if the base is SmolLM2; with rank 0 it holds the
    whole model in transformers' layout. `run/report.json` holds the perplexity before and after on `test_prompts`, if given.

    Raises:
        UsageError, ImpastoError, MissingPart: no prompts, no such base, a package is not installed.
    """
    choices = choices or PromptModelChoices()
    schedule = Schedule(minutes=minutes, steps=steps, ema_decay=0.998, save_steps=save_steps, warmup_steps=50)
    cleaned = read_prompts(prompts, on_progress)
    tests = read_prompts(test_prompts, on_progress).prompts[:_MEASURED] if test_prompts is not None else []
    lm = load_causal_lm(base)
    report: dict[str, Any] = {
        "base": base,
        "choices": asdict(choices),
        "prompts": len(cleaned.prompts),
        "dropped": dict(cleaned.dropped.most_common()),
        "clauses_cut": dict(cleaned.cut.most_common()),
    }
    if tests:
        report["test_prompts"] = len(tests)
        report["perplexity_before"] = round(perplexity(lm, tests), 3)
    torch.manual_seed(seed)
    model = _with_lora(lm.model, choices)
    task = PromptModelTask(lm, model, cleaned.prompts, choices, seed=seed)
    averages = train(task, run, schedule, seed=seed, on_progress=each_step(on_progress), should_stop=should_stop)
    averaged: Any = averages["trained"].module
    with torch.no_grad():
        for weight, mean in zip(task.models["trained"].parameters(), averaged.parameters(), strict=True):
            weight.copy_(mean)
    if tests:
        report["perplexity_after"] = round(perplexity(lm, tests), 3)
    folder = run / "prompt-model"
    folder.mkdir(exist_ok=True)
    model.save_pretrained(folder, safe_serialization=True)
    if choices.rank and base == SMOLLM2:
        write_gguf_adapter(model, folder / ADAPTER, choices.alpha)
    elif not choices.rank:
        lm.tokenizer.save_pretrained(folder)
    write_report(run, report)
    return folder


def _with_lora(model: Any, choices: PromptModelChoices) -> Any:
    """Returns the model with a LoRA on every linear layer but the last; with rank 0, the same model, all of it trainable."""
    if choices.rank == 0:
        return model.requires_grad_(True)
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise MissingPart("LoRA needs peft: pip install 'impasto[prompt-model]'") from None
    config = LoraConfig(
        r=choices.rank,
        lora_alpha=choices.alpha,
        lora_dropout=choices.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


