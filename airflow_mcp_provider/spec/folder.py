"""Find the job specs in a folder, and those with the same job id.

The loader of DAGs (``factory.folder``) and ``airflow mcp validate`` use the same rule: every ``*.yaml`` and ``*.yml``
below the folder, at any depth, whose path below it has no part that begins with a dot. The stem is the job id.
``_defaults.yaml`` is not a job: it has values for the others (``defaults``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.defaults import FILE as DEFAULTS
from airflow_mcp_provider.spec.defaults import FolderDefaults
from airflow_mcp_provider.spec.faults import printable

ENDINGS = (".yaml", ".yml")
_LOADER = re.compile(rb"airflow_mcp_provider(\.|\s+import\s+)factory")
"""In a DAG file that loads a folder of job specs."""


def spec_files(folder: Path) -> list[Path]:
    """Return the paths of the job specs in a folder and below it, sorted.

    Symbolic links are followed, as Airflow does with DAG files. A folder or device with the name of a spec is returned
    too: loading it reports the error. So is, after the specs, a folder that cannot be listed.
    """
    failed: list[Path] = []
    specs = [path for path in _walk(folder, failed) if path.suffix in ENDINGS and not _is_left_out(path.name)]
    return [*sorted(specs), *sorted(set(failed).difference(specs))]


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name == DEFAULTS


def defaults_of(path: Path) -> FolderDefaults:
    """Return the defaults for the spec, or the folder of specs, at ``path``, which no DAG file loads now.

    They begin in the nearest folder, from that of ``path`` upwards, that a DAG file beside it loads (``dags/jobs`` with
    ``load_dags(… / "jobs")`` in ``dags/jobs.py``), else in the folder of ``path``.
    """
    own = path if path.is_dir() else path.parent
    inner = Path(os.path.abspath(own))  # noqa: PTH100 - keeps links
    given = () if ".." in own.parts else (own, *own.parents)  # so that messages have paths as they were given
    for place, folder in enumerate((inner, *inner.parents)):
        if is_loaded(folder):
            return FolderDefaults(given[place] if place < len(given) else folder)
    return FolderDefaults(own)


def is_loaded(folder: Path) -> bool:
    """Whether a DAG file beside the folder loads job specs and has the name of the folder in a string."""
    if folder.parent == folder:
        return False
    name = re.compile(rb"[\"'/]" + re.escape(os.fsencode(folder.name)) + rb"/?[\"']")
    return any(loads_jobs(file) and name.search(file.read_bytes()) for file in sorted(folder.parent.glob("*.py")))


def loads_jobs(file: Path) -> bool:
    """Whether a DAG file loads a folder of job specs."""
    try:
        return file.is_file() and _LOADER.search(file.read_bytes()) is not None
    except OSError:
        return False


def duplicate_ids(paths: Iterable[Path]) -> dict[Path, SpecError]:
    """Return a SpecError for each path whose job id an earlier path has."""
    first: dict[str, Path] = {}
    found = {}
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - raises no error; loading a folder reports its own
            continue
        if (other := first.setdefault(path.stem, path)) != path:
            name = other.name if other.parent == path.parent else other
            problem = Problem(
                f"duplicate job id {printable(path.stem)}, also that of",
                file=printable(path),
                given=printable(name),
                expected="one file per job id",
            )
            found[path] = SpecError(str(problem), problems=(problem,))
    return found


def _walk(folder: Path, failed: list[Path]) -> Iterator[Path]:
    """Yield what is below the folder; append to ``failed`` the folders that cannot be listed."""

    def keep(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # removed meanwhile
            failed.append(Path(error.filename))

    seen = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, followlinks=True, onerror=keep):
        for name in [*folders, *files]:
            yield Path(root, name)
        inside = [(name, os.path.realpath(Path(root, name))) for name in folders if not name.startswith(".")]
        folders[:] = [name for name, real in inside if real not in seen]  # a link may point to a parent folder
        seen.update(real for _, real in inside)
