"""Tells from a file's name what it is: a picture, a caption beside one, a table, an archive, or why it is none."""

from PIL import Image, features

# With their formats in `pictures.FORMATS`; AVIF and JPEG 2000 need libraries that Pillow may have been built without.
_AVIF = (".avif", ".avifs") if features.check("avif") else ()
_JPEG2000 = (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc") if features.check("jpg_2000") else ()
PICTURE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ppm",
    ".pgm", ".pbm", ".pnm", ".qoi", ".tga", ".psd", ".mpo", *_AVIF, *_JPEG2000,
})  # fmt: skip
CAPTION_ENDINGS = (
    ".caption", ".txt", ".caption.txt", ".captions", ".cap", ".cap.txt", ".prompt", ".prompt.txt", ".text", ".description",
    ".desc", ".wd14_cap", ".wd14", ".wd", ".blip", ".blip_cap", ".captions.txt",
)  # fmt: skip
TAG_ENDINGS = (".tags", ".tags.txt", ".tag")
ARCHIVE_ENDINGS = (".tar", ".tar.gz", ".tgz", ".zip")
TABLE_ENDINGS = (".jsonl", ".ndjson", ".csv", ".tsv", ".json", ".parquet")

_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".raw", ".pef", ".srw")
_CONVERT = "convert it to JPEG or PNG"
_REASONS = {
    **dict.fromkeys((".heic", ".heif", ".hif", ".avif", ".jxl"), f"a picture that Pillow does not read here: {_CONVERT}"),
    **dict.fromkeys(_JPEG2000 or (".jp2",), f"a picture that Pillow does not read here: {_CONVERT}"),
    **dict.fromkeys((".svg", ".svgz", ".eps", ".ps", ".ai", ".pdf", ".wmf", ".emf"), f"a drawing or document: {_CONVERT}"),
    **dict.fromkeys((".psb", ".xcf", ".kra", ".clip", ".sai", ".exr", ".hdr", ".dds", ".ico"), f"not read: {_CONVERT}"),
    **dict.fromkeys(_RAW, f"a raw photograph: {_CONVERT}"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"), "a film"),
    **dict.fromkeys((".rar", ".7z", ".gz", ".bz2", ".xz", ".zst", ".lz4"), "an archive that is not read: unpack it"),
    **dict.fromkeys((".xmp", ".exif", ".iptc"), "a sidecar that is not read: write its caption into name.txt"),
    **dict.fromkeys(
        (".xlsx", ".xls", ".ods", ".yaml", ".yml", ".xml", ".db", ".sqlite", ".feather", ".arrow", ".pkl"),
        "a table or settings that are not read: save tables as metadata.csv or metadata.jsonl",
    ),
    ".toml": "settings that are not read: for kohya's repeats and words, name the folder of pictures as 10_words",
    **dict.fromkeys((".part", ".tmp", ".crdownload", ".download", ".partial", ".aria2"), "an unfinished download"),
    **dict.fromkeys((".npz", ".npy", ".pt", ".safetensors", ".ckpt"), "numbers of another program, no picture"),
}  # fmt: skip


def suffix_of(name: str) -> str:
    """Returns the ending of a file's name in lower case, with its point; "" if it has none."""
    name = name.rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def is_picture(name: str) -> bool:
    """Returns whether the name ends as that of a picture that can be read here."""
    return suffix_of(name) in PICTURE_SUFFIXES


def is_archive(name: str) -> bool:
    """Returns whether the name is that of an archive that `impasto data import` reads."""
    return name.lower().endswith(ARCHIVE_ENDINGS)


def reason_against(name: str) -> str:
    """Returns why a file of this ending is not read as a picture, or "" if its bytes decide."""
    ending = suffix_of(name)
    return "" if ending in PICTURE_SUFFIXES else _REASONS.get(ending, "")


def is_picture_data(head: bytes) -> bool:
    """Returns whether the first bytes of a file are those of a picture of a format that can be told from them."""
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"BM"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (bool(_AVIF) and head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"))
    )


def format_suffix(format_name: str | None) -> str:
    """Returns the usual ending of one of Pillow's formats; "" if it is unknown."""
    usual = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2", "DIB": ".bmp", "PPM": ".ppm", "TGA": ".tga"}
    if format_name is None:
        return ""
    return usual.get(format_name) or next((end for end, name in _extensions() if name == format_name), "")


def _extensions() -> list[tuple[str, str]]:
    Image.init()
    return sorted(Image.registered_extensions().items(), key=lambda pair: (len(pair[0]), pair[0]))
