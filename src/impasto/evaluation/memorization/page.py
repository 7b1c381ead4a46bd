"""Renders the report on copies as one HTML page without scripts or network access; the page embeds every picture."""

import base64
import io
from html import escape
from pathlib import Path

from PIL import Image

from impasto.data.catalogue.pictures import open_at_least
from impasto.errors import ImpastoError
from impasto.evaluation.memorization.page_style import STYLE
from impasto.evaluation.memorization.search import MemorizationReport, Pair

SHOWN_SIDE = 200  # px of the long side of a picture in the page
USUALLY_SHOWN = 200
_QUALITY = 80
_PART = 0.97  # a part that covers less than this share of either side is outlined
# With this policy, even markup injected through a file name could load and run nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def copies_page(report: MemorizationReport, *, most: int = USUALLY_SHOWN) -> bytes:
    """Returns the page, UTF-8: what was compared, the origin of the threshold, and the `most` most similar pairs.

    If a picture cannot be opened (any more, or because only an index exists), the page shows its name only.
    """
    found, shown = len(report.copies), report.pairs[:most]
    heading = f"{found} of {_counted(len(report.pairs), 'painting')} {'looks' if found == 1 else 'look'} like a copy"
    rest = f"<p>The {len(shown)} most similar of {len(report.pairs)}.</p>" if len(shown) < len(report.pairs) else ""
    pictures = report.training if report.training.is_dir() else None
    lines = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(heading)}</title><style>{STYLE}</style></head><body>",
        '<a class="skip" href="#pairs">Skip to the pairs</a>',
        f"<header><h1>{escape(heading)} of a training picture</h1></header><main>",
        _facts(report),
        f'<section aria-labelledby="pairs"><h2 id="pairs" tabindex="-1">Pairs, the most similar first</h2>{rest}<ol>',
        *(f"<li>{_pair(number, pair, pictures)}</li>" for number, pair in enumerate(shown, 1)),
        "</ol></section>",
        _skipped(report),
        "</main></body></html>",
    ]
    return "\n".join(line for line in lines if line).encode("utf-8", "replace")


def _facts(report: MemorizationReport) -> str:
    quantiles = ", ".join(f"{q:.0%} of them stay below {value:.3f}" for q, value in report.calibration.quantiles().items())
    facts = {
        "Paintings": f"{len(report.pairs)} in {report.paintings}",
        "Training pictures": f"{report.training_pictures} of {report.training}",
        "A copy is called": f"what has a similarity of at least {report.threshold}",
        "Held-out works": quantiles,
        "Similarity": "the correlation of the edges of a painting with those of the part of a training picture that it fits "
        f"best, mirrored or not; of the pictures that {report.features} proposes. At most 1",
        "Index": report.index[:16],
    }
    rows = (f'<tr><th scope="row">{name}</th><td>{escape(value)}</td></tr>' for name, value in facts.items() if value)
    return f"<details open><summary>What was compared</summary><table>{''.join(rows)}</table></details>"


def _pair(number: int, pair: Pair, pictures: Path | None) -> str:
    match, where = pair.match, pair.match.alignment
    verdict = "copy" if pair.copy else "no copy"
    training = match.training
    by = ", ".join(part for part in (training.title, training.artist) if part)
    how = [
        "mirrored" if where.mirrored else "",
        f"{where.width:.0%} of its width and {where.height:.0%} of its height" if _is_part(pair) else "",
    ]
    about = f"fits it {' and '.join(word for word in how if word)}; " if any(how) else ""
    name = pair.painting.file_name
    left = _figure(pair.painting.file, f"The painting {name}", f"<b>{escape(name)}</b>")
    file = pictures / training.file_name if pictures is not None else None
    caption = f"<b>{escape(training.file_name)}</b>" + (f"<br>{escape(by)}" if by else "")
    right = _figure(file, f"The training picture {training.file_name}", caption, _outline(pair))
    return (
        f'<article class="{"copy" if pair.copy else "other"}" aria-labelledby="pair-{number}">'
        # Each pair has its own link, so that the Tab key moves between pairs and a pair can be linked to.
        f'<h3 id="pair-{number}"><a href="#pair-{number}">{number}.</a> '
        f"<strong>{verdict}</strong>, similarity {match.similarity:.3f}</h3>"
        f'<div class="pair">{left}{right}</div>'
        f"<p>{about}features agree to {match.feature_cosine:.2f}</p></article>"
    )


def _is_part(pair: Pair) -> bool:
    return min(pair.match.alignment.width, pair.match.alignment.height) < _PART


def _outline(pair: Pair) -> str:
    if not _is_part(pair):
        return ""
    where = pair.match.alignment
    sides = {"left": where.left, "top": where.top, "width": where.width, "height": where.height}
    style = ";".join(f"{name}:{share:.1%}" for name, share in sides.items())
    return f'<span class="part" style="{style}"></span>'


def _figure(file: Path | None, said: str, caption: str, over: str = "") -> str:
    shown = _thumbnail(file) if file is not None else ""
    alt = escape(said, quote=True)
    image = f'<span class="seen"><img src="{shown}" alt="{alt}">{over}</span>' if shown else "<p>not shown</p>"
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def _thumbnail(file: Path) -> str:
    """The thumbnail as a data URI; "" if the picture cannot be opened."""
    try:
        image = open_at_least(file, SHOWN_SIDE).image
    except ImpastoError:
        return ""
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _skipped(report: MemorizationReport) -> str:
    if not report.skipped:
        return ""
    rows = "".join(f"<li>{escape(skipped.file_name)}: {escape(skipped.reason)}</li>" for skipped in report.skipped)
    summary = f"{_counted(len(report.skipped), 'painting')} could not be read"
    return f"<details><summary>{summary}</summary><ul>{rows}</ul></details>"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
