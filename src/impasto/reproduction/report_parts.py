"""Sections of every reproduction's report: the time it took, and the manifest."""

from collections.abc import Mapping

from impasto.reproduction.report import Section, Table


def duration(seconds: float) -> str:
    """Formats seconds as `47 s`, `12 min` or `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def cost_section(seconds: Mapping[str, float]) -> Section:
    """Returns the section with the time of each phase, summed over all starts."""
    rows = [(name, duration(value)) for name, value in seconds.items()]
    table = Table(("phase", "time"), (*rows, ("together", duration(sum(seconds.values())))))
    return Section("What it cost", tables=(table,))


def used_section(used: Mapping[str, str]) -> Section:
    """Returns the section with the names, hashes and versions of everything that was used."""
    words = "SHA-256 of contents: weights, pictures with their texts, lists of prompts; else a version."
    return Section("What it was made with", (words,), tables=(Table(("what", "hash or version"), tuple(used.items())),))
