"""`impasto inpaint`: paints a part of a picture anew."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from impasto.cli.painting.paint import AsJson, Batch, Overwrite, say_painting, say_painting_as_json
from impasto.cli.painting.picture_options import OF_NEW_PICTURES, PictureOptions, with_picture
from impasto.cli.run_job import run_job

File = Annotated[Path, typer.Argument(help="The picture, of any kind: PNG, JPEG, WebP, TIFF ...", metavar="PICTURE")]
Out = Annotated[Path | None, typer.Option(help="A folder, or one FILE.png.", show_default="the picture's own folder")]
Count = Annotated[int, typer.Option("--count", "-n", help="How many, of seed, seed + 1, ...")]
MaskBlur = Annotated[
    int, typer.Option("--mask-blur", help="Px of the seam inside the mask, in which old and new are mixed.")
]
Method = Annotated[
    str,
    typer.Option(help="blend; soft, whose greys say how much changes; model, for checkpoints trained to inpaint.",
                 metavar="blend|soft|model"),
]  # fmt: skip
Fill = Annotated[
    str, typer.Option(help="What is there before.", metavar="original|blur|noise|latent-noise")
]  # fmt: skip
_mask = partial(typer.Option, rich_help_panel="Mask")
_background = partial(typer.Option, rich_help_panel="Background")


@partial(with_picture, without=OF_NEW_PICTURES)
def inpaint(
    *,
    file: File,
    picture: PictureOptions,
    mask: Annotated[
        Path | None, _mask(help="A picture of the same size; what is white is painted anew.", metavar="FILE")
    ] = None,
    mask_alpha: Annotated[
        bool, _mask("--mask-alpha", help="What is transparent is painted anew: in --mask, or else in PICTURE.")
    ] = False,
    box: Annotated[str | None, _mask(help="A rectangle in px instead.", metavar="LEFT,TOP,WIDTH,HEIGHT")] = None,
    invert_mask: Annotated[bool, _mask("--invert-mask", help="The other part is painted anew.")] = False,
    resize_mask: Annotated[bool, _mask("--resize-mask", help="A mask of another size is stretched.")] = False,
    method: Method = "blend",
    fill: Fill = "original",
    mask_blur: MaskBlur = 4,
    thin: Annotated[
        int, _mask(help="For thin masks: dilated so many times at first, ever less, and not at all at the end.")
    ] = 0,
    only_masked: Annotated[
        bool, _mask("--only-masked", help="Paint the part around the mask alone, large, and reduce it.")
    ] = False,
    padding: Annotated[int | None, _mask(help="Px around the mask then.", show_default="32")] = None,
    keep_outside: Annotated[
        str, _mask(help="Outside the mask: the picture's pixels, or what the model makes of them.", metavar="exact|model")
    ] = "exact",
    background: Annotated[
        str,
        _background(help="What comes from the model outside the mask is pasted over, or reconstructed by optimizing.",
                    metavar="paste|latents|decoder"),
    ] = "paste",
    background_steps: Annotated[int, _background(help="Of the optimizer.")] = 75,
    background_weight: Annotated[float, _background(help="Lambda: of the background against the edit.")] = 100.0,
    background_rate: Annotated[float | None, _background(help="Learning rate.", show_default="by method")] = None,
    count: Count = 1,
    batch: Batch = None,
    preview_every: Annotated[int, typer.Option(help="Save how far it is, every so many steps.")] = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Paint a part of a picture anew; the rest stays as it is, byte for byte.

    --strength is 0.8 if not given, and 1 with --method soft or model.
    """
    from impasto.jobs.editing.inpaint import InpaintJob

    given = {name: value for name, value in picture.fields().items() if name not in OF_NEW_PICTURES}
    job = InpaintJob(
        **given, file=file, mask=mask, mask_alpha=mask_alpha, box=box, invert_mask=invert_mask, resize_mask=resize_mask,
        method=method, fill=fill, mask_blur=mask_blur, thin=thin, only_masked=only_masked, padding=padding,
        keep_outside=keep_outside, background=background, background_steps=background_steps,
        background_weight=background_weight, background_rate=background_rate, count=count, batch=batch,
        preview_every=preview_every, out=out, overwrite=overwrite,
    )  # fmt: skip
    run_job(job, on_picture=say_painting_as_json if as_json else say_painting)
