"""Judges prompt expansion: does the subject survive, does nothing come in that nobody asked for, how long does it take.

    quality    real prompts and abstract ones through wu2022 and wang2023: what share of expansions is as it should be
    speed      `impasto expand` cold and warm; wang2023's model against transformers' `generate` with the same model in fp32
    --beside N the whole command alone and beside N busy processes, in turns: the ratio of their times; --verb paint for
               painting, with threads that spin and threads that sleep while they wait

The checks are written here anew, by other words than the expander's own filters, so that they can fail.
"""

import argparse
import json
import os
import platform
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import ImpastoError
from impasto.prompts.artists import plain_name
from impasto.prompts.expansion.expander import METHODS, expand, prompt_writer
from impasto.prompts.expansion.pipeline import Expansion
from impasto.prompts.expansion.sentence_vectors import sentence_vectors
from impasto.settings import cores, limit_spinning

HERE = Path(__file__).parent
CHAT = re.compile(
    r"\b(?:sure,|here is|here's|certainly,|as an ai|i hope|let me know|you can|please\b|assistant\b|the prompt|your "
    r"request)",
    re.IGNORECASE,
)
STYLES = (
    "impressionis", "cubis", "surrealis", "expressionis", "baroque", "rococo", "art nouveau", "art deco", "romanticis",
    "fauvis", "pop art", "anime", "pixar", "disney", "photoreal", "hyperreal", "cyberpunk", "steampunk", r"style of\b",
    "octane", "unreal engine", "artstation", "8k", "4k",
)  # fmt: skip
MARKUP = re.compile(r"https?:|www\.|[<>{}\[\]|*#_=]{1}|&[a-z]+;|^\s*\d{1,2}[.)]\s|--\w")
LEAST_COSINE = 0.5


def real_prompts(path: Path, count: int) -> list[str]:
    """Prompts of the file that `expand` takes: a draw with a fixed seed, as they stand there."""
    lines = [" ".join(line.split()) for line in path.read_text("utf-8").splitlines()]
    fit = [line for line in lines if 2 <= len(line.split()) <= 40 and len(line) <= 300 and line.isprintable()]
    return random.Random(3).sample(fit, min(count, len(fit)))


def living_artists(path: Path | None) -> frozenset[str]:
    """Names of two words and more from a list of artists, in plain letters; without those whom the handbook knows."""
    from impasto.prompts.knowledge.handbook import handbook

    if path is None:
        return frozenset()
    masters = {plain_name(name) for entry in handbook() for name in entry.names}
    names = {plain_name(line) for line in path.read_text("utf-8").splitlines()}
    return frozenset(name for name in names - masters if len(name.split()) >= 2)


def faults(prompt: str, expansion: Expansion, names: frozenset[str]) -> list[str]:
    """What is wrong with an expansion, by the words that it adds."""
    added = expansion.text.removeprefix(prompt)
    low, own = added.casefold(), prompt.casefold()
    found = [] if expansion.text.startswith(prompt) else ["the user's words are not whole and first"]
    found += ["markup"] if MARKUP.search(added) else []
    found += ["chat"] if any(match[0] not in own for match in CHAT.finditer(low)) else []
    found += ["a style"] if any(re.search(rf"\b{style}", low) for style in STYLES if style not in own) else []
    words, asked = plain_name(added).split(), plain_name(prompt)
    pairs = {" ".join(words[place : place + size]) for size in (2, 3, 4) for place in range(len(words) - size + 1)}
    found += ["a living artist"] if any(name in names and name not in asked for name in pairs) else []
    return found


def quality(
    prompts: Sequence[str], own: Sequence[str], method: str, names: frozenset[str], count: int, model: Path | None
) -> dict[str, Any]:
    """Expands every prompt of both lists; prints and returns the shares, and some results for the eye.

    Only results on our `own` prompts are shown: the others belong to those who typed them.
    """
    prompts = [*prompts, *own]
    wrong: dict[str, list[dict[str, str]]] = {}
    rows: list[tuple[str, Expansion, float]] = []
    empty, begun = 0, time.perf_counter()
    for number, prompt in enumerate(prompts):
        found = expand(prompt, method, count=count, seed=number, model=model if method == "wang2023" else None)
        empty += not found
        if found:
            vectors = sentence_vectors([prompt, *(e.text for e in found)])
            rows += [(prompt, e, float(vectors[place + 1] @ vectors[0])) for place, e in enumerate(found)]
        for expansion in found:
            for fault in faults(prompt, expansion, names):
                case = {"prompt": prompt, "text": expansion.text, "source": expansion.source}
                wrong.setdefault(fault, []).append(case)
        if number % 25 == 24:
            each = (time.perf_counter() - begun) / (number + 1)
            print(f"  {method}: {number + 1} of {len(prompts)} prompts, {each:.2f} s each", file=sys.stderr, flush=True)
    seconds = (time.perf_counter() - begun) / len(prompts)
    cosines = np.array([cosine for *_, cosine in rows]) if rows else np.zeros(1)
    kept = float((cosines >= LEAST_COSINE).mean())
    print(f"\n{method}: {len(prompts)} prompts, {len(rows)} expansions, {seconds:.2f} s a prompt, {empty} without")
    print(f"  cosine with the prompt at least {LEAST_COSINE}: {kept:.1%} (median {np.median(cosines):.2f})")
    print(f"  added words (median): {np.median([len(e.added.split()) for _, e, _ in rows]) if rows else 0:.0f}")
    for fault in ("the user's words are not whole and first", "markup", "chat", "a style", "a living artist"):
        print(f"  {fault}: {len(wrong.get(fault, ()))}")
    shown = [row for row in rows if row[0] in set(own)]
    picked = random.Random(1).sample(shown, min(10, len(shown)))
    return {
        "prompts": len(prompts), "expansions": len(rows), "seconds": seconds, "empty": empty, "kept": kept, "faults": wrong,
        "examples": [{"prompt": prompt, **expansion.as_dict()} for prompt, expansion, _ in picked],
    }  # fmt: skip


def write_examples(results: dict[str, Any], path: Path) -> None:
    """Random results of both methods as a page."""
    made = "Made by `python benchmarks/expansion.py` on our own `abstract_prompts.txt`; nothing is picked out."
    lines = ["# Expansions, drawn at random", "", made, ""]
    for method, result in results.items():
        lines += [f"## {method}", "", "| prompt | expansion | source |", "|---|---|---|"]
        for row in result["examples"]:
            cells = [str(row[name]).replace("|", "\\|") for name in ("prompt", "text", "source")]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    path.write_text("\n".join(lines), "utf-8")


def speed(
    model: Path | None, transformers_model: Path | None, methods: Sequence[str] = METHODS, turns: int = 5
) -> dict[str, Any]:
    """Seconds of whole commands and of one call in a process that has expanded before; then the model alone.

    The CPU seconds are those of all threads: on a machine that does other work too, only they tell something.
    """
    found: dict[str, Any] = {"cpu": cpu_name(), "cores": cores()}
    print(f"\n{cpu_name()}, {cores()} cores; load before {os.getloadavg()[0]:.1f} (others' work makes the seconds longer)")
    prompt = "urbanization of China"
    for method in methods:
        command = [sys.executable, "-m", "impasto", "expand", prompt, "--method", method]
        command += ["--model", str(model)] if model is not None and method == "wang2023" else []
        _timed_command(command)  # fills the caches of files
        cold, cold_cpu = _timed_command(command)
        chosen = model if method == "wang2023" else None
        expand("a harbour at night", method, model=chosen)
        times = []
        for seed in range(turns):
            begun, cpu = time.perf_counter(), time.process_time()
            expand(prompt, method, seed=seed, model=chosen)
            times.append((time.perf_counter() - begun, time.process_time() - cpu))
        warm, warm_cpu = np.median(times, axis=0).tolist()
        found[method] = {"cold": cold, "cold_cpu": cold_cpu, "warm": warm, "warm_cpu": warm_cpu}
        print(f"speed, {method}: {cold:.1f} s cold (the whole command; {cold_cpu:.1f} s of CPU), ", end="")
        print(f"{warm:.2f} s warm ({warm_cpu:.2f} s of CPU)", flush=True)
    if transformers_model is not None:
        found["generate"] = _against_generate(model, transformers_model)
    return found


def _timed_command(command: Sequence[str], **environment: str) -> tuple[float, float]:
    """Runs a command; returns its seconds and its CPU seconds."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


SIDES = ("ours", "one by one", "together")
COUNT, TOKENS = 8, 60


def _against_generate(model: Path | None, transformers_model: Path, turns: int = 3) -> dict[str, float]:
    """8 continuations of 60 tokens: ours, transformers one after the other, and transformers in one batch; fp32, sampled.

    Each side in processes of its own, in turns: ours as in `impasto expand`, whose threads sleep while they wait (see
    `limit_spinning`), the others with torch's defaults.
    """
    command = [sys.executable, str(Path(__file__)), "--transformers-model", str(transformers_model)]
    command += ["--model", str(model)] if model is not None else []
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for _ in range(turns):
        for side in SIDES:
            done = subprocess.run([*command, "--side", side], check=True, capture_output=True, text=True)
            seconds, cpu = json.loads(done.stdout.splitlines()[-1])
            times[side].append((seconds, cpu))
    medians = {side: np.median(rows, axis=0).tolist() for side, rows in times.items()}
    told = ", ".join(f"{side} {seconds:.2f} ({cpu:.1f} of CPU)" for side, (seconds, cpu) in medians.items())
    print(f"\n{COUNT} continuations of {TOKENS} tokens, seconds (median of {turns}): {told}")
    for side, name in (("one by one", "one by one"), ("together", "in one batch")):
        ratio, of_cpu = (medians[side][which] / medians["ours"][which] for which in (0, 1))
        print(f"  transformers {name} / ours: {ratio:.1f}x ({of_cpu:.1f}x by CPU seconds)")
    return {side: seconds for side, (seconds, _) in medians.items()}


def one_side(side: str, model: Path | None, transformers_model: Path) -> tuple[float, float]:
    """Returns seconds and CPU seconds of one side of `_against_generate`, after a run as warm-up."""
    prompt = "a drone over a harbour"
    if side == "ours":
        limit_spinning()
        writer: Any = prompt_writer(model)._model

        def run() -> None:
            writer.go_on(prompt, seed=0, count=COUNT, tokens=TOKENS, whole=True)
    else:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer: Any = AutoTokenizer.from_pretrained(transformers_model)
        plain: Any = AutoModelForCausalLM.from_pretrained(transformers_model, dtype=torch.float32).eval()
        given = tokenizer(prompt, return_tensors="pt")
        settings = {"do_sample": True, "min_new_tokens": TOKENS, "max_new_tokens": TOKENS, "top_p": 0.95, "temperature": 0.8}

        def run() -> None:
            with torch.inference_mode():
                if side == "together":
                    plain.generate(**given, **settings, num_return_sequences=COUNT)
                else:
                    for _ in range(COUNT):
                        plain.generate(**given, **settings)

    run()
    begun, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - begun, time.process_time() - cpu


def beside(busy: int, turns: int = 3, verb: str = "expand") -> dict[str, Any]:
    """Seconds and CPU seconds of a whole command alone and beside `busy` processes that never pause, in turns.

    `verb`: "expand" or "paint"; painting is also timed with GNU OpenMP's own number of spins, which `impasto` lowers on a
    busy machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "impasto", verb, "boats at sunset"]
        command += ["--count", "1"] if verb == "expand" else ["--steps", "8", "--overwrite", "--out", f"{folder}/one.png"]
        sides = {"alone": (0, {}), "beside": (busy, {})}
        if verb == "paint":
            sides["beside, spinning"] = (busy, {"GOMP_SPINCOUNT": "300000"})
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        loads = []
        for turn in range(turns + 1):
            for name, (count, environment) in sides.items():
                others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
                try:
                    # Until the load average of a minute tells of them.
                    time.sleep(75 if count and verb == "paint" else 0.5)
                    loads.append(os.getloadavg()[0])
                    taken = _timed_command(command, **environment)
                finally:
                    for other in others:
                        other.kill()
                        other.wait()
                if turn:  # the first fills the caches
                    times[name].append(taken)
    print(f"\n{cpu_name()}, {cores()} cores; load before {loads[0]:.1f} (others' work makes all of this slower)")
    medians = {name: np.median(rows, axis=0).tolist() for name, rows in times.items()}
    told = [f"{name} {seconds:.1f} s, {cpu:.1f} s of CPU" for name, (seconds, cpu) in medians.items()]
    print(f"  {verb}, {busy} busy ones: {'; '.join(told)}")
    ratios = sorted(b[0] / a[0] for a, b in zip(times["alone"], times["beside"], strict=True))
    ratio = medians["beside"][0] / medians["alone"][0]
    print(f"  ratio of the medians of {turns}: {ratio:.2f} (pair by pair {ratios[0]:.2f} to {ratios[-1]:.2f})")
    return {"medians": medians, "busy": busy, "ratio": ratio, "cpu": cpu_name(), "times": times}


def cpu_name() -> str:
    """The processor's name as Linux tells it, else as Python does."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def main() -> None:
    """Runs the parts; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--prompts", type=Path, help="real prompts, one a line")
    parser.add_argument("--count", type=int, default=300, help="how many of them")
    parser.add_argument("--abstract", type=Path, default=HERE / "abstract_prompts.txt")
    parser.add_argument("--artists", type=Path, help="names of artists, one a line: none may come in")
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--each", type=int, default=3, help="expansions of a prompt")
    parser.add_argument("--model", type=Path, help="a prompt model in place of the one that ships")
    parser.add_argument("--transformers-model", type=Path, help="the same model in transformers' layout, for `speed`")
    parser.add_argument("--only", choices=("quality", "speed"), action="append")
    parser.add_argument("--beside", type=int, metavar="N", help="only the whole command alone and beside N busy processes")
    parser.add_argument("--verb", choices=("expand", "paint"), default="expand", help="what --beside runs")
    parser.add_argument("--turns", type=int, default=3, help="pairs for --beside; calls for the warm time")
    parser.add_argument("--examples", type=Path, default=HERE.parent / "docs" / "expansions.md")
    parser.add_argument("--out", type=Path, default=HERE.parent / "scratch" / "expansion.json")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.side is not None:
        print(json.dumps(one_side(chosen.side, chosen.model, chosen.transformers_model)))
        return
    limit_spinning()  # as `impasto expand` does; nothing here has imported torch yet
    only = chosen.only or ([] if chosen.beside is not None else ["quality", "speed"])
    results: dict[str, Any] = {}
    try:
        if "quality" in only:
            prompts = real_prompts(chosen.prompts, chosen.count) if chosen.prompts else []
            own = [line for line in chosen.abstract.read_text("utf-8").splitlines() if line]
            names = living_artists(chosen.artists)
            for method in chosen.method or METHODS:
                results[method] = quality(prompts, own, method, names, chosen.each, chosen.model)
            write_examples(results, chosen.examples)
        if "speed" in only:
            results["speed"] = speed(chosen.model, chosen.transformers_model, chosen.method or METHODS, chosen.turns)
        if chosen.beside is not None:
            results["beside"] = beside(chosen.beside, chosen.turns, chosen.verb)
    except (ImpastoError, OSError) as error:
        sys.exit(str(error))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
