"""Plans the cells of a sheet, finds those that are already painted, and paints the others.

A cell is a painting in its own file. The file name ends in a key (hash) of all settings of the painting. So an existing cell
is never painted again: not after a kill, and not in another sheet of the same folder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.jobs.context import Context
from impasto.jobs.editing.controls import planned_controls
from impasto.jobs.editing.guides import planned_guides
from impasto.jobs.painting.checks.living_artists import say_living
from impasto.jobs.painting.picture import Picture
from impasto.jobs.painting.prompt_steps import PromptSteps
from impasto.jobs.painting.setup import PaintingSetup
from impasto.painting.file_names import slug

if TYPE_CHECKING:
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.request import PaintRequest

SEED = 1  # default seed of all cells: with a random seed, every cell would be painted again each time


@dataclass(frozen=True)
class Cell:
    """One painting of a sheet.

    Attributes:
        request: the painting request.
        setup: the checkpoint and adapters.
        record: the provenance record that the painting will get.
        file: the file, which may not exist yet.
    """

    request: "PaintRequest"
    setup: PaintingSetup
    record: "Provenance"
    file: Path


def plan_cells(pictures: Sequence[Sequence[Picture]], folder: Path, context: Context) -> list[list[Cell]]:
    """Plans and checks the cells of these pictures, in their rows, with files in `folder`. Only adapters are loaded.

    Raises:
        UsageError, MissingPart, ImpastoError: the same as the job `paint` of any cell.
    """
    from impasto.checkpoints.listing import inspect_checkpoint
    from impasto.painting.memory.reader import planned_use
    from impasto.painting.provenance.record import Provenance
    from impasto.painting.provenance.reuse import painting_key
    from impasto.weights.content_hash import memory_hash

    flat = [picture for row in pictures for picture in row]
    seeds = [SEED if picture.seed is None else picture.seed for picture in flat]
    for picture, seed in zip(flat, seeds, strict=True):
        picture.draft(seed)  # first checks in every cell all that needs no files
    setups = _setups(flat, context)
    settled = [picture.settle(setup, seed) for picture, setup, seed in zip(flat, setups, seeds, strict=True)]
    for setup in {id(setup): setup for setup in setups}.values():
        theirs = [request for request, own in zip(settled, setups, strict=True) if own is setup]
        say_living([request.condition.artist for request in theirs], setup.artists, context.note)
    requests = _with_prompts(flat, settled, context)
    setups = _with_tags(setups, requests, context)
    hashes = {name: inspect_checkpoint(name) for name in {setup.checkpoint for setup in setups}}
    memories = {name: memory_hash(found.path) for name, found in hashes.items()}
    paths = {name: found.path for name, found in hashes.items()}
    hashes = {name: (found.name, found.content_hash) for name, found in hashes.items()}
    cells = []
    for request, setup in zip(requests, setups, strict=True):
        loras = tuple(lora.applied(scale) for lora, scale in setup.adapters.loras if scale != 0)
        concepts = tuple(concept.applied() for concept in setup.adapters.concepts)
        use = planned_use(request, setup.checkpoint, memories[setup.checkpoint])
        beside = planned_controls(request.controls, paths[setup.checkpoint]), planned_guides(request.guides)
        record = Provenance.of(request, *hashes[setup.checkpoint], loras, concepts, use, None, *beside)
        cells.append(Cell(request, setup, record, folder / f"{slug(record.text)}-{painting_key(record)[:12]}.png"))
    across = len(pictures[0])
    return [cells[start : start + across] for start in range(0, len(cells), across)]


def missing_cells(cells: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Returns the cells that are not painted yet or whose files are incomplete; each file once."""
    from impasto.painting.provenance.reuse import is_painted

    once = {cell.file: cell for row in cells for cell in row}
    return [cell for cell in once.values() if not is_painted(cell.file, cell.record)]


def paint_cells(missing: Sequence[Cell], *, batch: int | None, context: Context) -> Iterator[Cell]:
    """Paints cells and yields each as soon as it is saved; cells with equal checkpoint, sampler, size etc. form batches.

    Raises:
        ImpastoError: a checkpoint cannot be loaded, a painting is not a number or cannot be saved. Saved cells are kept.
    """
    groups: dict[int, list[Cell]] = {}
    for cell in missing:
        groups.setdefault(id(cell.setup), []).append(cell)
    done: list[Cell] = []
    for group in groups.values():
        cells = sorted(group, key=_together)
        requests = [cell.request for cell in cells]

        def on_step(steps: int, total: int, before: int = len(done), count: int = len(cells)) -> None:
            share = (before + count * steps / total) / len(missing)
            context.progress(f"{len(done) + 1} of {len(missing)} cells", share)

        painter = cells[0].setup.painter(requests, context)
        paintings = painter.paint_many(requests, batch_size=batch, on_step=on_step, on_note=context.note)
        for cell, painting in zip(cells, paintings, strict=True):
            cell.file.parent.mkdir(exist_ok=True)
            painting.save(cell.file, overwrite=True)
            yield cell
            done.append(cell)


def _together(cell: Cell) -> tuple[object, ...]:
    """Sort key: neighbouring cells with the same key go through the U-Net in one batch."""
    request = cell.request
    manner = request.sampler, request.steps, request.eta, request.guider, request.guidance_interval or (), request.guidance
    strength = -1.0 if request.edit is None else request.edit.strength
    beside = [(str(one.maker), one.net, one.weight, one.start, one.until) for one in request.controls]
    words = "" if request.words is None else str(request.words)
    return request.width, request.height, *manner, strength, beside, [str(guide) for guide in request.guides], words


def _setups(pictures: Sequence[Picture], context: Context) -> list[PaintingSetup]:
    """The setup of each picture; pictures with the same checkpoint and adapters share one object and one file check."""
    known: dict[tuple[object, ...], PaintingSetup] = {}
    found = []
    for picture in pictures:
        key = (picture.checkpoint, picture.lora, picture.lora_folder, picture.concept, picture.sampler == "lcm")
        if key not in known:
            known[key] = picture.setup(context.note)
        found.append(known[key])
    return found


def _with_tags(
    setups: Sequence[PaintingSetup], requests: "Sequence[PaintRequest]", context: Context
) -> list[PaintingSetup]:
    """The setups with the LoRAs that the prompts ask for; cells with the same ones still share one object."""
    known: dict[tuple[object, ...], PaintingSetup] = {}
    for setup, request in zip(setups, requests, strict=True):
        if (id(setup), request.tags) not in known:
            known[id(setup), request.tags] = setup.with_tags(request.tags, context.note)
    return [known[id(setup), request.tags] for setup, request in zip(setups, requests, strict=True)]


def _with_prompts(
    pictures: Sequence[Picture], requests: "Sequence[PaintRequest]", context: Context
) -> "list[PaintRequest]":
    """The requests with resolved and expanded prompts; a prompt that several cells share is expanded once."""
    done: list[PaintRequest] = list(requests)
    places: dict[PromptSteps, list[int]] = {}
    for place, picture in enumerate(pictures):
        places.setdefault(picture.prompt_steps, []).append(place)
    for steps, those in places.items():
        for place, request in zip(those, steps.apply([requests[n] for n in those], context.note), strict=True):
            done[place] = request
    return done
