"""`impasto data`: from folders of pictures to a catalogue that is captioned, filtered and reviewed."""

import typer

from impasto.cli.data_filter import filter_pairs

data = typer.Typer(help="Catalogues: import, tag, caption, filter, review, count and export them.", no_args_is_help=True)
data.command("filter")(filter_pairs)
