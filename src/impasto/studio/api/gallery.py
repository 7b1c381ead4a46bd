"""`/api/v1/gallery`: pictures are looked for, starred, and put into the bin."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from impasto.gallery.records import Entry, Filter, Page
from impasto.gallery.scanning import rebuild
from impasto.studio.state import StudioOf

router = APIRouter(prefix="/gallery", tags=["gallery"])
Id = Annotated[str, Path(pattern="^[0-9a-f]{20}$", description="the picture's id")]
Words = Annotated[str, Query(max_length=500)]
Most = Annotated[int, Query(ge=1, le=1000)]
EMBEDDED_AT_ONCE = 64  # new pictures that a search looks at itself; more wait for the next search


class Name(BaseModel):
    """A name, and the number of pictures that have it."""

    name: str
    count: int


class Similar(BaseModel):
    """A picture and its similarity to the words, -1 to 1."""

    entry: Entry
    similarity: float


class WordsFound(BaseModel):
    """What was found by words."""

    found: list[Similar]
    waiting: int = Field(description="new pictures that have not been looked at yet")


class Star(BaseModel):
    """Whether the picture is starred."""

    model_config = ConfigDict(extra="forbid")

    starred: bool = True


class Scanned(BaseModel):
    """What a scan of the files found."""

    added: int
    known: int
    missing: int
    skipped: int


class Emptied(BaseModel):
    """How many pictures were deleted."""

    count: int


@router.get("")
def get_page(
    studio: StudioOf,
    text: Words = "",
    artist: Words = "",
    checkpoint: Words = "",
    since: Annotated[float | None, Query(description="seconds since 1970")] = None,
    until: Annotated[float | None, Query(description="seconds since 1970")] = None,
    seed: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    starred: bool = False,
    binned: bool = False,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
    most: Most = 60,
) -> Page:
    """Lists pictures, newest first."""
    wanted = Filter(text, artist, checkpoint, since, until, starred, binned, seed)
    return studio.gallery.page(wanted, after=after, most=most)


@router.get("/search")
def search_words(
    studio: StudioOf, words: Annotated[str, Query(min_length=1, max_length=500)], most: Most = 60
) -> WordsFound:
    """Finds pictures by what they show, most similar first."""
    search = studio.word_search()
    search.embed(EMBEDDED_AT_ONCE)
    found = [Similar(entry=one.entry, similarity=one.similarity) for one in search.find(words, most)]
    return WordsFound(found=found, waiting=search.missing())


@router.get("/names")
def get_names(studio: StudioOf, of: Annotated[str, Query(pattern="^(artist|checkpoint)$")]) -> list[Name]:
    """Lists the artists or checkpoints in the gallery, most pictures first."""
    return [Name(name=name, count=count) for name, count in studio.gallery.names(of)]


@router.get("/{digits}")
def get_entry(digits: Id, studio: StudioOf) -> Entry:
    """Tells what the index knows of a picture."""
    return studio.gallery.entry(digits)


@router.post("/rebuild")
def rebuild_index(studio: StudioOf) -> Scanned:
    """Brings the index up to date with the files."""
    scan = rebuild(studio.gallery)
    return Scanned(added=scan.added, known=scan.known, missing=scan.missing, skipped=len(scan.skipped))


@router.post("/bin/empty")
def empty_bin(studio: StudioOf) -> Emptied:
    """Deletes what is in the bin, for good."""
    return Emptied(count=studio.gallery.empty_bin())


@router.post("/{digits}/star")
def star(digits: Id, to: Star, studio: StudioOf) -> Entry:
    """Stars a picture, or takes its star away."""
    return studio.gallery.star(digits, to.starred)


@router.post("/{digits}/bin")
def put_into_bin(digits: Id, studio: StudioOf) -> Entry:
    """Puts a picture into the bin."""
    return studio.gallery.bin(digits)


@router.post("/{digits}/restore")
def restore(digits: Id, studio: StudioOf) -> Entry:
    """Brings a picture back from the bin."""
    return studio.gallery.restore(digits)
