"""`impasto train`: the recipes. A run can be killed at any moment; the same command takes it up again."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import StoppedError, one_line, progress_bar, say, say_note
from impasto.errors import UsageError

train = typer.Typer(help="Train checkpoints: run the same command again to resume.")

Catalogue = Annotated[
    Path,
    typer.Option(
        help="A folder of pictures with metadata.jsonl or .csv, or artist/picture.jpg.", metavar="DIR"
    ),
]
Records = Annotated[
    Path,
    typer.Option(help="A museum's works, JSONL (.gz) of title and subjects: tags are learned from it.", metavar="FILE"),
]
Autoencoder = Annotated[Path, typer.Option(help="The folder that pocket-autoencoder wrote.", metavar="DIR")]
Minutes = Annotated[float, typer.Option(help="How long to train, all restarts together.")]
Out = Annotated[
    Path | None, typer.Option(help="The run's folder; runs/<recipe> if not given.", metavar="RUN")
]
Size = Annotated[int, typer.Option(help="Pixels of a side.")]
Seed = Annotated[int, typer.Option(help="Of the run's random numbers.")]
# Through a pipe, training says how far it is every so many seconds.
_REPORT_SECONDS = 30.0


@train.callback(invoke_without_command=True)
def _train(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@train.command("pocket-autoencoder")
def pocket_autoencoder(
    catalogue: Catalogue, minutes: Minutes = 60.0, out: Out = None, size: Size = 128, seed: Seed = 0
) -> None:
    """Train pocket's autoencoder."""
    run = _check("pocket-autoencoder", catalogue, minutes, out, seed)
    from impasto.training.recipes.pocket import train_autoencoder

    with _progress(run) as on_progress:
        done = train_autoencoder(
            catalogue=catalogue, run=run, minutes=minutes, size=size, seed=seed, on_progress=on_progress
        )
    say(done)


@train.command("pocket-decoder")
def pocket_decoder(
    catalogue: Catalogue,
    autoencoder: Autoencoder,
    minutes: Minutes = 60.0,
    out: Out = None,
    size: Size = 128,
    seed: Seed = 0,
) -> None:
    """Train a finished autoencoder's decoder further; denoisers trained on it stay valid."""
    run = _check("pocket-decoder", catalogue, minutes, out, seed)
    from impasto.training.recipes.pocket import train_decoder

    with _progress(run) as on_progress:
        done = train_decoder(
            catalogue=catalogue,
            autoencoder=autoencoder,
            run=run,
            minutes=minutes,
            size=size,
            seed=seed,
            on_progress=on_progress,
        )
    say(done)


@train.command("pocket-denoiser")
def pocket_denoiser(
    catalogue: Catalogue,
    autoencoder: Autoencoder,
    minutes: Minutes = 180.0,
    out: Out = None,
    size: Size = 128,
    seed: Seed = 0,
    begin_from: Annotated[
        Path | None, typer.Option("--from", help="Begin with this checkpoint folder's U-Net, of the same shape.")
    ] = None,
    align: Annotated[bool, typer.Option(help="Learn from a classifier's features too; far fewer steps are needed.")] = True,
) -> None:
    """Train pocket's denoiser and put the checkpoint together."""
    run = _check("pocket-denoiser", catalogue, minutes, out, seed)
    from impasto.training.recipes.pocket_denoiser import train_denoiser

    with _progress(run) as on_progress:
        done = train_denoiser(
            catalogue=catalogue,
            autoencoder=autoencoder,
            run=run,
            minutes=minutes,
            size=size,
            seed=seed,
            begin_from=begin_from,
            aligned=align,
            on_progress=on_progress,
        )
    say(done)


@train.command("prompt-model")
def prompt_model(
    prompts: Annotated[Path, typer.Option(help="A text file, one prompt a line.", metavar="FILE")],
    base: Annotated[str, typer.Option(help="smollm2, gpt2 or another language model: a folder or a name.")] = "smollm2",
    test: Annotated[
        Path | None, typer.Option(help="Prompts to measure the perplexity on, before and after.", metavar="FILE")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Train all weights instead of a LoRA.")] = False,
    minutes: Minutes = 30.0,
    out: Out = None,
    seed: Seed = 0,
) -> None:
    """Fine-tune a language model on prompts, for `impasto expand --method wang2023`."""
    for file in (prompts, test):
        if file is not None and not file.is_file():
            raise UsageError(f"{file}: there is no such file")
    run = _check("prompt-model", None, minutes, out, seed)
    from impasto.training.prompt_model import PromptModelChoices
    from impasto.training.recipes.prompt_model import train_prompt_model

    with _progress(run) as on_progress:
        done = train_prompt_model(
            prompts=prompts,
            run=run,
            minutes=minutes,
            base=base,
            seed=seed,
            test_prompts=test,
            choices=PromptModelChoices(rank=0) if whole else PromptModelChoices(),
            on_progress=on_progress,
        )
    say(done)


@train.command("pocket-scorer")
def pocket_scorer(
    catalogue: Catalogue, records: Records, minutes: Minutes = 10.0, out: Out = None, seed: Seed = 0
) -> None:
    """Train what compares pictures with words, for `impasto data tag`, `filter` and `impasto search`."""
    run = _check("pocket-scorer", catalogue, minutes, out, seed, records)
    from impasto.training.recipes.pocket_scorer import train_pocket_scorer

    with _progress(run) as on_progress:
        done = train_pocket_scorer(catalogue, records, run, minutes, seed=seed, on_progress=on_progress)
    say(done)


@train.command("pocket-tagger")
def pocket_tagger(
    catalogue: Catalogue, records: Records, minutes: Minutes = 2.0, out: Out = None, seed: Seed = 0
) -> None:
    """Train what says which tags apply to a picture, for `impasto data tag`."""
    run = _check("pocket-tagger", catalogue, minutes, out, seed, records)
    from impasto.training.recipes.pocket_tagger import train_pocket_tagger

    with _progress(run) as on_progress:
        done = train_pocket_tagger(catalogue, records, run, minutes, seed=seed, on_progress=on_progress)
    say(done)


@train.command("pocket-captioner")
def pocket_captioner(
    catalogue: Catalogue, records: Records, minutes: Minutes = 30.0, out: Out = None, seed: Seed = 0
) -> None:
    """Train what says in words what a picture shows, for `impasto data caption`."""
    run = _check("pocket-captioner", catalogue, minutes, out, seed, records)
    from impasto.training.recipes.pocket_captioner import train_pocket_captioner

    with _progress(run) as on_progress:
        done = train_pocket_captioner(catalogue, records, run, minutes, seed=seed, on_progress=on_progress)
    say(done)


def _check(
    recipe: str, catalogue: Path | None, minutes: float, out: Path | None, seed: int, records: Path | None = None
) -> Path:
    """The run's folder, once the numbers make sense; torch is not needed to say that they do not."""
    if not 0 < minutes <= 1_000_000:
        raise UsageError(f"minutes {minutes:g}: use more than 0")
    if not 0 <= seed < 2**63:
        raise UsageError(f"seed {seed}: use 0 to {2**63 - 1}")
    if catalogue is not None and not catalogue.is_dir():
        raise UsageError(f"--catalogue {catalogue}: there is no such folder")
    if records is not None and not records.is_file():
        raise UsageError(f"--records {records}: there is no such file")
    run = out or Path("runs") / recipe
    if run.exists() and not run.is_dir():
        raise UsageError(f"--out {run} is not a folder")
    return run


@contextmanager
def _progress(run: Path) -> Iterator[Callable[[str, float, dict[str, float]], None]]:
    """What the recipes call with (stage, share done, losses): a bar, or now and then a line."""
    said = time.monotonic()
    try:
        with progress_bar("starting", 1.0) as update:

            def on_progress(stage: str, share: float, losses: dict[str, float]) -> None:
                nonlocal said
                if stage.startswith("skipped "):
                    say_note(stage)
                    return
                text = one_line(
                    f"{stage} " + " ".join(f"{name} {value:.4g}" for name, value in losses.items())
                )
                update(text, share)
                if not sys.stderr.isatty() and time.monotonic() - said >= _REPORT_SECONDS:
                    said = time.monotonic()
                    print(f"{100 * share:.1f} % {text}", file=sys.stderr, flush=True)

            yield on_progress
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped: run the same command again to go on from what is kept in {run}"
        ) from None
