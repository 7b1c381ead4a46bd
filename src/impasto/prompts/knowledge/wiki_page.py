"""An article as the readers of dumps yield it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """An article, or a redirect to one. `text` is MediaWiki markup in a dump, and plain text in other files (`plain`).

    `hidden`: names of the namespaces whose links show no words (files and categories), from the dump, in small letters.
    """

    title: str
    text: str
    redirect: str = ""
    plain: bool = False
    hidden: frozenset[str] = frozenset()
