"""The functions that the job names: ``plan`` lists the groups, ``summary`` the files. The work itself is a command."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_mcp_provider.runtime import Outcome

from .files import is_there, write

PROGRAM = Path(__file__).with_name("line.py")


def plan(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Find a group in each CSV file of the folder."""
    found = sorted(path for path in Path(params["data"]).iterdir() if path.suffix == ".csv" and path.is_file())
    return [{"group": path.stem, "data": str(path), "program": str(PROGRAM)} for path in found]


def summary(outcomes: Iterable[Outcome], params: Mapping[str, Any]) -> dict[str, Any]:
    """List all files in ``index.csv``, and tell where that is: a report may have more files than a result has room."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["group", "slope", "low", "high", "path", "bytes", "sha256"])
    counts = {"groups": 0, "files": 0, "bytes": 0}
    gone: list[str] = []
    for outcome in outcomes:
        if outcome.status != "success":
            continue
        result: Any = outcome.result
        gone += [file["path"] for file in result["files"] if not is_there(file)]
        rows.writerows(_rows(outcome.key, result))
        counts["groups"] += 1
        counts["files"] += len(result["files"])
        counts["bytes"] += sum(file["bytes"] for file in result["files"])
    folder = Path(params["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    return {**counts, "gone": gone[:100], "index": write(folder / "index.csv", table.getvalue())}


def _rows(group: str, result: Mapping[str, Any]) -> Iterator[list[Any]]:
    for file in result["files"]:
        line = [result[name] for name in ("slope", "low", "high")]
        yield [group, *line, file["path"], file["bytes"], file["sha256"]]
