"""The templates with steps on a real Airflow: a runner that is killed in a step costs that step an attempt, and no more."""

import gzip
import random
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.held import HeldKiller

FILES = 8
SECTIONS = "write_sections"


def test_every_section_is_there_although_ten_runners_are_killed(airflow: Embedded) -> None:
    sections = [{"title": f"S{number}", "query": "queue put get"} for number in range(12)]
    airflow.api.wait_for_dag(SECTIONS)
    run_id = airflow.api.trigger(SECTIONS, {"project": "P", "busy": 0, "sections": sections})
    killer = HeldKiller(airflow, SECTIONS, run_id, most=2, within=0.1, task="search")
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    result = airflow.api.xcom(SECTIONS, run_id, "report")
    assert (result["state"], result["result"]["sections"]) == ("complete", [one["title"] for one in sections])
    ends = [row for row in airflow.api.task_instances(SECTIONS, run_id) if row["task_id"] in {"write", "review"}]
    assert {row["try_number"] for row in ends} == {1}


def test_every_file_is_published_although_ten_runners_are_killed(airflow: Embedded, tmp_path: Path) -> None:
    files = fill(tmp_path / "in", size=4_000_000)
    airflow.api.wait_for_dag("pipeline")
    run_id = airflow.api.trigger("pipeline", {"path": str(tmp_path / "in"), "target": str(tmp_path / "out")})
    killer = HeldKiller(airflow, "pipeline", run_id, most=2, within=0.1, task="pack")
    assert killer.until_the_end()["state"] == "success"
    assert killer.killed.total() == 10
    assert airflow.api.xcom("pipeline", run_id, "report")["result"] == {"published": FILES, "refused": 0}
    check(files, tmp_path / "out")


def fill(folder: Path, size: int, count: int = FILES) -> dict[str, bytes]:
    """Write files that take a while to pack."""
    some = random.Random(3)
    folder.mkdir()
    files = {f"file {number}.bin": some.randbytes(size) for number in range(count)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return files


def check(files: dict[str, bytes], folder: Path) -> None:
    """Unpack what was published."""
    packed = {path.name: gzip.decompress(path.read_bytes()) for path in folder.glob("[!.]*")}
    assert packed.keys() == {f"{name}.gz" for name in files}
    for name, content in files.items():
        assert packed[f"{name}.gz"] == content, name
