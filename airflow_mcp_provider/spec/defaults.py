"""``_defaults.yaml``: values for all specs of its folder and of the folders below it, and where each value is from.

Runs where specs are loaded. A value in a spec overrides those of the defaults, and a file in an inner folder those of
the outer ones; ``merge`` has the rules. The file of each folder is read once per ``FolderDefaults``, that is, once per
parse of a folder. A file with errors concerns only the specs that get its values.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import dotted, printable
from airflow_mcp_provider.spec.merge import merged, owners
from airflow_mcp_provider.spec.problems import combined
from airflow_mcp_provider.spec.spec_file import read_text, unreadable
from airflow_mcp_provider.spec.yaml_document import Document

FILE = "_defaults.yaml"
MOST_VALUES = 2000
"""Of one file: each spec below its folder is validated with them, in the time that Airflow has for one DAG file."""


@dataclass(frozen=True)
class Origin:
    """Where a value is from: the name of its file and the line in it, None where the line is not known."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Layer:
    """One file of values: its name in messages, and its content."""

    source: str
    document: Document


@dataclass(frozen=True)
class Sources:
    """The files that the values of one spec are from: the outermost defaults first, the spec itself last."""

    layers: tuple[Layer, ...]

    @property
    def values(self) -> dict[str, Any]:
        """The merged values."""
        return merged(layer.document.values for layer in self.layers)

    @property
    def problems(self) -> Iterator[Problem]:
        """The problems of each file itself, with file and line."""
        for layer in self.layers:
            for problem in layer.document.problems:
                yield replace(problem, file=layer.source)
            if "id" in layer.document.values:
                line = layer.document.lines().get("id")
                expected = "no id: the file name is the job id"
                yield Problem('unsupported key "id"', "id", layer.source, line, expected=expected)

    def origin(self, path: str) -> Origin | None:
        """Return where the value at the dotted ``path`` is from; None for a default of this package."""
        owner = self._owners.get(path)
        return None if owner is None else self._place(owner, path)

    def located(self, problem: Problem) -> Problem:
        """Return ``problem`` with file and line of its path, or of the nearest parent that is in a file."""
        if problem.file is not None:
            return problem
        path = place = self._as_written(problem.path)
        while place and place not in self._owners and place != "id":
            place = place.rpartition(".")[0]
        found = self._place(self._owners.get(place, len(self.layers) - 1), place)
        return replace(problem, path=path, file=found.file, line=problem.line or found.line)

    def _as_written(self, path: str) -> str:
        """Return ``path`` without the index of a single value that is accepted instead of a list."""
        place = ""
        for part in path.split("."):
            longer = f"{place}.{part}".lstrip(".")
            if part != "0" or longer in self._owners or place not in self._owners:
                place = longer
        return place

    def _place(self, owner: int, path: str) -> Origin:
        return Origin(self.layers[owner].source, self._lines[owner].get(path))

    @cached_property
    def _owners(self) -> dict[str, int]:
        found = owners([layer.document.values for layer in self.layers])
        return {dotted(path): owner for path, owner in found.items()}

    @cached_property
    def _lines(self) -> list[dict[str, int]]:
        return [layer.document.lines() for layer in self.layers]


class FolderDefaults:
    """The defaults in ``root`` and the folders below it, each file read once."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self._read: dict[Path, Layer | SpecError | None] = {}

    def layers(self, path: Path) -> tuple[Layer, ...]:
        """Return the defaults for the spec at ``path``, the outermost first: from the root to the spec's folder.

        Raises SpecError, with the problems of all of them, when one cannot be read.
        """
        found = [self._of(folder) for folder in self._folders(path)]
        if wrong := [problem for one in found if isinstance(one, SpecError) for problem in one.problems]:
            raise combined(wrong)
        return tuple(one for one in found if isinstance(one, Layer))

    def _folders(self, path: Path) -> Sequence[Path]:
        """Return the folders from the root to that of ``path``; that alone where it is not below the root."""
        inner, root = (Path(os.path.abspath(each)) for each in (path.parent, self.root))  # noqa: PTH100 - keeps links
        if not inner.is_relative_to(root):
            return [path.parent]
        below = inner.relative_to(root).parts
        return [self.root.joinpath(*below[:count]) for count in range(len(below) + 1)]

    def _of(self, folder: Path) -> Layer | SpecError | None:
        if folder not in self._read:
            self._read[folder] = _layer(folder / FILE)
        return self._read[folder]


def _layer(path: Path) -> Layer | SpecError | None:
    if not os.path.lexists(path):
        return None
    try:
        text = read_text(path)
        return _bounded(layer(text, printable(path))) if any(map(_has_values, text.splitlines())) else None
    except SpecError as error:
        return error


def _bounded(found: Layer) -> Layer:
    if found.document.count > MOST_VALUES:
        given, expected = str(found.document.count), f"at most {MOST_VALUES}"
        raise unreadable(found.source, "too many values in defaults:", given, expected, line=1)
    return found


def _has_values(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def layer(text: str, source: str) -> Layer:
    """Return the values in the YAML ``text``; raises SpecError, with ``source`` as the file, for broken YAML."""
    try:
        return Layer(source, Document(text))
    except SpecError as error:
        raise combined(replace(problem, file=source) for problem in error.problems) from None
