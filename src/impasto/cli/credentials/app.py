"""`impasto credentials`: what signing needs."""

from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.console import say, say_json
from impasto.cli.run_job import run_job

credentials = typer.Typer(help="Certificates for trying `impasto sign`.")


@credentials.command("make-test")
def make_test(
    folder: Annotated[Path, typer.Argument(help="Where to: key.pem, certificate.pem, root.pem.", metavar="DIR")],
    name: Annotated[str, typer.Option(help="The name in the certificate.", metavar="NAME")] = "Impasto test",
    algorithm: Annotated[str, typer.Option(help="es256 or ed25519.")] = "es256",
    days: Annotated[int, typer.Option(help="How long they are valid, 1 to 3650.")] = 365,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a key and certificates for trying. Nobody trusts them."""
    from impasto.jobs.credentials.trial_certificates import TrialCertificatesJob

    made = run_job(TrialCertificatesJob(folder=folder, name=name, algorithm=algorithm, days=days), times=False)
    if as_json:
        ends = made.ends.strftime("%Y-%m-%dT%H:%M:%SZ")
        say_json({"key": made.key, "certificate": made.certificate, "root": made.root, "ends": ends})
        return
    for path in (made.key, made.certificate, made.root):
        say(path)


@credentials.callback(invoke_without_command=True)
def _credentials(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
