"""A spec that cannot be loaded, in the place of its DAG: how its error reaches Airflow's list of import errors.

A DAG file's exception would take all its DAGs down, and an error filed under the DAG file's own path marks them all
stale. So each broken spec is a DAG that refuses to be serialised, and claims the spec's path as its own. Touched of
Airflow: ``dag_processing`` sets ``fileloc`` and ``relative_fileloc`` after the import, and names the error after the
latter. Named in tests/unit/test_airflow_contract.py.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import DAG

from airflow_mcp_provider.errors import SpecError


class BrokenJob(DAG):
    """Stands for the spec at ``path``; tells ``error`` when Airflow wants to keep it."""

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(f"broken.{_name(path)}", schedule=None)
        self._path = path
        self._error = error

    @property  # type: ignore[override]  # an attribute of DAG
    def task_group(self) -> NoReturn:
        """Raise: serialisation asks for it, bagging does not."""
        raise SpecError(str(self._error)) from None

    @task_group.setter
    def task_group(self, value: Any) -> None:  # noqa: ANN401
        """Take what DAG's own constructor sets."""

    @property
    def relative_fileloc(self) -> str:
        """The spec's path, relative to the bundle as the DAG file's is."""
        bundle = Path(self.fileloc.removesuffix(self._dag_file))
        return str(self._path.relative_to(bundle) if self._path.is_relative_to(bundle) else self._path)

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        """Take the DAG file's."""
        self._dag_file = value or ""


def _name(path: Path) -> str:
    """Return what Airflow takes as a part of a dag_id, another one for each file of a folder."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem)[:100]
    if plain == path.stem and path.suffix == ".yaml":
        return plain
    return f"{plain}.{hashlib.sha256(path.name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
