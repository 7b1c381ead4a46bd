"""Lists and inspects the checkpoints on this machine, from configs and file headers: it needs no weights and no torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from impasto.checkpoints.guide import GUIDE, has_guide
from impasto.checkpoints.model_card import read_artists, read_license
from impasto.checkpoints.size import picture_size
from impasto.checkpoints.source import Source, find_source, own_checkpoints, pocket_folder
from impasto.errors import ImpastoError
from impasto.weights.content_hash import MEMORY, MINILM_PART, files_that_count, hash_files
from impasto.weights.file_hash import hash_file
from impasto.weights.header import count_parameters, read_header, read_json, weight_files

InfoKind = Literal["bundled", "folder", "hub", "file"]
FILE_PARTS = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text_encoder": "cond_stage_model.",
}


@dataclass(frozen=True)
class CheckpointInfo:
    """The properties of a checkpoint on disk.

    Attributes:
        parameters: part (`unet`, `vae`, `text_encoder`) -> its number of parameters; None for pickles.
        default_size: side in pixels; None if the checkpoint must be loaded to know it.
        artists: the number of artists it lists by name.
        works: the number of works in its memory; 0 without a memory.
        bytes: of all its weights and configs (without MiniLM's, which are in their own package).
    """

    name: str
    path: Path
    kind: InfoKind
    parameters: dict[str, int | None]
    prediction_type: str
    default_size: int | None
    artists: int
    bytes: int
    license: str
    works: int
    files: dict[str, Path] = field(repr=False)

    @property
    def content_hash(self) -> str:
        """SHA-256 over its content, hexadecimal: the same as that of the loaded components. It reads the files."""
        if self.kind == "file":
            return hash_file(self.path)
        return hash_files(self.files, {} if (self.path / "text_encoder").is_dir() else MINILM_PART)


def inspect_checkpoint(name: str) -> CheckpointInfo:
    """Returns the properties of the checkpoint called `name`, without loading its weights.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_components`.
    """
    source = find_source(name)
    return _inspect_file(source) if source.kind == "file" else _inspect_folder(source)


def text_encoder_config(name: str) -> dict[str, Any]:
    """Returns the config of the text encoder of the checkpoint called `name`, without loading its weights.

    A folder without a text encoder has pocket's, which is MiniLM.

    Raises:
        UsageError, MissingPart, ImpastoError: as `load_components`.
    """
    source = find_source(name)
    if source.kind == "file":
        from impasto.checkpoints.formats.single_file import CONFIGS, infer_configs

        if source.path.suffix.lower() == ".safetensors":
            return infer_configs(read_header(source.path), source.path)["text_encoder"]
        return read_json(CONFIGS / "text_encoder" / "config.json")
    folder = source.path / "text_encoder"
    if not folder.is_dir():
        from impasto.language.minilm import minilm_folder

        folder = minilm_folder()
    return read_json(folder / "config.json")


def list_checkpoints() -> list[CheckpointInfo]:
    """Lists the bundled checkpoint, those under the cache's `checkpoints`, and those in the Hugging Face cache.

    Broken checkpoints are left out of the list: `inspect_checkpoint` reports what is wrong with them.
    """
    from impasto.weights.hub import cached_names

    sources = []
    if (pocket_folder() / "unet").is_dir():
        sources.append(Source("pocket", "folder", pocket_folder()))
    if own_checkpoints().is_dir():
        names = sorted(path.name for path in own_checkpoints().iterdir() if path.is_dir())
        for name in names:
            folder = own_checkpoints() / name
            inner = folder if (folder / "model_index.json").is_file() else folder / "checkpoint"
            sources.append(Source(name, "folder", inner))
    sources += [Source(name, "folder", folder) for name, folder in cached_names().items()]
    found = []
    for source in sources:
        try:
            found.append(_inspect_folder(source))
        except ImpastoError:
            continue
    return found


def _inspect_folder(source: Source) -> CheckpointInfo:
    folder = source.path
    unet, vae = (read_json(folder / part / "config.json") for part in ("unet", "vae"))
    schedule = read_json(folder / "scheduler" / "scheduler_config.json")
    parameters = {
        part: count_parameters(weight_files(folder / part, "diffusion_pytorch_model"))
        for part in ("unet", "vae", *([GUIDE] if has_guide(folder) else []))
    }
    if (folder / "text_encoder").is_dir():
        parameters["text_encoder"] = count_parameters(weight_files(folder / "text_encoder", "model"))
    files = files_that_count(folder)
    bundled = source.name == "pocket"
    at_hub = (
        not bundled and "snapshots" in folder.parts and any(p.startswith("models--") for p in folder.parts)
    )
    return CheckpointInfo(
        name=source.name,
        path=folder,
        kind="bundled" if bundled else "hub" if at_hub else "folder",
        parameters=parameters,
        prediction_type=str(schedule.get("prediction_type", "epsilon")),
        default_size=picture_size(unet, vae, folder),
        artists=len(read_artists(folder)),
        bytes=sum(file.stat().st_size for file in files.values()),
        license=read_license(folder),
        works=_count_works(files.get(f"{MEMORY}/works.jsonl")),
        files=files,
    )


def _count_works(file: Path | None) -> int:
    try:
        return len(file.read_bytes().splitlines()) if file is not None else 0
    except OSError as error:
        raise ImpastoError(f"{file} cannot be read: {error.strerror}") from None


def _inspect_file(source: Source) -> CheckpointInfo:
    from math import prod

    parameters: dict[str, int | None] = dict.fromkeys(FILE_PARTS)
    size = None
    if source.path.suffix.lower() == ".safetensors":
        from impasto.checkpoints.formats.single_file import infer_configs

        shapes = read_header(source.path)
        configs = infer_configs(shapes, source.path)
        size = picture_size(configs["unet"], configs["vae"], source.path)
        for part, prefix in FILE_PARTS.items():
            parameters[part] = sum(prod(shape) for name, shape in shapes.items() if name.startswith(prefix))
    return CheckpointInfo(
        name=source.name,
        path=source.path,
        kind="file",
        parameters=parameters,
        prediction_type="epsilon",
        default_size=size,
        artists=0,
        bytes=source.path.stat().st_size,
        license="",
        works=0,
        files={source.path.name: source.path},
    )
