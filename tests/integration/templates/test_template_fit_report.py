"""``fit_report`` of real data: runners are killed, one group wants too much memory and one too much time."""

import csv
import hashlib
import itertools
import os
import statistics
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.conftest import QUICK
from tests.integration.templates.held import HeldKiller

GROUPS = 10
Rows = list[tuple[int, int]]


def test_the_figures_are_right_although_ten_runners_are_killed_and_two_groups_break_their_limits(
    airflow: Embedded, tmp_path: Path
) -> None:
    data, folder = tmp_path / "data", tmp_path / "report"
    wanted = measured()
    for name, rows in {**wanted, "hoard": steps(1_500_000), "slow": steps(60_000)}.items():
        write(data / f"{name}.csv", rows)
    airflow.api.wait_for_dag(QUICK)
    run_id = airflow.api.trigger(QUICK, {"data": str(data), "folder": str(folder), "draws": 5000, "memory": 128})
    killer = HeldKiller(airflow, QUICK, run_id, within=0.8)
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    result = airflow.api.xcom(QUICK, run_id, "report")
    assert (result["state"], result["succeeded"]) == ("partial", GROUPS)
    failures = {one["key"]: (one["type"], one["message"].rpartition("; ")[2]) for one in result["failures"]}
    assert failures == {
        "hoard": ("CommandFailed", "last line of output: this group needs more memory than a fit may have"),
        "slow": ("airflow_mcp_provider.errors.HardTimeout", "the work and all its processes were killed"),
    }

    report = result["result"]
    assert (report["groups"], report["files"], report["gone"]) == (GROUPS, 3 * GROUPS, [])
    with Path(report["index"]["path"]).open(newline="") as index:
        listed = [*csv.DictReader(index)]
    assert {row["path"] for row in listed} | {report["index"]["path"]} == set(map(str, folder.iterdir()))
    for row in listed:
        content = Path(row["path"]).read_bytes()
        assert (str(len(content)), hashlib.sha256(content).hexdigest()) == (row["bytes"], row["sha256"])
        slope = statistics.linear_regression(*zip(*wanted[row["group"]], strict=True)).slope
        assert float(row["slope"]) == pytest.approx(slope)
    assert one_at_a_time(airflow.api.task_instances(QUICK, run_id, task_id="run"))


def measured() -> dict[str, Rows]:
    """Bytes and lines of every module of the standard library's largest packages."""
    files = [path for path in Path(os.__file__).parent.glob("*/*.py") if "site-packages" not in path.parts]
    packages = itertools.groupby(sorted(files), key=lambda path: path.parent.name)
    rows = {name: [sizes(path) for path in each] for name, each in packages}
    return dict(sorted(rows.items(), key=lambda one: (-len(one[1]), one[0]))[1 : GROUPS + 1])


def sizes(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    return len(content), content.count(b"\n")


def steps(count: int) -> Rows:
    return [(n, n * 3 % 1000) for n in range(count)]


def write(path: Path, rows: Rows) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("bytes,lines\n" + "".join(f"{x},{y}\n" for x, y in rows))


def one_at_a_time(rows: list[dict[str, Any]]) -> bool:
    spans = sorted((row["start_date"], row["end_date"]) for row in rows)
    return all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
