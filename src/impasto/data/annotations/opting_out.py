"""Applies a file of opt-outs to a catalogue: the rules are recorded, and the pictures under them are no longer used."""

import difflib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from impasto.data.annotations.opt_out import OptOutRules, Rule, read_opt_out, rule_log
from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped
from impasto.data.catalogue.read import read_catalogue
from impasto.errors import ImpastoError, UsageError


@dataclass
class OptedOut:
    """The result of applying an opt-out file.

    Attributes:
        rules: number of rules in the file.
        new: number of rules that the catalogue did not have.
        removed: pictures that are left out from now on, with the rule.
        before: number of pictures that rules had left out before.
        unknown: rules that no picture falls under; they are kept for later imports.
        not_understood: lines that are no rules.
        left: number of pictures that are still used.
        report: what of the catalogue could not be read.
    """

    rules: int = 0
    new: int = 0
    removed: list[Skipped] = field(default_factory=list)
    before: int = 0
    unknown: list[Skipped] = field(default_factory=list)
    not_understood: list[Skipped] = field(default_factory=list)
    left: int = 0
    report: CatalogueReport = field(default_factory=CatalogueReport)


def opt_out(folder: Path, file: Path, *, dry_run: bool = False) -> OptedOut:
    """Records the rules of `file` (see `read_opt_out`) in the catalogue, and returns which pictures they leave out.

    The picture files stay where they are; no verb reads them any more, and a later import does not bring them back. With
    `dry_run` nothing is recorded.

    Raises:
        UsageError: there is no such file.
        ImpastoError: file, catalogue or recorded rules cannot be read, the file has no rule, or the log cannot be written.
    """
    if not file.is_file():
        raise UsageError(f"--opt-out {file}: there is no such file")
    rules, wrong = read_opt_out(file)
    if not rules:
        why = f": {wrong[0].file_name}: {wrong[0].reason}" if wrong else ": write one artist, hash or address per line"
        raise ImpastoError(f"--opt-out {file} holds no rule{why}")
    before = OptOutRules.of(folder)
    catalogue = read_catalogue(folder, check_images=False, annotations=False, opted_out=True)
    outcome = OptedOut(rules=len(rules), not_understood=wrong, report=catalogue.report)
    given = OptOutRules()
    for rule in rules:
        given.add(rule)
    used: Counter[tuple[str, str]] = Counter()
    for entry in catalogue.entries:
        found = given.of_entry(entry)
        if found is not None:
            used[found] += 1
        if before and before.of_entry(entry) is not None:
            outcome.before += 1
        elif found is not None:
            outcome.removed.append(Skipped(entry.file_name, given.words(found)))
        else:
            outcome.left += 1
    known = {("artist", value) for value in before.artists} | {("hash", value) for value in before.hashes}
    known |= {("url", value) for value in before.urls}
    new = list({(rule.kind, rule.value): rule for rule in rules if (rule.kind, rule.value) not in known}.values())
    outcome.new = len(new)
    artists = {entry.artist for entry in catalogue.entries if entry.artist}
    outcome.unknown = [
        Skipped(f"{file.name} line {rule.line}", _unknown(rule, artists, catalogue.entries))
        for rule in rules
        if not used[rule.kind, rule.value] and not any(_overlaps(rule, found) for found in used)
    ]
    if not dry_run:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        rule_log(folder).append([
            {"kind": rule.kind, "value": rule.value, "text": rule.text, "from": file.name, "line": rule.line, "time": time}
            for rule in new
        ])  # fmt: skip
    return outcome


def _overlaps(rule: Rule, found: tuple[str, str]) -> bool:
    """Returns whether pictures under the rule were counted under another that comes first, as a page below a site."""
    prefix = rule.value.removesuffix("*")
    return rule.kind == "url" == found[0] and rule.value.endswith("/*") and found[1].startswith(prefix)


def _unknown(rule: Rule, artists: set[str], entries: list[CatalogueEntry]) -> str:
    said = f"no picture here is under {rule.text[:80]!r}; the rule is kept for later imports"
    if rule.kind == "artist":
        names = {name_key(artist_name(name)): name for name in artists}
        words = set(rule.value.split())
        near = [name for key, name in names.items() if words & {word for word in key.split() if len(word) > 2}]
        near = near or [names[key] for key in difflib.get_close_matches(rule.value, names, 2, 0.8)]
        if near:
            return f"{said}. Did you mean {' or '.join(sorted(near)[:3])}?"
    if rule.kind == "url" and not any("://" in value for entry in entries for value in entry.extra.values()):
        return f"{said}. The catalogue's metadata has no addresses"
    return said
