"""Numbers that papers publish about WikiArt, for comparison with the counts of a catalogue."""

from dataclasses import dataclass

from impasto.data.catalogue.artist_names import artist_name
from impasto.data.statistics.counts import CatalogueStatistics


@dataclass(frozen=True)
class PublishedNumbers:
    """The size of a data set as a paper reports it.

    Attributes:
        top_artists: (artist, paintings), the artist with the most paintings first.
        top_shares: (number of top artists, their percentage of the paintings, with two decimals).
    """

    source: str
    paintings: int
    artists: int
    styles: int
    genres: int
    top_artists: tuple[tuple[str, int], ...]
    top_shares: tuple[tuple[int, str], ...]


WU2022 = PublishedNumbers(
    source="wu2022 (Creative Painting with Latent Diffusion Models), section 1 for the totals, section 4 for the artists",
    paintings=81_444,
    artists=1_119,
    styles=27,
    genres=45,
    top_artists=(("Vincent van Gogh", 1_889), ("Nicholas Roerich", 1_860), ("Pierre Auguste Renoir", 1_400)),
    top_shares=((10, "14.18"), (20, "21.80"), (30, "27.62")),
)


@dataclass(frozen=True)
class Comparison:
    """One number of a catalogue (`here`) and the same number in a paper (`published`)."""

    what: str
    here: str
    published: str

    @property
    def equal(self) -> bool:
        return self.here == self.published


def compare(found: CatalogueStatistics, published: PublishedNumbers) -> list[Comparison]:
    """Returns every published number with the same number of the catalogue, in the same precision."""
    by_artist = dict(found.artists)
    totals = (
        ("paintings", found.paintings, published.paintings),
        ("artists", len(found.artists), published.artists),
        ("styles", len(found.styles), published.styles),
        ("genres", len(found.genres), published.genres),
        *((artist, by_artist.get(artist_name(artist), 0), count) for artist, count in published.top_artists),
    )
    return [
        *(Comparison(what, str(here), str(there)) for what, here, there in totals),
        *(
            Comparison(f"share of the top {top} artists, %", f"{100 * found.share(top):.2f}", share)
            for top, share in published.top_shares
        ),
    ]
