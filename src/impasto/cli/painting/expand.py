"""`impasto expand`: finds and ranks richer prompts for a prompt, each with its reasons."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say_json, say_note, say_table
from impasto.cli.painting.expansion_options import ExpansionConfig
from impasto.cli.run_job import run_job

_MODEL = "NAME|DIR"


def expand(
    prompt: Annotated[str, typer.Argument(help="What to paint, in a few words.")] = "",
    method: Annotated[str, typer.Option(help="wu2022: knowledge and language models; wang2023: a prompt model.")] = "wu2022",
    model: Annotated[
        Path | None,
        typer.Option(help="For wang2023: what `impasto train prompt-model` wrote, or gpt2.", metavar="DIR|NAME"),
    ] = None,
    index: Annotated[
        Path | None, typer.Option(help="For wu2022: what `impasto knowledge build` wrote.", metavar="DIR")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many expansions.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of what language models write.")] = 0,
    style: Annotated[str, typer.Option(help="keep: no style or painter you did not name; free: any.")] = "keep",
    continuation: Annotated[
        str | None,
        typer.Option(help="What continues the prompt: auto, smollm2, t5-base, a folder, a hub name, off.", metavar=_MODEL),
    ] = None,
    dialogue: Annotated[
        str | None,
        typer.Option(help="What answers it: auto, smollm2, dialogpt, a folder, a hub name, off.", metavar=_MODEL),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="e(.) of the cosine: minilm, t5-base, a folder, a hub name.", metavar=_MODEL)
    ] = None,
    ner: Annotated[
        str | None, typer.Option(help="What finds places and times: spacy, bert, a folder, a hub name.", metavar=_MODEL)
    ] = None,
    terms: Annotated[
        Path | None, typer.Option(help="Word counts by `impasto knowledge terms`, for TF-IDF.", metavar="FILE")
    ] = None,
    tfidf: Annotated[
        str | None, typer.Option(help="TFIDF(v): pivoted, mean, root, sum or norm; see docs/expansion.md.", metavar="KIND")
    ] = None,
    lambda1: Annotated[float | None, typer.Option(help="Weight of the cosine; 1 if not given.")] = None,
    lambda2: Annotated[float | None, typer.Option(help="Weight of each place and time; 0.1 if not given.")] = None,
    most_entities: Annotated[int | None, typer.Option(help="Places and times that count at most; 3 if not given.")] = None,
    candidates: Annotated[int | None, typer.Option(help="Texts of each language model; 4 if not given.")] = None,
    expansion_config: ExpansionConfig = None,
    write_config: Annotated[
        Path | None, typer.Option(help="Write all settings to this .toml or .json file.", metavar="FILE")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --write-config.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Also what was dropped, why, and by which models.")] = False,
) -> None:
    """Propose richer prompts: your words stay first, what is added is ranked (wu2022, equation 20)."""
    from impasto.settings import limit_spinning

    limit_spinning()  # before anything imports torch
    from impasto.errors import UsageError
    from impasto.jobs.painting.expand import ExpandJob

    if style not in ("keep", "free"):
        raise UsageError(f"--style {style}: use keep or free")
    job = ExpandJob(
        prompt=prompt, method=method, model=model, index=index, count=count, seed=seed, any_style=style == "free",
        continuation=continuation, dialogue=dialogue, encoder=encoder, ner=ner, terms=terms, tfidf=tfidf, lambda1=lambda1,
        lambda2=lambda2, most_entities=most_entities, candidates=candidates, expansion_config=expansion_config,
        write_config=write_config, overwrite=overwrite,
    )  # fmt: skip
    expansions = run_job(job, begin="expanding")
    if expansions.config is not None:
        say_note(f"settings written to {expansions.config}")
        if not prompt:
            return
    found = expansions.found
    models = expansions.models if explain else []
    dropped = [(one.reason, one.source, one.text) for one in expansions.dropped] if explain else []
    if as_json:
        rows = [expansion.as_dict() for expansion in found]
        if explain:
            rows += [{"dropped": reason, "source": source, "text": text} for reason, source, text in dropped]
            rows += [asdict(model) for model in models]
        say_json(rows)
        return
    names = list(found[0].components) if found else []
    say_table(
        ("", "score", *names, "source", "text"),
        [
            (rank, f"{e.score:.3f}", *(f"{e.components[name]:.3f}" for name in names), e.source, e.text)
            for rank, e in enumerate(found, start=1)
        ],
    )
    for expansion in found:
        if expansion.left_out:
            say_note(f"no room in 77 tokens for: {'; '.join(expansion.left_out)}")
    if not found:
        say_note("nothing was found that expands this prompt; paint it as it is")
    if dropped:
        say_table(("dropped because", "source", "text"), dropped)
    if models:
        say_table(("role", "model", "sha256", "why"), [(m.role, m.name, m.identity[:12], m.why) for m in models])
