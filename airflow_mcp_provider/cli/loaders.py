"""Find DAG files that load job specs, but that Airflow ignores without an error.

With ``[core] dag_discovery_safe_mode = True``, which is the default, Airflow parses a Python file as a DAG file only
when it contains the strings "airflow" and "dag" (or "asset").
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.utils.file import might_contain_dag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOADER = re.compile(rb"airflow_mcp_provider(\.|\s+import\s+)factory")
FIX = 'call load_dags in it, or add the word "dag"; Airflow does not parse a Python file without that word'


def loading(files: Iterable[Path]) -> list[Path]:
    """Return those of ``files`` that load jobs."""
    return [file for file in files if _loads_jobs(file)]


def ignored(files: Iterable[Path]) -> list[Path]:
    """Return those of ``files`` that load jobs, but that Airflow ignores."""
    safe_mode = conf.getboolean("core", "dag_discovery_safe_mode")
    return [file for file in loading(files) if not might_contain_dag(str(file), safe_mode)]


def below(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the Python files in the folders and below them."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def beside(folder: Path) -> list[Path]:
    """Return the Python files next to a folder of job specs, one of which is expected to load it."""
    return sorted(folder.absolute().parent.glob("*.py"))


def _loads_jobs(file: Path) -> bool:
    try:
        return file.is_file() and LOADER.search(file.read_bytes()) is not None
    except OSError:
        return False
