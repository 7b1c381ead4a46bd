"""`impasto edit`: paints a picture again with other words, and keeps its layout."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.painting.expansion_options import (
    KEEP,
    ExpandSeed,
    ExpandStyle,
    ExpansionConfig,
    IndexFolder,
    PromptModel,
)
from impasto.cli.painting.paint import AsJson, Overwrite, say_painting, say_painting_as_json
from impasto.cli.painting.picture_options import ConceptNames, Device, KeepSource, LoraNames, Precision
from impasto.cli.run_job import run_job

Share = Annotated[float, typer.Option(metavar="0..1")]


def edit(
    file: Annotated[Path, typer.Argument(help="A painting of impasto's; with --describe any.", metavar="PICTURE")],
    swap: Annotated[
        list[str] | None, typer.Option(help="Words to replace in its prompt; may be repeated.", metavar="OLD=NEW")
    ] = None,
    add: Annotated[str, typer.Option(help="Words to add to its prompt.", metavar="WORDS")] = "",
    weight: Annotated[
        list[str] | None, typer.Option(help="How much words count, -2 to 10; may be repeated.", metavar="WORDS=NUMBER")
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="The whole edited prompt, in place of --swap and --add.")] = None,
    local: Annotated[
        str, typer.Option(help="Change nothing outside the area of these words.", metavar="WORDS|OLD=NEW")
    ] = "",
    cross: Annotated[
        float, typer.Option(help="Share of the steps in which words act where the source's did.", metavar="0..1")
    ] = 0.8,
    itself: Annotated[
        float, typer.Option("--self", help="Share of the steps in which the layout is the source's.", metavar="0..1")
    ] = 0.4,
    expand: Annotated[
        str, typer.Option(help="Enrich the edited prompt, as `impasto expand` does.", metavar="wu2022|wang2023|off")
    ] = "off",
    expand_rank: Annotated[int, typer.Option(help="Which of the expansions, from 1, the best.")] = 1,
    index: IndexFolder = None,
    prompt_model: PromptModel = None,
    expand_seed: ExpandSeed = 0,
    expand_style: ExpandStyle = KEEP,
    expansion_config: ExpansionConfig = None,
    describe: Annotated[
        str | None, typer.Option(help="What it shows, for a picture that impasto did not paint.", metavar="TEXT")
    ] = None,
    invert: Annotated[
        str | None,
        typer.Option(help="How such a picture becomes noise.", metavar="null-text|fixed|ddim", show_default="null-text"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="1 to 1000.", show_default="the recorded; 50 with --describe")] = None,
    guidance: Annotated[float | None, typer.Option(help="0 to 50.", show_default="the recorded; 5 with --describe")] = None,
    seed: Annotated[int | None, typer.Option(help="Of another picture.", show_default="the recorded")] = None,
    checkpoint: Annotated[str | None, typer.Option(show_default="the recorded, else pocket", metavar="NAME")] = None,
    lora: LoraNames = None,
    concept: ConceptNames = None,
    keep_source: KeepSource = "no",
    out: Annotated[Path | None, typer.Option(help="A folder, or FILE.png.", show_default="the picture's folder")] = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint a picture again with other words, and keep its layout (prompt-to-prompt, Hertz et al. 2022)."""
    from impasto.jobs.editing.edit_words import EditWordsJob

    job = EditWordsJob(
        file=file, swap=tuple(swap or ()), add=add, weight=tuple(weight or ()), prompt=prompt, local=local, cross=cross,
        itself=itself, describe=describe, invert=invert, steps=steps, guidance=guidance, seed=seed, checkpoint=checkpoint,
        lora=None if lora is None else tuple(lora), concept=None if concept is None else tuple(concept),
        expand=expand, expand_rank=expand_rank, index=index, prompt_model=prompt_model, expand_seed=expand_seed,
        expand_style=expand_style, expansion_config=expansion_config, keep_source=keep_source, out=out, overwrite=overwrite,
        device=device, precision=precision,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)
