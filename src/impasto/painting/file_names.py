"""Makes file names from prompts and names."""

import unicodedata

LONGEST_SLUG = 60


def slug(text: str) -> str:
    """Returns `text` as a file name without suffix: letters and digits of any script, dashes, at most 60 characters."""
    text = unicodedata.normalize("NFKC", text).casefold()
    name = "-".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text).split())
    if len(name) > LONGEST_SLUG:
        name = name[: LONGEST_SLUG + 1].rpartition("-")[0] or name[:LONGEST_SLUG]
    # File systems count bytes: 255 for the whole name.
    return name.encode()[:200].decode(errors="ignore") or "painting"
