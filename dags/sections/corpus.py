"""Passages of real documents: docstrings of Python files, paragraphs of texts.

A search reads every document once and takes passages only of the few that speak most of what is asked for, so it costs
some tenths of a second for the whole standard library of Python, which is the corpus where none is given.
"""

import ast
import inspect
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".py", ".md", ".rst", ".txt")
CLOSER_LOOK = 12
"""So many documents are taken apart into passages."""


@dataclass(frozen=True)
class Passage:
    """A text, and where it stands: ``queue.Queue.put``, ``notes.md:3`` (its third paragraph)."""

    source: str
    text: str


def passages(corpus: str, words: Sequence[str], most: int) -> list[Passage]:
    """Return the passages that have most of ``words``, best first."""
    root = Path(corpus or sysconfig.get_path("stdlib"))
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no directory with documents")
    texts = {path: path.read_text(errors="replace") for path in sorted(root.iterdir()) if path.suffix in ENDINGS}
    best = sorted(texts, key=lambda path: _score(texts[path], words), reverse=True)[:CLOSER_LOOK]
    found = [passage for path in best for passage in _taken_apart(path, texts[path]) if _has_any(passage, words)]
    return sorted(found, key=lambda one: (-_score(one.text, words), one.source))[:most]


def _has_any(passage: Passage, words: Sequence[str]) -> bool:
    return _score(passage.text, words) > 0


def _score(text: str, words: Sequence[str]) -> float:
    """Many different words count more than one word many times."""
    lower = text.lower()
    counts = [lower.count(word) for word in words]
    return sum(1 + min(count, 9) / 10 for count in counts if count)


def _taken_apart(path: Path, text: str) -> Iterator[Passage]:
    if path.suffix == ".py":
        yield from _docstrings(path.stem, text)
        return
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    yield from (Passage(f"{path.name}:{number}", one) for number, one in enumerate(paragraphs, start=1))


def _docstrings(name: str, text: str) -> Iterator[Passage]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # of another Python, or no Python at all
        return
    yield from _below(tree, name)


def _below(node: ast.Module | ast.ClassDef, name: str) -> Iterator[Passage]:
    if text := ast.get_docstring(node):
        yield Passage(name, text)
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            yield from _below(inner, f"{name}.{inner.name}")
        elif isinstance(inner, ast.FunctionDef) and (text := ast.get_docstring(inner)):
            yield Passage(f"{name}.{inner.name}", inspect.cleandoc(text))
