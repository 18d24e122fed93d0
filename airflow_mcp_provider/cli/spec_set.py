"""The job specs that the arguments of a command name, with the folder that a DAG file loads them from.

Runs in the shell and in CI, without a running Airflow. A DAG file is found by its text, and not executed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from airflow_mcp_provider.cli import loaders
from airflow_mcp_provider.spec import FolderDefaults, JobSpec, load_job, spec_files
from airflow_mcp_provider.spec.defaults import FILE as DEFAULTS
from airflow_mcp_provider.spec.folder import is_loaded


@dataclass(frozen=True)
class SpecSet:
    """Job specs of one folder.

    ``root`` is the folder that a DAG file loads, else the given one. ``paths`` are the specs to check, which are all or
    some of those below it. ``code`` is the folder in which Airflow looks for the modules of its jobs.
    """

    root: Path
    paths: tuple[Path, ...]
    code: Path

    @cached_property
    def defaults(self) -> FolderDefaults:
        """The values of ``_defaults.yaml``."""
        return FolderDefaults(self.root)

    @cached_property
    def files(self) -> dict[str, Path]:
        """The path of each job's spec by job id; of two with the same id the first one."""
        found: dict[str, Path] = {}
        for path in [*self.paths, *spec_files(self.root)]:
            found.setdefault(path.stem, path)
        return found

    def job(self, name: str) -> JobSpec | None:
        """Return the spec of a job of the folder; None for an unknown one, or one with errors."""
        if name in self.files:
            with suppress(Exception):  # reported where this file is checked
                return load_job(self.files[name], self.defaults)
        return None

    def mentions(self, name: str) -> bool:
        """Whether a Python file below ``code`` has the job id as a string: it may build the DAG of that job."""
        quoted = re.compile(rb"""["']""" + re.escape(name.encode()) + rb"""["']""")
        return any(map(quoted.search, self._sources))

    @cached_property
    def _sources(self) -> list[bytes]:
        found = []
        with suppress(OSError):  # a folder that is removed meanwhile
            for file in loaders.below([self.code]):
                with suppress(OSError):
                    found.append(file.read_bytes())
        return found


def spec_sets(paths: Iterable[Path], code: Path | None = None) -> list[SpecSet]:
    """Return the specs of files and folders, each once; ``code`` overrides the folder of the modules."""
    folders: dict[tuple[Path, Path], list[Path]] = {}
    seen: set[Path] = set()
    for path in (path.parent if path.name == DEFAULTS else path for path in paths):
        given = path if path.is_dir() else path.parent
        inside = [one for one in (spec_files(path) if path.is_dir() else [path]) if one not in seen]
        folders.setdefault((given, loaded_root(given) or given), []).extend(inside)
        seen.update(inside)
    return [
        SpecSet(root, tuple(inside), _absolute(code) if code else code_folder(given))
        for (given, root), inside in folders.items()
    ]


def loaded_root(folder: Path) -> Path | None:
    """Return the nearest folder, from ``folder`` upwards, that a DAG file beside it loads."""
    inner = _absolute(folder)
    for one in (inner, *inner.parents):
        if is_loaded(one):
            return folder if one == inner else one
    return None


def code_folder(folder: Path) -> Path:
    """Return the folder that Airflow adds to ``sys.path`` for the jobs of ``folder``.

    That of the configured DAG bundle which has it, else that of the DAG file which loads it, else its parent.
    """
    inner = _absolute(folder)
    for bundle in bundle_folders():
        if inner.is_relative_to(bundle):
            return bundle
    return _absolute(loaded_root(folder) or folder).parent


def bundle_folders() -> list[Path]:
    """Return the folders of the DAG bundles of this Airflow; empty for an invalid configuration."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415 - not needed by each command

    with suppress(Exception):  # or a bundle whose provider is not installed
        manager = DagBundlesManager()  # type: ignore[no-untyped-call]
        return [_absolute(bundle.path) for bundle in manager.get_all_dag_bundles()]
    return []


def _absolute(path: Path) -> Path:
    """Return the absolute path; links are kept, as Airflow keeps them."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() replaces links
