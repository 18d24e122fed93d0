"""A placeholder DAG for a spec that cannot be loaded, so that its error becomes an import error of Airflow.

An exception in the DAG file would remove all its DAGs, and an import error with the path of the DAG file marks them
all as stale. So each invalid spec becomes a DAG that fails to be serialized, and that has the path of the spec. This
depends on Airflow: ``dag_processing`` sets ``fileloc`` and ``relative_fileloc`` after the import, and uses the latter
as the file name of the import error. tests/unit/test_airflow_contract.py checks it.
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
    """The DAG of the invalid spec at ``path``; raises ``error`` when Airflow serializes it."""

    def __init__(self, name: str, path: Path, error: SpecError) -> None:
        super().__init__(name, schedule=None)
        self._path = path
        self._error = error

    @property  # type: ignore[override]  # an attribute of DAG
    def task_group(self) -> NoReturn:
        """Raise the error: serialization reads this attribute, the DagBag does not."""
        raise SpecError(str(self._error)) from None

    @task_group.setter
    def task_group(self, value: Any) -> None:  # noqa: ANN401
        """Ignore the value that the constructor of DAG sets."""

    @property
    def relative_fileloc(self) -> str:
        """The path of the spec, relative to the DAG bundle, as Airflow has it for a DAG file."""
        bundle = Path(self.fileloc.removesuffix(self._dag_file))
        own = self._path.relative_to(bundle) if self._path.is_relative_to(bundle) else self._path
        return printable(own)  # the database and the processor's messages accept printable text

    @relative_fileloc.setter
    def relative_fileloc(self, value: str | None) -> None:
        """Store the path of the DAG file."""
        self._dag_file = value or ""


def broken_id(path: Path, taken: Container[str]) -> str:
    """Return a valid dag_id that is not in ``taken``: the stem of the file name, if necessary with a hash."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem)[:100]
    name = f"broken.{plain}"
    if plain == path.stem and path.suffix == ".yaml" and name not in taken:
        return name
    whole = hashlib.sha256(os.fsencode(path)).hexdigest()
    return next(longer for chars in range(8, 65) if (longer := f"{name}.{whole[:chars]}") not in taken)
