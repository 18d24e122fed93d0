"""Find a job's spec on this machine by its path or its id, and the folder of its modules.

Runs in a shell, without Airflow: the DAG folder is that beside the folder of specs, else the one of Airflow's settings.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import FolderDefaults, JobSpec, defaults_of, load_job, printable, spec_files
from airflow_mcp_provider.spec.folder import ENDINGS

PLACES = ("jobs", "dags", ".")
"""Below the current directory, where a job id is looked for first; of the last one the files alone."""


@dataclass(frozen=True)
class Found:
    """A job, the folder of specs that it is in, and the folder of its modules."""

    spec: JobSpec
    root: Path
    modules: Path
    defaults: FolderDefaults | None = None

    def other(self, job: str) -> JobSpec:
        """Return the spec of another job in the folder of specs; raises SpecError when there is none."""
        path = next((path for path in spec_files(self.root) if path.stem == job), None)
        if path is None:
            raise SpecError(f"no job {printable(job)} in {printable(self.root)}; expected {printable(job)}.yaml")
        return load_job(path, self.defaults)


def job(name: str) -> Found:
    """Return the job with this id, or at this path (a spec, or a DAG file with one ``@job``); raises SpecError."""
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return _of_module(path)
    if not path.is_file():
        path = _by_id(name)
    defaults = defaults_of(path)
    return Found(load_job(path, defaults), defaults.root, _modules(defaults.root, path), defaults)


def _by_id(name: str) -> Path:
    if (found := next(_candidates(name, _folders()), None)) is None:
        looked = ", ".join(str(folder) for folder in _folders())
        raise SpecError(f"no job {printable(name)} in {looked}; expected a job id, or the path of a spec")
    return found


def near(name: str) -> Path | None:
    """Return the spec of the job with this id in the current directory or one of PLACES; None when there is none."""
    return next(_candidates(name, _near()), None)


def _candidates(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        inside = folder.glob("*") if folder == Path() else spec_files(folder)
        yield from (path for path in inside if path.stem == name and path.suffix in ENDINGS)


def _folders() -> list[Path]:
    """Return where job ids are looked for: here, then in Airflow's DAG folder."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    folder = Path(os.environ.get("AIRFLOW__CORE__DAGS_FOLDER") or home / "dags")
    return [*_near(), *([folder] if folder.is_dir() else [])]


def _near() -> list[Path]:
    return [place for place in map(Path, PLACES) if place.is_dir()]


def _modules(root: Path, path: Path) -> Path:
    """Return the folder beside that of the specs; that of the spec where it is not below them."""
    outer, own = (Path(os.path.abspath(each)) for each in (root, path))  # noqa: PTH100 - keeps links
    return outer.parent if own.is_relative_to(outer) else own.parent


def _of_module(path: Path) -> Found:
    """Import a DAG file, which imports Airflow, and return its job."""
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - keeps links
    sys.path.append(str(folder))
    module = importlib.import_module(path.stem)
    if (other := module.__file__) is None or not path.samefile(other):
        expected = f"another name of the file: a Python module {path.stem} exists"
        raise SpecError(f"{printable(path)}: the import has another module, {printable(other)}; expected {expected}")
    specs = [spec for one in vars(module).values() if isinstance(spec := getattr(one, "spec", one), JobSpec)]
    if len(specs) != 1:
        names = ", ".join(spec.id for spec in specs) or "none"
        raise SpecError(f"{printable(path)}: jobs found: {names}; expected one job, made by @job")
    return Found(specs[0], folder, folder)
