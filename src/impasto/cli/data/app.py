"""`impasto data`: the verbs that import, tag, caption, filter, review, count and export catalogues."""

import typer

from impasto.cli.data.caption import caption
from impasto.cli.data.copy_index import copy_index
from impasto.cli.data.export import export
from impasto.cli.data.filter import filter_pairs
from impasto.cli.data.import_ import imports
from impasto.cli.data.import_captions import import_captions
from impasto.cli.data.instructions import instructions
from impasto.cli.data.review import review
from impasto.cli.data.stats import stats
from impasto.cli.data.tag import tag

data = typer.Typer(help="Catalogues: import, tag, caption, filter, review, count and export them.", no_args_is_help=True)
data.command()(export)
data.command("import-captions")(import_captions)
data.command("filter")(filter_pairs)
data.command()(review)
data.command()(stats)
data.command()(tag)
data.command()(caption)
data.command("copy-index")(copy_index)
data.command()(instructions)
data.add_typer(imports, name="import")
