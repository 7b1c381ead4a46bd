"""`/api/v1/options` and `/api/v1/session`: what forms need."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from impasto import __version__
from impasto.errors import UsageError
from impasto.studio.requests.kinds import KINDS
from impasto.studio.requests.listed import NAME, concept_words, listed_checkpoints, listed_concepts, listed_nets
from impasto.studio.requests.references import RUN
from impasto.studio.state import StudioOf

router = APIRouter(tags=["options"])


class Session(BaseModel):
    """What a page needs to know of its session."""

    csrf: str | None = Field(description="for the header X-CSRF-Token; none for clients that send the server's token")
    read_only: bool
    version: str


class Sampler(BaseModel):
    """A sampler: its name, and where the method is described."""

    name: str
    source: str


class Options(BaseModel):
    """The words that the fields of a painting take."""

    kinds: list[str]
    samplers: list[Sampler]
    guiders: list[str]
    engines: list[str]
    expansions: list[str]
    largest_seed: int
    credentials: bool = Field(description="whether downloads can carry Content Credentials")


class Checkpoint(BaseModel):
    """A checkpoint: its name, the side of its pictures in pixels, how many artists and works it knows by name."""

    name: str
    kind: str
    side: int | None
    artists: int
    works: int


class ArtistOption(BaseModel):
    """An artist whom a checkpoint knows, and how many works of theirs it saw."""

    name: str
    works: int


class ConceptOption(BaseModel):
    """A concept (textual inversion), and the words in it, as prompts write them."""

    name: str
    words: list[str]


class ControlKind(BaseModel):
    """A way to make a control map of a picture."""

    name: str
    what: str
    settings: list[str] = Field(description="the numbers that may follow its name, as in `canny:100:200=picture:ID`")


class Controls(BaseModel):
    """What a painting can be made to follow: kinds of maps, and the networks that follow them."""

    kinds: list[ControlKind]
    nets: list[str]
    own: dict[str, list[str]] = Field(description="the kinds for which a checkpoint has networks of its own")


@router.get("/session")
def get_session(request: Request, studio: StudioOf) -> Session:
    """Tells the CSRF token of this session."""
    session = getattr(request.state, "session", None)
    csrf = None if session is None else studio.sessions.csrf(session)
    return Session(csrf=csrf, read_only=studio.settings.read_only, version=__version__)


@router.get("/options")
def get_options(studio: StudioOf) -> Options:
    """Lists samplers, guiders, engines and the other words that fields take."""
    from impasto.painting.engines.record import ENGINES
    from impasto.painting.guidance.guiders import GUIDERS
    from impasto.painting.request import LARGEST_SEED
    from impasto.painting.samplers import SAMPLERS
    from impasto.prompts.expansion.expander import METHODS

    return Options(
        kinds=[*KINDS, "batch"],
        samplers=[Sampler(name=one.name, source=one.source) for one in SAMPLERS.values()],
        guiders=list(GUIDERS), engines=list(ENGINES), expansions=["off", *METHODS], largest_seed=LARGEST_SEED,
        credentials=studio.settings.signing is not None,
    )  # fmt: skip


@router.get("/options/checkpoints")
def get_checkpoints(studio: StudioOf) -> list[Checkpoint]:
    """Lists the checkpoints that requests may name: of this machine, and the finished runs of the workspace."""
    found = [
        Checkpoint(name=one.name, kind=one.kind, side=one.default_size, artists=one.artists, works=one.works)
        for one in listed_checkpoints()
    ]
    for folder in sorted(studio.workspace.place("runs").iterdir()):
        if (folder / "checkpoint" / "model_index.json").is_file() or (folder / "model_index.json").is_file():
            found.append(Checkpoint(name=f"{RUN}{folder.name}", kind="run", side=None, artists=0, works=0))
    return found


@router.get("/options/artists")
def get_artists(
    studio: StudioOf,
    checkpoint: Annotated[str, Query(max_length=200)] = "pocket",
    search: Annotated[str, Query(max_length=200)] = "",
    most: Annotated[int, Query(ge=1, le=2000)] = 100,
) -> list[ArtistOption]:
    """Lists the artists whom a checkpoint knows, most works first, or those whose names are like `search`."""
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.checkpoints.model_card import read_artists
    from impasto.prompts.artists import Artist, ArtistIndex

    path = inspect_checkpoint(studio.references.resolve("checkpoint", checkpoint)).path
    known = [Artist(row["name"], row["works"]) for row in (read_artists(path) if path.is_dir() else [])]
    found = ArtistIndex(known).search(search) if search.strip() else known
    return [ArtistOption(name=one.name, works=one.works) for one in found[:most]]


@router.get("/options/loras")
def get_loras(studio: StudioOf) -> list[str]:
    """Lists the LoRAs that requests may name."""
    return sorted(studio.references.loras())


@router.get("/options/concepts")
def get_concepts(studio: StudioOf) -> list[ConceptOption]:
    """Lists the concepts that requests may name."""
    found = sorted(listed_concepts(studio.workspace).items())
    return [ConceptOption(name=name, words=words) for name, path in found if (words := concept_words(path))]


@router.get("/options/controls")
def get_controls(studio: StudioOf) -> Controls:
    """Lists the kinds of control maps, and the networks that requests may name."""
    from impasto.adapters.control.own import own_controlnet
    from impasto.vision.control_maps.makers import MAKERS

    kinds = [
        ControlKind(name=one.name, what=one.what, settings=list(one.settings)) for one in MAKERS.values() if not one.network
    ]
    own = {
        one.name: [kind.name for kind in kinds if own_controlnet(one.path, kind.name) is not None]
        for one in listed_checkpoints()
    }
    return Controls(
        kinds=kinds, nets=sorted(listed_nets(studio.workspace)), own={name: all_ for name, all_ in own.items() if all_}
    )


@router.get("/options/catalogues")
def get_catalogues(studio: StudioOf) -> list[str]:
    """Lists the catalogues of the workspace."""
    import re

    folder = studio.workspace.place("catalogues")
    try:
        return sorted(one.name for one in folder.iterdir() if one.is_dir() and re.fullmatch(NAME, one.name))
    except OSError as error:
        raise UsageError(f"the catalogues cannot be listed: {error.strerror or error}") from None
