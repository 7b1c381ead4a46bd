"""Compares the ways in which equation 20's first term TFIDF(v) can be computed: does the concrete text win?

For each of the 50 abstract prompts, `scoring_sentences.tsv` has a text that names places and concrete things, a long
abstract one and a short abstract one; the three texts of wu2022's figures 6 to 8 are among them. Columns of the table:

    alone       share of rows in which TFIDF of the concrete text is above that of the long one, the short one, and both
    padded      ... above that of the concrete text with the long abstract one appended
    w(v)        the same shares as `alone` for the whole score, with the lambdas of the settings
    subject     share of pairs of a prompt and another prompt's concrete text in which w(v) of its own text is higher
    longer      correlation of TFIDF with the number of words, over all texts

`--candidates` adds what the first terms choose among the candidates that the expander really finds; `--written` also lets
the language models write, which takes some seconds for each prompt and way.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import ImpastoError
from impasto.prompts.entities import find_entities
from impasto.prompts.expansion.expander import expand
from impasto.prompts.expansion.pipeline import Search
from impasto.prompts.expansion.sentence_vectors import sentence_vectors
from impasto.prompts.expansion.settings import ExpansionSettings
from impasto.prompts.expansion.term_table import MIN_DF, TFIDF, TermTable, shipped_table, words_of

HERE = Path(__file__).parent
PAPERS = "urbanization of China"


def read_rows(path: Path) -> list[list[str]]:
    """Rows of prompt, concrete text, long abstract text, short abstract text."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]


def first_terms(table: TermTable) -> dict[str, Callable[[str], float]]:
    """All ways by name; "before" is what the code did until the ways had names: a sum with unknown words at half weight."""
    ways: dict[str, Callable[[str], float]] = {"before": table.information}
    for name in TFIDF:
        ways[name] = lambda text, name=name: table.richness(text, name)
    ways["pivoted, every word"] = lambda text: table.richness(text, "pivoted", 0.0)
    ways["mean, every word"] = lambda text: table.richness(text, "mean", 0.0)
    return ways


def compare(rows: Sequence[Sequence[str]], settings: ExpansionSettings) -> list[dict[str, Any]]:
    """One row of the table for each way."""
    texts = [text for row in rows for text in row]
    vectors = sentence_vectors(texts).reshape(len(rows), 4, -1)
    cosines = np.einsum("ij,ikj->ik", vectors[:, 0], vectors[:, 1:])
    found = find_entities([text for row in rows for text in row[1:]])
    entities = np.array([min(settings.most_entities, len(one)) for one in found]).reshape(len(rows), 3)
    words = np.array([len(words_of(text)) for row in rows for text in row[1:]])
    across = vectors[:, 0] @ vectors[:, 1].T
    other = np.array([[one[0] != two[0] for two in rows] for one in rows])
    results = []
    for name, term in first_terms(shipped_table()).items():
        values = np.array([[term(text) for text in row[1:]] for row in rows])
        padded = np.array([term(f"{row[1]}, {row[2]}") for row in rows])
        scores = values + settings.lambda1 * cosines + settings.lambda2 * entities
        whole = values[None, :, 0] + settings.lambda1 * across + settings.lambda2 * entities[None, :, 0]
        own = np.diag(whole)[:, None] > whole
        results.append(
            {
                "first term": name, "alone": _wins(values), "padded": float((values[:, 0] > padded).mean()),
                "w(v)": _wins(scores), "subject": float(own[other].mean()),
                "longer": float(np.corrcoef(words, values.ravel())[0, 1]),
                "papers": [_wins(scores[place : place + 1])[2] > 0 for place, row in enumerate(rows) if row[0] == PAPERS],
            }
        )  # fmt: skip
    return results


def _wins(values: np.ndarray) -> list[float]:
    long, short = values[:, 0] > values[:, 1], values[:, 0] > values[:, 2]
    return [float(long.mean()), float(short.mean()), float((long & short).mean())]


def choices(prompts: Sequence[str], settings: ExpansionSettings, written: bool) -> list[dict[str, Any]]:
    """What each way ranks first among the texts that the expander finds; `written`: with those of language models."""
    results = []
    for name in TFIDF:
        changed = settings.with_changes(tfidf=name)
        if not written:
            changed = changed.with_changes(continuation="off", dialogue="off")
        best = [found[0] for prompt in prompts if (found := expand(prompt, count=1, settings=changed, search=Search()))]
        results.append(
            {
                "first term": name, "prompts": len(best),
                "words": float(np.mean([len(words_of(one.added)) for one in best])),
                "cosine": float(np.mean([one.components["cosine"] / (settings.lambda1 or 1.0) for one in best])),
                "of the handbook": float(np.mean([one.source.startswith("handbook") for one in best])),
                "names a place or time": float(np.mean([bool(one.spans) for one in best])),
            }
        )  # fmt: skip
    return results


def say(results: Sequence[dict[str, Any]]) -> None:
    """Prints results as a Markdown table."""
    names = list(results[0])
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for row in results:
        print(f"| {' | '.join(_cell(name, row[name]) for name in names)} |")


def _cell(name: str, value: Any) -> str:
    if name == "papers":
        return f"{sum(value)} of {len(value)}"
    if isinstance(value, list):
        return ", ".join(f"{share:.0%}" for share in value)
    return f"{value:.0%}" if name in ("padded", "subject", "of the handbook", "names a place or time") else _plain(value)


def _plain(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Prints the tables; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sentences", type=Path, default=HERE / "scoring_sentences.tsv")
    parser.add_argument("--settings", type=Path, help="a .toml or .json file of `impasto expand --write-config`")
    parser.add_argument("--candidates", action="store_true", help="also what is chosen among real candidates")
    parser.add_argument("--written", action="store_true", help="with --candidates: also what language models write")
    parser.add_argument("--prompts", type=int, help="with --candidates: every second prompt, so many")
    parser.add_argument("--out", type=Path, default=HERE.parent / "scratch" / "scoring.json")
    chosen = parser.parse_args()
    try:
        settings = ExpansionSettings.read(chosen.settings) if chosen.settings else ExpansionSettings()
        rows = read_rows(chosen.sentences)
        results: dict[str, Any] = {"compared": compare(rows, settings)}
        lengths = [np.mean([len(words_of(row[place])) for row in rows]) for place in (1, 2, 3)]
        told = ", ".join(f"{name} {length:.0f}" for name, length in zip(("concrete", "long", "short"), lengths, strict=True))
        print(f"{len(rows)} rows; words: {told}; lambda1 {settings.lambda1}, lambda2 {settings.lambda2}, min_df {MIN_DF}\n")
        say(results["compared"])
        if chosen.candidates:
            prompts = list(dict.fromkeys(row[0] for row in rows))
            prompts = prompts if chosen.prompts is None else prompts[::2][: chosen.prompts]
            results["candidates"] = choices(prompts, settings, chosen.written)
            print()
            say(results["candidates"])
    except (ImpastoError, OSError) as error:
        sys.exit(str(error))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
