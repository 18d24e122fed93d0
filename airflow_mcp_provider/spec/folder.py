"""Which files of a folder are job specs, and which of them have one job id.

Runs where ``load_jobs`` reads a folder, and where ``airflow mcp validate`` does.
"""

from collections.abc import Iterable
from pathlib import Path

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.faults import printable

ENDINGS = (".yaml", ".yml")


def is_spec(path: Path) -> bool:
    """Tell by the name alone; whether it can be read is told with its other faults."""
    return path.suffix in ENDINGS and not path.name.startswith(".")


def named_twice(paths: Iterable[Path]) -> dict[Path, SpecError]:
    """Return the errors of those files whose job id a file of the same folder had before."""
    first: dict[Path, Path] = {}
    found = {}
    for path in paths:
        if (twin := first.setdefault(path.with_suffix(""), path)) != path:
            found[path] = SpecError(
                f"{printable(path)}: has the job id of {printable(twin.name)}; given {printable(path.stem)}; "
                "allowed one file for each job id"
            )
    return found
