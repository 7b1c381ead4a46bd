"""`impasto artists`: lists the artists that a checkpoint knows, or shows the handbook's entry of one."""

from typing import Annotated

import typer

from impasto.cli.console import say_facts, say_json, say_note, say_table
from impasto.cli.painting.picture_options import Checkpoint


def artists(
    name: Annotated[str, typer.Argument(help="An artist: what the handbook says of them.")] = "",
    search: Annotated[str, typer.Option(help="Part of a name; case and accents do not matter.")] = "",
    checkpoint: Checkpoint = "pocket",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List whom a checkpoint knows by name, with how many works it saw; or tell of one of them."""
    if name.strip():
        _tell(name, checkpoint, as_json)
        return
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.checkpoints.model_card import read_artists
    from impasto.prompts.artists import Artist, ArtistIndex

    info = inspect_checkpoint(checkpoint)
    rows = read_artists(info.path) if info.path.is_dir() else []
    known = [Artist(row["name"], row["works"]) for row in rows]
    found = ArtistIndex(known).search(search) if search.strip() else known
    if as_json:
        say_json([{"name": artist.name, "works": artist.works} for artist in found])
        return
    say_table(("artist", "works"), [(artist.name, artist.works) for artist in found])
    if not known:
        say_note(f"{checkpoint} does not say whom it knows: any --artist goes into the prompt as it is")
    elif not found:
        say_note(f"{checkpoint} knows nobody by {search!r}: `impasto artists` lists all {len(known)}")


def _tell(name: str, checkpoint: str, as_json: bool) -> None:
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.checkpoints.model_card import read_artists
    from impasto.prompts.artists import Artist, ArtistIndex
    from impasto.prompts.knowledge.handbook import handbook, look_up

    info = inspect_checkpoint(checkpoint)
    rows = read_artists(info.path) if info.path.is_dir() else []
    artist = Artist(name, 0)
    if rows:
        artist = ArtistIndex([Artist(row["name"], row["works"]) for row in rows]).resolve(name)
    entry = look_up(artist.name, handbook(), "artists")
    facts = [("artist", artist.name), (f"works that {checkpoint} saw", artist.works)]
    facts += [*entry.fields, ("text", entry.body)] if entry is not None else []
    if as_json:
        say_json(dict(facts))
        return
    say_facts(facts)
    if entry is None:
        say_note(f"the handbook has no entry on {artist.name}")
