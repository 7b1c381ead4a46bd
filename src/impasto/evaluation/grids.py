"""Contact sheets: many pictures on one, with words beside the rows."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from impasto.errors import ImpastoError


def contact_sheet(
    rows: Sequence[Sequence[Image.Image]],
    labels: Sequence[str] = (),
    *,
    cell: int = 128,
    gap: int = 4,
    label_height: int = 18,
) -> Image.Image:
    """One picture with a row of squares of `cell` px for each of `rows`, its label above it where there is one.

    The sheet is as wide as its longest row or label; pictures that are no squares are stretched to one.

    Raises:
        ImpastoError: no pictures, or another number of labels than rows.
    """
    if not rows or not any(rows):
        raise ImpastoError("a contact sheet needs at least one picture")
    if labels and len(labels) != len(rows):
        raise ImpastoError(f"{len(labels)} labels for {len(rows)} rows")
    above = label_height if labels else 0
    font = ImageFont.load_default(13)
    across = gap + max(len(row) for row in rows) * (cell + gap)
    across = max([across, *(2 * gap + round(font.getlength(label)) for label in labels)])
    sheet = Image.new("RGB", (across, gap + len(rows) * (cell + gap + above)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        top = gap + number * (cell + gap + above)
        if labels:
            pen.text((gap, top), labels[number], fill="black", font=font)
        for place, image in enumerate(row):
            square = image.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
            sheet.paste(square, (gap + place * (cell + gap), top + above))
    return sheet
