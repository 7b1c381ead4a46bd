"""The cells of a sheet: what each will be, which are painted already, and how the others come to be.

A cell is a painting in a file of its own. Its name ends in a key of all that decides what it is, so that a cell that is
there is never painted again: not after a kill, and not in another sheet of the same folder.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.cli.easel import Materials, load_painter
from impasto.cli.picture_options import PictureOptions
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

SEED = 1  # of all cells, where nothing else is said: a random one would have every cell painted anew each time


@dataclass(frozen=True)
class Cell:
    """One painting of a sheet.

    Attributes:
        record: what it will say of itself.
        file: where it lies, or will lie.
    """

    request: "PaintRequest"
    materials: Materials
    record: "Provenance"
    file: Path


def plan_cells(pictures: Sequence[Sequence[PictureOptions]], folder: Path) -> list[list[Cell]]:
    """The cells of these options in their rows, all checked, with files in `folder`. Only LoRAs and concepts are loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: as `impasto paint` with the options of any of them.
    """
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.painting.memory.looking import planned_use
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.provenance.reuse import painting_key
    from impasto.weights.content_hash import memory_hash

    # All that needs no files is checked for every cell first.
    flat = [replace(picture, seed=SEED if picture.seed is None else picture.seed) for row in pictures for picture in row]
    checked = [picture.check() for picture in flat]
    materials = _materials(flat)
    requests = _enriched(flat, [p.complete(r, m) for p, r, m in zip(flat, checked, materials, strict=True)])
    hashes = {name: inspect_checkpoint(name) for name in {one.checkpoint for one in materials}}
    memories = {name: memory_hash(found.path) for name, found in hashes.items()}
    hashes = {name: (found.name, found.content_hash) for name, found in hashes.items()}
    cells = []
    for request, one in zip(requests, materials, strict=True):
        loras = tuple(lora.applied(scale) for lora, scale in one.laid_over.loras if scale != 0)
        concepts = tuple(concept.applied() for concept in one.laid_over.concepts)
        use = planned_use(request, one.checkpoint, memories[one.checkpoint])
        record = Provenance.of(request, *hashes[one.checkpoint], loras, concepts, use)
        cells.append(Cell(request, one, record, folder / f"{slug(record.text)}-{painting_key(record)[:12]}.png"))
    across = len(pictures[0])
    return [cells[start : start + across] for start in range(0, len(cells), across)]


def missing_cells(cells: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Those that are not painted yet, or whose files are not whole; each file once."""
    from impasto.painting.provenance.reuse import is_painted

    once = {cell.file: cell for row in cells for cell in row}
    return [cell for cell in once.values() if not is_painted(cell.file, cell.record)]


def paint_cells(missing: Sequence[Cell], *, batch: int | None, on_share: Callable[[float], None]) -> Iterator[Cell]:
    """Paints cells, and gives each as soon as it is saved; those of one checkpoint, sampler, size and so on in batches.

    Args:
        on_share: hears the share of all the work that is done, 0 to 1.

    Raises:
        ImpastoError: a checkpoint cannot be loaded, a painting is not a number or cannot be saved. What is saved stays.
    """
    groups: dict[int, list[Cell]] = {}
    for cell in missing:
        groups.setdefault(id(cell.materials), []).append(cell)
    before = 0
    for group in groups.values():
        cells = sorted(group, key=_together)
        requests = [cell.request for cell in cells]

        def on_step(done: int, total: int, before: int = before, count: int = len(cells)) -> None:
            on_share((before + count * done / total) / len(missing))

        paintings = load_painter(cells[0].materials, requests).paint_many(requests, batch_size=batch, on_step=on_step)
        for cell, painting in zip(cells, paintings, strict=True):
            cell.file.parent.mkdir(exist_ok=True)
            painting.save(cell.file, overwrite=True)
            yield cell
        before += len(cells)


def _together(cell: Cell) -> tuple[object, ...]:
    """Cells of one such key go through the U-Net in one batch when they are neighbours."""
    request = cell.request
    manner = request.sampler, request.steps, request.eta, request.guider, request.guidance_interval or (), request.guidance
    return request.width, request.height, *manner


def _materials(pictures: Sequence[PictureOptions]) -> list[Materials]:
    """The materials of each; one object, and one look at the files, for all that are painted with the same."""
    known: dict[tuple[object, ...], Materials] = {}
    found = []
    for picture in pictures:
        student = picture.sampler == "lcm"
        key = (picture.checkpoint, tuple(picture.lora or ()), tuple(picture.concept or ()), student)
        if key not in known:
            known[key] = picture.materials()
        found.append(known[key])
    return found


def _enriched(pictures: Sequence[PictureOptions], requests: "Sequence[PaintRequest]") -> "list[PaintRequest]":
    """The requests, their prompts resolved and expanded; a prompt that several cells share is expanded once."""
    done: list[PaintRequest] = list(requests)
    for enrichment in dict.fromkeys(picture.enrichment for picture in pictures):
        places = [place for place, picture in enumerate(pictures) if picture.enrichment == enrichment]
        for place, request in zip(places, enrichment.apply([requests[place] for place in places]), strict=True):
            done[place] = request
    return done
