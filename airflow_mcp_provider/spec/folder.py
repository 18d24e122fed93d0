"""Which files of a folder are job specs, and which of them have the same job id.

One rule for the loader of DAGs (``factory.folder``) and for ``airflow mcp validate``: every ``*.yaml`` and ``*.yml``
below the folder, at any depth, whose path below it has no part that begins with a dot. The stem is the job id.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import printable

ENDINGS = (".yaml", ".yml")


def spec_files(folder: Path) -> list[Path]:
    """Return the job specs of a folder, by name.

    Links are followed, as Airflow does with DAG files. What has the name of a spec and is no file is returned, too:
    reading it tells what is wrong.
    """
    return sorted(path for path in _walk(folder) if path.suffix in ENDINGS and not path.name.startswith("."))


def named_twice(paths: Iterable[Path]) -> dict[Path, SpecError]:
    """Return the errors of those of a folder's job specs whose job id an earlier one has."""
    first: dict[str, Path] = {}
    found = {}
    for path in paths:
        if (twin := first.setdefault(path.stem, path)) != path:
            name = twin.name if twin.parent == path.parent else twin
            found[path] = SpecError(
                f"{printable(path)}: has the job id of {printable(name)}; given {printable(path.stem)}; "
                "allowed one file for each job id"
            )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    seen = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, followlinks=True):
        for name in [*folders, *files]:
            yield Path(root, name)
        inside = [(name, os.path.realpath(Path(root, name))) for name in folders if not name.startswith(".")]
        folders[:] = [name for name, real in inside if real not in seen]  # a link may lead back up
        seen.update(real for _, real in inside)
