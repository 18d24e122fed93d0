"""A spec that cannot be loaded, in the place of its DAG: how its error reaches Airflow's list of import errors.

A DAG file's exception would take all its DAGs down, and an error filed under the DAG file's own path marks them all
stale. So each broken spec is a DAG that refuses to be serialised, and claims the spec's path as its own. Touched of
Airflow: ``dag_processing`` sets ``fileloc`` and ``relative_fileloc`` after the import, and names the error after the
latter. Named in tests/unit/test_airflow_contract.py.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Container
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import DAG

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import printable


class BrokenJob(DAG):
    """Stands for the spec at ``path``; tells ``error`` when Airflow wants to keep it."""

    def __init__(self, name: str, path: Path, error: SpecError) -> None:
        super().__init__(name, schedule=None)
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
        own = self._path.relative_to(bundle) if self._path.is_relative_to(bundle) else self._path
        return printable(own)  # as no database and no line between processes takes every name

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        """Take the DAG file's."""
        self._dag_file = value or ""


def broken_id(path: Path, taken: Container[str]) -> str:
    """Return what Airflow takes as a dag_id, none of ``taken``: the stem where it can, else with a hash."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem)[:100]
    told = f"broken.{plain}"
    if plain == path.stem and path.suffix == ".yaml" and told not in taken:
        return told
    whole = hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return next(name for chars in range(8, 65) if (name := f"{told}.{whole[:chars]}") not in taken)
