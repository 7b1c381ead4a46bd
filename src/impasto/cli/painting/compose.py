"""`impasto compose`: composes a prompt from its parts, or parses a prompt into them."""

from typing import Annotated

import typer

from impasto.cli.console import say, say_json, say_note, say_table
from impasto.errors import UsageError


def compose(
    subject: Annotated[str, typer.Option(help="What the picture shows.")] = "",
    artist: Annotated[str, typer.Option(help="In whose manner.")] = "",
    year: Annotated[int | None, typer.Option(help="When it could have been painted.")] = None,
    style: Annotated[str, typer.Option(help="Such as Impressionism.")] = "",
    genre: Annotated[str, typer.Option(help="Such as landscape.")] = "",
    medium: Annotated[str, typer.Option(help="Such as oil on canvas.")] = "",
    lighting: Annotated[str, typer.Option(help="Such as dusk.")] = "",
    colour: Annotated[str, typer.Option("--colour", "--color", help="Such as muted blues.")] = "",
    detail: Annotated[str, typer.Option(help="Such as thick impasto.")] = "",
    resolution: Annotated[str, typer.Option(help="Such as finely detailed.")] = "",
    parse: Annotated[str, typer.Option(help="Take a prompt to its parts instead.", metavar="PROMPT")] = "",
    known: Annotated[str, typer.Option("--list", help="What is known for a part, or for all.", metavar="PART")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a prompt from its parts; words that begin a known value are completed to it."""
    from impasto.prompts.condition import Condition
    from impasto.prompts.parts import PARTS, candidates, complete, known_values

    if known:
        lists = {part: known_values(part) for part in (PARTS if known == "all" else [known])}
        if as_json:
            say_json(lists)
        else:
            say_table(("part", "known values"), [(part, "; ".join(values)) for part, values in lists.items()])
        return
    given = {
        "subject": subject,
        "artist": artist,
        "style": style,
        "genre": genre,
        "medium": medium,
        "lighting": lighting,
        "colour": colour,
        "detail": detail,
        "resolution": resolution,
    }
    if parse:
        if year is not None or any(given.values()):
            raise UsageError("--parse takes a prompt to its parts: give it alone")
        condition = Condition.parse(parse)
    else:
        whole = {part: words if part == "subject" else complete(part, words) for part, words in given.items()}
        for part, words in given.items():
            others = candidates(part, words) if words.strip() and part != "subject" else []
            if len(others) > 1 and whole[part] not in others:
                say_note(f"{part} {words!r} may be {', '.join(others[:6])}: taken as it is")
        condition = Condition(year=year, **{PARTS[part]: " ".join(words.split()) for part, words in whole.items()})
    if not condition.text():
        raise UsageError("nothing to compose: give at least one part, or --list all to see what is known")
    if as_json:
        say_json({"text": condition.text(), **condition.as_dict()})
    elif parse:
        say_table(("part", "words"), list(condition.as_dict().items()))
    else:
        say(condition.text())
