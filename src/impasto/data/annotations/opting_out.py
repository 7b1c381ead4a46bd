"""Applies a file of opt-outs to a catalogue: the rules are recorded, and the pictures under them are no longer used."""

import difflib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from impasto.data.annotations.merged import Annotations
from impasto.data.annotations.opt_out import OptOutRules, Rule, artists_of, rule_log
from impasto.data.annotations.opt_out_file import read_opt_out
from impasto.data.annotations.opt_out_names import addresses_in, artist_keys, without_dates
from impasto.data.catalogue.artist_names import artist_name, name_key
from impasto.data.catalogue.entry import CatalogueEntry, CatalogueReport, Skipped, kind_of_reason
from impasto.data.catalogue.read import catalogue_parts
from impasto.data.shards.homes import home_of
from impasto.data.shards.shard_set import is_shard_set
from impasto.errors import UsageError
from impasto.files import check_file

_NEAR = 0.85  # likeness of two names, 0..1, from which one may be a misspelling of the other
_MOST_NEAR = 5  # names in one note


@dataclass
class OptedOut:
    """The result of applying an opt-out file.

    Attributes:
        rules: number of rules in the file.
        new: number of rules that the catalogue did not have.
        removed: pictures that are left out from now on, with the rule.
        before: number of pictures that rules had left out before.
        unknown: rules that no picture falls under; they are kept for later imports.
        near: rules of artists with the names of the catalogue that are like theirs, and that no rule leaves out.
        not_understood: lines that are no rules.
        left: number of pictures that are still used.
        otherwise: pictures under no rule that are not used for another reason ("dropped by the filter"), by reason.
        report: what of the catalogue could not be read.
    """

    rules: int = 0
    new: int = 0
    removed: list[Skipped] = field(default_factory=list)
    before: int = 0
    unknown: list[Skipped] = field(default_factory=list)
    near: list[Skipped] = field(default_factory=list)
    not_understood: list[Skipped] = field(default_factory=list)
    left: int = 0
    otherwise: dict[str, int] = field(default_factory=dict)
    report: CatalogueReport = field(default_factory=CatalogueReport)


def opt_out(folder: Path, file: Path, *, dry_run: bool = False) -> OptedOut:
    """Records the rules of `file` (see `read_opt_out`) in the catalogue, and returns which pictures they leave out.

    The picture files stay where they are; no verb reads them any more, and a later import does not bring them back. With
    `dry_run` nothing is recorded.

    Raises:
        UsageError: there is no such file, or it has no rule.
        ImpastoError: file, catalogue or recorded rules cannot be read, or the log cannot be written.
    """
    check_file(file, "--opt-out ")
    rules, wrong = read_opt_out(file)
    if not rules:
        why = f": {wrong[0].file_name}: {wrong[0].reason}" if wrong else ": write one artist, hash or address per line"
        raise UsageError(f"--opt-out {file} holds no rule{why}")
    home = home_of(folder) if is_shard_set(folder) else folder
    before = OptOutRules.of(home)
    outcome = OptedOut(rules=len(rules), not_understood=wrong)
    given = OptOutRules()
    for rule in rules:
        given.add(rule)
    used: Counter[tuple[str, str]] = Counter()
    names: Counter[str] = Counter()  # of the artists of pictures under no rule
    otherwise: Counter[str] = Counter()
    has_addresses = False
    for part in catalogue_parts(folder, check_images=False, annotations=False, opted_out=True):
        under_no_rule: list[CatalogueEntry] = []
        for entry in part.entries:
            every = list(dict.fromkeys(given.all_of_entry(entry)))
            used.update(every)
            found = every[0] if every else None
            has_addresses = has_addresses or _has_address(entry)
            if before and before.of_entry(entry) is not None:
                outcome.before += 1
            elif found is not None:
                outcome.removed.append(Skipped(entry.file_name, given.words(found)))
            else:
                under_no_rule.append(entry)
                names.update(artists_of(entry))
        annotations = Annotations(part.home)
        part.report.warnings += annotations.warnings(part.home)
        known = annotations.of(under_no_rule)
        reasons = [one.reason_against(entry) for entry, one in zip(under_no_rule, known, strict=True)]
        outcome.left += reasons.count("")
        otherwise.update(kind_of_reason(reason) for reason in reasons if reason)
        outcome.report.add(part.report)
    outcome.otherwise = dict(otherwise.most_common())
    recorded = {("artist", value) for value in before.artists} | {("hash", value) for value in before.hashes}
    recorded |= {("url", value) for value in before.urls}
    new = list({(rule.kind, rule.value): rule for rule in rules if (rule.kind, rule.value) not in recorded}.values())
    outcome.new = len(new)
    for rule in rules:
        where = f"{file.name} line {rule.line}"
        if used[rule.kind, rule.value]:
            near = _near(rule, names) if rule.kind == "artist" else []
            if near:
                shown = _listed([f"{name} ({names[name]} pictures)" for name in near])
                said = f"{rule.text[:80]!r} leaves these names alone: {shown}; give a line to each that is meant"
                outcome.near.append(Skipped(where, said))
        else:
            outcome.unknown.append(Skipped(where, _unknown(rule, names, has_addresses, dry_run)))
    if not dry_run:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        rule_log(home).append([
            {"kind": rule.kind, "value": rule.value, "text": rule.text, "from": file.name, "line": rule.line, "time": time}
            for rule in new
        ])  # fmt: skip
    return outcome


def _has_address(entry: CatalogueEntry) -> bool:
    return any(True for column, text in entry.extra.items() for _ in addresses_in(column, text))


def _unknown(rule: Rule, names: Counter[str], has_addresses: bool, dry_run: bool) -> str:
    kept = "would be" if dry_run else "is"
    said = f"no picture here is under {rule.text[:80]!r}; the rule {kept} kept for later imports"
    if rule.kind == "artist":
        near = _near(rule, names, loosely=True)
        if near:
            return f"{said}. Did you mean {_listed(near, ' or ')}?"
    if rule.kind == "url" and not has_addresses:
        return f"{said}. The catalogue's metadata has no addresses"
    return said


def _near(rule: Rule, names: Counter[str], *, loosely: bool = False) -> list[str]:
    """Returns the artists in the catalogue who may be the rule's, the nearest first.

    These are fuller and shorter names ("Oscar-Claude Monet"), attributions ("workshop of Claude Monet") and misspellings;
    `loosely` also names with one long word in common.
    """
    words = set(rule.value.split())
    found: dict[str, float] = {}
    for name in names:
        for key in {*artist_keys(name), name_key(artist_name(without_dates(name)))}:
            others = set(key.split())
            alike = difflib.SequenceMatcher(None, rule.value, key).ratio()
            whole = bool(others) and (words <= others or (len(others) > 1 and others <= words))
            shared = loosely and any(len(word) > 2 for word in words & others)
            if alike >= _NEAR or whole or shared:
                found[name] = max(found.get(name, 0.0), alike + whole)
    return sorted(found, key=lambda name: (-found[name], name))


def _listed(names: list[str], between: str = ", ") -> str:
    more = len(names) - _MOST_NEAR
    return between.join(names[:_MOST_NEAR]) + (f" and {more} more" if more > 0 else "")
