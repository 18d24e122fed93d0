"""DAG files that load job specs, and that Airflow passes over without a word.

Where ``[core] dag_discovery_safe_mode`` is on, which is the default, Airflow reads a Python file as a DAG file only
when the words "airflow" and "dag" (or "asset") are in its text.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.utils.file import might_contain_dag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OURS = b"airflow_mcp_provider.factory"
CURE = 'call load_dags in it, or write the word "dag" into it: Airflow reads a file without that word as no DAG file'


def passed_over(files: Iterable[Path]) -> list[Path]:
    """Return those of ``files`` that load jobs and that Airflow passes over."""
    safe_mode = conf.getboolean("core", "dag_discovery_safe_mode")
    return [file for file in files if _loads_jobs(file) and not might_contain_dag(str(file), safe_mode)]


def below(folders: Iterable[Path]) -> Iterator[Path]:
    """Give the Python files of folders."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def beside(folder: Path) -> list[Path]:
    """Return the Python files that stand beside a folder of job specs: one of them is to load it."""
    return sorted(folder.absolute().parent.glob("*.py"))


def _loads_jobs(file: Path) -> bool:
    try:
        return file.is_file() and OURS in file.read_bytes()
    except OSError:
        return False
